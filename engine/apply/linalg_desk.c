/* engine/apply/linalg_desk.c - the memory of those who work on matrices, and turning rows into columns. */
#include "engine/apply/linalg.h"

#include <limits.h>
#include <math.h>
#include <string.h>

enum { ROUND = 64, TILE = 32 };

bool
linalg_measures(const linalg_desk_t *desk)
{
    return !desk->base;
}

void *
linalg_take(linalg_desk_t *desk, int64_t count, int64_t size)
{
    char *taken = desk->base ? desk->base + desk->used : NULL;
    int64_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > INT64_MAX - ROUND ||
        __builtin_add_overflow(desk->used, (bytes + ROUND - 1) / ROUND * ROUND, &desk->used))
        desk->used = INT64_MAX; /* apply_scratch refuses that */
    return taken;
}

int
linalg_workspace(const linalg_job_t *job, const void *answer)
{
    bool single = job->type == LAPACK_SINGLE || job->type == LAPACK_COMPLEX;
    double size = single ? (double)*(const float *)answer * (1 + 1e-6) : *(const double *)answer;
    return size >= 0 && size < INT_MAX - 1 ? (int)ceil(size) : -1;
}

/* ---- turning ------------------------------------------------------------------------------------------------------
 */

/* rows x columns elements from one place to another; steps in bytes. */
typedef struct {
    char *to;
    const char *from;
    int64_t rows, columns;
    int64_t to_row, to_column, from_row, from_column;
    int64_t size;
} turn_t;

#define TURN_TILE(type)                                                                                                \
    for (int64_t j = first_column; j < last_column; j++)                                                               \
        for (int64_t i = first_row; i < last_row; i++)                                                                 \
    *(type *)(void *)(self->to + i * self->to_row + j * self->to_column) =                                             \
        *(const type *)(const void *)(self->from + i * self->from_row + j * self->from_column)

typedef struct {
    double real, imaginary;
} pair_t;

static void
turn_tile(const turn_t *self, int64_t first_row, int64_t last_row, int64_t first_column, int64_t last_column)
{
    if (self->size == (int64_t)sizeof(float))
        TURN_TILE(float);
    else if (self->size == (int64_t)sizeof(double))
        TURN_TILE(double);
    else
        TURN_TILE(pair_t);
}

/* A strip of TILE rows. */
static void
turn_strip(void *context, int64_t strip)
{
    const turn_t *self = context;
    int64_t row = strip * TILE, last = self->rows - row < TILE ? self->rows : row + TILE;
    for (int64_t column = 0; column < self->columns; column += TILE)
        turn_tile(self, row, last, column, self->columns - column < TILE ? self->columns : column + TILE);
}

static void
turn(const linalg_job_t *job, turn_t *self)
{
    int64_t strips = (self->rows + TILE - 1) / TILE;
    if (job->alone) {
        crew_run(job->call->crew, strips, turn_strip, self);
        return;
    }
    for (int64_t strip = 0; strip < strips; strip++)
        turn_strip(self, strip);
}

void
linalg_load(linalg_desk_t *desk, int i, char *to, int64_t leading)
{
    const linalg_job_t *job = desk->job;
    const nd_t *in = &job->in[i];
    int last = in->shape.ndim - 1;
    turn_t self = {.to = to,
                   .from = desk->in[i],
                   .rows = in->shape.extent[last - 1],
                   .columns = in->shape.extent[last],
                   .to_row = job->size,
                   .to_column = leading * job->size,
                   .from_row = in->stride[last - 1],
                   .from_column = in->stride[last],
                   .size = job->size};
    turn(job, &self);
}

void
linalg_store(linalg_desk_t *desk, int i, const char *from, int64_t leading, int64_t rows, int64_t columns)
{
    const linalg_job_t *job = desk->job;
    turn_t self = {.to = desk->out[i],
                   .from = from,
                   .rows = rows,
                   .columns = columns,
                   .to_row = columns * job->size,
                   .to_column = job->size,
                   .from_row = job->size,
                   .from_column = leading * job->size,
                   .size = job->size};
    turn(job, &self);
}

void
linalg_number(const linalg_job_t *job, char *to, double real, double imaginary)
{
    const float singles[2] = {(float)real, (float)imaginary};
    const double doubles[2] = {real, imaginary};
    bool single = job->type == LAPACK_SINGLE || job->type == LAPACK_COMPLEX;
    memcpy(to, single ? (const void *)singles : (const void *)doubles, (size_t)job->size);
}

void
linalg_identity(const linalg_job_t *job, char *to, int64_t rows, int64_t columns)
{
    memset(to, 0, (size_t)(rows * columns * job->size));
    for (int64_t i = 0; i < rows && i < columns; i++)
        linalg_number(job, to + i * (rows + 1) * job->size, 1, 0);
}
