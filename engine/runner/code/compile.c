#include "engine/runner/code/compile.h"

#include "engine/runner/code/checks.h"
#include "engine/runner/code/debug_info.h"
#include "engine/runner/code/entry.h"
#include "engine/runner/code/fold_code.h"
#include "engine/runner/code/loop.h"
#include "engine/runner/code/stream_loop.h"
#include "engine/runner/code/vector_math.h"
#include "engine/runner/code/vet.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Instructions up to which a function is inlined wherever we call it; larger ones only if LLVM thinks so.  The
 * functions of a reduction are called from a dozen places. */
enum { INLINE_MAX = 2000, INLINE_MAX_FOLD = 150, SIMPLE_MAX = 150 };

/* The functions of a compiled kernel, after its symbol, and where their addresses belong. */
static const struct {
    const char *suffix;
    size_t place;
} FOLD_PARTS[] = {
    {".block", offsetof(kernel_code_t, fold.block)},   {".rows", offsetof(kernel_code_t, fold.rows)},
    {".lanes", offsetof(kernel_code_t, fold.lanes)},   {".combine", offsetof(kernel_code_t, fold.combine)},
    {".finish", offsetof(kernel_code_t, fold.finish)}, {".scan", offsetof(kernel_code_t, fold.scan)},
    {".start", offsetof(kernel_code_t, fold.start)}, /* only where there is an init */
};
enum { FOLD_PART_COUNT = sizeof FOLD_PARTS / sizeof *FOLD_PARTS };

/* Names of the module must not meet names that we or LLVM give a meaning to. */
static void
rename_values(LLVMModuleRef module)
{
    char name[300];
    for (LLVMValueRef f = LLVMGetFirstFunction(module); f; f = LLVMGetNextFunction(f))
        if (!LLVMIsDeclaration(f)) {
            int n = snprintf(name, sizeof name, "user.%.256s", LLVMGetValueName(f));
            LLVMSetValueName2(f, name, (size_t)n);
        }
}

static bool
is_small(LLVMValueRef function, int limit)
{
    int count = 0;
    for (LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(function); block; block = LLVMGetNextBasicBlock(block))
        for (LLVMValueRef i = LLVMGetFirstInstruction(block); i; i = LLVMGetNextInstruction(i))
            if (++count > limit)
                return false;
    return true;
}

/* Does a function jump back to a block that was there before, or call another one of the module? */
static bool
is_simple(LLVMValueRef function, int limit)
{
    if (!is_small(function, limit))
        return false;
    for (LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(function); block; block = LLVMGetNextBasicBlock(block)) {
        LLVMValueRef last = LLVMGetBasicBlockTerminator(block);
        for (unsigned k = 0; k < LLVMGetNumSuccessors(last); k++)
            for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(function), to = LLVMGetSuccessor(last, k); b;
                 b = b == block ? NULL : LLVMGetNextBasicBlock(b))
                if (b == to)
                    return false;
        for (LLVMValueRef i = LLVMGetFirstInstruction(block); i; i = LLVMGetNextInstruction(i))
            if (LLVMIsACallInst(i) && !LLVMIsDeclaration(LLVMGetCalledValue(i)))
                return false;
    }
    return true;
}

static bool
all_simple(const entry_t *entry)
{
    LLVMValueRef entries[ENTRY_MAX_FUNCTIONS];
    int count = entry_functions(entry, entries);
    bool simple = entry->kind == KERNEL_REDUCTION || (entry->kind == KERNEL_UFUNC && entry->shape == SHAPE_SCALAR);
    for (int i = 0; i < count && simple; i++)
        simple = is_simple(entries[i], SIMPLE_MAX);
    return simple;
}

static void
inline_entries(const module_t *module, const LLVMValueRef *entries, int count, int limit)
{
    unsigned kind = LLVMGetEnumAttributeKindForName("alwaysinline", strlen("alwaysinline"));
    for (int i = 0; i < count; i++)
        if (is_small(entries[i], limit))
            LLVMAddAttributeAtIndex(entries[i], (LLVMAttributeIndex)LLVMAttributeFunctionIndex,
                                    LLVMCreateEnumAttribute(module->context, kind, 0));
}

/* Simple kernels get the loop past the cache besides.  True if there is one. */
static bool
build_stream(module_t *module, const entry_t *entry, const kernel_options_t *options, const char *symbol)
{
    char name[RUNNER_SYMBOL_MAX + sizeof STREAM_LOOP_SUFFIX];
    (void)snprintf(name, sizeof name, "%.*s" STREAM_LOOP_SUFFIX, RUNNER_SYMBOL_MAX, symbol);
    bool streams = entry->kind == KERNEL_UFUNC && all_simple(entry) && !options->debug;
    if (streams)
        loop_build_streaming(module->module, entry, name);
    return streams;
}

/* Write our loops around the kernel.  Vector math goes with whole vectors only, so that an element's bits do not depend
 * on its place; where the caller gave up bits, everything gets it. */
