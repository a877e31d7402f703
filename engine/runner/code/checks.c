#include "engine/runner/code/checks.h"

#include "engine/runner/code/checks_private.h"

#include <stdlib.h>
#include <string.h>

#include <llvm-c/DebugInfo.h>

bool
checks_room(checks_t *self, void **array, size_t count, size_t *room, size_t unit)
{
    if (count < *room)
        return true;
    size_t wanted = *room ? *room * 2 : 256;
    void *grown = realloc(*array, wanted * unit);
    if (!grown) {
        self->failed = true;
        return false;
    }
    *array = grown;
    *room = wanted;
    return true;
}

LLVMValueRef
checks_int(const checks_t *self, LLVMTypeRef type, int64_t value)
{
    (void)self;
    return LLVMConstInt(type, (unsigned long long)value, true);
}

unsigned
checks_lanes(LLVMTypeRef type)
{
    LLVMTypeKind kind = LLVMGetTypeKind(type);
    return kind == LLVMVectorTypeKind ? LLVMGetVectorSize(type) : kind == LLVMScalableVectorTypeKind ? 0 : 1;
}

const char *
checks_callee(LLVMValueRef instruction)
{
    LLVMValueRef callee = LLVMIsACallInst(instruction) ? LLVMGetCalledValue(instruction) : NULL;
    return callee && LLVMIsAFunction(callee) ? LLVMGetValueName(callee) : NULL;
}

bool
checks_is(const char *name, const char *prefix)
{
    size_t length = strlen(prefix);
    return !strncmp(name, prefix, length) && (!name[length] || name[length] == '.');
}

/* Texts are found again by their names in the module. */
LLVMValueRef
checks_text(checks_t *self, const char *text, size_t length)
{
    static const char PREFIX[] = "farhand.check.text.";
    char name[sizeof PREFIX + 128];
    if (length > 127) {
        text += length - 127;
        length = 127;
    }
    memcpy(name, PREFIX, sizeof PREFIX - 1);
    memcpy(name + sizeof PREFIX - 1, text, length);
    name[sizeof PREFIX - 1 + length] = '\0';
    LLVMValueRef global = LLVMGetNamedGlobal(self->module, name);
    if (global)
        return global;
    LLVMValueRef value = LLVMConstStringInContext2(self->context, text, length, false);
    global = LLVMAddGlobal(self->module, LLVMTypeOf(value), name);
    LLVMSetInitializer(global, value);
    LLVMSetLinkage(global, LLVMPrivateLinkage);
    LLVMSetGlobalConstant(global, true);
    return global;
}

LLVMValueRef
checks_file(checks_t *self, LLVMValueRef instruction)
{
    unsigned size = 0;
    const char *name = LLVMGetDebugLocFilename(instruction, &size);
    const char *slash = name && size ? memrchr(name, '/', size) : NULL;
    if (slash) {
        size -= (unsigned)(slash + 1 - name);
        name = slash + 1;
    }
    return checks_text(self, name ? name : "", name ? strnlen(name, size) : 0);
}

LLVMValueRef
checks_line(checks_t *self, LLVMValueRef instruction)
{
    return checks_int(self, self->i32, LLVMGetDebugLocLine(instruction));
}

/* ---- preparations -------------------------------------------------------------------------------------------------
 */

static checks_call_t
declare(const checks_t *self, const char *name, LLVMTypeRef *params, unsigned count)
{
    LLVMTypeRef type = LLVMFunctionType(LLVMVoidTypeInContext(self->context), params, count, false);
    return (checks_call_t){type, LLVMAddFunction(self->module, name, type)};
}

