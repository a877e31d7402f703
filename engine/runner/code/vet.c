#include "engine/runner/code/vet.h"

#include "engine/runner/code/symbols.h"

#include <stdbool.h>
#include <string.h>

#include <llvm-c/Target.h>

#ifdef __x86_64__
#define FH_COMPLEX_FLOAT_IN_VECTOR true
#else
#define FH_COMPLEX_FLOAT_IN_VECTOR false
#endif

static const struct {
    LLVMOpcode opcode;
    const char *why;
} REFUSED_OPCODES[] = {
#define REFUSED(opcode, why) {opcode, why},
#define REFUSED_ATTRIBUTE(name, why)
#define INTRINSIC(name)
#include "engine/runner/code/vet.def"
#undef REFUSED
#undef REFUSED_ATTRIBUTE
#undef INTRINSIC
};

static const struct {
    const char *name, *why;
} REFUSED_ATTRIBUTES[] = {
#define REFUSED(opcode, why)
#define REFUSED_ATTRIBUTE(name, why) {name, why},
#define INTRINSIC(name)
#include "engine/runner/code/vet.def"
#undef REFUSED
#undef REFUSED_ATTRIBUTE
#undef INTRINSIC
};

static const char *const INTRINSICS[] = {
#define REFUSED(opcode, why)
#define REFUSED_ATTRIBUTE(name, why)
#define INTRINSIC(name) name,
#include "engine/runner/code/vet.def"
#undef REFUSED
#undef REFUSED_ATTRIBUTE
#undef INTRINSIC
};

#define COUNT(table) (sizeof(table) / sizeof *(table))

typedef struct {
    LLVMTargetDataRef layout;
    size_t functions, instructions;
    uint64_t global_bytes;
    err_t *err;
} vet_t;

static int
refuse(vet_t *self, const char *what, const char *name, const char *why)
{
    return err_set(self->err, FH_BAD_BITCODE, "%s %.200s %s", what, name, why);
}

static bool
intrinsic_allowed(const char *name)
{
    for (size_t i = 0; i < COUNT(INTRINSICS); i++) {
        size_t length = strlen(INTRINSICS[i]);
        if (!strncmp(name, INTRINSICS[i], length) && (!name[length] || name[length] == '.'))
            return true;
    }
    return false;
}

static bool
has_section(LLVMValueRef value)
{
    const char *section = LLVMGetSection(value);
    return section && *section;
}

static int
vet_global(vet_t *self, LLVMValueRef global)
{
    const char *name = LLVMGetValueName(global);
    LLVMTypeRef type = LLVMGlobalGetValueType(global);
    if (!strncmp(name, "llvm.", 5))
        return refuse(self, "global", name, "is an instruction to the linker or loader, which kernels do not get");
    if (LLVMIsThreadLocal(global))
        return refuse(self, "global", name, "is thread-local");
    if (has_section(global))
        return refuse(self, "global", name, "wants a section of its own");
    if (LLVMIsDeclaration(global))
        return LLVMGetFirstUse(global) ? refuse(self, "global", name, "is data outside the module") : FH_OK;
    if (!LLVMTypeIsSized(type) || LLVMGetTypeKind(type) == LLVMScalableVectorTypeKind)
        return refuse(self, "global", name, "has no fixed size");
    uint64_t bytes = LLVMABISizeOfType(self->layout, type);
    if (bytes > VET_MAX_GLOBALS || (self->global_bytes += bytes) > VET_MAX_GLOBALS)
        return refuse(self, "global", name, "brings the module's data above 1 MiB");
    return FH_OK;
}

static int
vet_alloca(vet_t *self, LLVMValueRef i, const char *function)
{
    LLVMValueRef count = LLVMGetOperand(i, 0);
    LLVMTypeRef type = LLVMGetAllocatedType(i);
    if (!LLVMIsAConstantInt(count))
        return refuse(self, "function", function, "allocates a variable amount of stack");
    if (!LLVMTypeIsSized(type) || LLVMGetTypeKind(type) == LLVMScalableVectorTypeKind ||
        LLVMGetIntTypeWidth(LLVMTypeOf(count)) > 64)
        return refuse(self, "function", function, "allocates stack of unknown size");
    uint64_t n = LLVMConstIntGetZExtValue(count), bytes = LLVMABISizeOfType(self->layout, type);
    if (bytes && n > VET_MAX_ALLOCA / bytes)
        return refuse(self, "function", function, "allocates more than 64 KiB of stack at once");
    return FH_OK;
}

