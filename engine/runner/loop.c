#include "engine/runner/loop.h"

#include <stdbool.h>

#include <llvm-c/DebugInfo.h>

enum { MAX_OPERANDS = KERNEL_MAX_ARGS + 1 };

/* Building state: the function, its parameters taken apart, and types that are needed all the time. */
typedef struct {
    LLVMContextRef context;
    LLVMBuilderRef builder;
    const entry_t *entry;
    LLVMValueRef function, n;
    int operands;
    LLVMValueRef data[MAX_OPERANDS], stride[MAX_OPERANDS]; /* of each operand, the output last */
    LLVMValueRef result_slot, exception_slot;              /* for status calls */
    LLVMTypeRef i8, i32, i64, ptr;
} loop_t;

static dtype_t
operand_dtype(const loop_t *self, int k)
{
    return k < self->entry->nin ? self->entry->in[k] : self->entry->out;
}

static LLVMValueRef
int64(const loop_t *self, int64_t value)
{
    return LLVMConstInt(self->i64, (unsigned long long)value, true);
}

/* How an element of a dtype lies in memory: bool as a byte. */
static LLVMTypeRef
memory_type(const loop_t *self, dtype_t dtype)
{
    if (dtype == DTYPE_FLOAT64)
        return LLVMDoubleTypeInContext(self->context);
    if (dtype == DTYPE_FLOAT32)
        return LLVMFloatTypeInContext(self->context);
    if (dtype == DTYPE_FLOAT16)
        return LLVMHalfTypeInContext(self->context);
    return LLVMIntTypeInContext(self->context, (unsigned)dtype_size(dtype) * 8);
}

static bool
is_bit(LLVMTypeRef type)
{
    return LLVMGetTypeKind(type) == LLVMIntegerTypeKind && LLVMGetIntTypeWidth(type) == 1;
}

static LLVMValueRef
load(const loop_t *self, int k, LLVMValueRef pointer, LLVMTypeRef wanted)
{
    LLVMBuilderRef b = self->builder;
    LLVMValueRef value = LLVMBuildLoad2(b, memory_type(self, operand_dtype(self, k)), pointer, "");
    if (is_bit(wanted))
        return LLVMBuildICmp(b, LLVMIntNE, value, LLVMConstInt(self->i8, 0, false), "");
    return value;
}

static void
store(const loop_t *self, LLVMValueRef value, LLVMValueRef pointer)
{
    LLVMBuilderRef b = self->builder;
    if (self->entry->out == DTYPE_BOOL) {
        if (!is_bit(LLVMTypeOf(value)))
            value = LLVMBuildICmp(b, LLVMIntNE, value, LLVMConstInt(LLVMTypeOf(value), 0, false), "");
        value = LLVMBuildZExt(b, value, self->i8, "");
    }
    LLVMBuildStore(b, value, pointer);
}

/* Call the kernel on one element of each operand; returns the status (NULL: it has none). */
static LLVMValueRef
call_once(const loop_t *self, LLVMValueRef *pointers)
{
    const entry_t *entry = self->entry;
    LLVMTypeRef type = LLVMGlobalGetValueType(entry->function), params[MAX_OPERANDS + 2];
    LLVMGetParamTypes(type, params);
    LLVMValueRef args[MAX_OPERANDS + 2];
    unsigned count = 0;
    if (entry->status_call) {
        args[count++] = self->result_slot;
        args[count++] = self->exception_slot;
    }
    for (int k = 0; k < entry->nin; k++, count++)
        args[count] = load(self, k, pointers[k], params[count]);
    LLVMValueRef value = LLVMBuildCall2(self->builder, type, entry->function, args, count, "");
    LLVMSetInstructionCallConv(value, LLVMGetFunctionCallConv(entry->function));
    LLVMValueRef status = entry->status_call ? value : NULL;
    if (status)
        value = LLVMBuildLoad2(self->builder, memory_type(self, entry->out), self->result_slot, "");
    store(self, value, pointers[entry->nin]);
    return status;
}

