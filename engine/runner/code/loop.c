#include "engine/runner/code/loop.h"

#include <stdbool.h>

enum { MAX_OPERANDS = KERNEL_MAX_ARGS + KERNEL_MAX_OUT };

/* Building state: the function's parameters taken apart. */
typedef struct {
    emit_t emit;
    const entry_t *entry;
    loop_options_t options;
    LLVMValueRef array_of_data, array_of_strides, n;
    int operands;
    LLVMTypeRef type[MAX_OPERANDS]; /* of an element in memory */
    LLVMValueRef data[MAX_OPERANDS], stride[MAX_OPERANDS];
} loop_t;

static void
take_operands(loop_t *self)
{
    const entry_t *entry = self->entry;
    self->operands = entry->nin + entry->nout;
    for (int k = 0; k < self->operands; k++) {
        dtype_t dtype = k < entry->nin ? entry->in[k] : entry->out[k - entry->nin];
        self->type[k] = emit_dtype(self->emit.context, dtype);
        self->data[k] = emit_item(&self->emit, self->emit.ptr, self->array_of_data, k);
    }
}

/* Load the strides of all operands; true if all are their elements' sizes. */
static LLVMValueRef
take_strides(loop_t *self)
{
    LLVMBuilderRef b = self->emit.builder;
    LLVMValueRef contiguous = LLVMConstInt(self->emit.i1, 1, false);
    for (int k = 0; k < self->operands; k++) {
        self->stride[k] = emit_item(&self->emit, self->emit.i64, self->array_of_strides, k);
        LLVMValueRef size = emit_int(&self->emit, emit_size(&self->emit, self->type[k]));
        contiguous = LLVMBuildAnd(b, contiguous, LLVMBuildICmp(b, LLVMIntEQ, self->stride[k], size, ""), "");
    }
    return contiguous;
}

static LLVMValueRef
no_status(const loop_t *self)
{
    return LLVMConstInt(self->emit.i32, 0, false);
}

/* One counted loop up to a return.  contiguous: element i of each operand lies at i times its size. */
static void
build_scalar(loop_t *self, bool contiguous)
{
    emit_t *emit = &self->emit;
    LLVMBuilderRef b = emit->builder;
    LLVMValueRef pointers[MAX_OPERANDS], none = no_status(self), raised = NULL, sum = NULL;
    emit_loop_t loop;
    emit_loop_begin(emit, emit_int(emit, 0), self->n, &loop);
    if (self->entry->call.native) {
        raised = LLVMBuildPhi(b, emit->i32, "raised");
        LLVMAddIncoming(raised, &none, &loop.before, 1);
    }
    for (int k = 0; k < self->operands; k++)
        pointers[k] = contiguous ? emit_at(emit, self->type[k], self->data[k], loop.i)
                                 : emit_at(emit, emit->i8, self->data[k], LLVMBuildMul(b, loop.i, self->stride[k], ""));
    emit_apart(emit, contiguous);
    LLVMValueRef status = call_emit(emit, &self->entry->call, pointers, pointers[self->entry->nin]);
    emit_apart(emit, false);
    LLVMBasicBlockRef latch = LLVMGetInsertBlock(b);
    if (raised) {
        sum = LLVMBuildOr(b, raised, status, "");
        LLVMAddIncoming(raised, &sum, &latch, 1);
    }
    emit_loop_end(emit, &loop, emit_int(emit, 1), contiguous && !self->options.debug);
    LLVMValueRef result = none;
    if (raised) {
        result = LLVMBuildPhi(b, emit->i32, "");
        LLVMAddIncoming(result, (LLVMValueRef[]){none, sum}, (LLVMBasicBlockRef[]){loop.before, latch}, 2);
    }
    LLVMBuildRet(b, result);
}

/* NumPy's loop does its own counting.  contiguous: tell it the strides as constants, which makes it vectorisable. */
static void
build_numpy(loop_t *self, bool contiguous)
{
    emit_t *emit = &self->emit;
    LLVMBuilderRef b = emit->builder;
    LLVMTypeRef longs = LLVMArrayType2(emit->i64, (uint64_t)self->operands);
    LLVMTypeRef pointers = LLVMArrayType2(emit->ptr, (uint64_t)self->operands);
    LLVMValueRef count = emit_slot(emit, emit->i64), steps = emit_slot(emit, longs), args = emit_slot(emit, pointers);
    LLVMBuildStore(b, self->n, count);
    for (int k = 0; k < self->operands; k++) {
        LLVMValueRef step = contiguous ? emit_int(emit, emit_size(emit, self->type[k])) : self->stride[k];
        LLVMBuildStore(b, step, emit_at(emit, emit->i64, steps, emit_int(emit, k)));
        LLVMBuildStore(b, self->data[k], emit_at(emit, emit->ptr, args, emit_int(emit, k)));
    }
    const call_t *call = &self->entry->call;
    LLVMValueRef values[] = {args, count, steps, LLVMConstNull(emit->ptr)};
    LLVMSetInstructionCallConv(LLVMBuildCall2(b, call->type, call->function, values, 4, ""),
                               LLVMGetFunctionCallConv(call->function));
    LLVMBuildRet(b, no_status(self));
}

