#include "engine/runner/code/call.h"

#include <string.h>

static const LLVMAttributeIndex FIRST_PARAM = 1;

static unsigned
kind_of(const char *name)
{
    return LLVMGetEnumAttributeKindForName(name, strlen(name));
}

static LLVMAttributeRef
attribute(LLVMValueRef function, LLVMAttributeIndex at, const char *name)
{
    return LLVMGetEnumAttributeAtIndex(function, at, kind_of(name));
}

bool
call_is_pointer(LLVMTypeRef type)
{
    return LLVMGetTypeKind(type) == LLVMPointerTypeKind && LLVMGetPointerAddressSpace(type) == 0;
}

bool
call_is_floats(LLVMTypeRef type)
{
    LLVMTypeKind kind = LLVMGetTypeKind(type);
    if (kind == LLVMVectorTypeKind || kind == LLVMArrayTypeKind)
        return call_is_floats(LLVMGetElementType(type));
    if (kind != LLVMStructTypeKind)
        return kind == LLVMFloatTypeKind || kind == LLVMDoubleTypeKind;
    unsigned count = LLVMCountStructElementTypes(type);
    for (unsigned i = 0; i < count; i++)
        if (!call_is_floats(LLVMStructGetTypeAtIndex(type, i)))
            return false;
    return count > 0;
}

/* Numba's native functions return through a pointer: what is stored there tells the type. */
static LLVMTypeRef
native_result(LLVMValueRef function)
{
    LLVMValueRef pointer = LLVMGetParam(function, 0);
    for (LLVMUseRef use = LLVMGetFirstUse(pointer); use; use = LLVMGetNextUse(use)) {
        LLVMValueRef user = LLVMGetUser(use);
        if (LLVMIsAStoreInst(user) && LLVMGetOperand(user, 1) == pointer)
            return LLVMTypeOf(LLVMGetOperand(user, 0));
    }
    return NULL;
}

void
call_init(call_t *self, LLVMValueRef function, bool native)
{
    LLVMTypeRef type = LLVMGlobalGetValueType(function), result = LLVMGetReturnType(type);
    *self = (call_t){.function = function, .type = type, .native = native, .params = LLVMCountParamTypes(type)};
    LLVMAttributeRef sret = self->params && !native ? attribute(function, FIRST_PARAM, "sret") : NULL;
    bool nothing = LLVMGetTypeKind(result) == LLVMVoidTypeKind;
    if (native) {
        self->result = native_result(function);
        self->next = 2;
    } else if (sret && nothing) {
        self->result = LLVMGetTypeAttributeValue(sret);
        self->hidden = true;
        self->next = 1;
    } else if (!nothing) {
        self->result = result;
    }
}

static LLVMTypeRef
param_type(const call_t *self, unsigned i)
{
    LLVMTypeRef types[CALL_MAX_PARAMS];
    LLVMGetParamTypes(self->type, types);
    return types[i];
}

LLVMTypeRef
call_next(const call_t *self)
{
    return self->next < self->params ? param_type(self, self->next) : NULL;
}

static void
take(call_t *self, call_passing_t passing, unsigned count, LLVMTypeRef type)
{
    self->values[self->count++] = (call_value_t){passing, self->next, count, type};
    self->next += count;
}

void
call_take_one(call_t *self)
{
    take(self, CALL_PARTS, 1, call_next(self));
}

void
call_take_address(call_t *self)
{
    take(self, CALL_ADDRESS, 1, NULL);
}

static uint64_t
round_up(uint64_t value, uint64_t unit)
{
    return (value + unit - 1) / unit * unit;
}

/* How many parameters from the next one on fill as many bytes as type, laid out as in a struct; 0: none do. */
static unsigned
matching_parts(const call_t *self, LLVMTargetDataRef layout, LLVMTypeRef type)
{
    uint64_t wanted = LLVMABISizeOfType(layout, type), end = 0, widest = 1;
    bool floats = call_is_floats(type);
    for (unsigned i = self->next; i < self->params && end < wanted; i++) {
        LLVMTypeRef part = param_type(self, i);
        if (call_is_pointer(part) || !LLVMTypeIsSized(part) || (floats && !call_is_floats(part)))
            return 0;
        uint64_t align = LLVMABIAlignmentOfType(layout, part);
        end = round_up(end, align) + LLVMABISizeOfType(layout, part);
        widest = align > widest ? align : widest;
        if (round_up(end, widest) == wanted)
            return i + 1 - self->next;
    }
    return 0;
}

