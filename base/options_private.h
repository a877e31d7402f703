/* base/options_private.h - what reading and printing settings share.  For base/options*.c only. */
#ifndef FH_BASE_OPTIONS_PRIVATE_H
#define FH_BASE_OPTIONS_PRIVATE_H

#include "base/options.h"

#include <limits.h>

enum { OPTION_VARIABLE_MAX = 80 };

typedef union {
    bool truth;
    int64_t integer;
    double real;
    char text[OPTION_TEXT_MAX];
} option_value_t;

/* Bytes of a value in the settings struct. */
size_t options_kind_size(option_kind_t kind);
/* The environment variable of a row. */
void options_variable_name(const option_t *row, char ret[OPTION_VARIABLE_MAX]);
/* The section of the configuration file: the program's name without "farhand-". */
const char *options_section(const option_table_t *table);
/* The configuration file's path; *ret_required: the user named it, so it must be there.  False: there is none to look
 * for. */
bool options_config_path(char ret[PATH_MAX], bool *ret_required);

#endif
