/* engine/apply/accumulate.c - running results along an axis: cumsum, cumprod, and other ufuncs' accumulate.
 *
 * out = in, cast; then out[i] = op(out[i - 1], out[i]), one after the other as NumPy does it, so that floating sums
 * have its bits.  A long line of integers is cut into blocks, whose results do not depend on that. */
#include "engine/apply/apply.h"
#include "engine/compute/lines.h"
#include "engine/compute/loops.h"

#include <string.h>

enum {
    BLOCK = 64 << 10, /* elements of a long line, or of lines side by side, that a thread takes */
    COLUMNS = 2048,   /* lines that one thread takes side by side */
};

static const int OPS[] = {
#define ACCUMULATION(number, OP) [number] = OP_##OP,
#include "codecs/accumulations.def"
#undef ACCUMULATION
};

typedef struct {
    nd_t out;
    loop_fn loop;
    void (*run)(char *line, int64_t n); /* n - 1 steps over a contiguous line; NULL: by the loop */
    const char *carry;                  /* what goes before, contiguous in the shape without the axis; NULL: nothing */
    lines_t lines;
    int64_t size, step, stride[SHAPE_MAX_DIMS];
    int64_t columns, parts; /* lines side by side: how many there are in a row, parts of a row */
    char *line;             /* that is cut into blocks */
    char *before;           /* what goes before each block */
} running_t;

/* ---- contiguous lines ----------------------------------------------------------------------------------------------
 */

#define RUN(name, T, STEP)                                                                                             \
    static void run_##name(char *line, int64_t n)                                                                      \
    {                                                                                                                  \
        T *x = (T *)(void *)line, a = x[0];                                                                            \
        for (int64_t i = 1; i < n; i++) {                                                                              \
            T b = x[i];                                                                                                \
            a = STEP;                                                                                                  \
            x[i] = a;                                                                                                  \
        }                                                                                                              \
    }
RUN(add_u64, uint64_t, a + b)
RUN(add_f32, float, a + b)
RUN(add_f64, double, a + b)
RUN(multiply_u64, uint64_t, a *b)
RUN(multiply_f32, float, a *b)
RUN(multiply_f64, double, a *b)
RUN(maximum_i64, int64_t, b > a ? b : a)
RUN(minimum_i64, int64_t, b < a ? b : a)
RUN(maximum_f64, double, b > a || b != b ? (a != a ? a : b) : a)
RUN(minimum_f64, double, b < a || b != b ? (a != a ? a : b) : a)

static const struct {
    int op;
    dtype_t dtype;
    void (*run)(char *line, int64_t n);
} RUNS[] = {
    {OP_ADD, DTYPE_INT64, run_add_u64},
    {OP_ADD, DTYPE_UINT64, run_add_u64},
    {OP_ADD, DTYPE_FLOAT32, run_add_f32},
    {OP_ADD, DTYPE_FLOAT64, run_add_f64},
    {OP_MULTIPLY, DTYPE_INT64, run_multiply_u64},
    {OP_MULTIPLY, DTYPE_UINT64, run_multiply_u64},
    {OP_MULTIPLY, DTYPE_FLOAT32, run_multiply_f32},
    {OP_MULTIPLY, DTYPE_FLOAT64, run_multiply_f64},
    {OP_MAXIMUM, DTYPE_INT64, run_maximum_i64},
    {OP_MINIMUM, DTYPE_INT64, run_minimum_i64},
    {OP_MAXIMUM, DTYPE_FLOAT64, run_maximum_f64},
    {OP_MINIMUM, DTYPE_FLOAT64, run_minimum_f64},
};

static void
accumulate_line(const running_t *self, char *line, int64_t n)
{
    if (self->run && self->step == self->size) {
        self->run(line, n);
        return;
    }
    const int64_t still[] = {0, 0, 0};
    for (int64_t i = 1; i < n; i++, line += self->step) {
        char *p[] = {line, line + self->step, line + self->step};
        self->loop(p, still, 1);
    }
}

/* first = op(before, first), for n elements step bytes apart. */
static void
carry_into(const running_t *self, const char *before, int64_t before_step, char *first, int64_t n, int64_t step)
{
    union {
        const char *in;
        char *p; /* loops only read from their inputs */
    } from = {.in = before};
    char *p[] = {from.p, first, first};
    self->loop(p, (const int64_t[]){before_step, step, step}, n);
}

static void
line_part(void *context, int64_t i)
{
    const running_t *self = context;
    char *line = lines_at(&self->lines, self->out.data, self->stride, i);
    if (self->carry)
        carry_into(self, self->carry + i * self->size, 0, line, 1, 0);
    accumulate_line(self, line, self->lines.length);
}

/* ---- lines side by side --------------------------------------------------------------------------------------------
 */

/* Columns of the rows that follow each other along the axis. */
static void
column_part(void *context, int64_t part)
{
    const running_t *self = context;
    int64_t outer = part / self->parts, first = part % self->parts * COLUMNS;
    int64_t n = self->columns - first < COLUMNS ? self->columns - first : COLUMNS;
    int64_t at = outer * self->columns + first;
    char *row = self->out.data + (outer * self->lines.length * self->columns + first) * self->size;
    const int64_t steps[] = {self->size, self->size, self->size};
    if (self->carry)
        carry_into(self, self->carry + at * self->size, self->size, row, n, self->size);
    for (int64_t i = 1; i < self->lines.length; i++, row += self->step) {
        char *p[] = {row, row + self->step, row + self->step};
        self->loop(p, steps, n);
    }
}

/* ---- one long line of integers -------------------------------------------------------------------------------------
 */

