#include "engine/runner/code/entry.h"

#include "engine/runner/code/annotations.h"
#include "engine/runner/code/entry_types.h"
#include "engine/runner/code/fold_entry.h"
#include "engine/runner/code/numba.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BIT(shape) (1u << (shape))
enum { ANY_KIND = -1 };

/* The shapes that a kind's function can have. */
static const unsigned SHAPES[KERNEL_KINDS] = {
    [KERNEL_UFUNC] = BIT(SHAPE_SCALAR) | BIT(SHAPE_LOOP),
    [KERNEL_PIECE] = BIT(SHAPE_PIECE),
    [KERNEL_ARRAY] = BIT(SHAPE_ARRAY),
    [KERNEL_GUFUNC] = BIT(SHAPE_ARRAY) | BIT(SHAPE_LOOP),
};
static const unsigned ALL_SHAPES = BIT(SHAPE_SCALAR) | BIT(SHAPE_LOOP) | BIT(SHAPE_PIECE) | BIT(SHAPE_ARRAY);
/* The kind of a function of that shape, when nobody says. */
static const kernel_kind_t NATURAL_KIND[] = {[SHAPE_SCALAR] = KERNEL_UFUNC,
                                             [SHAPE_LOOP] = KERNEL_UFUNC,
                                             [SHAPE_PIECE] = KERNEL_PIECE,
                                             [SHAPE_ARRAY] = KERNEL_ARRAY};

static bool
fits(LLVMValueRef function, unsigned shapes, bool *ret_native)
{
    call_shape_t shape = entry_is_candidate(function) ? entry_shape(function, ret_native) : SHAPE_NONE;
    return shape != SHAPE_NONE && (shapes & BIT(shape));
}

static LLVMValueRef
find_numba(LLVMModuleRef module, unsigned shapes)
{
    LLVMValueRef found = NULL;
    bool native;
    for (LLVMValueRef f = LLVMGetFirstFunction(module); f; f = LLVMGetNextFunction(f)) {
        if (!numba_is_wrapper(f) || !fits(f, shapes, &native))
            continue;
        if (found)
            return NULL; /* more than one: the caller must choose */
        found = numba_unwrap(module, f);
        if (!fits(found, shapes, &native))
            found = f;
    }
    return found;
}

static int
no_entry(LLVMModuleRef module, unsigned shapes, int fitting, err_t *err)
{
    char names[300] = "";
    size_t used = 0;
    bool native;
    for (LLVMValueRef f = LLVMGetFirstFunction(module); f && used < sizeof names - 1; f = LLVMGetNextFunction(f))
        if (entry_is_candidate(f) && (!fitting || fits(f, shapes, &native))) {
            int n = snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", LLVMGetValueName(f));
            used += n > 0 ? (size_t)n : 0;
        }
    if (fitting)
        return err_set(err, FH_KERNEL_ERROR, "several functions could be the kernel; name one as entry: %s", names);
    return err_set(
        err, FH_KERNEL_ERROR,
        "no function of the module can be a kernel of the wanted kind: one that takes numbers and returns one, "
        "or void(pointers to inputs and output, int64 count), or void(fh_array *, int32)%s%s",
        *names ? "; there are: " : "", names);
}

static int
choose(LLVMModuleRef module, const char *name, unsigned shapes, LLVMValueRef *ret, err_t *err)
{
    if (*name) {
        *ret = entry_named(module, name);
        return *ret ? FH_OK : err_set(err, FH_KERNEL_ERROR, "the module defines no function named %.200s", name);
    }
    *ret = find_numba(module, shapes);
    if (*ret)
        return FH_OK;
    int fitting = 0;
    for (int pass = 0; pass < 2 && !fitting; pass++) /* Numba's native functions only when there is nothing plainer */
        for (LLVMValueRef f = LLVMGetFirstFunction(module); f; f = LLVMGetNextFunction(f)) {
            bool native;
            if (!fits(f, shapes, &native) || native != (pass == 1))
                continue;
            fitting++;
            *ret = f;
        }
    return fitting == 1 ? FH_OK : no_entry(module, shapes, fitting, err);
}

