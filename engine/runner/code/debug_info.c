#include "engine/runner/code/debug_info.h"

#include <stdbool.h>
#include <stddef.h>

#include <llvm-c/DebugInfo.h>
#include <llvm-c/Transforms/PassBuilder.h>

static bool
has_units(LLVMModuleRef module)
{
    return LLVMGetNamedMetadataNumOperands(module, "llvm.dbg.cu") > 0;
}

void
debug_info_reduce(LLVMModuleRef module)
{
    LLVMErrorRef failure = NULL;
    bool usable = has_units(module) && LLVMGetModuleDebugMetadataVersion(module) == LLVMDebugMetadataVersion();
    if (usable) {
        LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
        failure = LLVMRunPasses(module, "strip-nonlinetable-debuginfo", NULL, options);
        LLVMDisposePassBuilderOptions(options);
    }
    if (!usable || failure)
        LLVMStripModuleDebugInfo(module);
    LLVMConsumeError(failure);
}

/* Calls need a place, or what they call cannot be inlined with its lines: line 0 is none. */
static void
place_calls(LLVMValueRef function, LLVMMetadataRef place)
{
    for (LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(function); block; block = LLVMGetNextBasicBlock(block))
        for (LLVMValueRef i = LLVMGetFirstInstruction(block); i; i = LLVMGetNextInstruction(i))
            if (LLVMIsACallInst(i))
                LLVMInstructionSetDebugLoc(i, place);
}

void
debug_info_complete(LLVMModuleRef module)
{
    static const char NAME[] = "farhand";
    if (!has_units(module))
        return;
    LLVMContextRef context = LLVMGetModuleContext(module);
    LLVMDIBuilderRef builder = LLVMCreateDIBuilderDisallowUnresolved(module);
    LLVMMetadataRef file = LLVMDIBuilderCreateFile(builder, NAME, sizeof NAME - 1, "", 0);
    LLVMMetadataRef type = LLVMDIBuilderCreateSubroutineType(builder, file, NULL, 0, LLVMDIFlagZero);
    LLVMDIBuilderCreateCompileUnit(builder, LLVMDWARFSourceLanguageC11, file, NAME, sizeof NAME - 1, true, "", 0, 0, "",
                                   0, LLVMDWARFEmissionLineTablesOnly, 0, false, false, "", 0, "", 0);
    for (LLVMValueRef f = LLVMGetFirstFunction(module); f; f = LLVMGetNextFunction(f)) {
        if (LLVMIsDeclaration(f) || LLVMGetSubprogram(f))
            continue;
        LLVMMetadataRef program = LLVMDIBuilderCreateFunction(builder, file, NAME, sizeof NAME - 1, "", 0, file, 0,
                                                              type, true, true, 0, LLVMDIFlagArtificial, true);
        LLVMSetSubprogram(f, program);
        place_calls(f, LLVMDIBuilderCreateDebugLocation(context, 0, 0, program, NULL));
    }
    LLVMDIBuilderFinalize(builder);
    LLVMDisposeDIBuilder(builder);
}

char *
debug_info_print(LLVMModuleRef module)
{
    LLVMModuleRef copy = LLVMCloneModule(module);
    LLVMStripModuleDebugInfo(copy);
    char *text = LLVMPrintModuleToString(copy);
    LLVMDisposeModule(copy);
    return text;
}
