#include "engine/runner/code/checks_private.h"

#include <string.h>

enum { MAX_STEPS = 64 }; /* from an address back to what it is in */

/* What is known of the object that an address lies in. */
typedef struct {
    LLVMValueRef base;
    int64_t room;
    bool itself; /* the address is the object's own */
} target_t;

/* Functions of the C library that write behind pointers: which argument, how many bytes. */
static const struct {
    const char *name;
    unsigned argument, bytes;
} WRITERS[] = {
    {"frexp", 1, 4},  {"frexpf", 1, 4},  {"lgamma_r", 1, 4}, {"lgammaf_r", 1, 4}, {"modf", 1, 8},    {"modff", 1, 4},
    {"remquo", 2, 4}, {"remquof", 2, 4}, {"sincos", 1, 8},   {"sincos", 2, 8},    {"sincosf", 1, 4}, {"sincosf", 2, 4},
};

/* Functions that take (to, from or value, length). */
static const struct {
    const char *name;
    bool reads;
} COPIERS[] = {
    {"llvm.memcpy", true}, {"llvm.memmove", true}, {"llvm.memset", false},
    {"memcpy", true},      {"memmove", true},      {"memset", false},
};

/* Vector accesses with a mask: the address (or addresses), and whether it is written. */
static const struct {
    const char *name;
    unsigned address;
    bool write;
} MASKED[] = {
    {"llvm.masked.load", 0, false},
    {"llvm.masked.store", 1, true},
    {"llvm.masked.gather", 0, false},
    {"llvm.masked.scatter", 1, true},
};

static target_t
find_object(const checks_t *self, LLVMValueRef address, bool write)
{
    target_t object = {.base = self->globals, .room = -self->global_count};
    LLVMValueRef at = address;
    for (int i = 0; i < MAX_STEPS; i++) {
        LLVMTypeRef type = NULL;
        uint64_t count = 1;
        if (LLVMIsAAllocaInst(at)) {
            type = LLVMGetAllocatedType(at);
            count = LLVMConstIntGetZExtValue(LLVMGetOperand(at, 0));
        } else if (LLVMIsAGlobalVariable(at) && !LLVMIsDeclaration(at)) {
            type = LLVMGlobalGetValueType(at);
        }
        uint64_t room = type ? LLVMABISizeOfType(self->layout, type) * count : 0;
        bool constant = LLVMIsAGlobalVariable(at) && LLVMIsGlobalConstant(at);
        if (room && !(constant && write)) /* the table knows what is not to be written */
            return (target_t){at, (int64_t)room, at == address};
        bool step =
            LLVMIsAGetElementPtrInst(at) || (LLVMIsAConstantExpr(at) && LLVMGetConstOpcode(at) == LLVMGetElementPtr);
        if (!step || LLVMGetTypeKind(LLVMTypeOf(at)) != LLVMPointerTypeKind)
            return object;
        at = LLVMGetOperand(at, 0);
    }
    return object;
}

static void
check_address(checks_t *self, LLVMValueRef instruction, LLVMValueRef address, LLVMValueRef size, bool write)
{
    target_t object = find_object(self, address, write);
    if (object.itself && LLVMIsAConstantInt(size) && LLVMConstIntGetZExtValue(size) <= (uint64_t)object.room)
        return;
    LLVMValueRef args[] = {address,
                           size,
                           object.base,
                           checks_int(self, self->i64, object.room),
                           checks_file(self, instruction),
                           checks_line(self, instruction)};
    const checks_call_t *call = write ? &self->write : &self->read;
    LLVMBuildCall2(self->builder, call->type, call->function, args, 6, "");
}

static void
check_type(checks_t *self, LLVMValueRef instruction, LLVMValueRef address, LLVMTypeRef type, bool write)
{
    if (!LLVMTypeIsSized(type) || !checks_lanes(type))
        return;
    LLVMValueRef size = checks_int(self, self->i64, (int64_t)LLVMStoreSizeOfType(self->layout, type));
    check_address(self, instruction, address, size, write);
}

static LLVMValueRef
element(checks_t *self, LLVMValueRef vector, unsigned lane)
{
    return LLVMBuildExtractElement(self->builder, vector, checks_int(self, self->i32, lane), "");
}

static bool
is_mask(LLVMTypeRef type)
{
    return LLVMGetTypeKind(type) == LLVMVectorTypeKind &&
           LLVMGetTypeKind(LLVMGetElementType(type)) == LLVMIntegerTypeKind &&
           LLVMGetIntTypeWidth(LLVMGetElementType(type)) == 1;
}

