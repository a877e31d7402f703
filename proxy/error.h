/* proxy/error.h - fh_error is err_t under its public name: the same memory, checked at compile time. */
#ifndef FH_PROXY_ERROR_H
#define FH_PROXY_ERROR_H

#include "base/err.h"
#include "proxy/farhand.h"

#include <stddef.h>

_Static_assert(sizeof(fh_error) == sizeof(err_t), "fh_error and err_t must agree");
_Static_assert(offsetof(fh_error, status) == offsetof(err_t, status), "fh_error and err_t must agree");
_Static_assert(offsetof(fh_error, os_errno) == offsetof(err_t, os_errno), "fh_error and err_t must agree");
_Static_assert(offsetof(fh_error, signal) == offsetof(err_t, signal), "fh_error and err_t must agree");
_Static_assert(offsetof(fh_error, address) == offsetof(err_t, address), "fh_error and err_t must agree");
_Static_assert(offsetof(fh_error, text) == offsetof(err_t, text), "fh_error and err_t must agree");
_Static_assert(offsetof(fh_error, origin) == offsetof(err_t, origin), "fh_error and err_t must agree");

/* The caller's fh_error as err_t, empty; NULL stays NULL. */
static inline err_t *
error_start(fh_error *error)
{
    err_t *err = (err_t *)error;
    err_clear(err);
    return err;
}

#endif
