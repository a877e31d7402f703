/* Headers of .npy files: nothing crashes, and an array that is accepted lies within the file with every element. */
#include "proxy/cli/npy.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    npy_header_t header;
    err_t err;
    uint64_t file_size = size + (size ? (uint64_t)data[size - 1] * data[size - 1] * 1000 : 0);
    size_t head = size < NPY_HEADER_MAX ? size : NPY_HEADER_MAX;
    if (npy_parse(data, head, file_size, &header, &err))
        return 0;
    if (header.ndim < 0 || header.ndim > FH_MAX_DIMS || header.header_size > file_size ||
        header.data_size > file_size - header.header_size)
        abort();
    uint64_t last = 0;
    for (int i = 0; i < header.ndim; i++) {
        if (header.shape[i] < 0 || header.strides[i] < 0)
            abort();
        if (header.shape[i] == 0)
            return 0;
        last += (uint64_t)(header.shape[i] - 1) * (uint64_t)header.strides[i];
    }
    if (!fh_dtype_size(header.dtype) || last + fh_dtype_size(header.dtype) != header.data_size)
        abort();
    return 0;
}