/* One check for each lane, of 0 bytes where the mask is off.  The mask comes before what stands in for the lanes that
 * are off, and after what is stored. */
static void
check_masked(checks_t *self, LLVMValueRef call, unsigned at, bool write)
{
    LLVMValueRef address = LLVMGetOperand(call, at), mask = NULL;
    for (unsigned i = at + 1; i < LLVMGetNumArgOperands(call) && !mask; i++)
        if (is_mask(LLVMTypeOf(LLVMGetOperand(call, i))))
            mask = LLVMGetOperand(call, i);
    LLVMTypeRef type = write ? LLVMTypeOf(LLVMGetOperand(call, 0)) : LLVMTypeOf(call);
    if (!mask || LLVMGetTypeKind(type) != LLVMVectorTypeKind)
        return;
    LLVMTypeRef item = LLVMGetElementType(type);
    LLVMValueRef size = checks_int(self, self->i64, (int64_t)LLVMStoreSizeOfType(self->layout, item));
    bool many = LLVMGetTypeKind(LLVMTypeOf(address)) == LLVMVectorTypeKind;
    for (unsigned lane = 0; lane < LLVMGetVectorSize(type); lane++) {
        LLVMValueRef index = checks_int(self, self->i64, lane);
        LLVMValueRef place =
            many ? element(self, address, lane) : LLVMBuildGEP2(self->builder, item, address, &index, 1, "");
        LLVMValueRef on = element(self, mask, lane);
        check_address(self, call, place, LLVMBuildSelect(self->builder, on, size, checks_int(self, self->i64, 0), ""),
                      write);
    }
}

static LLVMValueRef
as_int64(checks_t *self, LLVMValueRef value)
{
    return LLVMBuildIntCast2(self->builder, value, self->i64, false, "");
}

/* Who calls memcpy may have declared it as anything. */
static bool
is_copier(LLVMValueRef call, bool reads)
{
    return LLVMGetNumArgOperands(call) >= 3 &&
           LLVMGetTypeKind(LLVMTypeOf(LLVMGetOperand(call, 0))) == LLVMPointerTypeKind &&
           (!reads || LLVMGetTypeKind(LLVMTypeOf(LLVMGetOperand(call, 1))) == LLVMPointerTypeKind) &&
           LLVMGetTypeKind(LLVMTypeOf(LLVMGetOperand(call, 2))) == LLVMIntegerTypeKind;
}

static void
check_call(checks_t *self, LLVMValueRef call, const char *name)
{
    for (size_t i = 0; i < sizeof MASKED / sizeof *MASKED; i++)
        if (checks_is(name, MASKED[i].name))
            check_masked(self, call, MASKED[i].address, MASKED[i].write);
    for (size_t i = 0; i < sizeof COPIERS / sizeof *COPIERS; i++) {
        if (!checks_is(name, COPIERS[i].name) || !is_copier(call, COPIERS[i].reads))
            continue;
        LLVMValueRef size = as_int64(self, LLVMGetOperand(call, 2));
        check_address(self, call, LLVMGetOperand(call, 0), size, true);
        if (COPIERS[i].reads)
            check_address(self, call, LLVMGetOperand(call, 1), size, false);
    }
    for (size_t i = 0; i < sizeof WRITERS / sizeof *WRITERS; i++)
        if (!strcmp(name, WRITERS[i].name) && LLVMGetNumArgOperands(call) > WRITERS[i].argument &&
            LLVMGetTypeKind(LLVMTypeOf(LLVMGetOperand(call, WRITERS[i].argument))) == LLVMPointerTypeKind)
            check_address(self, call, LLVMGetOperand(call, WRITERS[i].argument),
                          checks_int(self, self->i64, WRITERS[i].bytes), true);
}

void
checks_access(checks_t *self, LLVMValueRef instruction)
{
    LLVMPositionBuilderBefore(self->builder, instruction);
    const char *callee = checks_callee(instruction);
    if (callee)
        check_call(self, instruction, callee);
    else if (LLVMIsALoadInst(instruction))
        check_type(self, instruction, LLVMGetOperand(instruction, 0), LLVMTypeOf(instruction), false);
    else if (LLVMIsAStoreInst(instruction))
        check_type(self, instruction, LLVMGetOperand(instruction, 1), LLVMTypeOf(LLVMGetOperand(instruction, 0)), true);
    else if (LLVMIsAAtomicRMWInst(instruction) || LLVMIsAAtomicCmpXchgInst(instruction))
        check_type(self, instruction, LLVMGetOperand(instruction, 0), LLVMTypeOf(LLVMGetOperand(instruction, 1)), true);
}
