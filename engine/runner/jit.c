#include "engine/runner/jit.h"

#include "engine/runner/lines.h"
#include "engine/runner/symbols.h"

#include <stdlib.h>
#include <string.h>

#include <llvm-c/DebugInfo.h>
#include <llvm-c/LLJIT.h>
#include <llvm-c/Target.h>
#include <llvm-c/TargetMachine.h>
#include <llvm-c/Transforms/PassBuilder.h>

struct jit {
    char *triple, *cpu, *features, *layout;
    module_target_t target;
    LLVMTargetMachineRef machine;
    LLVMOrcLLJITRef orc;
    LLVMOrcJITDylibRef library; /* kernels and the table of symbols; linked with nothing else */
};

/* CPUs whose 512-bit units cost more than they give for loops that wait for memory. */
static const char *const NARROW_CPUS[] = {"znver4"};

static int
failed(LLVMErrorRef failure, int status, const char *what, err_t *err)
{
    if (!failure)
        return FH_OK;
    char *text = LLVMGetErrorMessage(failure);
    err_set(err, status, "%s: %.350s", what, text);
    LLVMDisposeErrorMessage(text);
    return status;
}

/* ORC also reports what it returns; it would go to standard error. */
static void
swallow(void *context, LLVMErrorRef failure)
{
    (void)context;
    LLVMConsumeError(failure);
}

static LLVMTargetMachineRef
new_machine(const jit_t *self, LLVMTargetRef target)
{
    return LLVMCreateTargetMachine(target, self->triple, self->cpu, self->features, LLVMCodeGenLevelAggressive,
                                   LLVMRelocPIC, LLVMCodeModelDefault);
}

static int
find_host(jit_t *self, LLVMTargetRef *ret_target, err_t *err)
{
    if (LLVMInitializeNativeTarget() || LLVMInitializeNativeAsmPrinter() || LLVMInitializeNativeAsmParser())
        return err_set(err, FH_INTERNAL, "this LLVM cannot generate code for this machine");
    self->triple = LLVMGetDefaultTargetTriple();
    self->cpu = LLVMGetHostCPUName();
    self->features = LLVMGetHostCPUFeatures();
    char *message = NULL;
    if (LLVMGetTargetFromTriple(self->triple, ret_target, &message)) {
        err_set(err, FH_INTERNAL, "LLVM does not know %s: %.200s", self->triple, message ? message : "");
        LLVMDisposeMessage(message);
        return FH_INTERNAL;
    }
    self->machine = new_machine(self, *ret_target);
    if (!self->machine)
        return err_set(err, FH_INTERNAL, "LLVM makes no target machine for %s", self->triple);
    LLVMTargetDataRef data = LLVMCreateTargetDataLayout(self->machine);
    self->layout = LLVMCopyStringRepOfTargetData(data);
    LLVMDisposeTargetData(data);
    self->target =
        (module_target_t){.triple = self->triple, .layout = self->layout, .cpu = self->cpu, .features = self->features};
    for (size_t i = 0; i < sizeof NARROW_CPUS / sizeof *NARROW_CPUS; i++)
        if (!strcmp(self->cpu, NARROW_CPUS[i]))
            self->target.narrow_vectors = true;
    return FH_OK;
}

static int
define_symbols(jit_t *self, err_t *err)
{
    size_t count = 0;
    while (symbol_at(count))
        count++;
    LLVMOrcCSymbolMapPair *pairs = calloc(count, sizeof *pairs);
    if (!pairs)
        return err_set(err, FH_NO_MEMORY, "no memory for the table of symbols");
    for (size_t i = 0; i < count; i++) {
        pairs[i].Name = LLVMOrcLLJITMangleAndIntern(self->orc, symbol_at(i)->name);
        pairs[i].Sym.Address = (LLVMOrcExecutorAddress)symbol_at(i)->address;
        pairs[i].Sym.Flags.GenericFlags = LLVMJITSymbolGenericFlagsExported | LLVMJITSymbolGenericFlagsCallable;
    }
    LLVMOrcMaterializationUnitRef unit = LLVMOrcAbsoluteSymbols(pairs, count);
    free(pairs);
    LLVMErrorRef failure = LLVMOrcJITDylibDefine(self->library, unit);
    if (failure)
        LLVMOrcDisposeMaterializationUnit(unit);
    return failed(failure, FH_INTERNAL, "the table of symbols cannot be defined", err);
}

int
jit_new(jit_t **ret, err_t *err)
{
    jit_t *self = calloc(1, sizeof *self);
    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory for the compiler's state");
    LLVMTargetRef target = NULL;
    int status = find_host(self, &target, err);
    if (status)
        goto done;
    LLVMOrcLLJITBuilderRef builder = LLVMOrcCreateLLJITBuilder();
    LLVMOrcLLJITBuilderSetJITTargetMachineBuilder(
        builder, LLVMOrcJITTargetMachineBuilderCreateFromTargetMachine(new_machine(self, target)));
    status = failed(LLVMOrcCreateLLJIT(&self->orc, builder), FH_INTERNAL, "ORC does not start", err);
    if (status)
        goto done;
    LLVMOrcExecutionSessionRef session = LLVMOrcLLJITGetExecutionSession(self->orc);
    LLVMOrcExecutionSessionSetErrorReporter(session, swallow, NULL);
    self->library = LLVMOrcExecutionSessionCreateBareJITDylib(session, "kernels");
    status = define_symbols(self, err);
done:
    if (status)
        jit_destroy(&self);
    *ret = self;
    return status;
}