static void
build(module_t *module, const entry_t *entry, const module_target_t *target, const kernel_options_t *options,
      const char *symbol, runner_description_t *about)
{
    LLVMValueRef entries[ENTRY_MAX_FUNCTIONS];
    int count = entry_functions(entry, entries);
    bool elementwise = entry->kind == KERNEL_UFUNC && entry->shape == SHAPE_SCALAR;
    bool vectors = !options->exact && !options->debug && (elementwise || target->fastmath) &&
                   vector_math_offer(module->module, target->features);
    loop_options_t loop = {.whole_vectors = vectors && elementwise, .debug = options->debug};
    about->whole_vectors = loop.whole_vectors;
    if (entry->kind == KERNEL_REDUCTION)
        fold_build(module->module, entry, symbol, &loop);
    else
        loop_build(module->module, entry, symbol, &loop);
    about->streams = !vectors && build_stream(module, entry, options, symbol);
    module_hide(entries, count);
    inline_entries(module, entries, count, entry->kind == KERNEL_REDUCTION ? INLINE_MAX_FOLD : INLINE_MAX);
    module_aim(module, symbol, target);
    debug_info_complete(module->module);
}

static int
generate(jit_t *jit, module_t *module, const entry_t *entry, const kernel_options_t *options, const char *symbol,
         compiled_t *ret, err_t *err)
{
    rename_values(module->module);
    module_target_t target = *jit_target(jit);
    target.fastmath = options->fastmath && !options->debug; /* NaNs are to be seen */
    module_prepare(module, &target);
    int status = options->debug ? checks_insert(module->module, err) : FH_OK;
    if (status)
        return status;
    bool simple = all_simple(entry);
    build(module, entry, &target, options, symbol, &ret->run.about);
    status = module_verify(module, err);
    if (!status)
        status = jit_optimise(jit, module->module, simple, err);
    if (!status && ret->run.about.streams)
        ret->run.about.streams = stream_loop_finish(module->module, symbol, entry->nout);
    if (!status && options->inspect) {
        ret->ir = debug_info_print(module->module);
        status = jit_assembly(jit, module->module, &ret->assembly, err);
    }
    return status ? status : jit_object(jit, module->module, &ret->object, err);
}

static int
link_object(jit_t *jit, const char *symbol, compiled_t *self, err_t *err)
{
    const char *suffixes[JIT_MAX_SYMBOLS] = {""};
    void *addresses[JIT_MAX_SYMBOLS];
    bool fold = self->run.about.kind == KERNEL_REDUCTION;
    if (self->run.about.streams)
        suffixes[1] = STREAM_LOOP_SUFFIX;
    int count = !fold ? 1 + self->run.about.streams : self->run.about.has_start ? FOLD_PART_COUNT : FOLD_PART_COUNT - 1;
    for (int i = 0; i < count && fold; i++)
        suffixes[i] = FOLD_PARTS[i].suffix;
    int status = jit_link(jit, self->object, symbol, suffixes, count, &self->code, addresses, err);
    for (int i = 0; i < count && !status; i++) {
        size_t place = fold ? FOLD_PARTS[i].place : i ? offsetof(kernel_code_t, stream) : offsetof(kernel_code_t, loop);
        memcpy((char *)&self->run + place, &addresses[i], sizeof addresses[i]);
    }
    return status;
}

int
compile_kernel(jit_t *jit, const void *bytes, size_t size, const kernel_options_t *options, const char *symbol,
               compiled_t *ret, err_t *err)
{
    module_t module;
    entry_t entry;
    LLVMValueRef entries[ENTRY_MAX_FUNCTIONS];
    *ret = (compiled_t){0};
    int status = module_init(&module, bytes, size, err);
    if (status)
        return status;
    status = entry_find(module.module, options, &entry, err);
    if (status)
        goto done;
    entry_describe(&entry, &ret->run.about);
    ret->run.about.debug = options->debug;
    status = module_reduce(&module, entries, entry_functions(&entry, entries), err);
    if (!status)
        status = vet_module(module.module, err);
    if (!status)
        status = generate(jit, &module, &entry, options, symbol, ret, err);
    if (!status)
        status = link_object(jit, symbol, ret, err);
done:
    module_release(&module);
    if (status)
        compiled_release(ret);
    return status;
}

int
compile_load(jit_t *jit, const void *object, size_t size, const char *symbol, const runner_description_t *about,
             compiled_t *ret, err_t *err)
{
    *ret = (compiled_t){.run.about = *about};
    bool sane = about->kind >= 0 && about->kind < KERNEL_KINDS && about->nin >= -1 && about->nin <= KERNEL_MAX_ARGS &&
                about->nout >= 0 && about->nout <= KERNEL_MAX_OUT && about->state_bytes >= 0 &&
                about->state_bytes <= KERNEL_MAX_STATE && about->streams <= (about->kind == KERNEL_UFUNC);
    if (!sane || !size)
        return err_set(err, FH_BAD_BITCODE, "the description of machine code is not as a compiler leaves it");
    ret->object = LLVMCreateMemoryBufferWithMemoryRangeCopy(object, size, "kernel");
    int status = link_object(jit, symbol, ret, err);
    if (status)
        compiled_release(ret);
    return status;
}

void
compiled_drop_texts(compiled_t *self)
{
    LLVMDisposeMessage(self->ir);
    if (self->assembly)
        LLVMDisposeMemoryBuffer(self->assembly);
    if (self->object)
        LLVMDisposeMemoryBuffer(self->object);
    self->ir = NULL;
    self->object = NULL;
    self->assembly = NULL;
}

void
compiled_release(compiled_t *self)
{
    compiled_drop_texts(self);
    jit_drop(&self->code);
}
