#include "engine/kernel.h"

#include <string.h>

static const char *const NAMES[KERNEL_KINDS] = {"ufunc", "piece", "array", "gufunc", "reduction"};

const char *
kernel_kind_name(int kind)
{
    return kind >= 0 && kind < KERNEL_KINDS ? NAMES[kind] : NULL;
}

int
kernel_kind_from_name(const char *name)
{
    for (int i = 0; i < KERNEL_KINDS; i++)
        if (!strcmp(name, NAMES[i]))
            return i;
    return -1;
}
