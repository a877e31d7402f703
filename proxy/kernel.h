/* proxy/kernel.h - a kernel: its code, what an engine said of it, and where it is loaded. */
#ifndef FH_PROXY_KERNEL_H
#define FH_PROXY_KERNEL_H

#include "proxy/handle.h"

struct fh_kernel {
    fh_session *session;
    buf_t *code;
    uint8_t hash[32];
    char *entry, *signature, *kind; /* as asked for; "" for what fits */
    bool fastmath;
    fh_kernel_info info;
    handle_t **loaded; /* one for each engine that has it */
    int nloaded, loaded_room;
};

/* The kernel's object on that engine, loaded now if it was not (waits then).  Borrowed. */
int kernel_on(fh_kernel *self, engine_link_t *engine, handle_t **ret, err_t *err);

#endif
