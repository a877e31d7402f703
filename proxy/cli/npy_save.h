/* proxy/cli/npy_save.h - remote arrays into .npy files. */
#ifndef FH_PROXY_CLI_NPY_SAVE_H
#define FH_PROXY_CLI_NPY_SAVE_H

#include "proxy/cli/command.h"

/* Does the name mean a file of that kind? */
bool npy_is_path(const char *name);
/* Gather an array into a file, which is put in its place only when all of it is there, and say so.  Returns an exit
 * code; has printed its own errors. */
int npy_save(const command_t *self, fh_array *array, const char *path);

#endif
