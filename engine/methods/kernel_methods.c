/* engine/methods/kernel_methods.c - methods of kernel objects, and the engine's list of them. */
#include "engine/methods/call.h"
#include "engine/methods/kernel_signature.h"

#include <stdlib.h>

/* Rows of one answer: with seven values a row far below the 4,096 of RESULT. */
enum { LIST_ROWS = 512, ROW_VALUES = 7 };

/* False: its session has ended; no numbers then. */
static bool
find_stats(run_t *run, const kernel_t *kernel, kernel_stats_t *ret)
{
    *ret = (kernel_stats_t){.calls = 0};
    return run->core->runners && runner_host_stats(run->core->runners, kernel->session, kernel->number, ret);
}

static int
run_describe(run_t *run, const receiver_t *self, answer_t *answer, err_t *err)
{
    const kernel_info_t *info = &self->kernel.info;

    (void)run, (void)err;
    kernel_signature(info, answer->text, KERNEL_NAME_MAX);
    answer_text(answer, "type");
    answer_text(answer, "kernel");
    answer_text(answer, "entry");
    answer_text(answer, info->entry);
    answer_text(answer, "kind");
    answer_text(answer, kernel_kind_name((int)info->kind));
    answer_text(answer, "signature");
    answer_text(answer, answer->text);
    answer_text(answer, "layout");
    answer_text(answer, info->layout);
    answer_text(answer, "producer");
    answer_text(answer, info->producer);
    answer_named(answer, "state_bytes", (uint64_t)info->state_bytes);
    answer_named(answer, "start", info->has_start);
    return FH_OK;
}

static int
run_stats(run_t *run, const receiver_t *self, answer_t *answer, err_t *err)
{
    kernel_stats_t stats;

    if (!find_stats(run, &self->kernel, &stats))
        return err_set(err, FH_NO_SUCH_OBJECT, "the session that loaded the kernel %.200s has ended",
                       self->kernel.info.entry);
    answer_number(answer, stats.calls);
    answer_number(answer, stats.elements);
    answer_number(answer, stats.run_ns);
    answer_number(answer, stats.compile_ns);
    answer_number(answer, stats.faults);
    answer_number(answer, stats.cached);
    return FH_OK;
}

static int run_methods(run_t *run, const receiver_t *self, answer_t *answer, err_t *err);

static const object_method_t KERNEL_ROWS[] = {
    {.name = "nop", .run = answer_nothing},
    {.name = "describe", .run = run_describe},
    {.name = "stats", .run = run_stats, .on_reactor = true},
    {.name = "methods", .run = run_methods},
};

const object_type_table_t OBJECT_TYPE_KERNEL = {"kernel", KERNEL_ROWS, sizeof KERNEL_ROWS / sizeof *KERNEL_ROWS};

static int
run_methods(run_t *run, const receiver_t *self, answer_t *answer, err_t *err)
{
    (void)run, (void)self, (void)err;
    return answer_methods(answer, &OBJECT_TYPE_KERNEL);
}

/* ---- the engine's list ---------------------------------------------------------------------------------------------
 */

/* Values point into kernel and signature. */
typedef struct {
    value_t values[LIST_ROWS * ROW_VALUES];
    struct {
        oid_t id;
        kernel_t kernel;
        char signature[KERNEL_NAME_MAX];
    } rows[LIST_ROWS];
    uint32_t count;
} list_t;

/* Copy the records, leaving out the first skip. */
static void
copy_rows(core_t *core, uint64_t skip, list_t *ret)
{
    size_t cursor = 0;

    ret->count = 0;
    pthread_mutex_lock(&core->lock);
    for (const object_t *object; ret->count < LIST_ROWS && (object = oid_map_next(&core->objects.map, &cursor));) {
        if (object->type != OBJECT_KERNEL || object->poison)
            continue;
        if (skip) {
            skip--;
            continue;
        }
        ret->rows[ret->count].id = object->id;
        ret->rows[ret->count++].kernel = *(const kernel_t *)object->kernel;
    }
    pthread_mutex_unlock(&core->lock);
}

static void
fill_row(run_t *run, list_t *list, uint32_t row)
{
    const kernel_t *kernel = &list->rows[row].kernel;
    value_t *values = &list->values[row * ROW_VALUES];
    kernel_stats_t stats;

    (void)find_stats(run, kernel, &stats);
    kernel_signature(&kernel->info, list->rows[row].signature, sizeof list->rows[row].signature);
    values[0] = (value_t){.kind = VALUE_OID, .as.oid = list->rows[row].id};
    values[1] = (value_t){.kind = VALUE_OID, .as.oid = kernel->session};
    values[2] = (value_t){.kind = VALUE_STR, .as.str = str_of(kernel->info.entry)};
    values[3] = (value_t){.kind = VALUE_STR, .as.str = str_of(kernel_kind_name((int)kernel->info.kind))};
    values[4] = (value_t){.kind = VALUE_STR, .as.str = str_of(list->rows[row].signature)};
    values[5] = (value_t){.kind = VALUE_INT, .as.i = (int64_t)stats.bitcode};
    values[6] = (value_t){.kind = VALUE_INT, .as.i = (int64_t)stats.calls};
}

int
kernel_methods_list(run_t *run, const receiver_t *self, answer_t *answer, err_t *err)
{
    const values_t args = run->call->message.as.CALL.args;
    const value_t *skip = args.count ? &args.items[0] : &(value_t){.kind = VALUE_INT, .as.i = 0};

    (void)self;
    if (!(skip->kind == VALUE_INT && skip->as.i >= 0) && skip->kind != VALUE_UINT)
        return err_set(err, FH_INVALID_ARGUMENT, "the argument of kernels is how many rows to leave out");
    list_t *list = malloc(sizeof *list);

    if (!list)
        return err_set(err, FH_NO_MEMORY, "no memory for a list of kernels");
    copy_rows(run->core, skip->as.u, list);
    for (uint32_t i = 0; i < list->count; i++)
        fill_row(run, list, i);
    answer->memory = list;
    answer->values = list->values;
    answer->count = list->count * ROW_VALUES;
    return FH_OK;
}
