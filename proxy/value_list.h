/* proxy/value_list.h - value_t and fh_value, lists of them. */
#ifndef FH_PROXY_VALUE_LIST_H
#define FH_PROXY_VALUE_LIST_H

#include "base/err.h"
#include "codecs/value.h"
#include "proxy/farhand.h"

/* Public values that borrow text and bytes from list.  Free with value_list_free. */
int value_list_public(values_t list, fh_value **ret, err_t *err);
/* The reverse; *ret borrows from values.  Free items with free(). */
int value_list_wire(const fh_value *values, int count, value_t **ret, err_t *err);
void value_list_free(fh_value **list);

#endif