/* {double, double} f(double, double) may take one complex number or two real ones. */
static int
check_ambiguous(const entry_t *self, const signature_t *signature, err_t *err)
{
    dtype_t part = self->out[0] == DTYPE_COMPLEX64 ? DTYPE_FLOAT32 : DTYPE_FLOAT64;
    if (signature->given || dtype_kind(self->out[0]) != 'c')
        return FH_OK;
    for (int i = 0; i + 1 < self->nin; i++)
        if (self->in[i] == part && self->in[i + 1] == part)
            return err_set(
                err, FH_KERNEL_ERROR,
                "parameters %d and %d of %.200s may be one complex number or two real ones: give a signature", i + 1,
                i + 2, self->name);
    return FH_OK;
}

static int
resolve_scalar(entry_t *self, const signature_t *signature, err_t *err)
{
    int status = entry_take_inputs(&self->call, signature, self->in, &self->nin, err);
    if (!status)
        status = entry_take_result(&self->call, signature, &self->out[0], err);
    self->nout = 1;
    return status ? status : check_ambiguous(self, signature, err);
}

static int
resolve_piece(entry_t *self, const signature_t *signature, err_t *err)
{
    int count = (int)(self->call.params - self->call.next);
    int status = signature_piece(signature, self->in, &self->nin, &self->out[0], err);
    self->nout = 1;
    if (!status && self->nin != count - 2)
        status = err_set(err, FH_KERNEL_ERROR, "the signature has %d input arrays, %.200s has %d", self->nin,
                         self->name, count - 2);
    return status;
}

/* All operands in order; void or int32 in front; "": any. */
static int
resolve_array(entry_t *self, const signature_t *signature, err_t *err)
{
    self->nin = -1;
    if (!signature->given)
        return FH_OK;
    if (signature->count < 1 || signature->count > KERNEL_MAX_ARGS ||
        (!signature->result_void && (signature->result.dtype != DTYPE_INT32 || signature->result.pointer)))
        return err_set(err, FH_KERNEL_ERROR,
                       "the signature of an array kernel is void(...) or int32(...) with 1 to %d operands, for example "
                       "\"void(float64[:, :], float64[:, :])\"",
                       KERNEL_MAX_ARGS);
    self->nin = signature->count;
    for (int i = 0; i < self->nin; i++)
        self->in[i] = signature->args[i].dtype;
    return FH_OK;
}

static int
resolve_gufunc(entry_t *self, const signature_t *signature, err_t *err)
{
    const core_dims_t *core = &self->core;
    if (!*self->layout)
        return err_set(err, FH_KERNEL_ERROR, "gufunc %.200s needs a layout, for example \"(m,k),(k,n)->(m,n)\"",
                       self->name);
    self->nin = core->nin;
    self->nout = core->nout;
    if (core->nin > KERNEL_MAX_ARGS || core->nout > KERNEL_MAX_OUT)
        return err_set(err, FH_KERNEL_ERROR, "layout %.100s has more than %d inputs or %d outputs", self->layout,
                       KERNEL_MAX_ARGS, KERNEL_MAX_OUT);
    if (!signature->given && self->shape == SHAPE_ARRAY)
        return FH_OK;
    int status = signature_operands(signature, core->nout, self->in, &self->nin, self->out, &self->nout, err);
    if (!status && self->nin != core->nin)
        status = err_set(err, FH_KERNEL_ERROR, "the signature has %d inputs, the layout %.100s has %d", self->nin,
                         self->layout, core->nin);
    return status;
}

static int
resolve(entry_t *self, const signature_t *signature, err_t *err)
{
    if (self->kind == KERNEL_GUFUNC)
        return resolve_gufunc(self, signature, err);
    if (self->shape == SHAPE_LOOP)
        return signature_operands(signature, *self->layout ? self->core.nout : 0, self->in, &self->nin, self->out,
                                  &self->nout, err);
    if (self->shape == SHAPE_ARRAY)
        return resolve_array(self, signature, err);
    return self->shape == SHAPE_PIECE ? resolve_piece(self, signature, err) : resolve_scalar(self, signature, err);
}

