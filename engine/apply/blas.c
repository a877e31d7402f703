#include "engine/apply/blas.h"

#include <dlfcn.h>
#include <pthread.h>

static const char LIBRARY[] = "libopenblas.so.0";

static const struct {
    const char *name;
    size_t offset; /* in blas_t */
} FUNCTIONS[] = {
#define BLAS_FUNCTION(name, result, arguments) {#name, offsetof(blas_t, name)},
#include "engine/apply/blas.def"
#undef BLAS_FUNCTION
};

/* Written once, by load. */
static blas_t functions;
static err_t failure;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
load(void)
{
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        err_set(
            &failure, FH_NOT_SUPPORTED,
            "matrices are multiplied and factorised by OpenBLAS, which cannot be loaded on this engine (%s): install "
            "libopenblas0 there",
            dlerror());
        return;
    }
    for (size_t i = 0; i < sizeof FUNCTIONS / sizeof *FUNCTIONS; i++) {
        void *found = dlsym(library, FUNCTIONS[i].name);
        if (!found) {
            err_set(&failure, FH_NOT_SUPPORTED, "%s on this engine has no function %s: install OpenBLAS with LAPACK",
                    LIBRARY, FUNCTIONS[i].name);
            return;
        }
        *(void **)((char *)&functions + FUNCTIONS[i].offset) = found;
    }
    functions.openblas_set_num_threads(1); /* the crew's threads call it, each for itself */
}

int
blas_get(const blas_t **ret, err_t *err)
{
    pthread_once(&once, load);
    if (failure.status && err)
        *err = failure;
    *ret = &functions;
    return failure.status;
}
