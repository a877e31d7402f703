#include "engine/runner/code/module.h"

#include "engine/runner/code/debug_info.h"
#include "engine/runner/code/leftovers.h"
#include "engine/runner/code/llvm_compat.h"
#include "engine/runner/code/symbols.h"

#include <stdio.h>
#include <string.h>

#include <llvm-c/Analysis.h>
#include <llvm-c/Comdat.h>
#include <llvm-c/Target.h>
#include <llvm-c/Transforms/PassBuilder.h>

static const LLVMAttributeIndex ON_FUNCTION = (LLVMAttributeIndex)LLVMAttributeFunctionIndex;

/* Without a handler of ours, LLVM ends the process on a parse error. */
static void
on_diagnostic(LLVMDiagnosticInfoRef info, void *context)
{
    module_t *self = context;
    if (LLVMGetDiagInfoSeverity(info) != LLVMDSError || *self->diagnostic)
        return;
    char *text = LLVMGetDiagInfoDescription(info);
    if (text) {
        snprintf(self->diagnostic, sizeof self->diagnostic, "%s", text);
        LLVMDisposeMessage(text);
    }
}

static bool
is_bitcode(const unsigned char *bytes, size_t size)
{
    static const unsigned char RAW[4] = {'B', 'C', 0xc0, 0xde}, WRAPPED[4] = {0xde, 0xc0, 0x17, 0x0b};
    return size >= 4 && (!memcmp(bytes, RAW, 4) || !memcmp(bytes, WRAPPED, 4));
}

static int
parse(module_t *self, LLVMMemoryBufferRef buffer, bool bitcode, err_t *err)
{
    char *message = NULL;
    bool failed = bitcode ? LLVMParseBitcodeInContext2(self->context, buffer, &self->module)
                          : compat_parse_ir(self->context, buffer, &self->module, &message);
    if (failed) {
        self->module = NULL;
        const char *why = message ? message : *self->diagnostic ? self->diagnostic : "no reason given";
        err_set(err, FH_BAD_BITCODE, "LLVM %s cannot read this as %s: %.300s", LLVM_VERSION_STRING,
                bitcode ? "bitcode" : "textual IR", why);
    }
    LLVMDisposeMessage(message);
    return failed ? FH_BAD_BITCODE : FH_OK;
}

static int
check_layout(module_t *self, err_t *err)
{
    const char *layout = LLVMGetDataLayoutStr(self->module);
    if (!*layout)
        return FH_OK;
    LLVMTargetDataRef data = LLVMGetModuleDataLayout(self->module);
    if (LLVMByteOrder(data) != LLVMLittleEndian || LLVMPointerSize(data) != 8)
        return err_set(
            err, FH_BAD_BITCODE,
            "the module is for a machine with %u-byte pointers and %s-endian numbers; kernels here need 8 and little",
            LLVMPointerSize(data), LLVMByteOrder(data) == LLVMLittleEndian ? "little" : "big");
    return FH_OK;
}

int
module_init(module_t *self, const void *bytes, size_t size, err_t *err)
{
    *self = (module_t){.context = LLVMContextCreate()};
    LLVMContextSetDiagnosticHandler(self->context, on_diagnostic, self);
    LLVMMemoryBufferRef buffer = LLVMCreateMemoryBufferWithMemoryRangeCopy(bytes, size, "kernel");
    int status = parse(self, buffer, is_bitcode(bytes, size), err);
    LLVMDisposeMemoryBuffer(buffer);
    if (!status)
        status = check_layout(self, err);
    if (!status)
        status = module_verify(self, err);
    if (!status)
        debug_info_reduce(self->module);
    if (status)
        module_release(self);
    return status;
}

void
module_release(module_t *self)
{
    if (self->module)
        LLVMDisposeModule(self->module);
    if (self->context)
        LLVMContextDispose(self->context);
    self->module = NULL;
    self->context = NULL;
}

