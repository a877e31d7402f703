/* proxy/names.h - names, for those who publish something else than arrays: as an array of another type. */
#ifndef FH_PROXY_NAMES_H
#define FH_PROXY_NAMES_H

#include "proxy/array.h"

/* PUBLISH as an object of that type; waits until it is kept.  The array's session has been entered. */
int names_publish(fh_array *array, const char *name, const char *type, err_t *err);
/* The array that was published under name as an object of that type; WRONG_TYPE if it is another. */
int names_get(fh_session *session, const char *name, const char *type, fh_array **ret, err_t *err);

/* Is the name one? */
int names_check(const char *name, err_t *err);
/* Send a PUBLISH, again while a broker that has just restarted knows not all engines. */
int names_send(fh_session *session, message_t *publish, err_t *err);

#endif
