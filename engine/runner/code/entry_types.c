#include "engine/runner/code/entry_types.h"

#include "engine/runner/code/numba.h"

#include <stdio.h>
#include <string.h>

/* Every type that is a scalar dtype by itself.  clang makes vectors of two floats, others structs or arrays. */
static dtype_t
complex_dtype(LLVMTypeRef type)
{
    LLVMTypeKind kind = LLVMGetTypeKind(type);
    LLVMTypeRef part = NULL;
    if (kind == LLVMStructTypeKind && LLVMCountStructElementTypes(type) == 2 &&
        LLVMStructGetTypeAtIndex(type, 0) == LLVMStructGetTypeAtIndex(type, 1))
        part = LLVMStructGetTypeAtIndex(type, 0);
    else if (kind == LLVMArrayTypeKind && LLVMGetArrayLength2(type) == 2)
        part = LLVMGetElementType(type);
    else if (kind == LLVMVectorTypeKind && LLVMGetVectorSize(type) == 2)
        part = LLVMGetElementType(type);
    LLVMTypeKind of = part ? LLVMGetTypeKind(part) : LLVMVoidTypeKind;
    return of == LLVMDoubleTypeKind ? DTYPE_COMPLEX128 : of == LLVMFloatTypeKind ? DTYPE_COMPLEX64 : DTYPE_NONE;
}

dtype_t
entry_natural_dtype(LLVMTypeRef type)
{
    static const struct {
        LLVMTypeKind kind;
        unsigned width; /* of integers */
        dtype_t dtype;
    } SCALARS[] = {
        {LLVMDoubleTypeKind, 0, DTYPE_FLOAT64}, {LLVMFloatTypeKind, 0, DTYPE_FLOAT32},
        {LLVMHalfTypeKind, 0, DTYPE_FLOAT16},   {LLVMIntegerTypeKind, 1, DTYPE_BOOL},
        {LLVMIntegerTypeKind, 8, DTYPE_INT8},   {LLVMIntegerTypeKind, 16, DTYPE_INT16},
        {LLVMIntegerTypeKind, 32, DTYPE_INT32}, {LLVMIntegerTypeKind, 64, DTYPE_INT64},
    };
    LLVMTypeKind kind = LLVMGetTypeKind(type);
    unsigned width = kind == LLVMIntegerTypeKind ? LLVMGetIntTypeWidth(type) : 0;
    for (size_t i = 0; i < sizeof SCALARS / sizeof *SCALARS; i++)
        if (SCALARS[i].kind == kind && SCALARS[i].width == width)
            return SCALARS[i].dtype;
    return complex_dtype(type);
}

/* Does a dtype of the signature go with the type of the function?  Numba keeps bool in i8. */
static bool
dtype_fits(dtype_t dtype, LLVMTypeRef type)
{
    dtype_t natural = entry_natural_dtype(type);
    if (natural == dtype)
        return true;
    bool integers = dtype_kind(natural) == 'i' && dtype_kind(dtype) == 'u';
    return (integers && dtype_size(natural) == dtype_size(dtype)) || (natural == DTYPE_INT8 && dtype == DTYPE_BOOL);
}

bool
entry_is_candidate(LLVMValueRef function)
{
    LLVMLinkage linkage = LLVMGetLinkage(function);
    return !LLVMIsDeclaration(function) && linkage != LLVMInternalLinkage && linkage != LLVMPrivateLinkage &&
           linkage != LLVMAvailableExternallyLinkage;
}

LLVMValueRef
entry_named(LLVMModuleRef module, const char *name)
{
    LLVMValueRef found = LLVMGetNamedFunction(module, name);
    LLVMValueRef alias = found ? NULL : LLVMGetNamedGlobalAlias(module, name, strlen(name));
    if (alias)
        found = LLVMIsAFunction(LLVMAliasGetAliasee(alias));
    return found && !LLVMIsDeclaration(found) ? found : NULL;
}

/* Parameters that are not what they look like: passed in special registers or places. */
static bool
has_odd_params(LLVMValueRef function, unsigned count)
{
    static const char *const ODD[] = {"inalloca", "preallocated", "swiftself", "swifterror", "swiftasync", "nest"};
    for (size_t a = 0; a < sizeof ODD / sizeof *ODD; a++) {
        unsigned kind = LLVMGetEnumAttributeKindForName(ODD[a], strlen(ODD[a]));
        for (unsigned i = 1; kind && i <= count; i++)
            if (LLVMGetEnumAttributeAtIndex(function, i, kind))
                return true;
    }
    return false;
}

static bool
all_pointers(const LLVMTypeRef *params, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (!call_is_pointer(params[i]))
            return false;
    return true;
}

static bool
all_scalars(const LLVMTypeRef *params, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (entry_natural_dtype(params[i]) == DTYPE_NONE)
            return false;
    return true;
}

/* From the parameters that mean values and from what the function gives (NULL: nothing, or only Numba's status). */
static call_shape_t
shape_from(const LLVMTypeRef *params, unsigned count, LLVMTypeRef result, bool status)
{
    dtype_t last = entry_natural_dtype(params[count - 1]);
    bool gives = result && entry_natural_dtype(result) != DTYPE_NONE;
    if (all_scalars(params, count))
        return gives || status ? SHAPE_SCALAR : SHAPE_NONE;
    if (count == 2 && call_is_pointer(params[0]) && last == DTYPE_INT32 &&
        (!result || entry_natural_dtype(result) == DTYPE_INT32))
        return SHAPE_ARRAY;
    if (result)
        return SHAPE_NONE;
    if (count == 4 && all_pointers(params, count))
        return status ? SHAPE_NONE : SHAPE_LOOP;
    bool piece = count >= 3 && count <= KERNEL_MAX_ARGS + 1 && last == DTYPE_INT64 && all_pointers(params, count - 1);
    return piece ? SHAPE_PIECE : SHAPE_NONE;
}

