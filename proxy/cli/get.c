#include "proxy/cli/npy_save.h"

static int
run(const command_t *self, const void *given, int argc, char *argv[])
{
    (void)argc;
    const client_settings_t *settings = given;
    fh_session *session;
    fh_array *array = NULL;
    fh_error error;
    if (!command_connect(self, settings->name, &session))
        return EXIT_FAILED;
    int code =
        fh_get(session, argv[0], &array, &error) ? command_fail_remote(self, &error) : npy_save(self, array, argv[1]);
    fh_array_free(&array);
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
