#include "base/status.h"

#include <stddef.h>

typedef struct {
    int status;
    const char *name, *python_class, *python_builtin, *text;
} row_t;

static const row_t rows[] = {
#define STATUS(name, number, pyclass, builtin, text) {(number), #name, pyclass, builtin, text},
#include "base/status.def"
#undef STATUS
};

enum { ROW_COUNT = (int)(sizeof rows / sizeof rows[0]) };

static const row_t *
find(int status)
{
    static const row_t unknown = {-1, "UNKNOWN", "Error", "RuntimeError", "a status that this version does not know"};
    for (int i = 0; i < ROW_COUNT; i++)
        if (rows[i].status == status)
            return &rows[i];
    return &unknown;
}

const char *
status_name(int status)
{
    return find(status)->name;
}

const char *
status_text(int status)
{
    return find(status)->text;
}

const char *
status_python_class(int status)
{
    return find(status)->python_class;
}

const char *
status_python_builtin(int status)
{
    return find(status)->python_builtin;
}

int
status_at(int i)
{
    return i >= 0 && i < ROW_COUNT ? rows[i].status : -1;
}
