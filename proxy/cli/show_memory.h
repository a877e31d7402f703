/* proxy/cli/show_memory.h - what memory is used for, as the commands print it. */
#ifndef FH_PROXY_CLI_SHOW_MEMORY_H
#define FH_PROXY_CLI_SHOW_MEMORY_H

#include "proxy/farhand.h"

#include <stdio.h>

/* One line of sums by kind.  Returns the status of fh_memory; nothing is printed then. */
int show_memory(fh_session *session, FILE *out, fh_error *error);
/* A JSON list of all rows, of which nothing is printed on failure. */
int show_memory_json(fh_session *session, FILE *out, fh_error *error);

#endif
