#include "proxy/linalg.h"

int
linalg_across(const linalg_call_t *call, fh_array **ret, bool *ret_done, err_t *err)
{
    (void)call;
    (void)ret;
    (void)err;
    *ret_done = false;
    return FH_OK;
}
