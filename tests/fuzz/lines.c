/* Line tables of object files: nothing crashes, and what is found is a terminated name and no negative line. */
#include "engine/runner/code/lines.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { LOOKS = 64, STEP = 7 };
    static char code[LOOKS * STEP];
    lines_t *lines = lines_new(data, size, "kernel");
    lines_publish(&lines, code, code);
    for (int i = 0; i < LOOKS; i++) {
        const char *file = "";
        int32_t line = 0;
        if (lines_find((uintptr_t)code + (uintptr_t)(i * STEP), &file, &line) &&
            (line < 0 || !memchr(file, '\0', LINES_NAME_MAX)))
            abort();
    }
    lines_withdraw(code);
    return 0;
}
