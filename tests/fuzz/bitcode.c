/* Bitcode identification: nothing crashes, and a producer is printable text. */
#include "codecs/bitcode.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char producer[BITCODE_PRODUCER_SIZE];
    err_t err;
    bitcode_form(data, size);
    if (bitcode_producer(data, size, producer, &err))
        return 0;
    for (const char *c = producer; *c; c++)
        if (*c <= ' ' || *c > '~')
            abort();
    return bitcode_llvm_major(producer) < 0 ? -1 : 0;
}
