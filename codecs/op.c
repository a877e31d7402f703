#include "codecs/op.h"

#include <stdio.h>
#include <string.h>

/* The sets of ops.def as NumPy's characters, in the order of search. */
#define SET_ALL "?bBhHiIlLefdFD"
#define SET_NUMBERS "bBhHiIlLefdFD"
#define SET_REALS "bBhHiIlLefd"
#define SET_INTEGERS "bBhHiIlL"
#define SET_BITS "?bBhHiIlL"
#define SET_ROUNDED "?bBhHiIlLefd"
#define SET_INEXACT "efdFD"
#define SET_FLOATS "efd"
#define SET_DOUBLES "dD"

typedef enum {
    RULE_SAME,
    RULE_BOOL,
    RULE_REAL,
    RULE_NO_BOOL,
    RULE_DIVIDE,
    RULE_COMPARE,
    RULE_LDEXP,
    RULE_FREXP,
    RULE_WHERE
} rule_t;

static const op_t ops[OP_COUNT] = {
#define OP(NAME, name, nin, nout, SET, RULE, reduce, doc) {name, OP_##NAME, nin, nout, doc, reduce},
#define ALIAS(alias, name)
#include "codecs/ops.def"
#undef OP
#undef ALIAS
};

static const struct {
    const char *set;
    rule_t rule;
} loops[OP_COUNT] = {
#define OP(NAME, name, nin, nout, SET, RULE, reduce, doc) {SET_##SET, RULE_##RULE},
#define ALIAS(alias, name)
#include "codecs/ops.def"
#undef OP
#undef ALIAS
};

static const struct {
    const char *alias, *name;
} aliases[] = {
#define OP(NAME, name, nin, nout, SET, RULE, reduce, doc)
#define ALIAS(alias, name) {alias, name},
#include "codecs/ops.def"
#undef OP
#undef ALIAS
};

static const char *const reduce_names[] = {
    [REDUCE_SUM] = "sum",
    [REDUCE_PROD] = "prod",
    [REDUCE_MIN] = "min",
    [REDUCE_MAX] = "max",
    [REDUCE_ANY] = "any",
    [REDUCE_ALL] = "all",
    [REDUCE_ARGMIN] = "argmin",
    [REDUCE_ARGMAX] = "argmax",
    [REDUCE_BIT_AND] = "bitwise_and",
    [REDUCE_BIT_OR] = "bitwise_or",
    [REDUCE_BIT_XOR] = "bitwise_xor",
    [REDUCE_COUNT] = "count_nonzero",
};

enum { REDUCE_KINDS = sizeof reduce_names / sizeof reduce_names[0] };

static bool
same_text(const char *row, const char *name, size_t length)
{
    return strlen(row) == length && memcmp(row, name, length) == 0;
}

const op_t *
op_find(const char *name, size_t length)
{
    for (int i = 0; i < OP_COUNT; i++)
        if (same_text(ops[i].name, name, length))
            return &ops[i];
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++)
        if (same_text(aliases[i].alias, name, length))
            return op_find(aliases[i].name, strlen(aliases[i].name));
    return NULL;
}

const op_t *
op_at(int code)
{
    return code >= 0 && code < OP_COUNT ? &ops[code] : NULL;
}

/* --- the choice of a loop -------------------------------------------------------------------------------------------
 */

static const char *
input_name(const op_input_t *input)
{
    static const char *const weak[] = {"?", "Python int", "Python float", "Python complex"};
    return input->dtype != DTYPE_NONE ? dtype_name(input->dtype) : weak[input->weak];
}

static int
no_loop(const op_t *op, const op_input_t *inputs, dtype_t dtype, err_t *err)
{
    char text[128];
    int used = 0;
    for (int i = 0; i < op->nin; i++)
        used += snprintf(text + used, sizeof text - (size_t)used, "%s%s", i == 0 ? "" : ", ", input_name(&inputs[i]));
    if (dtype != DTYPE_NONE)
        return err_set(err, FH_WRONG_TYPE, "%s has no loop that takes (%s) and gives %s", op->name, text,
                       dtype_name(dtype));
    return err_set(err, FH_WRONG_TYPE, "%s has no loop that takes (%s) without losing values", op->name, text);
}

static dtype_t
real_of(dtype_t dtype)
{
    return dtype == DTYPE_COMPLEX64 ? DTYPE_FLOAT32 : dtype == DTYPE_COMPLEX128 ? DTYPE_FLOAT64 : dtype;
}

