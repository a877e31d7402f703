#include "engine/offers.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
is_name(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)text[i]) && !strchr("._-:", text[i]))
            return false;
    return length > 0;
}

static bool
is_resource(const char *text, size_t length)
{
    const char *equals = memchr(text, '=', length);
    char *end;

    if (!equals || !is_name(text, (size_t)(equals - text)))
        return false;
    double amount = strtod(equals + 1, &end);

    return end == text + length && isfinite(amount) && amount > 0;
}

/* Add a list to what is there. */
static int
add(const char *list, bool (*good)(const char *text, size_t length), const char *what, char ret[OFFERS_MAX + 1],
    err_t *err)
{
    for (const char *at = list; *at;) {
        size_t length = strcspn(at, ","), used = strlen(ret);

        if (!good(at, length))
            return err_set(err, FH_INVALID_ARGUMENT, "%.60s is no %s", at, what);
        if (used + length + 2 > OFFERS_MAX + 1)
            return err_set(err, FH_INVALID_ARGUMENT, "tags and resources have more than %d bytes", OFFERS_MAX);
        (void)snprintf(ret + used, OFFERS_MAX + 1 - used, "%s%.*s", used ? "," : "", (int)length, at);
        at += length;
        at += *at == ',';
    }
    return FH_OK;
}

int
offers_join(const char *tags, const char *resources, char ret[OFFERS_MAX + 1], err_t *err)
{
    ret[0] = '\0';
    int status = add(tags, is_name, "tag: letters, digits and . _ - :", ret, err);

    return status ? status : add(resources, is_resource, "resource: NAME=AMOUNT, above zero", ret, err);
}
