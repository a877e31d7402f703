#include "engine/runner/code/fold_entry.h"

#include "engine/runner/code/entry_types.h"
#include "engine/runner/code/numba.h"

#include <stdio.h>
#include <string.h>

static const char STEP[] = "_step", INIT[] = "_init", COMBINE[] = "_combine", FINISH[] = "_finish",
                  BYTES[] = "_state_bytes";
static const char RAISES[] = "reports exceptions as Numba's functions do, which reductions cannot: compile it with "
                             "error_model=\"numpy\"";

/* The function that is called so, in C or in Python: a wrapper of Numba's rather than what it wraps. */
static LLVMValueRef
find_function(LLVMModuleRef module, const char *prefix, const char *suffix)
{
    char wanted[KERNEL_NAME_MAX + 16], plain[KERNEL_NAME_MAX];
    snprintf(wanted, sizeof wanted, "%.255s%s", prefix, suffix);
    LLVMValueRef found = entry_named(module, wanted);
    if (found)
        return found;
    for (LLVMValueRef f = LLVMGetFirstFunction(module); f; f = LLVMGetNextFunction(f)) {
        bool wrapper = numba_is_wrapper(f);
        if (!entry_is_candidate(f) || !(wrapper || numba_is_native(f)) || (found && !wrapper))
            continue;
        numba_plain_name(LLVMGetValueName(f), plain, sizeof plain);
        if (!strcmp(plain, wanted))
            found = wrapper ? numba_unwrap(module, f) : f;
    }
    return found;
}

/* A prefix if the function is the step of a set. */
static bool
is_step(LLVMModuleRef module, LLVMValueRef function, char ret[KERNEL_NAME_MAX])
{
    if (!entry_is_candidate(function))
        return false;
    numba_plain_name(LLVMGetValueName(function), ret, KERNEL_NAME_MAX);
    size_t length = strlen(ret), tail = sizeof STEP - 1;
    if (length <= tail || strcmp(ret + length - tail, STEP))
        return false;
    ret[length - tail] = '\0';
    return find_function(module, ret, COMBINE) || find_function(module, ret, INIT);
}

bool
fold_entry_exists(LLVMModuleRef module, const char *prefix, char ret[KERNEL_NAME_MAX])
{
    if (*prefix) {
        snprintf(ret, KERNEL_NAME_MAX, "%.255s", prefix);
        return find_function(module, prefix, STEP) != NULL;
    }
    char name[KERNEL_NAME_MAX];
    int sets = 0;
    for (LLVMValueRef f = LLVMGetFirstFunction(module); f; f = LLVMGetNextFunction(f)) {
        if (!is_step(module, f, name) || (sets && !strcmp(name, ret)))
            continue;
        sets++;
        memcpy(ret, name, KERNEL_NAME_MAX);
    }
    return sets == 1;
}

static int
wrong(const entry_t *self, const char *suffix, const char *why, err_t *err)
{
    return err_set(err, FH_KERNEL_ERROR, "reduction %.150s: %.40s%s %s", self->name, self->name, suffix, why);
}

static bool
begin(call_t *call, LLVMValueRef function)
{
    bool native = numba_is_native(function);
    if (LLVMCountParamTypes(LLVMGlobalGetValueType(function)) > CALL_MAX_PARAMS ||
        LLVMIsFunctionVarArg(LLVMGlobalGetValueType(function)))
        return false;
    call_init(call, function, native);
    return true;
}

/* Let a state be the next parameter; as address or by value. */
static bool
take_state(const fold_t *fold, call_t *call)
{
    LLVMTypeRef next = call_next(call);
    if (!fold->pointer_state)
        return call_take(call, fold->state);
    if (!next || !call_is_pointer(next))
        return false;
    call_take_address(call);
    return true;
}

static bool
gives_state(const fold_t *fold, const call_t *call)
{
    if (fold->pointer_state)
        return !call->result && !call->native;
    return call->result == fold->state;
}

/* A function that takes states and gives one. */
static int
find_states(LLVMModuleRef module, entry_t *self, const char *suffix, int states, call_t *ret, err_t *err)
{
    LLVMValueRef function = find_function(module, self->name, suffix);
    if (!function)
        return FH_OK;
    if (!begin(ret, function) || ret->native)
        return wrong(self, suffix, ret->native ? RAISES : "takes too many parameters", err);
    for (int i = 0; i < states; i++)
        if (!take_state(&self->fold, ret))
            return wrong(self, suffix, "does not take states as its step does", err);
    if (call_next(ret))
        return wrong(self, suffix, "takes too many parameters", err);
    return gives_state(&self->fold, ret) ? FH_OK : wrong(self, suffix, "does not give a state as its step does", err);
}

