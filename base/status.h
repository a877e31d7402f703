/* base/status.h - status codes: how every farhand function says what happened.
 * Made from base/status.def.  Thread rule: constants and pure functions, usable anywhere. */
#ifndef FH_BASE_STATUS_H
#define FH_BASE_STATUS_H

typedef enum {
#define STATUS(name, number, pyclass, builtin, text) FH_##name = (number),
#include "base/status.def"
#undef STATUS
} fh_status_t;

/* The name without its prefix ("NO_SUCH_OBJECT"); "UNKNOWN" for a number that is not in the table. */
const char *status_name(int status);
/* The one-line text of a status; never NULL. */
const char *status_text(int status);
/* The Python exception class and the built-in class it also derives from ("" for OK). */
const char *status_python_class(int status);
const char *status_python_builtin(int status);
/* Visit all rows in table order: returns the status of row i, or -1 past the end. */
int status_at(int i);

#endif
