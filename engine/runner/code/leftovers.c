#include "engine/runner/code/leftovers.h"

#include <stdbool.h>
#include <string.h>

static const char *const LISTS[] = {"llvm.used", "llvm.compiler.used", "llvm.global.annotations"};

static const char *const TRAPS[] = {
#define TRAP(name) name,
#define EMPTY(name)
#include "engine/runner/code/leftovers.def"
#undef TRAP
#undef EMPTY
};

static const char *const EMPTIES[] = {
#define TRAP(name)
#define EMPTY(name) name,
#include "engine/runner/code/leftovers.def"
#undef TRAP
#undef EMPTY
};

void
leftovers_drop_names(LLVMModuleRef module)
{
    for (size_t i = 0; i < sizeof LISTS / sizeof *LISTS; i++) {
        LLVMValueRef list = LLVMGetNamedGlobal(module, LISTS[i]);
        if (list && !LLVMGetFirstUse(list))
            LLVMDeleteGlobal(list);
    }
    for (LLVMValueRef alias = LLVMGetFirstGlobalAlias(module); alias; alias = LLVMGetNextGlobalAlias(alias)) {
        LLVMValueRef meant = LLVMAliasGetAliasee(alias);
        if (!LLVMIsAFunction(meant) && !LLVMIsAGlobalVariable(meant))
            continue; /* the vet will find it */
        LLVMReplaceAllUsesWith(alias, meant);
        LLVMSetLinkage(alias, LLVMInternalLinkage);
    }
}

static bool
has_exceptions(LLVMValueRef function)
{
    for (LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(function); block; block = LLVMGetNextBasicBlock(block)) {
        LLVMValueRef last = LLVMGetBasicBlockTerminator(block);
        LLVMOpcode opcode = LLVMGetInstructionOpcode(last);
        if (opcode != LLVMBr && opcode != LLVMRet && opcode != LLVMSwitch && opcode != LLVMUnreachable)
            return true;
    }
    return false;
}

/* "abort" is a whole name; pieces of mangled names are long enough not to be met by chance. */
static bool
ends_program(const char *name)
{
    enum { MANGLED_LENGTH = 10 };
    for (size_t i = 0; i < sizeof TRAPS / sizeof *TRAPS; i++)
        if (!strcmp(name, TRAPS[i]) || (name[0] == '_' && strlen(TRAPS[i]) >= MANGLED_LENGTH && strstr(name, TRAPS[i])))
            return true;
    return false;
}

static void
make_trap(LLVMModuleRef module, LLVMValueRef function)
{
    LLVMContextRef context = LLVMGetModuleContext(module);
    LLVMBuilderRef builder = LLVMCreateBuilderInContext(context);
    unsigned id = LLVMLookupIntrinsicID("llvm.trap", strlen("llvm.trap"));
    LLVMValueRef trap = LLVMGetIntrinsicDeclaration(module, id, NULL, 0);
    LLVMPositionBuilderAtEnd(builder, LLVMAppendBasicBlockInContext(context, function, ""));
    LLVMBuildCall2(builder, LLVMGlobalGetValueType(trap), trap, NULL, 0, "");
    LLVMBuildUnreachable(builder);
    LLVMDisposeBuilder(builder);
    LLVMSetDLLStorageClass(function, LLVMDefaultStorageClass);
    LLVMSetLinkage(function, LLVMInternalLinkage);
}

static void
make_empty(LLVMValueRef global)
{
    for (size_t i = 0; i < sizeof EMPTIES / sizeof *EMPTIES; i++)
        if (!strncmp(LLVMGetValueName(global), EMPTIES[i], strlen(EMPTIES[i]))) {
            LLVMSetInitializer(global, LLVMConstNull(LLVMGlobalGetValueType(global)));
            LLVMSetLinkage(global, LLVMInternalLinkage);
        }
}

bool
leftovers_replace(LLVMModuleRef module)
{
    bool catches = false;
    for (LLVMValueRef g = LLVMGetFirstGlobal(module); g; g = LLVMGetNextGlobal(g))
        if (LLVMIsDeclaration(g) && LLVMTypeIsSized(LLVMGlobalGetValueType(g)))
            make_empty(g);
    for (LLVMValueRef f = LLVMGetFirstFunction(module); f; f = LLVMGetNextFunction(f)) {
        if (LLVMIsDeclaration(f)) {
            if (LLVMGetFirstUse(f) && !LLVMGetIntrinsicID(f) && ends_program(LLVMGetValueName(f)))
                make_trap(module, f);
        } else if (LLVMHasPersonalityFn(f)) {
            if (has_exceptions(f))
                catches = true;
            else
                LLVMSetPersonalityFn(f, NULL);
        }
    }
    return catches;
}