static bool
constant_bytes(LLVMModuleRef module, const char *prefix, int64_t *ret)
{
    char name[KERNEL_NAME_MAX + 16];
    snprintf(name, sizeof name, "%.255s%s", prefix, BYTES);
    LLVMValueRef global = LLVMGetNamedGlobal(module, name);
    LLVMValueRef value = global && !LLVMIsDeclaration(global) ? LLVMGetInitializer(global) : NULL;
    if (value && LLVMIsAConstantStruct(value) && LLVMGetNumOperands(value) == 1)
        value = LLVMGetOperand(value, 0); /* Fortran wraps it */
    if (!value || !LLVMIsAConstantInt(value) || LLVMGetIntTypeWidth(LLVMTypeOf(value)) > 64)
        return false;
    *ret = LLVMConstIntGetSExtValue(value);
    return true;
}

static int
find_size(LLVMModuleRef module, entry_t *self, int64_t asked, err_t *err)
{
    fold_t *fold = &self->fold;
    if (!fold->pointer_state)
        fold->size = (int64_t)LLVMABISizeOfType(LLVMGetModuleDataLayout(module), fold->state);
    else if (asked)
        fold->size = asked;
    else if (!constant_bytes(module, self->name, &fold->size))
        return err_set(
            err, FH_KERNEL_ERROR,
            "reduction %.200s keeps its state behind a pointer: say how large it is with state_bytes, or with "
            "FH_STATE (a constant int64 %.40s%s) in the module",
            self->name, self->name, BYTES);
    if (fold->size < 1 || fold->size > KERNEL_MAX_STATE)
        return err_set(err, FH_KERNEL_ERROR, "reduction %.200s: a state has %lld bytes; 1 to %d are possible",
                       self->name, (long long)fold->size, KERNEL_MAX_STATE);
    if (fold->pointer_state)
        fold->state = LLVMArrayType2(LLVMInt8TypeInContext(LLVMGetModuleContext(module)), (uint64_t)fold->size);
    return FH_OK;
}

/* The inputs of the step, behind the state: from the signature, if it gives the result as well. */
static int
take_step(entry_t *self, const entry_wish_t *wish, err_t *err)
{
    fold_t *fold = &self->fold;
    call_t *step = &fold->step;
    LLVMTypeRef next = call_next(step);
    fold->pointer_state = next && call_is_pointer(next) && !step->hidden;
    fold->state = step->result;
    if (!fold->pointer_state && !fold->state)
        return wrong(self, STEP, "gives no state and takes none behind a pointer", err);
    if (step->native)
        return wrong(self, STEP, RAISES, err);
    if (!take_state(fold, step) || !gives_state(fold, step))
        return wrong(self, STEP, "does not take the state that it gives as its first parameter", err);
    int status = entry_take_inputs(step, &wish->signature, self->in, &self->nin, err);
    if (status)
        err_prefix(err, "%s behind the state", STEP + 1);
    else if (!self->nin)
        status = wrong(self, STEP, "takes no element", err);
    return status;
}

/* Is a state an element, so that either may stand for the other?  Integers have no sign in LLVM. */
static bool
state_is(const fold_t *fold, dtype_t dtype)
{
    dtype_t natural = fold->pointer_state ? DTYPE_NONE : entry_natural_dtype(fold->state);
    if (!natural || natural == dtype)
        return natural != DTYPE_NONE;
    if (natural == DTYPE_FLOAT64 && dtype == DTYPE_COMPLEX64)
        return true; /* rustc passes it so: the bits of two floats */
    return dtype_size(natural) == dtype_size(dtype) && strchr("bi", dtype_kind(natural)) &&
           strchr("bu", dtype_kind(dtype));
}

