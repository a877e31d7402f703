#include "proxy/cli/command.h"
#include "proxy/cli/npy.h"
#include "proxy/cli/show.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Gathers straight into the file; puts it in its place only when all of it is there. */
static int
fetch(const command_t *self, fh_session *session, const char *name, const char *path)
{
    char temporary[4096], shape[SHOW_SHAPE_MAX];
    npy_file_t file = {.map = NULL};
    fh_array *array = NULL;
    fh_array_info info;
    fh_error error;
    err_t err;
    int code = EXIT_DONE;
    if (fh_get(session, name, &array, &error))
        return command_fail_remote(self, &error);
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
    fh_array_free(&array);
    if (code == EXIT_DONE)
        (void)printf("%s: %s array of shape %s\n", path, fh_dtype_name(info.dtype),
                     show_shape(info.shape, info.ndim, 0, shape));
    return code;
}

static int
run(const command_t *self, const void *given, int argc, char *argv[])
{
    (void)argc;
    const client_settings_t *settings = given;
    fh_session *session;
    if (!command_connect(self, settings->name, &session))
        return EXIT_FAILED;
    int code = fetch(self, session, argv[0], argv[1]);
    fh_close(&session);
    return code;
}

const command_t command_get = {
    .name = "get",
    .args = "NAME FILE.npy",
    .args_min = 2,
    .args_max = 2,
    .options = client_options,
    .noptions = 1,
    .settings_size = sizeof(client_settings_t),
    .summary = "Copy a published array into a file.",
    .doc = "The file is written in NumPy's .npy format, C order; it appears only when it is complete.",
    .run = run,
};
