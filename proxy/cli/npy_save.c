#include "proxy/cli/npy_save.h"

#include "proxy/cli/npy.h"
#include "proxy/cli/show.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool
npy_is_path(const char *name)
{
    size_t size = strlen(name);
    return size > 4 && strcmp(name + size - 4, ".npy") == 0;
}

int
npy_save(const command_t *self, fh_array *array, const char *path)
{
    char temporary[4096], shape[SHOW_SHAPE_MAX];
    npy_file_t file = {.map = NULL};
    fh_array_info info;
    fh_error error;
    err_t err;
    int code = EXIT_DONE;
    fh_array_describe(array, &info);
    if (npy_create(&file, path, info.dtype, info.ndim, info.shape, temporary, &err)) {
        code = command_fail(self, &err);
    } else if (fh_gather(array, file.data, NULL, &error)) {
        code = command_fail_remote(self, &error);
        (void)unlink(temporary);
    } else if (rename(temporary, path)) {
        code = command_fail_text(self, FH_IO_ERROR, "cannot write %s: %s", path, strerror(errno));
        (void)unlink(temporary);
    }
    npy_close(&file);
    if (code == EXIT_DONE)
        (void)printf("%s: %s array of shape %s\n", path, fh_dtype_name(info.dtype),
                     show_shape(info.shape, info.ndim, 0, shape));
    return code;
}
