/* codecs/bitcode.h - what can be told of LLVM bitcode without LLVM: whether it is bitcode, and who made it.
 * Bytes are input from outside: every read is bounded, nothing is allocated.  Pure; usable on any thread. */
#ifndef FH_CODECS_BITCODE_H
#define FH_CODECS_BITCODE_H

#include "base/err.h"

#include <stddef.h>

enum { BITCODE_PRODUCER_SIZE = 65 }; /* with NUL */

typedef enum {
    BITCODE_OTHER,   /* neither bitcode nor IR */
    BITCODE_RAW,     /* 'BC' 0xC0DE */
    BITCODE_WRAPPED, /* the same inside Apple's wrapper */
    BITCODE_TEXT     /* textual IR: UTF-8 whose first statement is one of IR's */
} bitcode_form_t;

/* By content; data may be NULL when size is 0. */
bitcode_form_t bitcode_form(const void *data, size_t size);
/* The producer that the identification block names ("LLVM22.1.8"), cut to size - 1 bytes, unprintable ones as '?'.
 * BAD_BITCODE: no bitcode, or no such block at its start (LLVM writes it since 3.8), or a damaged one. */
int bitcode_producer(const void *data, size_t size, char ret[BITCODE_PRODUCER_SIZE], err_t *err);
/* 22 for "LLVM22.1.8" and for "LLVM22.1.2-rust-1.95.0"; 0 where the text does not tell. */
int bitcode_llvm_major(const char *producer);

#endif
