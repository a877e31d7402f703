#include "engine/runner/compile.h"

#include "engine/runner/checks.h"
#include "engine/runner/debug_info.h"
#include "engine/runner/vector_math.h"
#include "engine/runner/vet.h"

#include <stdio.h>
#include <string.h>

enum { INLINE_MAX = 2000 }; /* a larger entry is inlined only if LLVM thinks so: it would be there twice */

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
is_small(LLVMValueRef function)
{
    int count = 0;
    for (LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(function); block; block = LLVMGetNextBasicBlock(block))
        for (LLVMValueRef i = LLVMGetFirstInstruction(block); i; i = LLVMGetNextInstruction(i))
            if (++count > INLINE_MAX)
                return false;
    return true;
}

static void
inline_entry(const module_t *module, LLVMValueRef function)
{
    unsigned kind = LLVMGetEnumAttributeKindForName("alwaysinline", strlen("alwaysinline"));
    LLVMAddAttributeAtIndex(function, (LLVMAttributeIndex)LLVMAttributeFunctionIndex,
                            LLVMCreateEnumAttribute(module->context, kind, 0));
}

static void
describe(const entry_t *entry, const char *name, compiled_t *ret)
{
    runner_description_t *about = &ret->run.about;
    snprintf(about->entry, sizeof about->entry, "%.255s", name);
    about->kind = (int32_t)entry->kind;
    about->nin = entry->nin;
    about->nout = 1;
    for (int i = 0; i < entry->nin; i++)
        about->in[i] = (int32_t)entry->in[i];
    about->out[0] = (int32_t)entry->out;
    about->status_call = entry->status_call;
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
    module_aim(module, loop_build(module->module, entry, symbol), &target);
    debug_info_complete(module->module);
    if (target.fastmath)
        vector_math_offer(module->module, target.features);
    if (is_small(entry->function))
        inline_entry(module, entry->function);
    status = module_verify(module, err);
    if (!status)
        status = jit_optimise(jit, module->module, err);
    if (!status && options->inspect) {
        ret->ir = debug_info_print(module->module);
        status = jit_assembly(jit, module->module, &ret->assembly, err);
    }
    void *address = NULL;
    if (!status)
        status = jit_add(jit, module->module, symbol, &ret->code, &address, err);
    if (!status)
        memcpy(&ret->run.loop, &address, sizeof ret->run.loop);
    return status;
}

int
compile_kernel(jit_t *jit, const void *bytes, size_t size, const kernel_options_t *options, const char *symbol,
               compiled_t *ret, err_t *err)
{
    module_t module;
    entry_t entry;
    *ret = (compiled_t){0};
    int status = module_init(&module, bytes, size, err);
    if (status)
        return status;
    status = entry_find(module.module, options->entry, options->signature, options->kind, &entry, err);
    if (status)
        goto done;
    describe(&entry, LLVMGetValueName(entry.function), ret);
    ret->run.about.debug = options->debug;
    status = module_reduce(&module, entry.function, err);
    if (!status)
        status = vet_module(module.module, err);
    if (!status)
        status = generate(jit, &module, &entry, options, symbol, ret, err);
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
    (void)jit, (void)object, (void)size, (void)symbol, (void)about;
    *ret = (compiled_t){0};
    return err_set(err, FH_NOT_SUPPORTED, "machine code cannot be loaded yet");
}

void
compiled_drop_texts(compiled_t *self)
{
    LLVMDisposeMessage(self->ir);
    if (self->assembly)
        LLVMDisposeMemoryBuffer(self->assembly);
    self->ir = NULL;
    self->assembly = NULL;
}

void
compiled_release(compiled_t *self)
{
    compiled_drop_texts(self);
    jit_drop(&self->code);
}