/* "llvm.loop" metadata (a node that begins with itself): our loops are not unrolled, the remainders of the vectorised
 * one least of all, and only the contiguous one is vectorised. */
static void
advise(const loop_t *self, LLVMValueRef branch, bool vectorised)
{
    static const char VECTORISE[] = "llvm.loop.vectorize.enable", UNROLL[] = "llvm.loop.unroll.disable";
    LLVMMetadataRef off = LLVMValueAsMetadata(LLVMConstInt(LLVMInt1TypeInContext(self->context), 0, false));
    LLVMMetadataRef vectorise[] = {LLVMMDStringInContext2(self->context, VECTORISE, sizeof VECTORISE - 1), off};
    LLVMMetadataRef unroll = LLVMMDStringInContext2(self->context, UNROLL, sizeof UNROLL - 1);
    LLVMMetadataRef itself = LLVMTemporaryMDNode(self->context, NULL, 0);
    LLVMMetadataRef parts[] = {itself, LLVMMDNodeInContext2(self->context, &unroll, 1),
                               LLVMMDNodeInContext2(self->context, vectorise, 2)};
    LLVMMetadataRef node = LLVMMDNodeInContext2(self->context, parts, vectorised ? 2 : 3);
    LLVMMetadataReplaceAllUsesWith(itself, node);
    LLVMSetMetadata(branch, LLVMGetMDKindIDInContext(self->context, "llvm.loop", 9),
                    LLVMMetadataAsValue(self->context, node));
}

/* One counted loop from block to a return.  contiguous: element i of each operand lies at i times its size. */
static void
build_version(const loop_t *self, LLVMBasicBlockRef entry_block, bool contiguous)
{
    LLVMBuilderRef b = self->builder;
    LLVMBasicBlockRef body =
        LLVMAppendBasicBlockInContext(self->context, self->function, contiguous ? "fast" : "strided");
    LLVMBasicBlockRef exit = LLVMAppendBasicBlockInContext(self->context, self->function, "");
    LLVMPositionBuilderAtEnd(b, entry_block);
    LLVMBuildBr(b, body);
    LLVMPositionBuilderAtEnd(b, body);
    LLVMValueRef i = LLVMBuildPhi(b, self->i64, "i");
    LLVMValueRef raised = self->entry->status_call ? LLVMBuildPhi(b, self->i32, "raised") : NULL;
    LLVMValueRef pointers[MAX_OPERANDS];
    for (int k = 0; k < self->operands; k++) {
        LLVMTypeRef unit = contiguous ? memory_type(self, operand_dtype(self, k)) : self->i8;
        LLVMValueRef offset = contiguous ? i : LLVMBuildMul(b, i, self->stride[k], "");
        pointers[k] = LLVMBuildInBoundsGEP2(b, unit, self->data[k], &offset, 1, "");
    }
    LLVMValueRef status = call_once(self, pointers);
    LLVMValueRef sum = status ? LLVMBuildOr(b, raised, status, "") : NULL;
    LLVMValueRef next = LLVMBuildNSWAdd(b, i, int64(self, 1), "");
    LLVMValueRef branch = LLVMBuildCondBr(b, LLVMBuildICmp(b, LLVMIntSLT, next, self->n, ""), body, exit);
    advise(self, branch, contiguous);
    LLVMBasicBlockRef from[] = {entry_block, body};
    LLVMAddIncoming(i, (LLVMValueRef[]){int64(self, 0), next}, from, 2);
    LLVMValueRef zero = LLVMConstInt(self->i32, 0, false);
    if (raised)
        LLVMAddIncoming(raised, (LLVMValueRef[]){zero, sum}, from, 2);
    LLVMPositionBuilderAtEnd(b, exit);
    LLVMBuildRet(b, sum ? sum : zero);
}