static int
vet_call(vet_t *self, LLVMValueRef i, LLVMValueRef function)
{
    const char *name = LLVMGetValueName(function);
    LLVMValueRef callee = LLVMGetCalledValue(i);
    if (LLVMIsAInlineAsm(callee))
        return refuse(self, "function", name, "contains inline assembler");
    if (!LLVMIsAFunction(callee))
        return refuse(self, "function", name, "calls through a pointer");
    if (callee == function)
        return refuse(self, "function", name, "calls itself; recursion is not allowed");
    return FH_OK;
}

/* Pointers that are relative to something else than address 0: on x86 to the thread's own data. */
static bool
is_far(LLVMValueRef value)
{
    LLVMTypeRef type = LLVMTypeOf(value);
    if (LLVMGetTypeKind(type) == LLVMVectorTypeKind)
        type = LLVMGetElementType(type);
    return LLVMGetTypeKind(type) == LLVMPointerTypeKind && LLVMGetPointerAddressSpace(type) != 0;
}

static int
vet_pointers(vet_t *self, LLVMValueRef i, LLVMValueRef function)
{
    bool far = is_far(i);
    for (int k = 0; k < LLVMGetNumOperands(i) && !far; k++)
        far = is_far(LLVMGetOperand(i, (unsigned)k));
    return far ? refuse(self, "function", LLVMGetValueName(function),
                        "uses pointers of an address space of its own; arrays are in address space 0")
               : FH_OK;
}

static int
vet_instruction(vet_t *self, LLVMValueRef i, LLVMValueRef function)
{
    if (++self->instructions > VET_MAX_INSTRUCTIONS)
        return err_set(self->err, FH_BAD_BITCODE, "the module has more than %d instructions", VET_MAX_INSTRUCTIONS);
    LLVMOpcode opcode = LLVMGetInstructionOpcode(i);
    for (size_t k = 0; k < COUNT(REFUSED_OPCODES); k++)
        if (opcode == REFUSED_OPCODES[k].opcode)
            return refuse(self, "function", LLVMGetValueName(function), REFUSED_OPCODES[k].why);
    int status = vet_pointers(self, i, function);
    if (status)
        return status;
    if (opcode == LLVMAlloca)
        return vet_alloca(self, i, LLVMGetValueName(function));
    return opcode == LLVMCall ? vet_call(self, i, function) : FH_OK;
}

/* Complex floats go as structs or arrays on other CPUs, and would arrive in other registers than the function looks in.
 */
static bool
is_foreign_call(LLVMValueRef function)
{
    enum { MAX_PARAMS = 4 };
    LLVMTypeRef type = LLVMGlobalGetValueType(function), parts[MAX_PARAMS + 1];
    unsigned count = LLVMCountParamTypes(type);
    if (count > MAX_PARAMS)
        return true;
    LLVMGetParamTypes(type, parts);
    parts[count] = LLVMGetReturnType(type);
    for (unsigned i = 0; i <= count; i++) {
        LLVMTypeKind kind = LLVMGetTypeKind(parts[i]);
        if (kind == LLVMStructTypeKind || kind == LLVMArrayTypeKind)
            return FH_COMPLEX_FLOAT_IN_VECTOR;
        if (kind == LLVMVectorTypeKind)
            return !FH_COMPLEX_FLOAT_IN_VECTOR;
    }
    return false;
}

