#include "codecs/core_dims.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_SIZE = 160 }; /* of a shape inside an error's text */

typedef struct {
    const char *text, *at;
    core_dims_t *dims;
    err_t *err;
} parser_t;

static int
bad(const parser_t *self, const char *what)
{
    return err_set(self->err, FH_INVALID_ARGUMENT,
                   "layout \"%.120s\": %s, at position %d; a layout looks like (m,k),(k,n)->(m,n)", self->text, what,
                   (int)(self->at - self->text));
}

static void
skip_space(parser_t *self)
{
    while (*self->at == ' ' || *self->at == '\t')
        self->at++;
}

/* Is this the next sign?  Then it is passed. */
static bool
take(parser_t *self, const char *sign)
{
    size_t size = strlen(sign);

    skip_space(self);
    if (strncmp(self->at, sign, size) != 0)
        return false;
    self->at += size;
    return true;
}

/* The number of a core dimension, added if it is new.  Numbers are dimensions that are called like their extent. */
static int
parse_dimension(parser_t *self, int *ret)
{
    core_dims_t *dims = self->dims;
    char name[sizeof dims->name[0]];
    size_t size = 0;
    int64_t fixed = -1;

    skip_space(self);
    bool number = isdigit((unsigned char)*self->at);

    if (!number && !isalpha((unsigned char)*self->at) && *self->at != '_')
        return bad(self, *self->at == '?' ? "optional dimensions are not supported"
                                          : "a name or a number of a dimension is missing");
    for (; isalnum((unsigned char)*self->at) || *self->at == '_'; self->at++) {
        if (number && !isdigit((unsigned char)*self->at))
            return bad(self, "a name begins with a letter");
        if (number && size == 0 && *self->at == '0' && isdigit((unsigned char)self->at[1]))
            return bad(self, "a number begins with 0");
        if (size + 1 >= sizeof name || (number && size >= 18))
            return bad(self, "the name or number of a dimension is too long");
        if (number)
            fixed = (fixed < 0 ? 0 : fixed) * 10 + (*self->at - '0');
        name[size++] = *self->at;
    }
    name[size] = '\0';
    if (*self->at == '?')
        return bad(self, "optional dimensions are not supported");
    for (*ret = 0; *ret < dims->names; ++*ret)
        if (!strcmp(dims->name[*ret], name))
            return FH_OK;
    if (dims->names == CORE_DIMS_MAX_NAMES)
        return bad(self, "there are more than 16 different dimensions");
    memcpy(dims->name[dims->names], name, size + 1);
    dims->fixed[dims->names++] = fixed;
    return FH_OK;
}

/* "(m, 3)" */
static int
parse_operand(parser_t *self, int operand)
{
    core_dims_t *dims = self->dims;

    if (operand == CORE_DIMS_MAX_OPERANDS)
        return bad(self, "there are more than 24 operands");
    if (!take(self, "("))
        return bad(self, "a ( is missing");
    dims->ndim[operand] = 0;
    if (take(self, ")"))
        return FH_OK;
    do {
        if (dims->ndim[operand] == CORE_DIMS_MAX_CORE)
            return bad(self, "an operand has more than 8 core dimensions");
        int status = parse_dimension(self, &dims->dim[operand][dims->ndim[operand]]);

        if (status)
            return status;
        dims->ndim[operand]++;
    } while (take(self, ","));
    return take(self, ")") ? FH_OK : bad(self, "a ) or , is missing");
}

/* Operands with commas between them; *ret counts on from first. */
static int
parse_operands(parser_t *self, int first, int *ret)
{
    int status;

    *ret = 0;
    do
        status = parse_operand(self, first + *ret);
    while (!status && ++*ret && take(self, ","));
    return status;
}

/* The extents of all output dimensions must be known from the inputs. */
static int
check_outputs(const parser_t *self)
{
    const core_dims_t *dims = self->dims;
    bool known[CORE_DIMS_MAX_NAMES];

    for (int i = 0; i < dims->names; i++)
        known[i] = dims->fixed[i] >= 0;
    for (int k = 0; k < dims->nin; k++)
        for (int i = 0; i < dims->ndim[k]; i++)
            known[dims->dim[k][i]] = true;
    for (int i = 0; i < dims->names; i++)
        if (!known[i])
            return err_set(self->err, FH_INVALID_ARGUMENT,
                           "layout \"%.120s\": the output dimension %s occurs in no input, so its extent is unknown",
                           self->text, dims->name[i]);
    return FH_OK;
}