int
module_verify(module_t *self, err_t *err)
{
    char *message = NULL;
    int status = FH_OK;
    if (LLVMVerifyModule(self->module, LLVMReturnStatusAction, &message))
        status = err_set(err, FH_BAD_BITCODE, "the module is not valid IR: %.400s", message ? message : "");
    LLVMDisposeMessage(message);
    return status;
}

static void
make_private(LLVMValueRef value)
{
    LLVMSetComdat(value, NULL);
    LLVMSetDLLStorageClass(value, LLVMDefaultStorageClass);
    LLVMSetLinkage(value, LLVMInternalLinkage);
}

static int
run_passes(module_t *self, const char *passes, err_t *err)
{
    LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
    LLVMErrorRef failure = LLVMRunPasses(self->module, passes, NULL, options);
    LLVMDisposePassBuilderOptions(options);
    if (!failure)
        return FH_OK;
    char *text = LLVMGetErrorMessage(failure);
    err_set(err, FH_BAD_BITCODE, "unused code cannot be removed: %.300s", text);
    LLVMDisposeErrorMessage(text);
    return FH_BAD_BITCODE;
}

static bool
is_among(LLVMValueRef value, const LLVMValueRef *list, int count)
{
    for (int i = 0; i < count; i++)
        if (list[i] == value)
            return true;
    return false;
}

int
module_reduce(module_t *self, const LLVMValueRef *entries, int count, err_t *err)
{
    leftovers_drop_names(self->module);
    for (LLVMValueRef f = LLVMGetFirstFunction(self->module); f; f = LLVMGetNextFunction(f))
        if (!is_among(f, entries, count) && !LLVMIsDeclaration(f))
            make_private(f);
    for (LLVMValueRef g = LLVMGetFirstGlobal(self->module); g; g = LLVMGetNextGlobal(g))
        if (!LLVMIsDeclaration(g) && LLVMGetLinkage(g) != LLVMAppendingLinkage)
            make_private(g);
    for (int i = 0; i < count; i++) {
        LLVMSetComdat(entries[i], NULL);
        LLVMSetLinkage(entries[i], LLVMExternalLinkage);
    }
    int status = run_passes(self, "globaldce", err);
    /* Nothing that a kernel may call throws: a call that would be caught is a call, and what catches is never reached.
     */
    if (!status && leftovers_replace(self->module)) {
        status = run_passes(self, "function(lower-invoke,simplifycfg),globaldce", err);
        leftovers_replace(self->module);
    }
    return status;
}

/* Attributes of functions and call sites that are orders of the module's maker to another compiler. */
static const char *const ORDERS[] = {
    "noinline",
    "optnone",
    "alwaysinline",
    "minsize",
    "optsize",
    "ssp",
    "sspreq",
    "sspstrong",
    "uwtable",
    "sanitize_address",
    "sanitize_thread",
    "sanitize_memory",
    "sanitize_hwaddress",
    "safestack",
    "shadowcallstack",
};
static const char *const ORDER_STRINGS[] = {
    "target-cpu",
    "target-features",
    "tune-cpu",
    "probe-stack",
    "stack-probe-size",
    "stack-protector-buffer-size",
    "frame-pointer",
    "fentry-call",
    "split-stack",
    "instrument-function-entry",
    "instrument-function-entry-inlined",
    "xray-instruction-threshold",
    "patchable-function",
    "patchable-function-entry",
    "patchable-function-prefix",
    "prefer-vector-width",
    "min-legal-vector-width",
};

static unsigned
attribute_kind(const char *name)
{
    return LLVMGetEnumAttributeKindForName(name, strlen(name));
}

static void
add_attribute(module_t *self, LLVMValueRef function, const char *name)
{
    LLVMAddAttributeAtIndex(function, ON_FUNCTION, LLVMCreateEnumAttribute(self->context, attribute_kind(name), 0));
}