static void
build_ufunc(loop_t *self)
{
    emit_t *emit = &self->emit;
    LLVMBuilderRef b = emit->builder;
    void (*build)(loop_t *, bool) = self->entry->shape == SHAPE_LOOP ? build_numpy : build_scalar;
    take_operands(self);
    if (self->options.whole_vectors) {
        self->n = LLVMBuildAnd(b, self->n, emit_int(emit, -(int64_t)KERNEL_VECTOR), "");
        build(self, true);
        return;
    }
    LLVMValueRef contiguous = take_strides(self);
    LLVMBasicBlockRef fast = emit_block(emit, "fast"), strided = emit_block(emit, "strided");
    LLVMBuildCondBr(b, contiguous, fast, strided);
    LLVMPositionBuilderAtEnd(b, fast);
    build(self, true);
    LLVMPositionBuilderAtEnd(b, strided);
    build(self, false);
}

/* Call the entry once with these values; its int32 (Numba's status, or what it returns) is the loop's. */
static void
build_call(loop_t *self, const LLVMValueRef *values, unsigned count)
{
    emit_t *emit = &self->emit;
    const call_t *call = &self->entry->call;
    LLVMValueRef args[CALL_MAX_PARAMS];
    unsigned used = 0;
    for (; call->native && used < 2; used++)
        args[used] = emit_slot(emit, emit->ptr); /* no result to speak of, and the exception */
    for (unsigned i = 0; i < count; i++)
        args[used++] = values[i];
    LLVMValueRef result = LLVMBuildCall2(emit->builder, call->type, call->function, args, used, "");
    LLVMSetInstructionCallConv(result, LLVMGetFunctionCallConv(call->function));
    LLVMBuildRet(emit->builder, LLVMTypeOf(result) == emit->i32 ? result : no_status(self));
}

static void
build_piece(loop_t *self)
{
    take_operands(self);
    self->data[self->operands] = self->n;
    build_call(self, self->data, (unsigned)self->operands + 1);
}

static void
build_array(loop_t *self)
{
    LLVMValueRef count = LLVMBuildTrunc(self->emit.builder, self->n, self->emit.i32, "");
    build_call(self, (LLVMValueRef[]){self->array_of_data, count}, 2);
}

/* Steps are the outer ones of all operands and then their core strides; the dimensions lie behind them. */
static void
build_numpy_gufunc(loop_t *self)
{
    emit_t *emit = &self->emit;
    const core_dims_t *core = &self->entry->core;
    int64_t steps = core->nin + core->nout;
    for (int k = 0; k < core->nin + core->nout; k++)
        steps += core->ndim[k];
    LLVMValueRef dimensions = emit_at(emit, emit->i64, self->array_of_strides, emit_int(emit, steps));
    build_call(self,
               (LLVMValueRef[]){self->array_of_data, dimensions, self->array_of_strides, LLVMConstNull(emit->ptr)}, 4);
}

void
loop_build_streaming(LLVMModuleRef module, const entry_t *entry, const char *name)
{
    loop_t self = {.entry = entry};
    emit_init(&self.emit, module);
    LLVMTypeRef params[] = {self.emit.ptr, self.emit.ptr, self.emit.i64};
    LLVMValueRef function = emit_function(&self.emit, name, self.emit.i32, params, 3);
    self.array_of_data = LLVMGetParam(function, 0);
    self.n =
        LLVMBuildAnd(self.emit.builder, LLVMGetParam(function, 2), emit_int(&self.emit, -(int64_t)KERNEL_VECTOR), "");
    take_operands(&self);
    build_scalar(&self, true);
    emit_release(&self.emit);
}

void
loop_build(LLVMModuleRef module, const entry_t *entry, const char *name, const loop_options_t *options)
{
    loop_t self = {.entry = entry, .options = *options};
    emit_init(&self.emit, module);
    LLVMTypeRef params[] = {self.emit.ptr, self.emit.ptr, self.emit.i64};
    LLVMValueRef function = emit_function(&self.emit, name, self.emit.i32, params, 3);
    self.array_of_data = LLVMGetParam(function, 0);
    self.array_of_strides = LLVMGetParam(function, 1);
    self.n = LLVMGetParam(function, 2);
    if (entry->kind == KERNEL_UFUNC)
        build_ufunc(&self);
    else if (entry->kind == KERNEL_PIECE)
        build_piece(&self);
    else if (entry->shape == SHAPE_LOOP)
        build_numpy_gufunc(&self);
    else
        build_array(&self);
    emit_release(&self.emit);
}
