#include "engine/runner/entry.h"

#include "engine/runner/symbols.h"

#include <stdio.h>
#include <string.h>

enum { MAX_PARAMS = KERNEL_MAX_ARGS + 2 };

/* What a function could be called as. */
typedef enum { SHAPE_NONE, SHAPE_SCALAR, SHAPE_NATIVE, SHAPE_PIECE } call_shape_t;

static bool
starts_with(const char *text, const char *start)
{
    return !strncmp(text, start, strlen(start));
}

/* The dtype that a type is without a signature, DTYPE_NONE if it is no scalar of ours.  Integers count as signed. */
static dtype_t
scalar_dtype(LLVMTypeRef type)
{
    LLVMTypeKind kind = LLVMGetTypeKind(type);
    if (kind == LLVMDoubleTypeKind)
        return DTYPE_FLOAT64;
    if (kind == LLVMFloatTypeKind)
        return DTYPE_FLOAT32;
    if (kind == LLVMHalfTypeKind)
        return DTYPE_FLOAT16;
    if (kind != LLVMIntegerTypeKind)
        return DTYPE_NONE;
    static const struct {
        unsigned width;
        dtype_t dtype;
    } INTEGERS[] = {{1, DTYPE_BOOL}, {8, DTYPE_INT8}, {16, DTYPE_INT16}, {32, DTYPE_INT32}, {64, DTYPE_INT64}};
    for (size_t i = 0; i < sizeof INTEGERS / sizeof *INTEGERS; i++)
        if (LLVMGetIntTypeWidth(type) == INTEGERS[i].width)
            return INTEGERS[i].dtype;
    return DTYPE_NONE;
}

/* Does a dtype of the signature go with the type of the function?  Numba keeps bool in i8. */
static bool
dtype_fits(dtype_t dtype, LLVMTypeRef type)
{
    dtype_t natural = scalar_dtype(type);
    if (natural == dtype)
        return true;
    bool integers = dtype_kind(natural) == 'i' && dtype_kind(dtype) == 'u';
    return (integers && dtype_size(natural) == dtype_size(dtype)) || (natural == DTYPE_INT8 && dtype == DTYPE_BOOL);
}

static bool
is_pointer(LLVMTypeRef type)
{
    return LLVMGetTypeKind(type) == LLVMPointerTypeKind && LLVMGetPointerAddressSpace(type) == 0;
}

static bool
all_scalars(const LLVMTypeRef *params, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (scalar_dtype(params[i]) == DTYPE_NONE)
            return false;
    return true;
}

/* Parameters that are not what they look like: passed by hidden copies or in special registers. */
static bool
has_odd_params(LLVMValueRef function, unsigned count)
{
    static const char *const ODD[] = {"byval",     "sret",       "inalloca",   "preallocated",
                                      "swiftself", "swifterror", "swiftasync", "nest"};
    for (size_t a = 0; a < sizeof ODD / sizeof *ODD; a++) {
        unsigned kind = LLVMGetEnumAttributeKindForName(ODD[a], strlen(ODD[a]));
        for (unsigned i = 1; kind && i <= count; i++)
            if (LLVMGetEnumAttributeAtIndex(function, i, kind))
                return true;
    }
    return false;
}