/* Load the pointers and strides of all operands; true if all strides are their elements' sizes. */
static LLVMValueRef
unpack(loop_t *self)
{
    LLVMBuilderRef b = self->builder;
    LLVMValueRef contiguous = LLVMConstInt(LLVMInt1TypeInContext(self->context), 1, false);
    for (int k = 0; k < self->operands; k++) {
        LLVMValueRef index = int64(self, k);
        self->data[k] = LLVMBuildLoad2(
            b, self->ptr, LLVMBuildInBoundsGEP2(b, self->ptr, LLVMGetParam(self->function, 0), &index, 1, ""), "");
        if (self->entry->kind == KERNEL_PIECE)
            continue;
        self->stride[k] = LLVMBuildLoad2(
            b, self->i64, LLVMBuildInBoundsGEP2(b, self->i64, LLVMGetParam(self->function, 1), &index, 1, ""), "");
        LLVMValueRef size = int64(self, (int64_t)dtype_size(operand_dtype(self, k)));
        contiguous = LLVMBuildAnd(b, contiguous, LLVMBuildICmp(b, LLVMIntEQ, self->stride[k], size, ""), "");
    }
    return contiguous;
}

static void
build_piece(const loop_t *self)
{
    LLVMValueRef args[MAX_OPERANDS + 1];
    for (int k = 0; k < self->operands; k++)
        args[k] = self->data[k];
    args[self->operands] = self->n;
    LLVMValueRef function = self->entry->function;
    LLVMValueRef call = LLVMBuildCall2(self->builder, LLVMGlobalGetValueType(function), function, args,
                                       (unsigned)self->operands + 1, "");
    LLVMSetInstructionCallConv(call, LLVMGetFunctionCallConv(function));
    LLVMBuildRet(self->builder, LLVMConstInt(self->i32, 0, false));
}

static void
build_ufunc(loop_t *self, LLVMValueRef contiguous)
{
    LLVMBuilderRef b = self->builder;
    LLVMBasicBlockRef some = LLVMAppendBasicBlockInContext(self->context, self->function, "some");
    LLVMBasicBlockRef fast = LLVMAppendBasicBlockInContext(self->context, self->function, "");
    LLVMBasicBlockRef strided = LLVMAppendBasicBlockInContext(self->context, self->function, "");
    LLVMBasicBlockRef none = LLVMAppendBasicBlockInContext(self->context, self->function, "none");
    if (self->entry->status_call) {
        self->result_slot = LLVMBuildAlloca(b, memory_type(self, self->entry->out), "");
        self->exception_slot = LLVMBuildAlloca(b, self->ptr, "");
    }
    LLVMBuildCondBr(b, LLVMBuildICmp(b, LLVMIntSGT, self->n, int64(self, 0), ""), some, none);
    LLVMPositionBuilderAtEnd(b, some);
    LLVMBuildCondBr(b, contiguous, fast, strided);
    LLVMPositionBuilderAtEnd(b, none);
    LLVMBuildRet(b, LLVMConstInt(self->i32, 0, false));
    build_version(self, fast, true);
    build_version(self, strided, false);
}

LLVMValueRef
loop_build(LLVMModuleRef module, const entry_t *entry, const char *name)
{
    LLVMContextRef context = LLVMGetModuleContext(module);
    loop_t self = {
        .context = context,
        .builder = LLVMCreateBuilderInContext(context),
        .entry = entry,
        .operands = entry->nin + 1,
        .i8 = LLVMInt8TypeInContext(context),
        .i32 = LLVMInt32TypeInContext(context),
        .i64 = LLVMInt64TypeInContext(context),
        .ptr = LLVMPointerTypeInContext(context, 0),
    };
    LLVMTypeRef params[] = {self.ptr, self.ptr, self.i64};
    self.function = LLVMAddFunction(module, name, LLVMFunctionType(self.i32, params, 3, false));
    self.n = LLVMGetParam(self.function, 2);
    LLVMPositionBuilderAtEnd(self.builder, LLVMAppendBasicBlockInContext(context, self.function, "entry"));
    LLVMValueRef contiguous = unpack(&self);
    if (entry->kind == KERNEL_PIECE)
        build_piece(&self);
    else
        build_ufunc(&self, contiguous);
    LLVMDisposeBuilder(self.builder);
    LLVMSetLinkage(entry->function, LLVMInternalLinkage);
    return self.function;
}
