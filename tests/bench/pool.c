/* Memory for arrays, on small pages and on huge ones: filled when fresh and when used before, mapped once more, given
 * back. One JSON line each; medians of turns that are taken alternately. */
#include "engine/pool.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { TURNS = 9, PAGE = 4096, FRAME = 1 << 20, SLICE = 32 << 20 };

#define BYTES ((size_t)256 << 20)

/* What is measured in each turn; seconds. */
typedef enum { FRESH_FRAMES, FRESH_SLICES, WARM_SLICES, MEMCPY, MAP_READ, MAPPED_READ, GIVE_BACK, MEASURES } measure_t;

typedef struct {
    const char *name;
    huge_pages_t *pages; /* NULL: small ones */
    pool_t *pool;
    double seconds[MEASURES][TURNS];
} kind_t;

static void
must(int status, const err_t *err)
{
    if (!status)
        return;
    fprintf(stderr, "pool: %s: %s\n", status_name(status), err->text);
    exit(1);
}

static int
by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double
median(kind_t *kind, measure_t measure)
{
    double *values = kind->seconds[measure];
    qsort(values, TURNS, sizeof *values, by_size);
    return values[TURNS / 2];
}

static void
report(const kind_t *kind, const char *name, double value, const char *unit, double limit, const char *limit_name)
{
    printf("{\"bench\": \"pool\", \"case\": \"%s, %s pages\", \"value\": %.4g, \"unit\": \"%s\"", name, kind->name,
           value, unit);
    if (limit > 0)
        printf(", \"limit\": %.4g, \"limit_name\": \"%s\", \"ratio\": %.4g", limit, limit_name, value / limit);
    printf("}\n");
    fflush(stdout);
}

/* ---- one turn ------------------------------------------------------------------------------------------------------
 */

static double
fill(segment_t *segment, const char *from, size_t part)
{
    int64_t began = clock_now_ns();
    for (size_t at = 0; at < BYTES; at += part)
        segment_fill(segment, at, from + at, part);
    return (double)(clock_now_ns() - began) / 1e9;
}

static double
copy(char *to, const char *from)
{
    int64_t began = clock_now_ns();
    for (size_t at = 0; at < BYTES; at += SLICE)
        memcpy(to + at, from + at, SLICE);
    return (double)(clock_now_ns() - began) / 1e9;
}

/* Read a byte of each page: the cost is that of the page's entry, if it is not there yet. */
static double
read_pages(const char *data, int64_t began)
{
    static volatile char sum;
    for (size_t at = 0; at < BYTES; at += PAGE)
        sum = (char)(sum + data[at]);
    return (double)(clock_now_ns() - began) / 1e9;
}

/* As a runner or a client does: a map of its own, by the descriptor. */
static double
map_and_read(segment_t *segment)
{
    int64_t began = clock_now_ns();
    char *data = mmap(NULL, BYTES, PROT_READ, MAP_SHARED, segment->fd, 0);
    if (data == MAP_FAILED)
        must(FH_NO_MEMORY, &(err_t){.text = "cannot map a segment"});
    double seconds = read_pages(data, began);
    munmap(data, BYTES);
    return seconds;
}

static segment_t *
take(kind_t *kind)
{
    segment_t *segment;
    err_t err;
    must(pool_take(kind->pool, BYTES, OID_NONE, 0, &segment, &err), &err);
    return segment;
}

static double
give_back(kind_t *kind, segment_t *segment)
{
    int64_t began = clock_now_ns();
    segment_unref(&segment);
    pool_trim(kind->pool, INT64_MAX);
    pool_reap(kind->pool);
    return (double)(clock_now_ns() - began) / 1e9;
}

static void
turn(kind_t *kind, const char *from, int i)
{
    segment_t *segment = take(kind);
    kind->seconds[FRESH_FRAMES][i] = fill(segment, from, FRAME);
    (void)give_back(kind, segment);
    segment = take(kind);
    kind->seconds[FRESH_SLICES][i] = fill(segment, from, SLICE);
    (void)read_pages(segment->data, clock_now_ns());
    kind->seconds[MAPPED_READ][i] = read_pages(segment->data, clock_now_ns());
    kind->seconds[MAP_READ][i] = map_and_read(segment);
    kind->seconds[MEMCPY][i] = copy(segment->data, from);
    kind->seconds[WARM_SLICES][i] = fill(segment, from, SLICE);
    kind->seconds[GIVE_BACK][i] = give_back(kind, segment);
}

/* ---- all of them ---------------------------------------------------------------------------------------------------
 */

static void
kind_init(kind_t *self, const char *name, huge_pages_t *pages)
{
    err_t err;
    self->name = name;
    self->pages = pages;
    must(pool_new(&self->pool, 4 * (int64_t)BYTES, &err), &err);
    pool_use_huge_pages(self->pool, pages);
}

static void
kind_report(kind_t *self)
{
    static const struct {
        measure_t measure;
        const char *name;
    } FILLS[] = {{FRESH_FRAMES, "fill fresh, by 1 MiB"}, {FRESH_SLICES, "fill fresh"}, {WARM_SLICES, "fill used"}};
    const double gigabytes = (double)BYTES / 1e9, per_gib = 1e3 * (double)(1 << 30) / (double)BYTES;
    double limit = gigabytes / median(self, MEMCPY);
    for (size_t i = 0; i < sizeof FILLS / sizeof *FILLS; i++)
        report(self, FILLS[i].name, gigabytes / median(self, FILLS[i].measure), "GB/s", limit,
               "memcpy into used memory");
    report(self, "map and read", median(self, MAP_READ) * per_gib, "ms/GiB", median(self, MAPPED_READ) * per_gib,
           "the same, mapped before");
    report(self, "give back", median(self, GIVE_BACK) * per_gib, "ms/GiB", 0, NULL);
}

int
main(void)
{
    kind_t kinds[2] = {{.name = NULL}};
    huge_pages_t *pages = NULL;
    int n = 1;
    err_t err;
    char *from = malloc(BYTES);
    if (!from)
        must(FH_NO_MEMORY, &(err_t){.text = "cannot have the source"});
    memset(from, 1, BYTES);
    kind_init(&kinds[0], "small", NULL);
    if (huge_pages_new(&pages, 8 * (int64_t)BYTES, &err))
        fprintf(stderr, "pool: no huge pages: %s\n", err.text);
    else
        kind_init(&kinds[n++], "huge", pages);
    /* The first turn is for the host of a virtual machine, which must find the memory; it is overwritten. */
    for (int i = -1; i < TURNS; i++)
        for (int k = 0; k < n; k++)
            turn(&kinds[k], from, i < 0 ? 0 : i);
    for (int k = 0; k < n; k++) {
        kind_report(&kinds[k]);
        pool_destroy(&kinds[k].pool);
    }
    huge_pages_destroy(&pages);
    free(from);
    return 0;
}