bool
call_take(call_t *self, LLVMTypeRef type)
{
    LLVMTypeRef next = call_next(self);
    if (!next)
        return false;
    if (next == type) {
        call_take_one(self);
        return true;
    }
    if (call_is_pointer(next) && (self->hidden || attribute(self->function, FIRST_PARAM + self->next, "byval"))) {
        take(self, CALL_COPY, 1, type);
        return true;
    }
    LLVMTargetDataRef layout = LLVMGetModuleDataLayout(LLVMGetGlobalParent(self->function));
    unsigned count = matching_parts(self, layout, type);
    if (count)
        take(self, CALL_PARTS, count, type);
    return count > 0;
}

static void
load_parts(const emit_t *emit, const call_t *self, const call_value_t *value, LLVMValueRef pointer, LLVMValueRef *args)
{
    uint64_t offset = 0;
    for (unsigned i = value->first; i < value->first + value->count; i++) {
        LLVMTypeRef type = param_type(self, i);
        offset = round_up(offset, LLVMABIAlignmentOfType(emit->layout, type));
        args[i] =
            emit_load(emit, type, offset ? emit_at(emit, emit->i8, pointer, emit_int(emit, (int64_t)offset)) : pointer);
        offset += LLVMABISizeOfType(emit->layout, type);
    }
}

/* What the two sides of a call must agree on about registers and hidden memory. */
static void
copy_attributes(const call_t *self, LLVMValueRef call)
{
    static const char *const AGREED[] = {"zeroext", "signext", "sret", "byval"};
    for (LLVMAttributeIndex at = 0; at <= self->params; at++)
        for (size_t k = 0; k < sizeof AGREED / sizeof *AGREED; k++) {
            LLVMAttributeRef found = attribute(self->function, at, AGREED[k]);
            if (found)
                LLVMAddCallSiteAttribute(call, at, found);
        }
    LLVMSetInstructionCallConv(call, LLVMGetFunctionCallConv(self->function));
}

static void
store_result(const emit_t *emit, const call_t *self, LLVMValueRef value, LLVMValueRef pointer)
{
    LLVMTypeRef type = LLVMTypeOf(value);
    if (self->truth && type != emit->i1)
        value = LLVMBuildICmp(emit->builder, LLVMIntNE, value, LLVMConstInt(type, 0, false), "");
    emit_store(emit, value, pointer);
}

LLVMValueRef
call_emit(emit_t *emit, const call_t *self, const LLVMValueRef *pointers, LLVMValueRef result)
{
    LLVMValueRef args[CALL_MAX_PARAMS];
    LLVMValueRef slot = self->result && (self->native || self->hidden) ? emit_slot(emit, self->result) : NULL;
    if (self->native) {
        args[0] = slot ? slot : emit_slot(emit, emit->ptr);
        args[1] = emit_slot(emit, emit->ptr);
    } else if (self->hidden) {
        args[0] = slot;
    }
    for (int k = 0; k < self->count; k++) {
        const call_value_t *value = &self->values[k];
        if (value->passing == CALL_PARTS) {
            load_parts(emit, self, value, pointers[k], args);
            continue;
        }
        args[value->first] = pointers[k];
        if (value->passing == CALL_COPY) {
            args[value->first] = emit_slot(emit, value->type);
            emit_copy(emit, value->type, args[value->first], pointers[k]);
        }
    }
    LLVMValueRef call = LLVMBuildCall2(emit->builder, self->type, self->function, args, self->params, "");
    copy_attributes(self, call);
    if (slot && self->hidden)
        emit_copy(emit, self->result, result, slot);
    else if (slot)
        store_result(emit, self, emit_load(emit, self->result, slot), result);
    else if (self->result)
        store_result(emit, self, call, result);
    return self->native ? call : NULL;
}
