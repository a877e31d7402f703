/* tests/fault/bombs.h - small modules that are much work for a compiler.  Thread rule: one thread. */
#ifndef FH_TESTS_FAULT_BOMBS_H
#define FH_TESTS_FAULT_BOMBS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    const char *name;
    bool slow;    /* it takes the compiler's whole time, or seconds */
    bool compact; /* larger than a module may be as text: hand it over as bitcode */
    void (*write)(void *file);
} bomb_t;

/* All of them; *ret_count is their number. */
const bomb_t *bombs(int *ret_count);
/* The module of one; the caller frees.  NULL: no memory, or LLVM does not read what we wrote. */
char *bomb_make(const bomb_t *self, size_t *ret_size);

#endif
