#include "codecs/dtype_other.h"

#include "codecs/dtype_fields.h"

#include <stdio.h>
#include <string.h>

enum { TIME_SIZE = 8, UNIT_BITS = 4, PARAMETER_SHIFT = 8 };

static const struct {
    const char *name;
    int code;
    char kind;
} others[] = {
#define DTYPE(NAME, code, ctype, name, chr, kind, size, format)
#define DTYPE_OTHER(NAME, code, name, kind) {name, code, kind},
#include "codecs/dtypes.def"
#undef DTYPE
};

enum { OTHERS = sizeof others / sizeof *others };

static const char *const units[] = {"", "Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as"};

enum { UNITS = sizeof units / sizeof *units };

static uint64_t
parameter_of(dtype_t dtype)
{
    return (uint64_t)dtype >> PARAMETER_SHIFT;
}

static int
unit_of(uint64_t parameter)
{
    return (int)(parameter & ((1 << UNIT_BITS) - 1));
}

static bool
is_time(int code)
{
    return code == CODE_DATETIME64 || code == CODE_TIMEDELTA64;
}

static bool
is_items(int code)
{
    return code == CODE_BYTES || code == CODE_STR || code == CODE_VOID;
}

char
dtype_other_kind(int code)
{
    for (int i = 0; i < OTHERS; i++)
        if (others[i].code == code)
            return others[i].kind;
    return code == CODE_FIELDS ? 'V' : '\0';
}

size_t
dtype_other_size(dtype_t dtype)
{
    int code = dtype_code(dtype);
    return is_time(code)         ? TIME_SIZE
           : is_items(code)      ? parameter_of(dtype)
           : code == CODE_FIELDS ? dtype_fields_size(dtype)
                                 : 0;
}

/* Texts that are made are kept for the thread's next three calls. */
const char *
dtype_other_name(dtype_t dtype)
{
    static _Thread_local char texts[4][48];
    static _Thread_local unsigned turn;
    char *text = texts[turn++ % 4];
    int code = dtype_code(dtype);
    unsigned long long parameter = parameter_of(dtype), ticks = parameter >> UNIT_BITS;
    const char *unit = dtype_unit_name(unit_of(parameter));
    const char *name = code == CODE_DATETIME64 ? "datetime64" : "timedelta64";

    if (!dtype_known(dtype))
        return "none";
    if (code == CODE_FIELDS)
        return dtype_fields_text(dtype);
    if (is_items(code))
        snprintf(text, sizeof texts[0], "%c%llu", dtype_other_kind(code), code == CODE_STR ? parameter / 4 : parameter);
    else if (*unit == '\0')
        snprintf(text, sizeof texts[0], "%s", name);
    else if (ticks == 1)
        snprintf(text, sizeof texts[0], "%s[%s]", name, unit);
    else
        snprintf(text, sizeof texts[0], "%s[%llu%s]", name, ticks, unit);
    return text;
}

bool
dtype_known(uint64_t code)
{
    uint64_t parameter = code >> PARAMETER_SHIFT, ticks = parameter >> UNIT_BITS;
    int low = (int)(code & 0xff);
    if (code > INT32_MAX)
        return false;
    if (is_time(low)) /* a tick that is no unit is one */
        return unit_of(parameter) < UNITS && ticks > 0 && (unit_of(parameter) > 0 || ticks == 1);
    if (is_items(low))
        return parameter > 0 && (low != CODE_STR || parameter % 4 == 0);
    return low == CODE_FIELDS ? dtype_fields_size((dtype_t)code) > 0 : dtype_valid(code);
}

bool
dtype_is_items(dtype_t dtype)
{
    return is_items(dtype_code(dtype)) || dtype_code(dtype) == CODE_FIELDS;
}

dtype_t
dtype_items(int code, uint64_t bytes)
{
    uint64_t word = (uint64_t)code | bytes << PARAMETER_SHIFT;
    return bytes <= DTYPE_ITEM_MAX && is_items(code) && dtype_known(word) ? (dtype_t)word : DTYPE_NONE;
}

dtype_t
dtype_time(int code, int unit, uint64_t ticks)
{
    uint64_t word = (uint64_t)code | ((uint64_t)unit & 15) << PARAMETER_SHIFT | ticks << (PARAMETER_SHIFT + UNIT_BITS);
    bool good = is_time(code) && unit >= 0 && unit < UNITS && ticks <= DTYPE_TICKS_MAX && dtype_known(word);
    return good ? (dtype_t)word : DTYPE_NONE;
}

const char *
dtype_unit_name(int unit)
{
    return unit >= 0 && unit < UNITS ? units[unit] : NULL;
}

size_t
dtype_alignment(dtype_t dtype)
{
    return dtype_is_items(dtype) ? 1 : dtype_size(dtype);
}

size_t
dtype_grain(dtype_t dtype)
{
    return dtype_alignment(dtype);
}

static uint64_t
read_digits(const char **text)
{
    uint64_t number = 0;
    for (; **text >= '0' && **text <= '9' && number <= DTYPE_ITEM_MAX; ++*text)
        number = number * 10 + (uint64_t)(**text - '0');
    return number;
}

/* "[ns]", "[25s]" or nothing. */
static dtype_t
time_from_unit(int code, const char *text)
{
    if (*text == '\0')
        return dtype_time(code, 0, 1);
    if (*text++ != '[')
        return DTYPE_NONE;
    uint64_t ticks = *text >= '0' && *text <= '9' ? read_digits(&text) : 1;
    for (int i = 1; i < UNITS; i++) {
        size_t length = strlen(units[i]);
        if (strncmp(text, units[i], length) == 0 && strcmp(text + length, "]") == 0)
            return dtype_time(code, i, ticks);
    }
    return DTYPE_NONE;
}

dtype_t
dtype_other_from_name(const char *name)
{
    for (int i = 0; i < OTHERS; i++) {
        size_t length = strlen(others[i].name);
        if (is_time(others[i].code) && strncmp(name, others[i].name, length) == 0)
            return time_from_unit(others[i].code, name + length);
    }
    for (int i = 0; i < OTHERS; i++) {
        int code = others[i].code;
        if (*name != others[i].kind)
            continue;
        if (is_time(code))
            return name[1] == '8' ? time_from_unit(code, name + 2) : DTYPE_NONE;
        const char *end = name + 1;
        uint64_t count = read_digits(&end);
        return *end == '\0' && name[1] != '0' ? dtype_items(code, code == CODE_STR ? count * 4 : count) : DTYPE_NONE;
    }
    return DTYPE_NONE;
}

int
dtype_code(dtype_t dtype)
{
    return (int)((unsigned)dtype & 0xff);
}

dtype_t
dtype_other_promote(dtype_t a, dtype_t b)
{
    bool alike = dtype_code(a) == dtype_code(b) && (dtype_code(a) == CODE_BYTES || dtype_code(a) == CODE_STR);
    return a == b ? a : alike ? (dtype_size(a) >= dtype_size(b) ? a : b) : DTYPE_NONE;
}

/* Lengths of bytes and of str change in engines; all else is not theirs. */
bool
dtype_other_can_cast(dtype_t from, dtype_t to, casting_t casting)
{
    dtype_t both = dtype_other_promote(from, to);
    return both != DTYPE_NONE && casting != CASTING_NO && (casting != CASTING_SAFE || both == to);
}
