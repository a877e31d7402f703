#include "engine/runner/code/emit.h"

#include <string.h>

#include <llvm-c/DebugInfo.h>

void
emit_init(emit_t *self, LLVMModuleRef module)
{
    LLVMContextRef context = LLVMGetModuleContext(module);
    *self = (emit_t){
        .context = context,
        .module = module,
        .layout = LLVMGetModuleDataLayout(module),
        .builder = LLVMCreateBuilderInContext(context),
        .i1 = LLVMInt1TypeInContext(context),
        .i8 = LLVMInt8TypeInContext(context),
        .i32 = LLVMInt32TypeInContext(context),
        .i64 = LLVMInt64TypeInContext(context),
        .ptr = LLVMPointerTypeInContext(context, 0),
        .nothing = LLVMVoidTypeInContext(context),
    };
}

void
emit_release(emit_t *self)
{
    LLVMDisposeBuilder(self->builder);
}

LLVMBasicBlockRef
emit_block(emit_t *self, const char *name)
{
    return LLVMAppendBasicBlockInContext(self->context, self->function, name);
}

LLVMValueRef
emit_function(emit_t *self, const char *name, LLVMTypeRef result, LLVMTypeRef *params, unsigned count)
{
    self->function = LLVMAddFunction(self->module, name, LLVMFunctionType(result, params, count, false));
    LLVMPositionBuilderAtEnd(self->builder, emit_block(self, "entry"));
    return self->function;
}

LLVMValueRef
emit_int(const emit_t *self, int64_t value)
{
    return LLVMConstInt(self->i64, (unsigned long long)value, true);
}

LLVMValueRef
emit_slot(emit_t *self, LLVMTypeRef type)
{
    LLVMBasicBlockRef here = LLVMGetInsertBlock(self->builder), top = LLVMGetEntryBasicBlock(self->function);
    LLVMValueRef first = LLVMGetFirstInstruction(top);
    if (first)
        LLVMPositionBuilderBefore(self->builder, first);
    else
        LLVMPositionBuilderAtEnd(self->builder, top);
    LLVMValueRef slot = LLVMBuildAlloca(self->builder, type, "");
    LLVMSetAlignment(slot, 16);
    LLVMPositionBuilderAtEnd(self->builder, here);
    return slot;
}

LLVMTypeRef
emit_dtype(LLVMContextRef context, dtype_t dtype)
{
    LLVMTypeRef real = LLVMDoubleTypeInContext(context), single = LLVMFloatTypeInContext(context);
    if (dtype == DTYPE_FLOAT64)
        return real;
    if (dtype == DTYPE_FLOAT32)
        return single;
    if (dtype == DTYPE_FLOAT16)
        return LLVMHalfTypeInContext(context);
    if (dtype == DTYPE_COMPLEX128)
        return LLVMStructTypeInContext(context, (LLVMTypeRef[]){real, real}, 2, false);
    if (dtype == DTYPE_COMPLEX64)
        return LLVMStructTypeInContext(context, (LLVMTypeRef[]){single, single}, 2, false);
    return LLVMIntTypeInContext(context, (unsigned)dtype_size(dtype) * 8);
}

int64_t
emit_size(const emit_t *self, LLVMTypeRef type)
{
    return (int64_t)LLVMABISizeOfType(self->layout, type);
}

LLVMValueRef
emit_at(const emit_t *self, LLVMTypeRef unit, LLVMValueRef pointer, LLVMValueRef index)
{
    return LLVMBuildInBoundsGEP2(self->builder, unit, pointer, &index, 1, "");
}

/* Members of a type that has any; 0: it is one number or pointer. */
static unsigned
members(LLVMTypeRef type)
{
    LLVMTypeKind kind = LLVMGetTypeKind(type);
    if (kind == LLVMStructTypeKind)
        return LLVMCountStructElementTypes(type);
    if (kind == LLVMArrayTypeKind)
        return (unsigned)LLVMGetArrayLength2(type);
    return kind == LLVMVectorTypeKind ? LLVMGetVectorSize(type) : 0;
}