void
jit_destroy(jit_t **self)
{
    jit_t *jit = *self;
    if (!jit)
        return;
    if (jit->orc)
        LLVMConsumeError(LLVMOrcDisposeLLJIT(jit->orc));
    if (jit->machine)
        LLVMDisposeTargetMachine(jit->machine);
    LLVMDisposeMessage(jit->triple);
    LLVMDisposeMessage(jit->cpu);
    LLVMDisposeMessage(jit->features);
    LLVMDisposeMessage(jit->layout);
    free(jit);
    *self = NULL;
}

const module_target_t *
jit_target(const jit_t *self)
{
    return &self->target;
}

const char *
jit_cpu(const jit_t *self)
{
    return self->cpu;
}

int
jit_optimise(jit_t *self, LLVMModuleRef module, err_t *err)
{
    LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
    LLVMPassBuilderOptionsSetLoopVectorization(options, true);
    LLVMPassBuilderOptionsSetSLPVectorization(options, true);
    LLVMPassBuilderOptionsSetLoopInterleaving(options, true);
    LLVMPassBuilderOptionsSetLoopUnrolling(options, true);
    LLVMErrorRef failure = LLVMRunPasses(module, "default<O3>", self->machine, options);
    LLVMDisposePassBuilderOptions(options);
    return failed(failure, FH_BAD_BITCODE, "the module cannot be optimised", err);
}

static int
emit(jit_t *self, LLVMModuleRef module, LLVMCodeGenFileType type, LLVMMemoryBufferRef *ret, err_t *err)
{
    char *message = NULL;
    if (!LLVMTargetMachineEmitToMemoryBuffer(self->machine, module, type, &message, ret))
        return FH_OK;
    err_set(err, FH_BAD_BITCODE, "no code can be generated: %.300s", message ? message : "");
    LLVMDisposeMessage(message);
    return FH_BAD_BITCODE;
}

int
jit_assembly(jit_t *self, LLVMModuleRef module, LLVMMemoryBufferRef *ret, err_t *err)
{
    LLVMModuleRef copy = LLVMCloneModule(module);
    LLVMStripModuleDebugInfo(copy);
    int status = emit(self, copy, LLVMAssemblyFile, ret, err);
    LLVMDisposeModule(copy);
    return status;
}

typedef struct {
    LLVMErrorRef failure;
    uint64_t address;
} lookup_t;

static void
on_lookup(LLVMErrorRef failure, LLVMOrcCSymbolMapPairs found, size_t count, void *context)
{
    lookup_t *lookup = context;
    lookup->failure = failure;
    if (!failure && count == 1)
        lookup->address = found[0].Sym.Address;
}

/* ORC compiles and links in this call, on this thread. */
static int
look_up(jit_t *self, const char *symbol, void **ret, err_t *err)
{
    lookup_t lookup = {0};
    LLVMOrcCJITDylibSearchOrderElement order = {self->library, LLVMOrcJITDylibLookupFlagsMatchExportedSymbolsOnly};
    LLVMOrcCLookupSetElement wanted = {LLVMOrcLLJITMangleAndIntern(self->orc, symbol),
                                       LLVMOrcSymbolLookupFlagsRequiredSymbol};
    LLVMOrcExecutionSessionLookup(LLVMOrcLLJITGetExecutionSession(self->orc), LLVMOrcLookupKindStatic, &order, 1,
                                  &wanted, 1, on_lookup, &lookup);
    int status = failed(lookup.failure, FH_BAD_BITCODE, "the code cannot be linked", err);
    if (!status && !lookup.address)
        status = err_set(err, FH_INTERNAL, "the compiled code has no %s", symbol);
    *ret = (void *)(uintptr_t)lookup.address;
    return status;
}

int
jit_add(jit_t *self, LLVMModuleRef module, const char *symbol, LLVMOrcResourceTrackerRef *ret_tracker,
        void **ret_address, err_t *err)
{
    LLVMMemoryBufferRef object = NULL;
    int status = emit(self, module, LLVMObjectFile, &object, err);
    if (status)
        return status;
    lines_t *lines = lines_new(LLVMGetBufferStart(object), LLVMGetBufferSize(object), symbol);
    *ret_tracker = LLVMOrcJITDylibCreateResourceTracker(self->library);
    status = failed(LLVMOrcLLJITAddObjectFileWithRT(self->orc, *ret_tracker, object), FH_BAD_BITCODE,
                    "the code cannot be added", err);
    if (!status)
        status = look_up(self, symbol, ret_address, err);
    if (!status)
        lines_publish(&lines, *ret_address, *ret_tracker);
    lines_destroy(&lines);
    if (status)
        jit_drop(ret_tracker);
    return status;
}

void
jit_drop(LLVMOrcResourceTrackerRef *tracker)
{
    if (!*tracker)
        return;
    lines_withdraw(*tracker);
    LLVMConsumeError(LLVMOrcResourceTrackerRemove(*tracker));
    LLVMOrcReleaseResourceTracker(*tracker);
    *tracker = NULL;
}
