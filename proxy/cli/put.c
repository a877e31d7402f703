#include "proxy/cli/command.h"
#include "proxy/cli/npy.h"
#include "proxy/cli/show.h"

#include <inttypes.h>
#include <stdio.h>

typedef struct {
    char name[OPTION_TEXT_MAX];
    int64_t axis;
    bool whole;
} settings_t;

static const option_t options[] = {
    OPTION_ROW_CLUSTER(settings_t),
    {"axis", 0, OPTION_INT, "0", -FH_MAX_DIMS, FH_MAX_DIMS - 1, offsetof(settings_t, axis), "A",
     "Axis along which the array is cut into pieces, one an engine; negative counts from the end."},
    {"whole", 0, OPTION_BOOL, "no", 0, 0, offsetof(settings_t, whole), NULL, "Do not cut: one piece on one engine."},
};

static int
send_file(fh_session *session, const settings_t *settings, const npy_file_t *file, const char *name, fh_error *error)
{
    fh_array *array = NULL;
    const npy_header_t *header = &file->header;
    const fh_local local = {.data = file->data,
                            .dtype = header->dtype,
                            .ndim = header->ndim,
                            .shape = header->shape,
                            .strides = header->strides,
                            .swapped = header->swapped};
    const fh_scatter_options layout = {.axis = settings->whole || header->ndim == 0 ? FH_WHOLE : (int)settings->axis};
    int status = fh_scatter(session, &local, &layout, &array, error);
    if (!status)
        status = fh_wait(array, -1, error); /* a name for an array that failed would help nobody */
    if (!status)
        status = fh_publish(array, name, error);
    fh_array_free(&array);
    return status;
}

static int
run(const command_t *self, const void *given, int argc, char *argv[])
{
    (void)argc;
    const settings_t *settings = given;
    char shape[SHOW_SHAPE_MAX];
    npy_file_t file;
    fh_session *session;
    fh_error error;
    err_t err;
    if (npy_open(&file, argv[1], &err))
        return command_fail(self, &err);
    if (!command_connect(self, settings->name, &session)) {
        npy_close(&file);
        return EXIT_FAILED;
    }
    int status = send_file(session, settings, &file, argv[0], &error);
    fh_close(&session);
    if (!status)
        (void)printf("%s: %s array of shape %s\n", argv[0], fh_dtype_name(file.header.dtype),
                     show_shape(file.header.shape, file.header.ndim, 0, shape));
    npy_close(&file);
    return status ? command_fail_remote(self, &error) : EXIT_DONE;
}

const command_t command_put = {
    .name = "put",
    .args = "NAME FILE.npy",
    .args_min = 2,
    .args_max = 2,
    .options = options,
    .noptions = sizeof options / sizeof options[0],
    .settings_size = sizeof(settings_t),
    .summary = "Copy an array from a file to the engines and publish it.",
    .doc = "The file is NumPy's .npy format, in C or Fortran order and any byte order.  The array stays when the "
           "command ends,\n"
           "until its name is published no more or the cluster goes down.",
    .run = run,
};