static int
find_finish(LLVMModuleRef module, entry_t *self, const entry_wish_t *wish, err_t *err)
{
    fold_t *fold = &self->fold;
    LLVMValueRef function = find_function(module, self->name, FINISH);
    if (function) {
        call_t *call = &fold->finish;
        if (!begin(call, function) || call->native || !take_state(fold, call) || call_next(call) || !call->result)
            return wrong(self, FINISH, "does not take a state and give a number", err);
        return entry_take_result(call, &wish->signature, &self->out[0], err);
    }
    const signature_t *signature = &wish->signature;
    self->out[0] = signature->given && !signature->result_void     ? signature->result.dtype
                   : fold->pointer_state                           ? DTYPE_NONE
                   : self->nin == 1 && state_is(fold, self->in[0]) ? self->in[0]
                                                                   : entry_natural_dtype(fold->state);
    bool fits = fold->pointer_state ? self->out[0] && (int64_t)dtype_size(self->out[0]) == fold->size
                                    : self->out[0] && state_is(fold, self->out[0]);
    return fits ? FH_OK : wrong(self, FINISH, "is missing, and a state is no number of the result's dtype", err);
}

static int
check_missing(const entry_t *self, err_t *err)
{
    const fold_t *fold = &self->fold;
    bool same = self->nin == 1 && state_is(fold, self->in[0]);
    if (!fold->init.function && !same)
        return wrong(self, INIT, "is missing, and an element is no state", err);
    if (!fold->combine.function && !same)
        return wrong(self, COMBINE, "is missing, and step cannot stand for it since an element is no state", err);
    return FH_OK;
}

/* One function of two numbers, as step and combine. */
static int
find_binary(LLVMModuleRef module, const entry_wish_t *wish, entry_t *ret, err_t *err)
{
    LLVMValueRef found = *wish->entry ? find_function(module, wish->entry, "") : NULL;
    int fitting = found ? 1 : 0;
    bool native;
    for (LLVMValueRef f = LLVMGetFirstFunction(module); f && !*wish->entry; f = LLVMGetNextFunction(f)) {
        LLVMTypeRef type = LLVMGlobalGetValueType(f);
        if (!entry_is_candidate(f) || entry_shape(f, &native) != SHAPE_SCALAR || native ||
            LLVMCountParamTypes(type) % 2)
            continue;
        found = numba_is_wrapper(f) ? numba_unwrap(module, f) : f;
        fitting++;
    }
    if (fitting != 1)
        return err_set(err, FH_KERNEL_ERROR,
                       "the module has %d functions that could be a reduction%s%.100s; a reduction is functions P_step "
                       "with P_init or P_combine (and P_finish), named by P, or one function of two numbers",
                       fitting, *wish->entry ? " named " : "", wish->entry);
    if (!begin(&ret->fold.step, found))
        return wrong(ret, "", "takes too many parameters", err);
    if (!*ret->name)
        numba_plain_name(LLVMGetValueName(found), ret->name, sizeof ret->name);
    return FH_OK;
}

/* The dtypes of "R(T, T)" are those of a step "R(S, T)". */
static entry_wish_t
without_state(const entry_wish_t *wish)
{
    entry_wish_t less = *wish;
    if (less.signature.given && less.signature.count == 2) {
        less.signature.count = 1;
        less.signature.args[0] = less.signature.args[1];
    }
    return less;
}

int
fold_entry_find(LLVMModuleRef module, const entry_wish_t *wish, entry_t *ret, err_t *err)
{
    fold_t *fold = &ret->fold;
    entry_wish_t binary;
    ret->kind = KERNEL_REDUCTION;
    ret->nout = 1;
    bool set = fold_entry_exists(module, wish->entry, ret->name);
    LLVMValueRef step = set ? find_function(module, ret->name, STEP) : NULL;
    int status = FH_OK;
    if (!set) {
        snprintf(ret->name, sizeof ret->name, "%.255s", wish->entry);
        status = find_binary(module, wish, ret, err);
        binary = without_state(wish);
        wish = &binary;
    } else if (!begin(&fold->step, step)) {
        status = wrong(ret, STEP, "takes too many parameters", err);
    }
    if (!status)
        status = take_step(ret, wish, err);
    if (!status)
        status = find_size(module, ret, wish->state_bytes, err);
    if (!status && set)
        status = find_states(module, ret, INIT, fold->pointer_state ? 1 : 0, &fold->init, err);
    if (!status && set)
        status = find_states(module, ret, COMBINE, 2, &fold->combine, err);
    if (!status)
        status = find_finish(module, ret, wish, err);
    return status ? status : check_missing(ret, err);
}
