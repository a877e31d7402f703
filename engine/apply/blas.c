#include "engine/apply/blas.h"

#include <dlfcn.h>
#include <pthread.h>

static const char LIBRARY[] = "libopenblas.so.0";

typedef struct {
    const char *name; /* "": there is none */
    size_t offset;    /* in blas_t */
} symbol_t;

static const symbol_t FUNCTIONS[] = {
#define BLAS_FUNCTION(name, result, arguments) {#name, offsetof(blas_t, name)},
#include "engine/apply/blas.def"
#undef BLAS_FUNCTION
};

static const symbol_t LAPACK[] = {
#define LAPACK_FUNCTION(name, single, double_, complex_, double_complex, arguments)                                    \
    {#single, offsetof(blas_t, name[LAPACK_SINGLE])}, {#double_, offsetof(blas_t, name[LAPACK_DOUBLE])},               \
        {#complex_, offsetof(blas_t, name[LAPACK_COMPLEX])},                                                           \
        {#double_complex, offsetof(blas_t, name[LAPACK_DOUBLE_COMPLEX])},
#include "engine/apply/lapack.def"
#undef LAPACK_FUNCTION
};

/* Written once, by load. */
static blas_t functions;
static err_t failure, lapack_failure;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static int
find(void *library, const symbol_t *symbols, size_t n, err_t *err)
{
    for (size_t i = 0; i < n; i++) {
        void *found = symbols[i].name[0] ? dlsym(library, symbols[i].name) : NULL;
        if (!found && symbols[i].name[0])
            return err_set(err, FH_NOT_SUPPORTED, "%s on this engine has no function %s: install OpenBLAS with LAPACK",
                           LIBRARY, symbols[i].name);
        *(void **)((char *)&functions + symbols[i].offset) = found;
    }
    return FH_OK;
}

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
    if (find(library, FUNCTIONS, sizeof FUNCTIONS / sizeof *FUNCTIONS, &failure))
        return;
    find(library, LAPACK, sizeof LAPACK / sizeof *LAPACK, &lapack_failure);
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

int
blas_get_lapack(const blas_t **ret, err_t *err)
{
    int status = blas_get(ret, err);
    if (!status && lapack_failure.status && err)
        *err = lapack_failure;
    return status ? status : lapack_failure.status;
}

void
blas_widen(const blas_t *self, int threads)
{
    if (threads > 1)
        self->openblas_set_num_threads(threads);
}

void
blas_narrow(const blas_t *self)
{
    self->openblas_set_num_threads(1);
}
