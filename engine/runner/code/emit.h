/* engine/runner/code/emit.h - writing code into a module: functions, loops, values in memory.
 *
 * Values are loaded and stored member by member, so that structs, arrays and short vectors (complex numbers, states of
 * reductions) leave nothing behind that LLVM's vectoriser does not understand.  bool is a byte in memory.
 * Thread rule: one thread. */
#ifndef FH_ENGINE_RUNNER_CODE_EMIT_H
#define FH_ENGINE_RUNNER_CODE_EMIT_H

#include "codecs/dtype.h"

#include <stdbool.h>
#include <stdint.h>

#include <llvm-c/Core.h>
#include <llvm-c/Target.h>

typedef struct {
    LLVMContextRef context;
    LLVMModuleRef module;
    LLVMTargetDataRef layout;
    LLVMBuilderRef builder;
    LLVMValueRef function; /* the one that is being written */
    /* Metadata that loads and stores get, NULL: none.  See emit_apart. */
    LLVMValueRef load_tag, store_tag;
    LLVMTypeRef i1, i8, i32, i64, ptr, nothing;
} emit_t;

void emit_init(emit_t *self, LLVMModuleRef module);
void emit_release(emit_t *self);

/* Begin a function; the builder stands at its start. */
LLVMValueRef emit_function(emit_t *self, const char *name, LLVMTypeRef result, LLVMTypeRef *params, unsigned count);
LLVMBasicBlockRef emit_block(emit_t *self, const char *name);
LLVMValueRef emit_int(const emit_t *self, int64_t value);
/* Memory of the function, in its first block. */
LLVMValueRef emit_slot(emit_t *self, LLVMTypeRef type);

/* How a dtype lies in memory: bool as a byte, complex as two numbers. */
LLVMTypeRef emit_dtype(LLVMContextRef context, dtype_t dtype);
int64_t emit_size(const emit_t *self, LLVMTypeRef type);
/* pointer + index units. */
LLVMValueRef emit_at(const emit_t *self, LLVMTypeRef unit, LLVMValueRef pointer, LLVMValueRef index);
LLVMValueRef emit_load(const emit_t *self, LLVMTypeRef type, LLVMValueRef pointer);
void emit_store(const emit_t *self, LLVMValueRef value, LLVMValueRef pointer);
void emit_copy(const emit_t *self, LLVMTypeRef type, LLVMValueRef to, LLVMValueRef from);
/* From now on (or, with on false, no more): what emit_store writes does not change what emit_load reads later.  True of
 * elements of operands, which are either the same or do not overlap. */
void emit_apart(emit_t *self, bool on);
/* Entry number index of an array of pointers or of int64. */
LLVMValueRef emit_item(const emit_t *self, LLVMTypeRef type, LLVMValueRef array, int64_t index);

/* for (i = from; i < to; i += step).  Between begin and end the builder stands in the body; afterwards behind it. */
typedef struct {
    LLVMBasicBlockRef before, body, exit;
    LLVMValueRef i, to;
} emit_loop_t;

void emit_loop_begin(emit_t *self, LLVMValueRef from, LLVMValueRef to, emit_loop_t *ret);
/* Our loops are never unrolled, and vectorised only if vectorised says so. */
void emit_loop_end(emit_t *self, const emit_loop_t *loop, LLVMValueRef step, bool vectorised);
/* The same advice for the branch back of a loop that was written by hand. */
void emit_loop_advice(const emit_t *self, LLVMValueRef branch, bool vectorised);

#endif
