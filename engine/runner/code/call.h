/* engine/runner/code/call.h - how a function takes its values and gives its result, and calls of it on values in
 * memory.
 *
 * One value may be one parameter, several (the parts of a complex number or of a small struct), a pointer to a copy
 * (large structs), or its own address.  A result may be returned, written through a hidden first parameter ("sret"), or
 * stored where Numba's native functions are told to: i32 f(result *, exception **, ...), not 0 for "raised". */
#ifndef FH_ENGINE_RUNNER_CODE_CALL_H
#define FH_ENGINE_RUNNER_CODE_CALL_H

#include "engine/kernel.h"
#include "engine/runner/code/emit.h"

typedef enum { CALL_PARTS, CALL_COPY, CALL_ADDRESS } call_passing_t;

typedef struct {
    call_passing_t passing;
    unsigned first, count;
    LLVMTypeRef type; /* in memory */
} call_value_t;

typedef struct {
    LLVMValueRef function;      /* NULL: there is none */
    LLVMTypeRef type, result;   /* result: as it lies in memory; NULL: none, or unknown */
    bool native, hidden, truth; /* truth: the result is stored as a bool */
    unsigned params, next;      /* of the function; the next one that no value has taken */
    int count;
    call_value_t values[KERNEL_MAX_ARGS + 1];
} call_t;

enum { CALL_MAX_PARAMS = 2 * (KERNEL_MAX_ARGS + 1) + 2 };

/* Look at a function with at most CALL_MAX_PARAMS parameters.  Nothing is taken yet. */
void call_init(call_t *self, LLVMValueRef function, bool native);
/* Type of the next parameter; NULL: there is none. */
LLVMTypeRef call_next(const call_t *self);
/* Let the next parameter be a value by itself, or the address of one. */
void call_take_one(call_t *self);
void call_take_address(call_t *self);
/* Let the next parameters be a value that lies in memory as type does.  False: they do not fit. */
bool call_take(call_t *self, LLVMTypeRef type);

/* Floating-point numbers and nothing else? */
bool call_is_floats(LLVMTypeRef type);
bool call_is_pointer(LLVMTypeRef type);

/* Write a call: values lie at pointers, the result goes to result (not for functions without).  Returns the status of
 * native functions, else NULL. */
LLVMValueRef call_emit(emit_t *emit, const call_t *self, const LLVMValueRef *pointers, LLVMValueRef result);

#endif