static LLVMTypeRef
member_type(LLVMTypeRef type, unsigned i)
{
    return LLVMGetTypeKind(type) == LLVMStructTypeKind ? LLVMStructGetTypeAtIndex(type, i) : LLVMGetElementType(type);
}

static LLVMValueRef
member_at(const emit_t *self, LLVMTypeRef type, LLVMValueRef pointer, unsigned i)
{
    int64_t offset = LLVMGetTypeKind(type) == LLVMStructTypeKind
                         ? (int64_t)LLVMOffsetOfElement(self->layout, type, i)
                         : emit_size(self, LLVMGetElementType(type)) * (int64_t)i;
    return offset ? emit_at(self, self->i8, pointer, emit_int(self, offset)) : pointer;
}

static bool
is_bit(LLVMTypeRef type)
{
    return LLVMGetTypeKind(type) == LLVMIntegerTypeKind && LLVMGetIntTypeWidth(type) == 1;
}

static unsigned
alignment(const emit_t *self, LLVMTypeRef type)
{
    unsigned natural = LLVMABIAlignmentOfType(self->layout, type);
    return natural > 8 ? 8 : natural;
}

static void
tag(const emit_t *self, LLVMValueRef instruction, const char *kind, LLVMValueRef node)
{
    if (node)
        LLVMSetMetadata(instruction, LLVMGetMDKindIDInContext(self->context, kind, (unsigned)strlen(kind)), node);
}

/* A node that begins with itself, so that no other is equal to it. */
static LLVMMetadataRef
own_node(const emit_t *self, LLVMMetadataRef *parts, size_t count)
{
    LLVMMetadataRef itself = LLVMTemporaryMDNode(self->context, NULL, 0);
    parts[0] = itself;
    LLVMMetadataRef node = LLVMMDNodeInContext2(self->context, parts, count);
    LLVMMetadataReplaceAllUsesWith(itself, node);
    return node;
}

void
emit_apart(emit_t *self, bool on)
{
    self->load_tag = self->store_tag = NULL;
    if (!on)
        return;
    LLVMMetadataRef parts[2] = {NULL};
    LLVMMetadataRef domain = own_node(self, parts, 1);
    parts[1] = domain;
    LLVMMetadataRef scope = own_node(self, parts, 2), list = LLVMMDNodeInContext2(self->context, &scope, 1);
    self->load_tag = self->store_tag = LLVMMetadataAsValue(self->context, list);
}

LLVMValueRef
emit_load(const emit_t *self, LLVMTypeRef type, LLVMValueRef pointer)
{
    LLVMBuilderRef b = self->builder;
    if (is_bit(type))
        return LLVMBuildICmp(b, LLVMIntNE, emit_load(self, self->i8, pointer), LLVMConstInt(self->i8, 0, false), "");
    unsigned count = members(type);
    if (!count) {
        LLVMValueRef value = LLVMBuildLoad2(b, type, pointer, "");
        LLVMSetAlignment(value, alignment(self, type));
        tag(self, value, "noalias", self->load_tag);
        return value;
    }
    LLVMValueRef whole = LLVMGetPoison(type);
    for (unsigned i = 0; i < count; i++) {
        LLVMValueRef part = emit_load(self, member_type(type, i), member_at(self, type, pointer, i));
        whole = LLVMGetTypeKind(type) == LLVMVectorTypeKind
                    ? LLVMBuildInsertElement(b, whole, part, LLVMConstInt(self->i32, i, false), "")
                    : LLVMBuildInsertValue(b, whole, part, i, "");
    }
    return whole;
}

