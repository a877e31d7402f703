#include "codecs/field.h"

#include "codecs/utf8.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

int
field_bad(const field_t *self, const char *format, ...)
{
    char text[ERR_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return err_set(self->err, self->status, "%s.%s: %s", self->message->name, self->field->name, text);
}

int
field_check_unsigned(const field_t *self, uint64_t value)
{
    if (value < (uint64_t)self->field->min || value > self->field->max)
        return field_bad(self, "%" PRIu64 " is not in [%" PRId64 ", %" PRIu64 "]", value, self->field->min,
                         self->field->max);
    return FH_OK;
}

int
field_check_signed(const field_t *self, int64_t value)
{
    if (value < self->field->min || (value > 0 && (uint64_t)value > self->field->max))
        return field_bad(self, "%" PRId64 " is not in [%" PRId64 ", %" PRIu64 "]", value, self->field->min,
                         self->field->max);
    return FH_OK;
}

int
field_check_float(const field_t *self, double value)
{
    if (!(value >= (double)self->field->min && value <= (double)self->field->max))
        return field_bad(self, "%g is not in [%" PRId64 ", %" PRIu64 "]", value, self->field->min, self->field->max);
    return FH_OK;
}

int
field_check_count(const field_t *self, uint64_t count)
{
    if (count < (uint64_t)self->field->min || count > self->field->max)
        return field_bad(self, "length %" PRIu64 " is not in [%" PRId64 ", %" PRIu64 "]", count, self->field->min,
                         self->field->max);
    return FH_OK;
}

int
field_check_text(const field_t *self, str_t text)
{
    size_t good = utf8_prefix(text.data, text.size);
    if (good != text.size)
        return field_bad(self, "byte %zu of the text is NUL or not UTF-8", good);
    return FH_OK;
}
