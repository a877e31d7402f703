#include "proxy/cli/show_memory.h"

#include "proxy/cli/show.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { KINDS = 16 };

typedef struct {
    fh_memory_info sums[KINDS];
    int count;
} sums_t;

static int
add(void *context, const fh_memory_info *info)
{
    sums_t *self = context;
    int i = 0;
    while (i < self->count && strcmp(self->sums[i].kind, info->kind) != 0)
        i++;
    if (i == KINDS)
        return 0;
    if (i == self->count)
        self->sums[self->count++] = (fh_memory_info){.on_disk = info->on_disk};
    memcpy(self->sums[i].kind, info->kind, sizeof info->kind);
    self->sums[i].bytes += info->bytes;
    return 0;
}

int
show_memory(fh_session *session, FILE *out, fh_error *error)
{
    sums_t sums = {.count = 0};
    char text[SHOW_BYTES_MAX];
    int64_t total = 0;
    int status = fh_memory(session, add, &sums, error);
    if (status)
        return status;
    for (int i = 0; i < sums.count; i++)
        total += sums.sums[i].on_disk ? 0 : sums.sums[i].bytes;
    (void)fprintf(out, "memory: %s", show_bytes(total, text));
    for (int i = 0; i < sums.count; i++)
        if (sums.sums[i].bytes > 0)
            (void)fprintf(out, ", %s %s%s", sums.sums[i].kind, show_bytes(sums.sums[i].bytes, text),
                          sums.sums[i].on_disk ? " (on disk)" : "");
    (void)fputc('\n', out);
    return FH_STATUS_OK;
}

typedef struct {
    FILE *out;
    bool more;
} json_t;

static int
print(void *context, const fh_memory_info *info)
{
    json_t *self = context;
    char id[SHOW_ID_MAX];
    (void)fprintf(self->out,
                  "%s{\"engine\": %d, \"kind\": \"%s\", \"owner\": \"%s\", \"on_disk\": %s, \"bytes\": %" PRId64
                  ", \"count\": %" PRId64 "}",
                  self->more ? ", " : "", info->engine, info->kind, show_id(info->owner, id),
                  info->on_disk ? "true" : "false", info->bytes, info->count);
    self->more = true;
    return 0;
}

int
show_memory_json(fh_session *session, FILE *out, fh_error *error)
{
    char *text = NULL;
    size_t size = 0;
    json_t json = {.out = open_memstream(&text, &size)};
    if (!json.out) {
        *error = (fh_error){.status = FH_STATUS_NO_MEMORY, .text = "no memory for a table of memory"};
        return FH_STATUS_NO_MEMORY;
    }
    int status = fh_memory(session, print, &json, error);
    (void)fclose(json.out);
    if (!status)
        (void)fprintf(out, "[%s]", text);
    free(text);
    return status;
}