static void
add_string(module_t *self, LLVMValueRef function, const char *name, const char *value)
{
    LLVMAttributeRef attribute =
        LLVMCreateStringAttribute(self->context, name, (unsigned)strlen(name), value, (unsigned)strlen(value));
    LLVMAddAttributeAtIndex(function, ON_FUNCTION, attribute);
}

static void
strip(LLVMValueRef value, bool call)
{
    for (size_t i = 0; i < sizeof ORDERS / sizeof *ORDERS; i++) {
        unsigned kind = attribute_kind(ORDERS[i]);
        if (!kind)
            continue;
        if (call)
            LLVMRemoveCallSiteEnumAttribute(value, ON_FUNCTION, kind);
        else
            LLVMRemoveEnumAttributeAtIndex(value, ON_FUNCTION, kind);
    }
    for (size_t i = 0; i < sizeof ORDER_STRINGS / sizeof *ORDER_STRINGS; i++) {
        unsigned length = (unsigned)strlen(ORDER_STRINGS[i]);
        if (call)
            LLVMRemoveCallSiteStringAttribute(value, ON_FUNCTION, ORDER_STRINGS[i], length);
        else
            LLVMRemoveStringAttributeAtIndex(value, ON_FUNCTION, ORDER_STRINGS[i], length);
    }
}

static void
prepare_body(module_t *self, LLVMValueRef function, bool fastmath)
{
    unsigned loop = LLVMGetMDKindIDInContext(self->context, "llvm.loop", 9);
    for (LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(function); block; block = LLVMGetNextBasicBlock(block))
        for (LLVMValueRef i = LLVMGetFirstInstruction(block); i; i = LLVMGetNextInstruction(i)) {
            if (LLVMIsACallInst(i))
                strip(i, true);
            if (LLVMIsATerminatorInst(i))
                LLVMSetMetadata(i, loop, NULL); /* unrolling and vectorising orders */
            if (fastmath && LLVMCanValueUseFastMathFlags(i))
                LLVMSetFastMathFlags(i, LLVMFastMathAll);
        }
}

/* errno is nobody's business in a kernel: pure functions may be moved out of loops and vectorised around. */
static void
prepare_declaration(module_t *self, LLVMValueRef function)
{
    const symbol_t *symbol = symbol_find(LLVMGetValueName(function));
    if (!symbol || !symbol->pure)
        return;
    add_attribute(self, function, "memory");
    add_attribute(self, function, "nounwind");
    add_attribute(self, function, "willreturn");
}

static void
aim(module_t *self, LLVMValueRef function, const module_target_t *target)
{
    add_attribute(self, function, "nounwind");
    add_string(self, function, "target-cpu", target->cpu);
    add_string(self, function, "target-features", target->features);
    if (target->narrow_vectors)
        add_string(self, function, "prefer-vector-width", "256");
}

void
module_aim(module_t *self, const char *prefix, const module_target_t *target)
{
    for (LLVMValueRef f = LLVMGetFirstFunction(self->module); f; f = LLVMGetNextFunction(f))
        if (!LLVMIsDeclaration(f) && !strncmp(LLVMGetValueName(f), prefix, strlen(prefix)))
            aim(self, f, target);
}

void
module_hide(const LLVMValueRef *entries, int count)
{
    for (int i = 0; i < count; i++)
        LLVMSetLinkage(entries[i], LLVMInternalLinkage);
}

void
module_prepare(module_t *self, const module_target_t *target)
{
    LLVMSetTarget(self->module, target->triple);
    LLVMSetDataLayout(self->module, target->layout);
    for (LLVMValueRef f = LLVMGetFirstFunction(self->module); f; f = LLVMGetNextFunction(f)) {
        if (LLVMIsDeclaration(f)) {
            if (!LLVMGetIntrinsicID(f))
                prepare_declaration(self, f);
            continue;
        }
        strip(f, false);
        prepare_body(self, f, target->fastmath);
        aim(self, f, target);
    }
}
