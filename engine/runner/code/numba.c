#include "engine/runner/code/numba.h"

#include "engine/runner/code/symbols.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char WRAPPER[] = "cfunc.", MANGLED[] = "_ZN";

static bool
starts_with(const char *text, const char *start)
{
    return !strncmp(text, start, strlen(start));
}

bool
numba_is_wrapper(LLVMValueRef function)
{
    return starts_with(LLVMGetValueName(function), WRAPPER);
}

bool
numba_is_native(LLVMValueRef function)
{
    enum { MAX_PARAMS = 64 };
    LLVMTypeRef type = LLVMGlobalGetValueType(function), params[MAX_PARAMS], result = LLVMGetReturnType(type);
    unsigned count = LLVMCountParamTypes(type);
    if (!starts_with(LLVMGetValueName(function), MANGLED) || count < 3 || count > MAX_PARAMS ||
        LLVMGetTypeKind(result) != LLVMIntegerTypeKind || LLVMGetIntTypeWidth(result) != 32)
        return false;
    LLVMGetParamTypes(type, params);
    return LLVMGetTypeKind(params[0]) == LLVMPointerTypeKind && LLVMGetTypeKind(params[1]) == LLVMPointerTypeKind;
}

/* Does the body only call what is in the module or on the list of allowed functions? */
static bool
calls_only_known(LLVMValueRef function)
{
    for (LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(function); block; block = LLVMGetNextBasicBlock(block))
        for (LLVMValueRef i = LLVMGetFirstInstruction(block); i; i = LLVMGetNextInstruction(i)) {
            if (!LLVMIsACallInst(i))
                continue;
            LLVMValueRef callee = LLVMGetCalledValue(i);
            if (!LLVMIsAFunction(callee))
                return false;
            if (LLVMIsDeclaration(callee) && !LLVMGetIntrinsicID(callee) && !symbol_find(LLVMGetValueName(callee)))
                return false;
        }
    return true;
}

LLVMValueRef
numba_unwrap(LLVMModuleRef module, LLVMValueRef wrapper)
{
    if (calls_only_known(wrapper))
        return wrapper;
    LLVMValueRef native = LLVMGetNamedFunction(module, LLVMGetValueName(wrapper) + sizeof WRAPPER - 1);
    return native && !LLVMIsDeclaration(native) && numba_is_native(native) ? native : wrapper;
}

LLVMValueRef
numba_wrapper(LLVMModuleRef module, LLVMValueRef native)
{
    enum { NAME_ROOM = 1024 };
    char name[NAME_ROOM];
    int length = snprintf(name, sizeof name, "%s%s", WRAPPER, LLVMGetValueName(native));
    return length > 0 && length < NAME_ROOM ? LLVMGetNamedFunction(module, name) : NULL;
}

void
numba_plain_name(const char *name, char *ret, size_t size)
{
    if (starts_with(name, WRAPPER))
        name += sizeof WRAPPER - 1;
    const char *part = name;
    size_t length = strlen(name);
    if (starts_with(name, MANGLED)) {
        const char *at = name + sizeof MANGLED - 1;
        while (*at >= '1' && *at <= '9') { /* a number and so many characters, the last of them is the name */
            char *end;
            unsigned long count = strtoul(at, &end, 10);
            if (count > strlen(end))
                break;
            part = end;
            length = count;
            at = end + count;
        }
    }
    snprintf(ret, size, "%.*s", (int)(length < size ? length : size - 1), part);
}
