/* proxy/mapping.h - what fh_mapping is: engines' memory in this process, and the objects there that stand for that. */
#ifndef FH_PROXY_MAPPING_H
#define FH_PROXY_MAPPING_H

#include "proxy/nearby.h"

struct fh_mapping {
    pid_t pid;      /* of the process that made it */
    uint64_t forks; /* that process had made */
    char *base;     /* whole pages */
    size_t size;
    handle_t *memory; /* shared ones (proxy/shared.h): the array; NULL: private */
    nd_t nd;          /* shared ones: its elements here */
    fh_mapping *next; /* shared ones of the session */
    int n;
    handle_t *handles[]; /* of the engines' mappings; NULL: the piece was copied */
};

/* Without memory and handles yet, for n of them.  NO_MEMORY. */
int mapping_new(fh_mapping **ret, int n, err_t *err);

#endif
