#include "engine/runner/code/stream_loop.h"

#include <stdio.h>
#include <string.h>

#include <llvm-c/Target.h>

enum { VECTOR_MIN = 16, VECTOR_MAX = 64 /* bytes of a store that machines have */ };

/* Where a pointer begins: what is added to it goes by the way. */
static LLVMValueRef
base_of(LLVMValueRef pointer)
{
    while (LLVMIsAGetElementPtrInst(pointer))
        pointer = LLVMGetOperand(pointer, 0);
    return pointer;
}

/* A vector that goes to an array of the call: those come out of memory, as what lies on the stack does not. */
static bool
is_result(LLVMTargetDataRef layout, LLVMValueRef store, unsigned *ret_bytes)
{
    LLVMTypeRef type = LLVMTypeOf(LLVMGetOperand(store, 0));
    if (LLVMGetTypeKind(type) != LLVMVectorTypeKind || !LLVMIsALoadInst(base_of(LLVMGetOperand(store, 1))))
        return false;
    unsigned long long bytes = LLVMABISizeOfType(layout, type);
    *ret_bytes = (unsigned)bytes;
    return bytes >= VECTOR_MIN && bytes <= VECTOR_MAX && !(bytes & (bytes - 1));
}

static int
change_stores(LLVMModuleRef module, LLVMValueRef function)
{
    LLVMContextRef context = LLVMGetModuleContext(module);
    LLVMTargetDataRef layout = LLVMGetModuleDataLayout(module);
    LLVMMetadataRef one = LLVMValueAsMetadata(LLVMConstInt(LLVMInt32TypeInContext(context), 1, false));
    LLVMValueRef node = LLVMMetadataAsValue(context, LLVMMDNodeInContext2(context, &one, 1));
    unsigned kind = LLVMGetMDKindIDInContext(context, "nontemporal", (unsigned)strlen("nontemporal")), bytes = 0;
    int changed = 0;
    for (LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(function); block; block = LLVMGetNextBasicBlock(block))
        for (LLVMValueRef i = LLVMGetFirstInstruction(block); i; i = LLVMGetNextInstruction(i)) {
            if (!LLVMIsAStoreInst(i) || !is_result(layout, i, &bytes))
                continue;
            /* The array begins on a line, and vector follows vector. */
            LLVMSetAlignment(i, bytes);
            LLVMSetMetadata(i, kind, node);
            changed++;
        }
    return changed;
}

bool
stream_loop_finish(LLVMModuleRef module, const char *symbol, int results)
{
    char name[128];
    (void)snprintf(name, sizeof name, "%s" STREAM_LOOP_SUFFIX, symbol);
    LLVMValueRef function = LLVMGetNamedFunction(module, name);
    if (!function)
        return false;
    if (change_stores(module, function) >= results)
        return true;
    LLVMDeleteFunction(function);
    return false;
}
