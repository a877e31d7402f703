#include "engine/runner/run/guard.h"

#include "engine/runner/fault.h"

#include <pthread.h>
#include <stdio.h>

enum { TEXT_ROOM = 256, NEAR = 1 << 20, USUAL_STACK = 8 << 20 };

static const guard_range_t *allowed;
static size_t allowed_count;
static _Thread_local uintptr_t stack_end; /* 0: unknown */

void
guard_allow(const guard_range_t *ranges, size_t count)
{
    allowed = ranges;
    allowed_count = count;
}

void
guard_thread(void)
{
    pthread_attr_t attributes;
    void *start = NULL;
    size_t size = 0;
    if (pthread_getattr_np(pthread_self(), &attributes))
        return;
    if (!pthread_attr_getstack(&attributes, &start, &size))
        stack_end = (uintptr_t)start + size;
    pthread_attr_destroy(&attributes);
}

/* A piece of memory without the pitfalls of comparing pointers. */
typedef struct {
    uintptr_t start;
    uint64_t size;
} span_t;

static bool
holds(span_t outer, span_t inner)
{
    uintptr_t offset = inner.start - outer.start;
    return offset <= outer.size && outer.size - offset >= inner.size;
}

/* Bytes between two that may touch or overlap (then 0). */
static uint64_t
distance(span_t a, span_t b)
{
    if (a.start + a.size <= b.start)
        return b.start - (a.start + a.size);
    return b.start + b.size <= a.start ? a.start - (b.start + b.size) : 0;
}

/* "read of 8 bytes at 16 bytes past the end of argument 1 (float64[1000])". */
static void
report_outside(bool write, span_t access, span_t object, const char *name, const char *file, int32_t line)
{
    char text[TEXT_ROOM], where[64];
    uintptr_t end = object.start + object.size;
    if (access.start > end)
        snprintf(where, sizeof where, "at %llu bytes past the end of", (unsigned long long)(access.start - end));
    else if (access.start == end)
        snprintf(where, sizeof where, "right behind the end of");
    else if (access.start < object.start)
        snprintf(where, sizeof where, "at %llu bytes before the start of",
                 (unsigned long long)(object.start - access.start));
    else
        snprintf(where, sizeof where, "across the end of");
    snprintf(text, sizeof text, "%s of %llu bytes %s %s", write ? "write" : "read", (unsigned long long)access.size,
             where, name);
    fault_checked(text, file, line);
}

static void
report_read_only(span_t access, const char *name, const char *file, int32_t line)
{
    char text[TEXT_ROOM];
    snprintf(text, sizeof text, "write of %llu bytes into %s, which is read-only", (unsigned long long)access.size,
             name);
    fault_checked(text, file, line);
}

static void
report_nowhere(bool write, span_t access, const char *file, int32_t line)
{
    const guard_range_t *nearest = NULL;
    uint64_t best = NEAR;
    for (size_t i = 0; i < allowed_count; i++) {
        uint64_t away = distance((span_t){(uintptr_t)allowed[i].start, allowed[i].size}, access);
        if (away < best) {
            best = away;
            nearest = &allowed[i];
        }
    }
    if (nearest)
        report_outside(write, access, (span_t){(uintptr_t)nearest->start, nearest->size}, nearest->name, file, line);
    char text[TEXT_ROOM];
    snprintf(text, sizeof text, "%s of %llu bytes at address 0x%llx, which is in none of the arrays",
             write ? "write" : "read", (unsigned long long)access.size, (unsigned long long)access.start);
    fault_checked(text, file, line);
}

/* Our own frames lie below the kernel's, so everything from here up to the end is the kernel's or was handed to it. */
static bool
on_stack(span_t access)
{
    uintptr_t from = (uintptr_t)__builtin_frame_address(0), to = stack_end ? stack_end : from + USUAL_STACK;
    return holds((span_t){from, to - from}, access);
}

static bool
in_globals(bool write, span_t access, const guard_global_t *globals, int64_t count, const char *file, int32_t line)
{
    for (int64_t i = 0; i < count; i++) {
        bool read_only = globals[i].size < 0;
        uint64_t size = (uint64_t)(read_only ? -globals[i].size : globals[i].size);
        if (!holds((span_t){(uintptr_t)globals[i].start, size}, access))
            continue;
        if (write && read_only)
            report_read_only(access, "a constant of the kernel", file, line);
        return true;
    }
    return false;
}

static void
check(bool write, const void *p, int64_t size, const void *base, int64_t room, const char *file, int32_t line)
{
    span_t access = {(uintptr_t)p, (uint64_t)size};
    if (!size)
        return;
    if (room > 0) {
        span_t object = {(uintptr_t)base, (uint64_t)room};
        char name[64];
        if (holds(object, access))
            return;
        snprintf(name, sizeof name, "a variable of %lld bytes", (long long)room);
        report_outside(write, access, object, name, file, line);
    }
    if (!allowed)
        return;
    const guard_range_t *read_only = NULL; /* in place, an input is an output, too */
    for (size_t i = 0; i < allowed_count; i++) {
        if (!holds((span_t){(uintptr_t)allowed[i].start, allowed[i].size}, access))
            continue;
        if (!write || allowed[i].writable)
            return;
        read_only = &allowed[i];
    }
    if (read_only)
        report_read_only(access, read_only->name, file, line);
    if (!on_stack(access) && !in_globals(write, access, base, -room, file, line))
        report_nowhere(write, access, file, line);
}

void
guard_read(const void *p, int64_t size, const void *base, int64_t room, const char *file, int32_t line)
{
    check(false, p, size, base, room, file, line);
}

void
guard_write(const void *p, int64_t size, const void *base, int64_t room, const char *file, int32_t line)
{
    check(true, p, size, base, room, file, line);
}

void
guard_value(uint32_t bad, const guard_site_t *sites)
{
    static const char *const TEXTS[] = {
        [GUARD_NAN] = "NaN made by ",
        [GUARD_DIVISION_BY_ZERO] = "integer division by zero: ",
        [GUARD_DIVISION_OVERFLOW] = "integer division of the least number by -1: ",
        [GUARD_SHIFT] = "shift by more bits than the number has: ",
    };
    if (!bad)
        return;
    const guard_site_t *site = &sites[bad - 1];
    char text[TEXT_ROOM];
    snprintf(text, sizeof text, "%s%s", TEXTS[site->kind], site->what);
    fault_checked(text, site->file, site->line);
}
