/* codecs/apply.h - the array methods of APPLY: their names and how many arrays they take.  Made from codecs/apply.def.
 * Pure; the client names them, the engine checks them and runs apply_<name> of engine/apply/. */
#ifndef FH_CODECS_APPLY_H
#define FH_CODECS_APPLY_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum { APPLY_MAX_IN = 64, APPLY_MAX_OUT = 8, APPLY_MAX_INTEGERS = 4096, APPLY_MAX_REALS = 64 };

typedef enum {
#define APPLY(NAME, name, inputs, outputs, doc) APPLY_##NAME,
#include "codecs/apply.def"
#undef APPLY
    APPLY_COUNT
} apply_code_t;

/* A row of a constant table; numbers of arrays below zero: that many or more. */
typedef struct {
    const char *name;
    int nin, nout;
} apply_t;

/* Index of the method of that name, or -1. */
int apply_find(const char *name, size_t length);
const apply_t *apply_at(int code); /* NULL past the end */
/* Does it take elements that are not numbers? */
bool apply_takes_any(int code);
/* INVALID_ARGUMENT if it does not take so many arrays. */
int apply_check(const apply_t *self, int nin, int nout, err_t *err);

#endif
