#include "engine/runner/code/jit.h"

#include "engine/runner/code/lines.h"
#include "engine/runner/code/symbols.h"
#include "engine/runner/runner_wire.h"

#include <stdio.h>
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

/* CPUs whose 512-bit units cost more than they give for loops that wait for memory: on znver4 these take 1.2 times as
 * long as with 256 bits.  Not znver5, where 512 bits take 0.6 of the time in the first cache (x*y+z), 0.67 for
 * exp(x)*sin(x), and the same when waiting for memory. */
static const char *const NARROW_CPUS[] = {"znver4"};

/* What is left of -O3 where only our own loops are to be optimised, in its order. */
static const char SIMPLE_PASSES[] =
    "always-inline,globaldce,function(sroa,early-cse<memssa>,simplifycfg,instcombine<no-verify-fixpoint>,simplifycfg,"
    "reassociate,loop-mssa(licm<allowspeculation>),gvn,loop-vectorize,instcombine<no-verify-fixpoint>,"
    "simplifycfg<forward-switch-cond;switch-to-lookup>,slp-vectorizer,sroa,instcombine<no-verify-fixpoint>,"
    "loop-mssa(licm<allowspeculation>))";

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
jit_optimise(jit_t *self, LLVMModuleRef module, bool simple, err_t *err)
{
    LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
    LLVMPassBuilderOptionsSetLoopVectorization(options, true);
    LLVMPassBuilderOptionsSetSLPVectorization(options, true);
    LLVMPassBuilderOptionsSetLoopInterleaving(options, true);
    LLVMPassBuilderOptionsSetLoopUnrolling(options, true);
    LLVMErrorRef failure = LLVMRunPasses(module, simple ? SIMPLE_PASSES : "default<O3>", self->machine, options);
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

int
jit_object(jit_t *self, LLVMModuleRef module, LLVMMemoryBufferRef *ret, err_t *err)
{
    return emit(self, module, LLVMObjectFile, ret, err);
}

typedef struct {
    LLVMErrorRef failure;
    int count;
    LLVMOrcSymbolStringPoolEntryRef names[JIT_MAX_SYMBOLS];
    void **addresses;
} lookup_t;

static void
on_lookup(LLVMErrorRef failure, LLVMOrcCSymbolMapPairs found, size_t count, void *context)
{
    lookup_t *lookup = context;
    lookup->failure = failure;
    for (size_t i = 0; i < count && !failure; i++)
        for (int k = 0; k < lookup->count; k++)
            if (found[i].Name == lookup->names[k])
                lookup->addresses[k] = (void *)(uintptr_t)found[i].Sym.Address;
}

/* ORC links in this call, on this thread.  Addresses are NULL where nothing was found. */
static int
look_up(jit_t *self, lookup_t *lookup, err_t *err)
{
    LLVMOrcCJITDylibSearchOrderElement order = {self->library, LLVMOrcJITDylibLookupFlagsMatchExportedSymbolsOnly};
    LLVMOrcCLookupSetElement wanted[JIT_MAX_SYMBOLS];
    for (int i = 0; i < lookup->count; i++)
        wanted[i] = (LLVMOrcCLookupSetElement){lookup->names[i], LLVMOrcSymbolLookupFlagsRequiredSymbol};
    LLVMOrcExecutionSessionLookup(LLVMOrcLLJITGetExecutionSession(self->orc), LLVMOrcLookupKindStatic, &order, 1,
                                  wanted, (size_t)lookup->count, on_lookup, lookup);
    int status = failed(lookup->failure, FH_BAD_BITCODE, "the code cannot be linked", err);
    for (int i = 0; i < lookup->count && !status; i++)
        if (!lookup->addresses[i])
            status =
                err_set(err, FH_BAD_BITCODE, "the code lacks %s", LLVMOrcSymbolStringPoolEntryStr(lookup->names[i]));
    return status;
}

static void
symbol_name(const char *symbol, const char *suffix, char ret[RUNNER_SYMBOL_MAX + 16])
{
    snprintf(ret, RUNNER_SYMBOL_MAX + 16, "%.*s%.15s", RUNNER_SYMBOL_MAX, symbol, suffix);
}

int
jit_link(jit_t *self, LLVMMemoryBufferRef object, const char *symbol, const char *const *suffixes, int count,
         LLVMOrcResourceTrackerRef *ret_tracker, void **ret_addresses, err_t *err)
{
    const char *bytes = LLVMGetBufferStart(object);
    size_t size = LLVMGetBufferSize(object);
    char name[RUNNER_SYMBOL_MAX + 16];
    lookup_t lookup = {.count = count, .addresses = ret_addresses};
    symbol_name(symbol, suffixes[0], name);
    lines_t *lines = lines_new(bytes, size, name);
    *ret_tracker = LLVMOrcJITDylibCreateResourceTracker(self->library);
    LLVMMemoryBufferRef copy = LLVMCreateMemoryBufferWithMemoryRangeCopy(bytes, size, "kernel");
    int status = failed(LLVMOrcLLJITAddObjectFileWithRT(self->orc, *ret_tracker, copy), FH_BAD_BITCODE,
                        "the code cannot be added", err);
    for (int i = 0; i < count && !status; i++) {
        symbol_name(symbol, suffixes[i], name);
        lookup.names[i] = LLVMOrcLLJITMangleAndIntern(self->orc, name);
        ret_addresses[i] = NULL;
    }
    if (!status)
        status = look_up(self, &lookup, err);
    if (!status)
        lines_publish(&lines, ret_addresses[0], *ret_tracker);
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