/* The module's data as a table of guard_global_t. */
static void
list_globals(checks_t *self)
{
    LLVMValueRef *rows = NULL;
    size_t count = 0, room = 0;
    LLVMTypeRef type = LLVMStructTypeInContext(self->context, (LLVMTypeRef[]){self->ptr, self->i64}, 2, false);
    for (LLVMValueRef g = LLVMGetFirstGlobal(self->module); g; g = LLVMGetNextGlobal(g)) {
        if (LLVMIsDeclaration(g))
            continue;
        int64_t size = (int64_t)LLVMABISizeOfType(self->layout, LLVMGlobalGetValueType(g));
        LLVMValueRef parts[] = {g, checks_int(self, self->i64, LLVMIsGlobalConstant(g) ? -size : size)};
        if (!checks_room(self, (void **)&rows, count, &room, sizeof *rows))
            break;
        rows[count++] = LLVMConstStructInContext(self->context, parts, 2, false);
    }
    self->globals = LLVMConstNull(self->ptr);
    self->global_count = (int64_t)count;
    if (count) {
        LLVMValueRef value = LLVMConstArray2(type, rows, count);
        self->globals = LLVMAddGlobal(self->module, LLVMTypeOf(value), "farhand.check.globals");
        LLVMSetInitializer(self->globals, value);
        LLVMSetLinkage(self->globals, LLVMPrivateLinkage);
        LLVMSetGlobalConstant(self->globals, true);
    }
    free(rows);
}

static void
prepare(checks_t *self)
{
    self->context = LLVMGetModuleContext(self->module);
    self->layout = LLVMGetModuleDataLayout(self->module);
    self->builder = LLVMCreateBuilderInContext(self->context);
    self->i1 = LLVMInt1TypeInContext(self->context);
    self->i32 = LLVMInt32TypeInContext(self->context);
    self->i64 = LLVMInt64TypeInContext(self->context);
    self->ptr = LLVMPointerTypeInContext(self->context, 0);
    self->site =
        LLVMStructTypeInContext(self->context, (LLVMTypeRef[]){self->ptr, self->ptr, self->i32, self->i32}, 4, false);
    LLVMTypeRef access[] = {self->ptr, self->i64, self->ptr, self->i64, self->ptr, self->i32};
    LLVMTypeRef value[] = {self->i32, self->ptr};
    list_globals(self);
    self->read = declare(self, GUARD_READ, access, 6);
    self->write = declare(self, GUARD_WRITE, access, 6);
    self->value = declare(self, GUARD_VALUE, value, 2);
    self->table = LLVMAddGlobal(self->module, self->site, "farhand.check.sites");
}

/* All sites are known: put the real table in its place. */
static void
finish_table(checks_t *self)
{
    if (self->site_count) {
        LLVMValueRef value = LLVMConstArray2(self->site, self->sites, self->site_count);
        LLVMValueRef table = LLVMAddGlobal(self->module, LLVMTypeOf(value), "");
        LLVMSetInitializer(table, value);
        LLVMSetLinkage(table, LLVMPrivateLinkage);
        LLVMSetGlobalConstant(table, true);
        LLVMReplaceAllUsesWith(self->table, table);
    }
    LLVMDeleteGlobal(self->table);
}

/* ---- promises -----------------------------------------------------------------------------------------------------
 */

/* What a function or its caller promises and no longer keeps once it calls the checks; and promises that values are no
 * NaN, or that memory is there, which are just what is to be found out. */
static const char *const PROMISES[] = {
    "memory",   "willreturn",      "nofree",
    "nosync",   "speculatable",    "nofpclass",
    "readnone", "dereferenceable", "dereferenceable_or_null",
    "nonnull",
};

static void
drop_promises(LLVMValueRef value, bool call, unsigned params)
{
    for (size_t i = 0; i < sizeof PROMISES / sizeof *PROMISES; i++) {
        unsigned kind = LLVMGetEnumAttributeKindForName(PROMISES[i], strlen(PROMISES[i]));
        for (unsigned at = 0; kind && at <= params + 1; at++) {
            /* 0 is the result, 1 to params are the parameters, then comes the function itself */
            LLVMAttributeIndex index = at > params ? (LLVMAttributeIndex)LLVMAttributeFunctionIndex : at;
            if (call)
                LLVMRemoveCallSiteEnumAttribute(value, index, kind);
            else
                LLVMRemoveEnumAttributeAtIndex(value, index, kind);
        }
    }
}