/* A wrapper's C type tells bool from int8 and complex numbers from pairs, which the native function's does not. */
static void
see_wrapper(LLVMModuleRef module, LLVMValueRef native, signature_t *ret)
{
    LLVMValueRef wrapper = numba_wrapper(module, native);
    bool is_native;
    if (!wrapper || entry_shape(wrapper, &is_native) != SHAPE_SCALAR || is_native)
        return;
    signature_t none = {0};
    call_t call;
    dtype_t in[KERNEL_MAX_ARGS], out;
    int nin;
    call_init(&call, wrapper, false);
    if (entry_take_inputs(&call, &none, in, &nin, NULL) || entry_take_result(&call, &none, &out, NULL))
        return;
    *ret = (signature_t){.given = true, .result.dtype = out, .count = nin};
    for (int i = 0; i < nin; i++)
        ret->args[i].dtype = in[i];
}

static int
find_single(LLVMModuleRef module, const entry_wish_t *wish, int kind, entry_t *ret, err_t *err)
{
    unsigned shapes = kind == ANY_KIND ? *wish->layout ? SHAPES[KERNEL_GUFUNC] : ALL_SHAPES : SHAPES[kind];
    LLVMValueRef function;
    bool native;
    int status = choose(module, wish->entry, shapes, &function, err);
    if (status)
        return status;
    if (numba_is_native(function) || numba_is_wrapper(function))
        numba_plain_name(LLVMGetValueName(function), ret->name, sizeof ret->name);
    else
        snprintf(ret->name, sizeof ret->name, "%.255s", *wish->entry ? wish->entry : LLVMGetValueName(function));
    ret->shape = entry_shape(function, &native);
    if (ret->shape == SHAPE_NONE || !(shapes & BIT(ret->shape))) {
        char *type = LLVMPrintTypeToString(LLVMGlobalGetValueType(function));
        const char *what = kind != ANY_KIND ? kernel_kind_name(kind)
                           : *wish->layout  ? "gufunc"
                                            : "ufunc, piece or array";
        err_set(err, FH_KERNEL_ERROR, "%.150s is %.150s, which cannot be a %s kernel", ret->name, type, what);
        LLVMDisposeMessage(type);
        return FH_KERNEL_ERROR;
    }
    ret->kind = kind != ANY_KIND ? (kernel_kind_t)kind : *wish->layout ? KERNEL_GUFUNC : NATURAL_KIND[ret->shape];
    call_init(&ret->call, function, native);
    signature_t signature = wish->signature;
    if (native && ret->shape == SHAPE_SCALAR && !signature.given)
        see_wrapper(module, function, &signature);
    return resolve(ret, &signature, err);
}

/* What the caller left open is filled from the module's own words about the entry. */
static int
make_wish(const annotations_t *notes, const kernel_options_t *options, entry_wish_t *ret, err_t *err)
{
    const char *entry = options->entry;
    const annotation_t *note = *entry ? annotations_find(notes, entry) : notes->count == 1 ? &notes->items[0] : NULL;
    char step[KERNEL_NAME_MAX + 8];
    snprintf(step, sizeof step, "%.255s_step", entry);
    if (!note && *entry)
        note = annotations_find(notes, step);
    static const annotation_t NOTHING = {.entry = ""};
    bool alone = !*entry && note;
    note = note ? note : &NOTHING;
    *ret = (entry_wish_t){.entry = alone ? note->entry : entry,
                          .noted = alone,
                          .kind = *options->kind ? options->kind : note->kind,
                          .layout = *options->layout ? options->layout : note->layout,
                          .state_bytes = options->state_bytes};
    return signature_parse(*options->signature ? options->signature : note->signature, &ret->signature, err);
}

static int
find_kind(const entry_wish_t *wish, int *ret, err_t *err)
{
    *ret = *wish->kind ? kernel_kind_from_name(wish->kind) : ANY_KIND;
    if (*wish->kind && *ret < 0)
        return err_set(err, FH_KERNEL_ERROR, "a kernel's kind is ufunc, piece, array, gufunc or reduction, not %.16s",
                       wish->kind);
    return FH_OK;
}

