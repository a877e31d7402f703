/* proxy/cli/npy.h - arrays in NumPy's .npy files (format versions 1, 2 and 3).
 * The header is parsed with bounds, by a grammar of its own: nothing in it is evaluated.  One thread. */
#ifndef FH_PROXY_CLI_NPY_H
#define FH_PROXY_CLI_NPY_H

#include "base/err.h"
#include "proxy/farhand.h"

#include <stddef.h>
#include <stdint.h>

enum { NPY_HEADER_MAX = 65536 };

typedef struct {
    fh_dtype dtype;
    int swapped; /* the file's byte order is not this machine's */
    int ndim;
    int64_t shape[FH_MAX_DIMS];
    int64_t strides[FH_MAX_DIMS]; /* bytes */
    size_t header_size;           /* where the data begin */
    size_t data_size;             /* bytes */
} npy_header_t;

/* Read the header at the start of a file of file_size bytes, of which size are given.  INVALID_ARGUMENT, NOT_SUPPORTED
 * (a dtype that farhand has not), LIMIT_EXCEEDED (more than 32 dimensions, or data beyond the end of the file). */
int npy_parse(const void *bytes, size_t size, uint64_t file_size, npy_header_t *ret, err_t *err);

/* A file whose data can be looked at. */
typedef struct {
    npy_header_t header;
    void *map;
    size_t map_size;
    void *data; /* map + header_size */
} npy_file_t;

int npy_open(npy_file_t *ret, const char *path, err_t *err);
/* Make a C-order file of that shape beside path, its data ready to be written through ret->data. */
int npy_create(npy_file_t *ret, const char *path, fh_dtype dtype, int ndim, const int64_t *shape,
               char ret_temporary[4096], err_t *err);
/* Unmap.  Safe on a zeroed one. */
void npy_close(npy_file_t *self);

#endif
