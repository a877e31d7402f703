/* engine/runner/code/symbols.h - the functions outside a module that kernels may use: made from libm.def, and
 * farhand_progress.  Constant tables.
 */
#ifndef FH_ENGINE_RUNNER_CODE_SYMBOLS_H
#define FH_ENGINE_RUNNER_CODE_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    const char *name;
    uintptr_t address;
    bool callable; /* a kernel may name it; else only LLVM's code generator does */
    bool pure;     /* neither reads nor writes memory, errno left out */
    bool pair;     /* of complex floats, which every CPU's calling convention passes in its own way */
} symbol_t;

const symbol_t *symbol_at(size_t i); /* NULL past the end */
/* A function that a kernel may call by this name, or NULL. */
const symbol_t *symbol_find(const char *name);

#endif
