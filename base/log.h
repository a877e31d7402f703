/* base/log.h - log lines of the daemons: time, level, stable id, key=value pairs and a text, on standard error.
 * Libraries (base, codecs, proxy) do not log.  Thread-safe; a line is written with one write(2). */
#ifndef FH_BASE_LOG_H
#define FH_BASE_LOG_H

typedef enum { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG } log_level_t;

/* program names the lines; level from $FARHAND_LOG (error, warning, info, debug), default info. */
void log_start(const char *program);
/* id: stable, e.g. "BRK-ENGINE-LOST". */
void log_line(log_level_t level, const char *id, const char *format, ...) __attribute__((cold, format(printf, 3, 4)));
/* For lines a peer can provoke: at most 10 a second for each id, the rest is counted and reported later. */
void log_limited(log_level_t level, const char *id, const char *format, ...)
    __attribute__((cold, format(printf, 3, 4)));

#endif