/* Inputs whose dtype the rule sets by itself and that take no part in the choice. */
static bool
stands_alone(rule_t rule, int i)
{
    return (rule == RULE_WHERE && i == 0) || (rule == RULE_LDEXP && i == 1);
}

/* The dtypes to choose by: weak scalars as what they become beside all the arrays. */
static void
settle_weak(const op_t *op, rule_t rule, const op_input_t *inputs, dtype_t *ret)
{
    dtype_t strong = DTYPE_NONE;
    for (int i = 0; i < op->nin; i++)
        if (inputs[i].dtype != DTYPE_NONE && !stands_alone(rule, i))
            strong = strong == DTYPE_NONE ? inputs[i].dtype : dtype_promote(strong, inputs[i].dtype);
    for (int i = 0; i < op->nin; i++)
        ret[i] = inputs[i].dtype != DTYPE_NONE
                     ? inputs[i].dtype
                     : dtype_promote_weak(stands_alone(rule, i) ? DTYPE_NONE : strong, inputs[i].weak);
}

/* The dtypes of a loop over one dtype of the set. */
static void
loop_for(const op_t *op, rule_t rule, dtype_t dtype, op_loop_t *ret)
{
    *ret = (op_loop_t){{DTYPE_NONE}, {DTYPE_NONE}};
    for (int i = 0; i < op->nin; i++)
        ret->in[i] = dtype;
    for (int i = 0; i < op->nout; i++)
        ret->out[i] = rule == RULE_BOOL || rule == RULE_COMPARE ? DTYPE_BOOL
                      : rule == RULE_REAL                       ? real_of(dtype)
                                                                : dtype;
    if (rule == RULE_FREXP)
        ret->out[1] = DTYPE_INT32;
    if (rule == RULE_WHERE)
        ret->in[0] = DTYPE_BOOL;
    if (rule == RULE_LDEXP)
        ret->in[1] = DTYPE_INT64;
}

static bool
fits(const op_t *op, const op_loop_t *loop, const dtype_t *have, casting_t casting)
{
    for (int i = 0; i < op->nin; i++)
        if (!dtype_can_cast(have[i], loop->in[i], casting))
            return false;
    return true;
}

static bool
all_of(const op_t *op, const dtype_t *have, const char *kinds)
{
    for (int i = 0; i < op->nin; i++)
        if (strchr(kinds, dtype_kind(have[i])) == NULL)
            return false;
    return true;
}

static bool
gives(const op_t *op, const op_loop_t *loop, dtype_t dtype)
{
    for (int i = 0; i < op->nout; i++)
        if (dtype != DTYPE_NONE && loop->out[i] != dtype)
            return false;
    return true;
}

/* Inputs that would otherwise meet in float64, which cannot tell large integers apart. */
static bool
mixed_64(rule_t rule, const dtype_t *have)
{
    return rule == RULE_COMPARE && ((have[0] == DTYPE_UINT64 && dtype_kind(have[1]) == 'i') ||
                                    (have[1] == DTYPE_UINT64 && dtype_kind(have[0]) == 'i'));
}

static bool
search(const op_t *op, rule_t rule, const dtype_t *have, dtype_t dtype, casting_t casting, op_loop_t *ret)
{
    const char *set = loops[op->code].set;
    if (mixed_64(rule, have)) {
        *ret = (op_loop_t){{have[0] == DTYPE_UINT64 ? DTYPE_UINT64 : DTYPE_INT64,
                            have[1] == DTYPE_UINT64 ? DTYPE_UINT64 : DTYPE_INT64},
                           {DTYPE_BOOL}};
        return gives(op, ret, dtype);
    }
    if (rule == RULE_DIVIDE && dtype == DTYPE_NONE && all_of(op, have, "bui"))
        set = "d";
    /* Without a dtype= a loop must hold all values; with one, the caller's casting says what is allowed. */
    casting_t limit = dtype != DTYPE_NONE || casting == CASTING_NO ? casting : CASTING_SAFE;
    for (; *set != '\0'; set++) {
        loop_for(op, rule, dtype_from_char(*set), ret);
        if (gives(op, ret, dtype) && fits(op, ret, have, limit))
            return true;
    }
    return false;
}

