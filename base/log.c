#include "base/log.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 2048, LIMITED_IDS = 64, LINES_A_SECOND = 10, ID_MAX = 40 };

static const char *const level_names[] = {"error", "warning", "info", "debug"};

static char program_name[32] = "farhand";
static atomic_int threshold = LOG_INFO;

/* How many lines of one id have been written and held back in the current second. */
typedef struct {
    char id[ID_MAX];
    int64_t since_ns;
    int written;
    unsigned long held_back;
} quota_t;

static quota_t quotas[LIMITED_IDS]; /* ids are literals of the program, so the table does not fill from outside */
static pthread_mutex_t quotas_lock = PTHREAD_MUTEX_INITIALIZER;

void
log_start(const char *program)
{
    (void)snprintf(program_name, sizeof program_name, "%s", program);
    const char *level = getenv("FARHAND_LOG");
    for (size_t i = 0; level && i < sizeof level_names / sizeof level_names[0]; i++)
        if (strcmp(level, level_names[i]) == 0)
            atomic_store(&threshold, (int)i);
}

/* What peers say may be part of a line: keep it on one line and harmless to terminals. */
static void
make_harmless(char *text)
{
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
}

__attribute__((format(printf, 3, 0))) static void
write_line(log_level_t level, const char *id, const char *format, va_list args)
{
    char line[LINE_MAX_BYTES];
    struct timespec now;
    struct tm utc;
    (void)clock_gettime(CLOCK_REALTIME, &now); /* for people who read the log; nothing is measured with it */
    if (!gmtime_r(&now.tv_sec, &utc))
        return;
    size_t length = strftime(line, sizeof line, "%Y-%m-%dT%H:%M:%S", &utc);
    int head = snprintf(line + length, sizeof line - length, ".%03dZ %s %s[%d] %.*s ", (int)(now.tv_nsec / 1000000),
                        level_names[level], program_name, (int)getpid(), ID_MAX - 1, id);
    if (head < 0)
        return;
    length += (size_t)head;
    int text = vsnprintf(line + length, sizeof line - length - 1, format, args);
    if (text > 0)
        make_harmless(line + length);
    length += strlen(line + length);
    line[length++] = '\n';
    if (write(STDERR_FILENO, line, length) < 0)
        return; /* there is no place to report that a report could not be written */
}

static bool
level_is_on(log_level_t level)
{
    return (int)level <= atomic_load_explicit(&threshold, memory_order_relaxed);
}

void
log_line(log_level_t level, const char *id, const char *format, ...)
{
    if (!level_is_on(level))
        return;
    va_list args;
    va_start(args, format);
    write_line(level, id, format, args);
    va_end(args);
}

/* True if a line of this id may be written; *ret_held_back lines were not, before it. */
static bool
take_quota(const char *id, unsigned long *ret_held_back)
{
    bool may = false;
    int64_t now = clock_now_ns();
    *ret_held_back = 0;
    pthread_mutex_lock(&quotas_lock);
    quota_t *quota = quotas;
    while (quota < quotas + LIMITED_IDS - 1 && quota->id[0] && strncmp(quota->id, id, ID_MAX - 1) != 0)
        quota++;
    if (!quota->id[0])
        (void)snprintf(quota->id, sizeof quota->id, "%s", id);
    if (quota->written == 0 || now - quota->since_ns >= 1000000000) {
        quota->since_ns = now;
        quota->written = 0;
        *ret_held_back = quota->held_back;
        quota->held_back = 0;
    }
    if (quota->written < LINES_A_SECOND) {
        quota->written++;
        may = true;
    } else {
        quota->held_back++;
    }
    pthread_mutex_unlock(&quotas_lock);
    return may;
}

void
log_limited(log_level_t level, const char *id, const char *format, ...)
{
    unsigned long held_back;
    if (!level_is_on(level) || !take_quota(id, &held_back))
        return;
    if (held_back)
        log_line(level, id, "held_back=%lu lines of this id in the last burst", held_back);
    va_list args;
    va_start(args, format);
    write_line(level, id, format, args);
    va_end(args);
}