void
emit_store(const emit_t *self, LLVMValueRef value, LLVMValueRef pointer)
{
    LLVMBuilderRef b = self->builder;
    LLVMTypeRef type = LLVMTypeOf(value);
    unsigned count = members(type);
    if (!count) {
        if (is_bit(type))
            value = LLVMBuildZExt(b, value, self->i8, "");
        LLVMValueRef store = LLVMBuildStore(b, value, pointer);
        LLVMSetAlignment(store, alignment(self, LLVMTypeOf(value)));
        tag(self, store, "alias.scope", self->store_tag);
        return;
    }
    for (unsigned i = 0; i < count; i++) {
        LLVMValueRef part = LLVMGetTypeKind(type) == LLVMVectorTypeKind
                                ? LLVMBuildExtractElement(b, value, LLVMConstInt(self->i32, i, false), "")
                                : LLVMBuildExtractValue(b, value, i, "");
        emit_store(self, part, member_at(self, type, pointer, i));
    }
}

void
emit_copy(const emit_t *self, LLVMTypeRef type, LLVMValueRef to, LLVMValueRef from)
{
    enum { BY_MEMBERS = 64 }; /* bytes; larger things are moved as they lie */
    if (emit_size(self, type) <= BY_MEMBERS)
        emit_store(self, emit_load(self, is_bit(type) ? self->i8 : type, from), to);
    else
        LLVMBuildMemCpy(self->builder, to, 1, from, 1, emit_int(self, emit_size(self, type)));
}

LLVMValueRef
emit_item(const emit_t *self, LLVMTypeRef type, LLVMValueRef array, int64_t index)
{
    return LLVMBuildLoad2(self->builder, type, emit_at(self, type, array, emit_int(self, index)), "");
}

void
emit_loop_advice(const emit_t *self, LLVMValueRef branch, bool vectorised)
{
    static const char VECTORISE[] = "llvm.loop.vectorize.enable", UNROLL[] = "llvm.loop.unroll.disable";
    LLVMMetadataRef off = LLVMValueAsMetadata(LLVMConstInt(self->i1, 0, false));
    LLVMMetadataRef vectorise[] = {LLVMMDStringInContext2(self->context, VECTORISE, sizeof VECTORISE - 1), off};
    LLVMMetadataRef unroll = LLVMMDStringInContext2(self->context, UNROLL, sizeof UNROLL - 1);
    LLVMMetadataRef parts[] = {NULL, LLVMMDNodeInContext2(self->context, &unroll, 1),
                               LLVMMDNodeInContext2(self->context, vectorise, 2)};
    tag(self, branch, "llvm.loop", LLVMMetadataAsValue(self->context, own_node(self, parts, vectorised ? 2 : 3)));
}

void
emit_loop_begin(emit_t *self, LLVMValueRef from, LLVMValueRef to, emit_loop_t *ret)
{
    LLVMBuilderRef b = self->builder;
    *ret = (emit_loop_t){.before = LLVMGetInsertBlock(b), .to = to};
    ret->body = emit_block(self, "");
    ret->exit = emit_block(self, "");
    LLVMBuildCondBr(b, LLVMBuildICmp(b, LLVMIntSLT, from, to, ""), ret->body, ret->exit);
    LLVMPositionBuilderAtEnd(b, ret->body);
    ret->i = LLVMBuildPhi(b, self->i64, "i");
    LLVMAddIncoming(ret->i, &from, &ret->before, 1);
}

void
emit_loop_end(emit_t *self, const emit_loop_t *loop, LLVMValueRef step, bool vectorised)
{
    LLVMBuilderRef b = self->builder;
    LLVMValueRef next = LLVMBuildNSWAdd(b, loop->i, step, "");
    LLVMBasicBlockRef latch = LLVMGetInsertBlock(b);
    LLVMValueRef branch = LLVMBuildCondBr(b, LLVMBuildICmp(b, LLVMIntSLT, next, loop->to, ""), loop->body, loop->exit);
    LLVMAddIncoming(loop->i, &next, &latch, 1);
    emit_loop_advice(self, branch, vectorised);
    LLVMPositionBuilderAtEnd(b, loop->exit);
}