/* Behind a pointer to a hidden copy ("byval") is a value. */
static void
see_through_copies(LLVMValueRef function, LLVMTypeRef *params, unsigned count)
{
    unsigned kind = LLVMGetEnumAttributeKindForName("byval", strlen("byval"));
    for (unsigned i = 0; i < count; i++) {
        LLVMAttributeRef copy = LLVMGetEnumAttributeAtIndex(function, i + 1, kind);
        if (copy)
            params[i] = LLVMGetTypeAttributeValue(copy);
    }
}

call_shape_t
entry_shape(LLVMValueRef function, bool *ret_native)
{
    LLVMTypeRef type = LLVMGlobalGetValueType(function), params[CALL_MAX_PARAMS];
    unsigned count = LLVMCountParamTypes(type);
    *ret_native = false;
    if (LLVMIsFunctionVarArg(type) || !count || count > CALL_MAX_PARAMS || has_odd_params(function, count))
        return SHAPE_NONE;
    LLVMGetParamTypes(type, params);
    if (numba_is_native(function)) {
        *ret_native = true;
        return shape_from(params + 2, count - 2, NULL, true);
    }
    call_t call;
    call_init(&call, function, false);
    if (call.next == count)
        return SHAPE_NONE;
    see_through_copies(function, params, count);
    return shape_from(params + call.next, count - call.next, call.result, false);
}

static int
wrong_type(const call_t *call, int parameter, dtype_t dtype, LLVMTypeRef type, err_t *err)
{
    char what[32] = "result", *text = LLVMPrintTypeToString(type);
    dtype_t natural = entry_natural_dtype(type);
    if (parameter >= 0)
        snprintf(what, sizeof what, "parameter %d", parameter + 1);
    err_set(err, FH_KERNEL_ERROR, "the signature says %s for the %s of %.150s, but its type is %.60s%s%s",
            dtype_name(dtype), what, LLVMGetValueName(call->function), text, natural ? ", which would be " : "",
            natural ? dtype_name(natural) : "");
    LLVMDisposeMessage(text);
    return FH_KERNEL_ERROR;
}

static int
take_dtype(call_t *call, int i, dtype_t dtype, err_t *err)
{
    LLVMTypeRef type = call_next(call);
    bool fits;
    if (dtype_kind(dtype) == 'c') {
        fits = call_take(call, emit_dtype(LLVMGetTypeContext(type), dtype));
    } else {
        fits = dtype_fits(dtype, type);
        if (fits)
            call_take_one(call);
    }
    return fits ? FH_OK : wrong_type(call, i, dtype, type, err);
}

static int
wrong_count(const call_t *call, const signature_t *signature, err_t *err)
{
    char *type = LLVMPrintTypeToString(call->type);
    err_set(err, FH_KERNEL_ERROR, "the signature has %d parameters, which do not make up those of %.150s: %.150s",
            signature->count, LLVMGetValueName(call->function), type);
    LLVMDisposeMessage(type);
    return FH_KERNEL_ERROR;
}

int
entry_take_inputs(call_t *call, const signature_t *signature, dtype_t *ret_in, int *ret_nin, err_t *err)
{
    int n = 0, status = FH_OK;
    for (; !status && call_next(call) && (!signature->given || n < signature->count); n++) {
        LLVMTypeRef type = call_next(call);
        dtype_t dtype = signature->given ? signature->args[n].dtype : entry_natural_dtype(type);
        if (n == KERNEL_MAX_ARGS)
            return err_set(err, FH_KERNEL_ERROR, "%.200s takes more than %d numbers", LLVMGetValueName(call->function),
                           KERNEL_MAX_ARGS);
        if (dtype == DTYPE_NONE)
            return err_set(err, FH_KERNEL_ERROR, "parameter %d of %.200s is no number", n + 1,
                           LLVMGetValueName(call->function));
        if (signature->given && signature->args[n].pointer)
            return wrong_type(call, n, dtype, type, err);
        ret_in[n] = dtype;
        status = take_dtype(call, n, dtype, err);
    }
    *ret_nin = n;
    if (!status && (call_next(call) || (signature->given && n != signature->count)))
        status = wrong_count(call, signature, err);
    return status;
}

int
entry_take_result(call_t *call, const signature_t *signature, dtype_t *ret, err_t *err)
{
    LLVMTypeRef type = call->result;
    const char *name = LLVMGetValueName(call->function);
    if (signature->given && signature->result_void)
        return err_set(err, FH_KERNEL_ERROR, "the signature has no result, but %.200s returns a number", name);
    if (!type && !signature->given)
        return err_set(err, FH_KERNEL_ERROR, "what %.200s returns cannot be seen: give a signature", name);
    *ret = signature->given ? signature->result.dtype : entry_natural_dtype(type);
    if (*ret == DTYPE_NONE || (signature->given && signature->result.pointer))
        return wrong_type(call, -1, *ret, type, err);
    if (dtype_kind(*ret) == 'c' && type) {
        LLVMTargetDataRef layout = LLVMGetModuleDataLayout(LLVMGetGlobalParent(call->function));
        if (!call_is_floats(type) || LLVMABISizeOfType(layout, type) != dtype_size(*ret))
            return wrong_type(call, -1, *ret, type, err);
    } else if (type && !dtype_fits(*ret, type)) {
        return wrong_type(call, -1, *ret, type, err);
    }
    if (!type) /* Numba stores it where we cannot see: the signature must be right */
        call->result = emit_dtype(LLVMGetTypeContext(call->type), *ret);
    call->truth = *ret == DTYPE_BOOL;
    return FH_OK;
}
