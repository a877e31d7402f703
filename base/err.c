#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A text that was cut in the middle of a UTF-8 character would be refused by readers: drop the half character. */
static void
drop_half_character(char *text, size_t length)
{
    size_t start = length;
    while (start > 0 && length - start < 4 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
        start--;
    if (start == 0)
        return;
    unsigned char lead = (unsigned char)text[start - 1];
    size_t want = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (lead >= 0xc0 && length - (start - 1) < want)
        text[start - 1] = '\0';
}

/* Formats into a buffer of its own first, because the arguments may point into the text that is replaced. */
__attribute__((format(printf, 3, 0))) static void
format_text(char *ret, size_t size, const char *format, va_list args)
{
    char text[ERR_TEXT_MAX];
    int length = vsnprintf(text, size, format, args);
    if (length < 0)
        text[0] = '\0';
    else if ((size_t)length >= size)
        drop_half_character(text, size - 1);
    memcpy(ret, text, strlen(text) + 1);
}

static void
append(char *text, size_t size, const char *more)
{
    size_t length = strlen(text);
    int added = snprintf(text + length, size - length, "%s", more);
    if (added < 0)
        text[length] = '\0';
    else if ((size_t)added >= size - length)
        drop_half_character(text, size - 1);
}

int
err_set(err_t *err, int status, const char *format, ...)
{
    if (!err)
        return status;
    va_list args;
    va_start(args, format);
    format_text(err->text, sizeof err->text, format, args);
    va_end(args);
    err->status = status;
    err->os_errno = 0;
    err->signal = 0;
    err->address = 0;
    err->origin[0] = '\0';
    return status;
}

int
err_set_errno(err_t *err, int status, int os_errno, const char *format, ...)
{
    if (!err)
        return status;
    va_list args;
    va_start(args, format);
    format_text(err->text, sizeof err->text, format, args);
    va_end(args);
    char buffer[128], tail[192];
    (void)snprintf(tail, sizeof tail, ": %s (errno %d)", strerror_r(os_errno, buffer, sizeof buffer), os_errno);
    append(err->text, sizeof err->text, tail);
    err->status = status;
    err->os_errno = os_errno;
    err->signal = 0;
    err->address = 0;
    err->origin[0] = '\0';
    return status;
}

void
err_set_origin(err_t *err, const char *format, ...)
{
    if (!err || err->origin[0])
        return;
    va_list args;
    va_start(args, format);
    format_text(err->origin, sizeof err->origin, format, args);
    va_end(args);
}

void
err_prefix(err_t *err, const char *format, ...)
{
    if (!err)
        return;
    char text[ERR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    format_text(text, sizeof text, format, args);
    va_end(args);
    append(text, sizeof text, ": ");
    append(text, sizeof text, err->text);
    memcpy(err->text, text, strlen(text) + 1);
}
