#include "proxy/cli/show.h"

#include "base/oid.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

void
show_json_text(const char *text, size_t size, FILE *out)
{
    (void)fputc('"', out);
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\')
            (void)fprintf(out, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            (void)fprintf(out, "\\u%04x", c);
        else
            (void)fputc(c, out);
    }
    (void)fputc('"', out);
}

const char *
show_id(fh_id id, char ret[SHOW_ID_MAX])
{
    oid_t oid;
    memcpy(oid.bytes, id.bytes, sizeof oid.bytes);
    return oid_format(oid, ret);
}

static void
show_hex(const fh_value *value, FILE *out)
{
    for (size_t i = 0; i < value->size; i++)
        (void)fprintf(out, "%02x", (unsigned char)value->data[i]);
}

/* For people: what peers say must not move their cursor. */
static void
show_plain_text(const char *text, size_t size, FILE *out)
{
    for (size_t i = 0; i < size; i++)
        (void)fputc((unsigned char)text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i], out);
}

static void
show_float(double f, int json, FILE *out)
{
    if (json && !isfinite(f)) /* JSON has no such numbers */
        (void)fprintf(out, "\"%g\"", f);
    else
        (void)fprintf(out, "%.17g", f);
}

void
show_value(const fh_value *value, int json, FILE *out)
{
    char id[SHOW_ID_MAX];
    const char *quote = json ? "\"" : "";
    if (value->kind == FH_NIL)
        (void)fputs(json ? "null" : "-", out);
    else if (value->kind == FH_VALUE_BOOL)
        (void)fputs(value->i ? "true" : "false", out);
    else if (value->kind == FH_VALUE_INT)
        (void)fprintf(out, "%" PRId64, value->i);
    else if (value->kind == FH_VALUE_UINT)
        (void)fprintf(out, "%" PRIu64, value->u);
    else if (value->kind == FH_VALUE_FLOAT)
        show_float(value->f, json, out);
    else if (value->kind == FH_VALUE_ID)
        (void)fprintf(out, "%s%s%s", quote, show_id(value->id, id), quote);
    else if (value->kind == FH_VALUE_TEXT && json)
        show_json_text(value->data, value->size, out);
    else if (value->kind == FH_VALUE_TEXT)
        show_plain_text(value->data, value->size, out);
    else {
        (void)fputs(quote, out);
        show_hex(value, out);
        (void)fputs(quote, out);
    }
}

const char *
show_bytes(int64_t bytes, char ret[SHOW_BYTES_MAX])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    double number = (double)bytes;
    size_t unit = 0;
    for (; number >= 1024 && unit + 1 < sizeof units / sizeof units[0]; unit++)
        number /= 1024;
    (void)snprintf(ret, SHOW_BYTES_MAX, unit ? "%.1f %s" : "%.0f %s", number, units[unit]);
    return ret;
}

const char *
show_shape(const int64_t *shape, int ndim, int json, char ret[SHOW_SHAPE_MAX])
{
    int length = snprintf(ret, SHOW_SHAPE_MAX, "%s", json ? "[" : "(");
    for (int i = 0; i < ndim && i < FH_MAX_DIMS; i++)
        length += snprintf(ret + length, (size_t)(SHOW_SHAPE_MAX - length), "%s%" PRId64, i ? ", " : "", shape[i]);
    (void)snprintf(ret + length, (size_t)(SHOW_SHAPE_MAX - length), "%s%s", ndim == 1 && !json ? "," : "",
                   json ? "]" : ")");
    return ret;
}

static void
put_pair(const char *key, const char *text, FILE *out)
{
    (void)fprintf(out, ", \"%s\": ", key);
    show_json_text(text, strlen(text), out);
}

void
show_engine_json(const fh_engine_info *engine, FILE *out)
{
    char id[SHOW_ID_MAX];
    (void)fprintf(out,
                  "{\"id\": \"%s\", \"number\": %d, \"pid\": %" PRId64 ", \"cores\": %d, \"memory_bytes\": %" PRId64
                  ", \"used_bytes\": %" PRId64 ", \"objects\": %" PRId64,
                  show_id(engine->id, id), engine->number, engine->pid, engine->cores, engine->memory_bytes,
                  engine->used_bytes, engine->objects);
    put_pair("host", engine->host, out);
    put_pair("state", engine->state, out);
    put_pair("llvm", engine->llvm, out);
    put_pair("cpu", engine->cpu, out);
    put_pair("sandbox", engine->sandbox, out);
    put_pair("offers", engine->offers, out);
    (void)fputc('}', out);
}

void
show_engine_table(const fh_engine_info *engines, int count, FILE *out)
{
    (void)fprintf(out, "%-6s %-8s %-8s %5s %12s %12s %9s  %s\n", "ENGINE", "STATE", "PID", "CORES", "USED", "MEMORY",
                  "OBJECTS", "HOST");
    for (int i = 0; i < count; i++) {
        char used[SHOW_BYTES_MAX], memory[SHOW_BYTES_MAX];
        (void)fprintf(out, "%-6d %-8.15s %-8" PRId64 " %5d %12s %12s %9" PRId64 "  ", engines[i].number,
                      engines[i].state, engines[i].pid, engines[i].cores, show_bytes(engines[i].used_bytes, used),
                      show_bytes(engines[i].memory_bytes, memory), engines[i].objects);
        show_plain_text(engines[i].host, strlen(engines[i].host), out);
        (void)fputc('\n', out);
    }
}
