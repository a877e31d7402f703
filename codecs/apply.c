#include "codecs/apply.h"

#include <string.h>

static const apply_t rows[APPLY_COUNT] = {
#define APPLY(NAME, name, inputs, outputs, doc) {#name, inputs, outputs},
#include "codecs/apply.def"
#undef APPLY
};

int
apply_find(const char *name, size_t length)
{
    for (int i = 0; i < APPLY_COUNT; i++)
        if (strlen(rows[i].name) == length && memcmp(rows[i].name, name, length) == 0)
            return i;
    return -1;
}

const apply_t *
apply_at(int code)
{
    return (unsigned)code < APPLY_COUNT ? &rows[code] : NULL;
}

bool
apply_takes_any(int code)
{
    static const apply_code_t ANY[] = {APPLY_TAKE,        APPLY_PUT,     APPLY_COMPRESS,     APPLY_PUT_MASK,
                                       APPLY_SORT,        APPLY_ARGSORT, APPLY_SORT_PLACES,  APPLY_MERGE,
                                       APPLY_MERGE_ORDER, APPLY_SAMPLE,  APPLY_SEARCHSORTED, APPLY_ISIN};
    for (size_t i = 0; i < sizeof ANY / sizeof *ANY; i++)
        if ((int)ANY[i] == code)
            return true;
    return false;
}

static bool
fits(int wanted, int given)
{
    return wanted < 0 ? given >= -wanted : given == wanted;
}

int
apply_check(const apply_t *self, int nin, int nout, err_t *err)
{
    if (fits(self->nin, nin) && fits(self->nout, nout))
        return FH_OK;
    return err_set(
        err, FH_INVALID_ARGUMENT,
        "the array method %s takes %d inputs and gives %d outputs (below zero: or more); %d and %d are named",
        self->name, self->nin, self->nout, nin, nout);
}