static call_shape_t
shape_of(LLVMValueRef function)
{
    LLVMTypeRef type = LLVMGlobalGetValueType(function), params[MAX_PARAMS];
    unsigned count = LLVMCountParamTypes(type);
    if (LLVMIsFunctionVarArg(type) || !count || count > MAX_PARAMS || has_odd_params(function, count))
        return SHAPE_NONE;
    LLVMGetParamTypes(type, params);
    LLVMTypeRef result = LLVMGetReturnType(type);
    if (all_scalars(params, count))
        return scalar_dtype(result) != DTYPE_NONE && count <= KERNEL_MAX_ARGS ? SHAPE_SCALAR : SHAPE_NONE;
    if (count >= 3 && starts_with(LLVMGetValueName(function), "_ZN") && scalar_dtype(result) == DTYPE_INT32 &&
        is_pointer(params[0]) && is_pointer(params[1]) && all_scalars(params + 2, count - 2))
        return SHAPE_NATIVE;
    bool pointers = LLVMGetTypeKind(result) == LLVMVoidTypeKind && count >= 3 && count <= KERNEL_MAX_ARGS + 1 &&
                    scalar_dtype(params[count - 1]) == DTYPE_INT64;
    for (unsigned i = 0; pointers && i + 1 < count; i++)
        pointers = is_pointer(params[i]);
    return pointers ? SHAPE_PIECE : SHAPE_NONE;
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

static bool
is_candidate(LLVMValueRef function)
{
    LLVMLinkage linkage = LLVMGetLinkage(function);
    return !LLVMIsDeclaration(function) && linkage != LLVMInternalLinkage && linkage != LLVMPrivateLinkage &&
           linkage != LLVMAvailableExternallyLinkage;
}

/* Numba puts a wrapper "cfunc.X" over the native X.  The wrapper serves unless it wants Python. */
static LLVMValueRef
find_numba(LLVMModuleRef module)
{
    LLVMValueRef found = NULL;
    for (LLVMValueRef f = LLVMGetFirstFunction(module); f; f = LLVMGetNextFunction(f)) {
        const char *name = LLVMGetValueName(f);
        if (!is_candidate(f) || !starts_with(name, "cfunc.") || shape_of(f) == SHAPE_NONE)
            continue;
        if (found)
            return NULL; /* more than one: the caller must choose */
        LLVMValueRef native = LLVMGetNamedFunction(module, name + strlen("cfunc."));
        found = !calls_only_known(f) && native && shape_of(native) == SHAPE_NATIVE ? native : f;
    }
    return found;
}

static int
no_entry(LLVMModuleRef module, int fitting, err_t *err)
{
    char names[300] = "";
    size_t used = 0;
    for (LLVMValueRef f = LLVMGetFirstFunction(module); f && used < sizeof names - 1; f = LLVMGetNextFunction(f))
        if (is_candidate(f) && (!fitting || shape_of(f) != SHAPE_NONE)) {
            int n = snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", LLVMGetValueName(f));
            used += n > 0 ? (size_t)n : 0;
        }
    if (fitting)
        return err_set(err, FH_KERNEL_ERROR, "several functions could be the kernel; name one as entry: %s", names);
    return err_set(err, FH_KERNEL_ERROR,
                   "no function of the module can be a kernel: that takes numbers and returns one, or is "
                   "void(pointers to inputs and output, int64 count)%s%s",
                   *names ? "; there are: " : "", names);
}

static int
choose(LLVMModuleRef module, const char *name, call_shape_t wanted, LLVMValueRef *ret, err_t *err)
{
    if (*name) {
        *ret = LLVMGetNamedFunction(module, name);
        if (!*ret || LLVMIsDeclaration(*ret))
            return err_set(err, FH_KERNEL_ERROR, "the module defines no function named %.200s", name);
        return FH_OK;
    }
    *ret = wanted == SHAPE_PIECE ? NULL : find_numba(module);
    if (*ret)
        return FH_OK;
    int fitting = 0;
    for (int pass = 0; pass < 2 && !fitting; pass++) /* Numba's native functions only when there is nothing plainer */
        for (LLVMValueRef f = LLVMGetFirstFunction(module); f; f = LLVMGetNextFunction(f)) {
            call_shape_t shape = is_candidate(f) ? shape_of(f) : SHAPE_NONE;
            bool native = shape == SHAPE_NATIVE;
            bool kind_fits = wanted == SHAPE_NONE || (native ? SHAPE_SCALAR : shape) == wanted;
            if (shape == SHAPE_NONE || native != (pass == 1) || !kind_fits)
                continue;
            fitting++;
            *ret = f;
        }
    return fitting == 1 ? FH_OK : no_entry(module, fitting, err);
}

static int
wrong_type(LLVMValueRef function, int parameter, dtype_t dtype, LLVMTypeRef type, err_t *err)
{
    char what[32] = "result", *text = LLVMPrintTypeToString(type);
    if (parameter >= 0)
        snprintf(what, sizeof what, "parameter %d", parameter + 1);
    err_set(err, FH_KERNEL_ERROR, "the signature says %s for the %s of %.150s, but its type is %.60s",
            dtype_name(dtype), what, LLVMGetValueName(function), text);
    LLVMDisposeMessage(text);
    return FH_KERNEL_ERROR;
}

/* Numba's native functions return through a pointer: what is stored there tells the type. */
static LLVMTypeRef
native_result(LLVMValueRef function)
{
    LLVMValueRef pointer = LLVMGetParam(function, 0);
    for (LLVMUseRef use = LLVMGetFirstUse(pointer); use; use = LLVMGetNextUse(use)) {
        LLVMValueRef user = LLVMGetUser(use);
        if (LLVMIsAStoreInst(user) && LLVMGetOperand(user, 1) == pointer)
            return LLVMTypeOf(LLVMGetOperand(user, 0));
    }
    return NULL;
}

static int
resolve_scalar(entry_t *self, const signature_t *signature, err_t *err)
{
    LLVMTypeRef type = LLVMGlobalGetValueType(self->function), params[MAX_PARAMS];
    LLVMGetParamTypes(type, params);
    unsigned first = self->status_call ? 2 : 0;
    self->nin = (int)(LLVMCountParamTypes(type) - first);
    LLVMTypeRef result = self->status_call ? native_result(self->function) : LLVMGetReturnType(type);
    if (signature->given && (signature->count != self->nin || signature->result_void))
        return err_set(err, FH_KERNEL_ERROR, "the signature has %d parameters%s, %.200s takes %d and returns a number",
                       signature->count, signature->result_void ? " and no result" : "",
                       LLVMGetValueName(self->function), self->nin);
    for (int i = 0; i < self->nin; i++) {
        LLVMTypeRef have = params[first + (unsigned)i];
        self->in[i] = signature->given ? signature->args[i].dtype : scalar_dtype(have);
        if (signature->given && (signature->args[i].pointer || !dtype_fits(self->in[i], have)))
            return wrong_type(self->function, i, self->in[i], have, err);
    }
    if (!result && !signature->given)
        return err_set(err, FH_KERNEL_ERROR, "what %.200s returns cannot be seen: give a signature",
                       LLVMGetValueName(self->function));
    self->out = signature->given ? signature->result.dtype : scalar_dtype(result);
    if (result && (self->out == DTYPE_NONE ||
                   (signature->given && (signature->result.pointer || !dtype_fits(self->out, result)))))
        return wrong_type(self->function, -1, self->out, result, err);
    return FH_OK;
}

static int
resolve_piece(entry_t *self, const signature_t *signature, err_t *err)
{
    int count = (int)LLVMCountParamTypes(LLVMGlobalGetValueType(self->function));
    int status = signature_piece(signature, self->in, &self->nin, &self->out, err);
    if (!status && self->nin != count - 2)
        status = err_set(err, FH_KERNEL_ERROR, "the signature has %d input arrays, %.200s has %d", self->nin,
                         LLVMGetValueName(self->function), count - 2);
    return status;
}

int
entry_find(LLVMModuleRef module, const char *name, const char *signature, const char *kind, entry_t *ret, err_t *err)
{
    signature_t parsed;
    int status = signature_parse(signature, &parsed, err);
    if (status)
        return status;
    call_shape_t wanted = !strcmp(kind, "ufunc") ? SHAPE_SCALAR : !strcmp(kind, "piece") ? SHAPE_PIECE : SHAPE_NONE;
    if (*kind && wanted == SHAPE_NONE)
        return err_set(err, FH_KERNEL_ERROR, "a kernel's kind is ufunc or piece, not %.16s", kind);
    *ret = (entry_t){0};
    status = choose(module, name, wanted, &ret->function, err);
    if (status)
        return status;
    call_shape_t shape = shape_of(ret->function);
    ret->status_call = shape == SHAPE_NATIVE;
    ret->kind = shape == SHAPE_PIECE ? KERNEL_PIECE : KERNEL_UFUNC;
    if (shape == SHAPE_NONE || (*kind && ret->kind != (wanted == SHAPE_PIECE ? KERNEL_PIECE : KERNEL_UFUNC))) {
        char *type = LLVMPrintTypeToString(LLVMGlobalGetValueType(ret->function));
        err_set(err, FH_KERNEL_ERROR, "%.150s is %.150s, which cannot be a %s kernel", LLVMGetValueName(ret->function),
                type, *kind ? kind : "ufunc or piece");
        LLVMDisposeMessage(type);
        return FH_KERNEL_ERROR;
    }
    return shape == SHAPE_PIECE ? resolve_piece(ret, &parsed, err) : resolve_scalar(ret, &parsed, err);
}
