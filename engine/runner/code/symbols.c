#include "engine/runner/code/symbols.h"

#include "engine/runner/run/guard.h"
#include "engine/runner/run/progress.h"

#include <complex.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Run-time parts of the compiler that generated code may refer to: 128-bit division and half precision. */
__extension__ typedef __int128 int128_t;
__extension__ typedef unsigned __int128 uint128_t;
__extension__ typedef _Float16 half_t;
int128_t __divti3(int128_t a, int128_t b);
int128_t __modti3(int128_t a, int128_t b);
uint128_t __udivti3(uint128_t a, uint128_t b);
uint128_t __umodti3(uint128_t a, uint128_t b);
half_t __truncdfhf2(double a);
half_t __truncsfhf2(float a);
float __extendhfsf2(half_t a);
double __powidf2(double a, int b);
float __powisf2(float a, int b);
#define COMPLEX(name, type) type _Complex name(type a, type b, type c, type d);
#define PURE(function)
#define PURE2(function)
#define WRITES(function)
#define COMPLEX2(function)
#include "engine/runner/code/libm.def"
#undef COMPLEX
#undef PURE
#undef PURE2
#undef WRITES
#undef COMPLEX2

#ifdef FH_HAVE_LIBMVEC
/* Only their addresses are of interest here: they take and return vectors. */
#define ONE(name)                                                                                                      \
    void _ZGVdN4v_##name(void);                                                                                        \
    void _ZGVdN8v_##name##f(void);                                                                                     \
    void _ZGVeN8v_##name(void);                                                                                        \
    void _ZGVeN16v_##name##f(void);
#define TWO(name)                                                                                                      \
    void _ZGVdN4vv_##name(void);                                                                                       \
    void _ZGVdN8vv_##name##f(void);                                                                                    \
    void _ZGVeN8vv_##name(void);                                                                                       \
    void _ZGVeN16vv_##name##f(void);
#include "engine/runner/code/vector_math.def"
#undef ONE
#undef TWO
#endif

#define ROW(function, may_call, is_pure) {#function, (uintptr_t)(function), may_call, is_pure, false},
#define PAIR_ROW(function, is_pair) {#function, (uintptr_t)(function), true, true, is_pair},
static const symbol_t SYMBOLS[] = {
#define PURE(function) ROW(function, true, true)
#define PURE2(function) ROW(function, true, true) ROW(function##f, true, true)
#define WRITES(function) ROW(function, true, false)
#define COMPLEX2(function) ROW(function, true, true) PAIR_ROW(function##f, true)
#define COMPLEX(function, type) PAIR_ROW(function, sizeof(type) == sizeof(float))
#include "engine/runner/code/libm.def"
#undef PURE
#undef PURE2
#undef WRITES
#undef COMPLEX2
#undef COMPLEX
    ROW(__divti3, false, true) ROW(__modti3, false, true) ROW(__udivti3, false, true) ROW(__umodti3, false, true)
        ROW(__truncdfhf2, false, true) ROW(__truncsfhf2, false, true) ROW(__extendhfsf2, false, true)
            ROW(__powidf2, false, true) ROW(__powisf2, false, true)
                ROW(farhand_progress, true, false){GUARD_READ, (uintptr_t)guard_read, false, false, false},
    {GUARD_WRITE, (uintptr_t)guard_write, false, false, false},
    {GUARD_VALUE, (uintptr_t)guard_value, false, false, false},
#ifdef FH_HAVE_LIBMVEC
#define ONE(name)                                                                                                      \
    ROW(_ZGVdN4v_##name, false, true)                                                                                  \
    ROW(_ZGVdN8v_##name##f, false, true)                                                                               \
    ROW(_ZGVeN8v_##name, false, true)                                                                                  \
    ROW(_ZGVeN16v_##name##f, false, true)
#define TWO(name)                                                                                                      \
    ROW(_ZGVdN4vv_##name, false, true)                                                                                 \
    ROW(_ZGVdN8vv_##name##f, false, true)                                                                              \
    ROW(_ZGVeN8vv_##name, false, true)                                                                                 \
    ROW(_ZGVeN16vv_##name##f, false, true)
#include "engine/runner/code/vector_math.def"
#undef ONE
#undef TWO
#endif
};

const symbol_t *
symbol_at(size_t i)
{
    return i < sizeof SYMBOLS / sizeof *SYMBOLS ? &SYMBOLS[i] : NULL;
}

const symbol_t *
symbol_find(const char *name)
{
    for (size_t i = 0; i < sizeof SYMBOLS / sizeof *SYMBOLS; i++)
        if (SYMBOLS[i].callable && !strcmp(name, SYMBOLS[i].name))
            return &SYMBOLS[i];
    return NULL;
}