static const char *const PROMISE_STRINGS[] = {"no-nans-fp-math", "no-infs-fp-math", "unsafe-fp-math"};

static void
drop_promises_of_function(LLVMValueRef function)
{
    if (LLVMGetIntrinsicID(function))
        return;
    drop_promises(function, false, LLVMCountParams(function));
    for (size_t i = 0; i < sizeof PROMISE_STRINGS / sizeof *PROMISE_STRINGS; i++)
        LLVMRemoveStringAttributeAtIndex(function, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, PROMISE_STRINGS[i],
                                         (unsigned)strlen(PROMISE_STRINGS[i]));
}

/* LLVM's C interface can only add flags, so an operation that may take it that there are no NaNs is made anew. */
static void
make_plain(const checks_t *self, LLVMValueRef i)
{
    LLVMFastMathFlags promised = LLVMFastMathNoNaNs | LLVMFastMathNoInfs;
    if (!LLVMCanValueUseFastMathFlags(i) || !(LLVMGetFastMathFlags(i) & promised))
        return;
    LLVMValueRef plain, args[16];
    unsigned count = LLVMIsACallInst(i) ? LLVMGetNumArgOperands(i) : 0;
    LLVMPositionBuilderBefore(self->builder, i);
    for (unsigned k = 0; k < count && k < 16; k++)
        args[k] = LLVMGetOperand(i, k);
    if (LLVMIsABinaryOperator(i))
        plain =
            LLVMBuildBinOp(self->builder, LLVMGetInstructionOpcode(i), LLVMGetOperand(i, 0), LLVMGetOperand(i, 1), "");
    else if (checks_callee(i) && LLVMIsDeclaration(LLVMGetCalledValue(i)) && count <= 16)
        plain = LLVMBuildCall2(self->builder, LLVMGetCalledFunctionType(i), LLVMGetCalledValue(i), args, count, "");
    else
        return;
    LLVMReplaceAllUsesWith(i, plain);
    LLVMInstructionEraseFromParent(i);
}

/* ---- the module ---------------------------------------------------------------------------------------------------
 */

static void
visit(checks_t *self, LLVMValueRef function)
{
    self->found_count = 0;
    for (LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(function); block; block = LLVMGetNextBasicBlock(block))
        for (LLVMValueRef i = LLVMGetFirstInstruction(block), next; i; i = next) {
            next = LLVMGetNextInstruction(i);
            if (LLVMIsACallInst(i))
                drop_promises(i, true, LLVMGetNumArgOperands(i));
            make_plain(self, i);
        }
    for (LLVMBasicBlockRef block = LLVMGetFirstBasicBlock(function); block; block = LLVMGetNextBasicBlock(block))
        for (LLVMValueRef i = LLVMGetFirstInstruction(block); i; i = LLVMGetNextInstruction(i)) {
            if (!checks_room(self, (void **)&self->found, self->found_count, &self->found_room, sizeof *self->found))
                return;
            self->found[self->found_count++] = i;
        }
    for (size_t i = 0; i < self->found_count; i++)
        checks_access(self, self->found[i]);
    checks_values(self, function);
}

int
checks_insert(LLVMModuleRef module, err_t *err)
{
    checks_t self = {.module = module};
    prepare(&self);
    for (LLVMValueRef f = LLVMGetFirstFunction(module); f; f = LLVMGetNextFunction(f))
        drop_promises_of_function(f);
    for (LLVMValueRef f = LLVMGetFirstFunction(module); f && !self.failed; f = LLVMGetNextFunction(f))
        if (!LLVMIsDeclaration(f))
            visit(&self, f);
    finish_table(&self);
    LLVMDisposeBuilder(self.builder);
    free(self.sites);
    free(self.found);
    return self.failed ? err_set(err, FH_NO_MEMORY, "no memory to put checks into the kernel") : FH_OK;
}