/* P for P_step: the annotation of a reduction stands at one of its functions. */
static void
drop_step(LLVMModuleRef module, char *name)
{
    static const char STEP[] = "_step";
    size_t length = strlen(name), tail = sizeof STEP - 1;
    char prefix[KERNEL_NAME_MAX], ignored[KERNEL_NAME_MAX];
    if (length <= tail || strcmp(name + length - tail, STEP))
        return;
    snprintf(prefix, sizeof prefix, "%.*s", (int)(length - tail), name);
    if (fold_entry_exists(module, prefix, ignored))
        snprintf(name, KERNEL_NAME_MAX, "%s", prefix);
}

static int
find(LLVMModuleRef module, entry_wish_t *wish, entry_t *ret, err_t *err)
{
    char prefix[KERNEL_NAME_MAX], name[KERNEL_NAME_MAX];
    int kind, status = find_kind(wish, &kind, err);
    if (!status && *wish->layout) {
        snprintf(ret->layout, sizeof ret->layout, "%s", wish->layout);
        status = core_dims_parse(wish->layout, &ret->core, err);
    }
    if (status)
        return status == FH_INVALID_ARGUMENT && err ? (err->status = FH_KERNEL_ERROR) : status;
    snprintf(name, sizeof name, "%.255s", wish->entry);
    if (kind == KERNEL_REDUCTION || wish->noted)
        drop_step(module, name);
    wish->entry = name;
    bool exact = *wish->entry && entry_named(module, wish->entry);
    bool fold = kind == ANY_KIND && !*wish->layout && !exact && fold_entry_exists(module, wish->entry, prefix);
    if (kind != KERNEL_REDUCTION && !fold)
        return find_single(module, wish, kind, ret, err);
    return fold_entry_find(module, wish, ret, err);
}

int
entry_find(LLVMModuleRef module, const kernel_options_t *options, entry_t *ret, err_t *err)
{
    annotations_t *notes = malloc(sizeof *notes);
    *ret = (entry_t){0};
    if (!notes)
        return err_set(err, FH_NO_MEMORY, "no memory for the module's annotations");
    annotations_read(module, notes);
    entry_wish_t wish;
    int status = make_wish(notes, options, &wish, err);
    if (!status)
        status = find(module, &wish, ret, err);
    free(notes);
    return status;
}

int
entry_functions(const entry_t *self, LLVMValueRef ret[ENTRY_MAX_FUNCTIONS])
{
    const fold_t *fold = &self->fold;
    LLVMValueRef all[ENTRY_MAX_FUNCTIONS] = {fold->init.function, fold->step.function, fold->combine.function,
                                             fold->finish.function};
    int count = 0;
    if (self->kind != KERNEL_REDUCTION)
        ret[count++] = self->call.function;
    for (int i = 0; i < ENTRY_MAX_FUNCTIONS && self->kind == KERNEL_REDUCTION; i++)
        if (all[i])
            ret[count++] = all[i];
    return count;
}

void
entry_describe(const entry_t *self, runner_description_t *ret)
{
    const fold_t *fold = &self->fold;
    *ret = (runner_description_t){.kind = (int32_t)self->kind, .nin = self->nin, .nout = self->nout};
    snprintf(ret->entry, sizeof ret->entry, "%s", self->name);
    snprintf(ret->layout, sizeof ret->layout, "%s", self->layout);
    for (int i = 0; i < KERNEL_MAX_ARGS; i++)
        ret->in[i] = (int32_t)self->in[i];
    for (int i = 0; i < KERNEL_MAX_OUT; i++)
        ret->out[i] = (int32_t)self->out[i];
    ret->status_call = self->call.native;
    ret->loop_abi = self->kind == KERNEL_GUFUNC && self->shape == SHAPE_LOOP;
    if (self->kind != KERNEL_REDUCTION)
        return;
    ret->state_bytes = (fold->size + 15) / 16 * 16;
    ret->has_start = fold->init.function != NULL;
    ret->pointer_state = fold->pointer_state;
}
