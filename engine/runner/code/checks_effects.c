#include "engine/runner/code/checks_private.h"
#include "engine/runner/code/symbols.h"

#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof *(table))

static const struct {
    LLVMOpcode opcode;
    checks_effect_t effect;
    const char *nan; /* its result can be a NaN though no operand is one: what it is called */
} OPCODES[] = {
    {LLVMFAdd, PASSES, "fadd"},
    {LLVMFSub, PASSES, "fsub"},
    {LLVMFMul, PASSES, "fmul"},
    {LLVMFDiv, PASSES, "fdiv"},
    {LLVMFRem, PASSES, "frem"},
    {LLVMFNeg, PASSES, NULL},
    {LLVMAdd, PASSES, NULL},
    {LLVMSub, PASSES, NULL},
    {LLVMMul, PASSES, NULL},
    {LLVMShl, PASSES, NULL},
    {LLVMLShr, PASSES, NULL},
    {LLVMAShr, PASSES, NULL},
    {LLVMAnd, PASSES, NULL},
    {LLVMOr, PASSES, NULL},
    {LLVMXor, PASSES, NULL},
    {LLVMTrunc, PASSES, NULL},
    {LLVMZExt, PASSES, NULL},
    {LLVMSExt, PASSES, NULL},
    {LLVMFPToUI, PASSES, NULL},
    {LLVMFPToSI, PASSES, NULL},
    {LLVMUIToFP, PASSES, NULL},
    {LLVMSIToFP, PASSES, NULL},
    {LLVMFPTrunc, PASSES, NULL},
    {LLVMFPExt, PASSES, NULL},
    {LLVMPtrToInt, PASSES, NULL},
    {LLVMIntToPtr, PASSES, NULL},
    {LLVMBitCast, PASSES, NULL},
    {LLVMICmp, PASSES, NULL},
    {LLVMFCmp, PASSES, NULL},
    {LLVMPHI, PASSES, NULL},
    {LLVMSelect, PASSES, NULL},
    {LLVMFreeze, PASSES, NULL},
    {LLVMExtractElement, PASSES, NULL},
    {LLVMInsertElement, PASSES, NULL},
    {LLVMShuffleVector, PASSES, NULL},
    {LLVMExtractValue, PASSES, NULL},
    {LLVMInsertValue, PASSES, NULL},
    {LLVMGetElementPtr, PASSES, NULL},
};

static const struct {
    LLVMOpcode opcode;
    const char *name;
} SHIFTS[] = {{LLVMShl, "shl"}, {LLVMLShr, "lshr"}, {LLVMAShr, "ashr"}};

bool
checks_floating(LLVMTypeRef type)
{
    if (LLVMGetTypeKind(type) == LLVMVectorTypeKind)
        type = LLVMGetElementType(type);
    LLVMTypeKind kind = LLVMGetTypeKind(type);
    return kind == LLVMHalfTypeKind || kind == LLVMBFloatTypeKind || kind == LLVMFloatTypeKind ||
           kind == LLVMDoubleTypeKind;
}

static bool
is_bit(LLVMTypeRef type)
{
    if (LLVMGetTypeKind(type) == LLVMVectorTypeKind)
        type = LLVMGetElementType(type);
    return LLVMGetTypeKind(type) == LLVMIntegerTypeKind && LLVMGetIntTypeWidth(type) == 1;
}

/* Calls that do nothing but compute: intrinsics without addresses, functions of the C library. */
static bool
is_computation(LLVMValueRef call, const char *name)
{
    const symbol_t *symbol = symbol_find(name);
    if (symbol)
        return symbol->pure;
    if (!LLVMGetIntrinsicID(LLVMGetCalledValue(call)))
        return false;
    for (unsigned i = 0; i < LLVMGetNumArgOperands(call); i++) {
        LLVMTypeKind kind = LLVMGetTypeKind(LLVMTypeOf(LLVMGetOperand(call, i)));
        if (kind == LLVMPointerTypeKind)
            return false;
    }
    return true;
}

/* Without "llvm." and types: "llvm.sqrt.f64" is "sqrt". */
static void
short_name(const char *name, char ret[32])
{
    size_t length = 0;
    if (!strncmp(name, "llvm.", 5))
        name += 5;
    while (name[length] && name[length] != '.' && length < 31)
        length++;
    memcpy(ret, name, length);
    ret[length] = '\0';
}

/* Asking whether a value is a NaN is no use of one, and with "and" and "or" the other side may have decided. */
static bool
asks_or_joins(LLVMValueRef i, LLVMOpcode opcode)
{
    if (opcode == LLVMFCmp) {
        LLVMRealPredicate predicate = LLVMGetFCmpPredicate(i);
        return predicate == LLVMRealUNO || predicate == LLVMRealORD;
    }
    return (opcode == LLVMAnd || opcode == LLVMOr) && is_bit(LLVMTypeOf(i));
}

static checks_effect_t
effect_of_call(LLVMValueRef i)
{
    const char *callee = checks_callee(i);
    if (!callee || !is_computation(i, callee))
        return LEAKS;
    if (LLVMGetTypeKind(LLVMTypeOf(i)) == LLVMVoidTypeKind || checks_is(callee, "llvm.is.fpclass"))
        return ENDS;
    return PASSES;
}

checks_effect_t
checks_effect(LLVMValueRef i)
{
    LLVMOpcode opcode = LLVMGetInstructionOpcode(i);
    if (!checks_lanes(LLVMTypeOf(i)))
        return LEAKS;
    if (asks_or_joins(i, opcode))
        return ENDS;
    if (opcode == LLVMCall)
        return effect_of_call(i);
    for (size_t k = 0; k < COUNT(OPCODES); k++)
        if (OPCODES[k].opcode == opcode)
            return OPCODES[k].effect;
    return LEAKS;
}

/* Whether a shift's amount is a number that is small enough. */
static bool
is_small_shift(LLVMValueRef i)
{
    LLVMValueRef amount = LLVMGetOperand(i, 1);
    return LLVMIsAConstantInt(amount) && LLVMGetIntTypeWidth(LLVMTypeOf(amount)) <= 64 &&
           LLVMConstIntGetZExtValue(amount) < LLVMGetIntTypeWidth(LLVMTypeOf(amount));
}

const char *
checks_makes(LLVMValueRef i, guard_kind_t *ret_kind, char room[32])
{
    LLVMOpcode opcode = LLVMGetInstructionOpcode(i);
    if (!checks_lanes(LLVMTypeOf(i)))
        return NULL;
    *ret_kind = GUARD_SHIFT;
    for (size_t k = 0; k < COUNT(SHIFTS); k++)
        if (SHIFTS[k].opcode == opcode)
            return is_small_shift(i) ? NULL : SHIFTS[k].name;
    *ret_kind = GUARD_NAN;
    if (!checks_floating(LLVMTypeOf(i)))
        return NULL;
    if (opcode == LLVMCall && effect_of_call(i) == PASSES) {
        short_name(checks_callee(i), room);
        return room;
    }
    for (size_t k = 0; k < COUNT(OPCODES); k++)
        if (OPCODES[k].opcode == opcode)
            return OPCODES[k].nan;
    return NULL;
}