static int64_t
block_of(const running_t *self, int64_t i, char **ret)
{
    int64_t first = i * BLOCK, left = self->lines.length - first;
    *ret = self->line + first * self->size;
    return left < BLOCK ? left : BLOCK;
}

static void
scan_block(void *context, int64_t i)
{
    const running_t *self = context;
    char *block;
    int64_t n = block_of(self, i, &block);
    accumulate_line(self, block, n);
}

static void
shift_block(void *context, int64_t i)
{
    const running_t *self = context;
    char *block;
    int64_t n = block_of(self, i, &block);
    if (i > 0 || self->carry)
        carry_into(self, self->before + i * self->size, 0, block, n, self->size);
}

static int
accumulate_blocks(apply_call_t *call, running_t *self, err_t *err)
{
    int64_t blocks = (self->lines.length + BLOCK - 1) / BLOCK;
    void *before;
    int status = apply_scratch(call, (blocks + 1) * self->size, &before, err);
    if (status)
        return status;
    self->before = before;
    for (int64_t line = 0; line < self->lines.count; line++) {
        self->line = lines_at(&self->lines, self->out.data, self->stride, line);
        crew_run(call->crew, blocks, scan_block, self);
        if (self->carry)
            memcpy(self->before, self->carry + line * self->size, (size_t)self->size);
        for (int64_t i = 0; i + 1 < blocks; i++) {
            char *block, *next = self->before + (i + 1) * self->size;
            int64_t n = block_of(self, i, &block);
            memcpy(next, block + (n - 1) * self->size, (size_t)self->size);
            if (i > 0 || self->carry)
                carry_into(self, self->before + i * self->size, 0, next, 1, 0);
        }
        crew_run(call->crew, blocks, shift_block, self);
    }
    return FH_OK;
}

/* ---- the method ----------------------------------------------------------------------------------------------------
 */

/* Do blocks of it give the same bits? */
static bool
associative(int op, dtype_t dtype)
{
    return strchr("biu", dtype_kind(dtype)) && op != OP_SUBTRACT && op != OP_LCM; /* what wraps has no multiples */
}

static int
find_loop(running_t *self, int op, dtype_t dtype, err_t *err)
{
    op_loop_t loop = {.in = {dtype, dtype}, .out = {dtype}};
    self->loop = loop_find(op_at(op), &loop);
    for (size_t i = 0; i < sizeof RUNS / sizeof *RUNS; i++)
        if (RUNS[i].op == op && RUNS[i].dtype == dtype)
            self->run = RUNS[i].run;
    return self->loop
               ? FH_OK
               : err_set(err, FH_WRONG_TYPE, "%s of %s has no running results", op_at(op)->name, dtype_name(dtype));
}

static int
check(apply_call_t *call, err_t *err)
{
    const nd_t *in = &call->in[0];
    int status = apply_integers(call, 2, 2, err);
    if (!status && (call->integers[0] < 0 || call->integers[0] >= in->shape.ndim))
        status = err_set(err, FH_BAD_INDEX, "axis %lld of an array of %d dimensions", (long long)call->integers[0],
                         in->shape.ndim);
    if (!status && (call->integers[1] < 0 || call->integers[1] >= (int64_t)(sizeof OPS / sizeof *OPS)))
        status = err_set(err, FH_NO_SUCH_METHOD, "there is no accumulation number %lld", (long long)call->integers[1]);
    if (!status && call->nin > 2)
        status = err_set(err, FH_INVALID_ARGUMENT, "%d inputs; an array, and what goes before", call->nin);
    if (!status)
        status = apply_make(call, 0, &in->shape, err);
    if (!status && !nd_is_c_contiguous(&call->out[0]))
        status = err_set(err, FH_NOT_SUPPORTED, "running results go to arrays in C order");
    return status;
}

static int
take_carry(apply_call_t *call, running_t *self, err_t *err)
{
    nd_t carry;
    if (call->nin < 2)
        return FH_OK;
    if (shape_count(&call->in[1].shape) != self->lines.count)
        return err_set(err, FH_INVALID_ARGUMENT, "what goes before has %lld elements for %lld lines",
                       (long long)shape_count(&call->in[1].shape), (long long)self->lines.count);
    int status = apply_contiguous(call, 1, self->out.dtype, &carry, err);
    self->carry = status ? NULL : carry.data;
    return status;
}

int
apply_accumulate(apply_call_t *call, err_t *err)
{
    running_t self = {0};
    int axis = 0, op = 0, status = check(call, err);
    if (!status) {
        axis = (int)call->integers[0];
        op = OPS[call->integers[1]];
        self.out = call->out[0];
        self.size = (int64_t)dtype_size(self.out.dtype);
        lines_init(&self.lines, &self.out.shape, axis);
        self.step = lines_strides(&self.out, axis, self.stride);
        status = find_loop(&self, op, self.out.dtype, err);
    }
    if (!status)
        status = take_carry(call, &self, err);
    if (!status)
        status = compute_assign(call->crew, &self.out, &call->in[0], err);
    if (status || self.lines.count == 0 || self.lines.length == 0)
        return status;
    self.columns = self.step / self.size;
    if (self.columns > 1) {
        self.parts = (self.columns + COLUMNS - 1) / COLUMNS;
        crew_run(call->crew, self.lines.count / self.columns * self.parts, column_part, &self);
    } else if (associative(op, self.out.dtype) && self.lines.length > 2 * BLOCK &&
               self.lines.count < crew_threads(call->crew)) {
        status = accumulate_blocks(call, &self, err);
    } else {
        crew_run(call->crew, self.lines.count, line_part, &self);
    }
    return status;
}