static int
vet_intrinsic(vet_t *self, const char *name)
{
    static const char *const CPUS[] = {"llvm.x86.", "llvm.aarch64.", "llvm.arm.",
                                       "llvm.ppc.", "llvm.nvvm.",    "llvm.amdgcn."};
    if (intrinsic_allowed(name))
        return FH_OK;
    for (size_t i = 0; i < COUNT(CPUS); i++)
        if (!strncmp(name, CPUS[i], strlen(CPUS[i])))
            return refuse(self, "intrinsic", name,
                          "is an instruction of one family of CPUs; kernels are compiled for the CPU they run on");
    return refuse(self, "intrinsic", name, "is not allowed in a kernel");
}

static int
vet_declaration(vet_t *self, LLVMValueRef function)
{
    const char *name = LLVMGetValueName(function);
    if (!LLVMGetFirstUse(function))
        return FH_OK;
    if (LLVMGetIntrinsicID(function))
        return vet_intrinsic(self, name);
    const symbol_t *symbol = symbol_find(name);
    if (symbol && symbol->pair && is_foreign_call(function))
        return refuse(self, "function", name, "takes complex floats as another CPU passes them; compile for this one");
    return symbol ? FH_OK
                  : refuse(self, "function", name,
                           "is outside the module and not one of the mathematical functions that kernels may call");
}

static int
vet_function(vet_t *self, LLVMValueRef function)
{
    const char *name = LLVMGetValueName(function);
    if (++self->functions > VET_MAX_FUNCTIONS)
        return err_set(self->err, FH_BAD_BITCODE, "the module has more than %d functions", VET_MAX_FUNCTIONS);
    if (symbol_find(name))
        return refuse(self, "function", name, "redefines a function of the C library");
    if (LLVMHasPersonalityFn(function))
        return refuse(self, "function", name, "throws or catches exceptions (personality)");
    if (LLVMGetGC(function))
        return refuse(self, "function", name, "wants a garbage collector");
    if (LLVMHasPrefixData(function) || LLVMHasPrologueData(function))
        return refuse(self, "function", name, "brings machine code of its own (prefix or prologue data)");
    if (has_section(function))
        return refuse(self, "function", name, "wants a section of its own");
    for (size_t k = 0; k < COUNT(REFUSED_ATTRIBUTES); k++) {
        const char *attribute = REFUSED_ATTRIBUTES[k].name;
        unsigned kind = LLVMGetEnumAttributeKindForName(attribute, strlen(attribute));
        if (LLVMGetEnumAttributeAtIndex(function, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, kind))
            return refuse(self, "function", name, REFUSED_ATTRIBUTES[k].why);
    }
    int status = FH_OK;
    for (LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(function); block && !status;
         block = LLVMGetNextBasicBlock(block))
        for (LLVMValueRef i = LLVMGetFirstInstruction(block); i && !status; i = LLVMGetNextInstruction(i))
            status = vet_instruction(self, i, function);
    return status;
}

int
vet_module(LLVMModuleRef module, err_t *err)
{
    vet_t self = {.layout = LLVMGetModuleDataLayout(module), .err = err};
    size_t length = 0;
    LLVMGetModuleInlineAsm(module, &length);
    if (length)
        return err_set(err, FH_BAD_BITCODE, "the module contains assembler");
    LLVMValueRef odd = LLVMGetFirstGlobalIFunc(module);
    if (odd)
        return refuse(&self, "global", LLVMGetValueName(odd), "is chosen at load time (ifunc)");
    odd = LLVMGetFirstGlobalAlias(module);
    if (odd)
        return refuse(&self, "global", LLVMGetValueName(odd), "is an alias");
    int status = FH_OK;
    for (LLVMValueRef g = LLVMGetFirstGlobal(module); g && !status; g = LLVMGetNextGlobal(g))
        status = vet_global(&self, g);
    for (LLVMValueRef f = LLVMGetFirstFunction(module); f && !status; f = LLVMGetNextFunction(f))
        status = LLVMIsDeclaration(f) ? FH_OK : vet_function(&self, f);
    for (LLVMValueRef f = LLVMGetFirstFunction(module); f && !status; f = LLVMGetNextFunction(f))
        status = LLVMIsDeclaration(f) ? vet_declaration(&self, f) : FH_OK;
    return status;
}