int
core_dims_parse(const char *text, core_dims_t *ret, err_t *err)
{
    parser_t parser = {.text = text, .at = text, .dims = ret, .err = err};

    memset(ret, 0, sizeof *ret);
    int status = parse_operands(&parser, 0, &ret->nin);

    if (!status && !take(&parser, "->"))
        status = bad(&parser, "-> is missing");
    if (!status)
        status = parse_operands(&parser, ret->nin, &ret->nout);
    if (!status) {
        skip_space(&parser);
        status = *parser.at ? bad(&parser, "something follows the last operand") : check_outputs(&parser);
    }
    return status;
}

/* Note the extents that one input gives to its core dimensions.  from: for each name, the input that gave it first. */
static int
resolve_input(const core_dims_t *self, int operand, const shape_t *shape, int64_t *extents, int *from, err_t *err)
{
    int core = self->ndim[operand], first = shape->ndim - core;
    char text[TEXT_SIZE];

    if (first < 0)
        return err_set(err, FH_INVALID_ARGUMENT,
                       "input %d has the shape %s, but the layout gives it %d core dimensions", operand,
                       shape_format(shape, text, sizeof text), core);
    for (int i = 0; i < core; i++) {
        int name = self->dim[operand][i];
        int64_t extent = shape->extent[first + i];

        if (extent == extents[name])
            continue;
        if (self->fixed[name] >= 0)
            return err_set(err, FH_INVALID_ARGUMENT, "input %d has %lld elements along axis %d; the layout wants %lld",
                           operand, (long long)extent, first + i, (long long)extents[name]);
        if (extents[name] >= 0)
            return err_set(err, FH_INVALID_ARGUMENT,
                           "input %d has %lld elements along axis %d, the core dimension %s; input %d has %lld there",
                           operand, (long long)extent, first + i, self->name[name], from[name],
                           (long long)extents[name]);
        extents[name] = extent;
        from[name] = operand;
    }
    return FH_OK;
}

int
core_dims_resolve(const core_dims_t *self, const shape_t *const *inputs, shape_t *ret_loop,
                  int64_t ret_extent[CORE_DIMS_MAX_NAMES], err_t *err)
{
    shape_t loops[CORE_DIMS_MAX_OPERANDS];
    const shape_t *borrowed[CORE_DIMS_MAX_OPERANDS];
    int from[CORE_DIMS_MAX_NAMES] = {0}, status = FH_OK;

    for (int i = 0; i < CORE_DIMS_MAX_NAMES; i++)
        ret_extent[i] = i < self->names ? self->fixed[i] : -1;
    for (int k = 0; k < self->nin && !status; k++) {
        status = resolve_input(self, k, inputs[k], ret_extent, from, err);
        if (status)
            break;
        loops[k].ndim = inputs[k]->ndim - self->ndim[k];
        memcpy(loops[k].extent, inputs[k]->extent, (size_t)loops[k].ndim * sizeof loops[k].extent[0]);
        borrowed[k] = &loops[k];
    }
    if (status)
        return status;
    status = shape_broadcast(borrowed, self->nin, ret_loop, err);
    if (status)
        err_prefix(err, "the dimensions before the core dimensions");
    return status;
}

int
core_dims_shape(const core_dims_t *self, int operand, const shape_t *loop, const int64_t extent[CORE_DIMS_MAX_NAMES],
                shape_t *ret, err_t *err)
{
    int core = self->ndim[operand];

    if (loop->ndim + core > SHAPE_MAX_DIMS)
        return err_set(err, FH_INVALID_ARGUMENT, "%d loop dimensions and %d core dimensions are more than %d",
                       loop->ndim, core, SHAPE_MAX_DIMS);
    *ret = *loop;
    for (int i = 0; i < core; i++)
        ret->extent[ret->ndim++] = extent[self->dim[operand][i]];
    return FH_OK;
}