/* Elements that are not numbers: one dtype, comparing or choosing. */
static bool
search_others(const op_t *op, rule_t rule, const op_input_t *inputs, dtype_t dtype, op_loop_t *ret)
{
    dtype_t item = inputs[op->nin - 1].dtype;
    bool choosing = rule == RULE_WHERE, comparing = rule == RULE_COMPARE && op->nin == 2 && dtype_is_items(item);
    dtype_t made = choosing ? item : DTYPE_BOOL;
    if ((!choosing && !comparing) || !dtype_known((uint64_t)item) || (dtype != DTYPE_NONE && dtype != made) ||
        inputs[op->nin - 2].dtype != item || (choosing && inputs[0].dtype != DTYPE_BOOL))
        return false;
    *ret = (op_loop_t){{item, item}, {made}};
    if (choosing)
        *ret = (op_loop_t){{DTYPE_BOOL, item, item}, {made}};
    return true;
}

static bool
any_other(const op_t *op, const op_input_t *inputs)
{
    for (int i = 0; i < op->nin; i++)
        if (inputs[i].dtype != DTYPE_NONE && !dtype_valid((uint64_t)inputs[i].dtype))
            return true;
    return false;
}

int
op_resolve(const op_t *op, const op_input_t *inputs, dtype_t dtype, casting_t casting, op_loop_t *ret, err_t *err)
{
    rule_t rule = loops[op->code].rule;
    dtype_t have[OP_MAX_IN];
    if (any_other(op, inputs))
        return search_others(op, rule, inputs, dtype, ret) ? FH_OK : no_loop(op, inputs, dtype, err);
    settle_weak(op, rule, inputs, have);
    for (int i = 0; i < op->nin; i++)
        if (!dtype_valid((uint64_t)have[i]))
            return no_loop(op, inputs, dtype, err);
    if (rule == RULE_NO_BOOL && all_of(op, have, "b") && dtype == DTYPE_NONE)
        return err_set(err, FH_WRONG_TYPE, "%s takes no bools; the logical and bitwise operations do", op->name);
    if (!search(op, rule, have, dtype, casting, ret))
        return no_loop(op, inputs, dtype, err);
    return FH_OK;
}

/* --- reductions -----------------------------------------------------------------------------------------------------
 */

const char *
reduce_name(reduce_t reduce)
{
    return (unsigned)reduce < REDUCE_KINDS ? reduce_names[reduce] : "unknown";
}

int
reduce_find(const char *name, size_t length)
{
    for (int i = 0; i < REDUCE_KINDS; i++)
        if (same_text(reduce_names[i], name, length))
            return i;
    return -1;
}

typedef enum { WIDEN, KEEP, TRUTH, INDEX, BITS } reduce_rule_t;

static const reduce_rule_t reduce_rules[REDUCE_KINDS] = {
    [REDUCE_SUM] = WIDEN,    [REDUCE_PROD] = WIDEN,  [REDUCE_MIN] = KEEP,     [REDUCE_MAX] = KEEP,
    [REDUCE_ANY] = TRUTH,    [REDUCE_ALL] = TRUTH,   [REDUCE_ARGMIN] = INDEX, [REDUCE_ARGMAX] = INDEX,
    [REDUCE_BIT_AND] = BITS, [REDUCE_BIT_OR] = BITS, [REDUCE_BIT_XOR] = BITS, [REDUCE_COUNT] = INDEX,
};

static dtype_t
widened(dtype_t dtype)
{
    char kind = dtype_kind(dtype);
    return kind == 'b' || kind == 'i' ? DTYPE_INT64 : kind == 'u' ? DTYPE_UINT64 : dtype;
}

int
reduce_resolve(reduce_t reduce, dtype_t input, dtype_t dtype, dtype_t *ret, err_t *err)
{
    if ((unsigned)reduce >= REDUCE_KINDS || !dtype_valid((uint64_t)input))
        return err_set(err, FH_WRONG_TYPE, "there is no such reduction or dtype");
    reduce_rule_t rule = reduce_rules[reduce];
    dtype_t result = dtype;
    if (rule == TRUTH || rule == INDEX)
        result = rule == TRUTH ? DTYPE_BOOL : DTYPE_INT64;
    else if (dtype == DTYPE_NONE)
        result = rule == WIDEN ? widened(input) : input;
    bool bits = strchr("bui", dtype_kind(result)) != NULL;
    if ((dtype != DTYPE_NONE && dtype != result) || (rule == BITS && !bits))
        return err_set(err, FH_WRONG_TYPE, "%s of %s cannot give %s", reduce_name(reduce), dtype_name(input),
                       dtype_name(dtype == DTYPE_NONE ? result : dtype));
    *ret = result;
    return FH_OK;
}
