/* `farhand kernel run`: a kernel over published arrays, files and numbers. */
#include "codecs/dtype.h"
#include "proxy/cli/kernel.h"
#include "proxy/cli/npy.h"
#include "proxy/cli/npy_save.h"
#include "proxy/cli/show.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_INPUTS = 15, MAX_OUTPUTS = 8, SHOWN_ELEMENTS = 10 };

typedef struct {
    fh_operand operands[MAX_INPUTS];
    int count;
    fh_array *results[MAX_OUTPUTS];
    int nresults;
} run_t;

static void
release(run_t *self)
{
    for (int i = 0; i < self->count; i++)
        fh_array_free(&self->operands[i].array);
    for (int k = 0; k < self->nresults; k++)
        fh_array_free(&self->results[k]);
}

/* ---- inputs --------------------------------------------------------------------------------------------------------
 */

static int
send_file(const command_t *self, fh_session *session, const char *path, fh_array **ret)
{
    npy_file_t file;
    fh_error error;
    err_t err;
    if (npy_open(&file, path, &err))
        return command_fail(self, &err);
    const npy_header_t *header = &file.header;
    const fh_local local = {.data = file.data,
                            .dtype = header->dtype,
                            .ndim = header->ndim,
                            .shape = header->shape,
                            .strides = header->strides,
                            .swapped = header->swapped};
    int status =
        fh_scatter(session, &local, &(fh_scatter_options){.axis = header->ndim ? 0 : (int)FH_WHOLE}, ret, &error);
    npy_close(&file);
    return status ? command_fail_remote(self, &error) : EXIT_DONE;
}

static int
take_input(const command_t *self, fh_session *session, const char *text, fh_operand *ret)
{
    char *end;
    fh_error error;
    *ret = (fh_operand){.kind = FH_ARRAY};
    errno = 0;
    long long integer = strtoll(text, &end, 0);
    if (end != text && !*end && !errno) {
        ret->kind = FH_WEAK_INT;
        ret->i = integer;
        return EXIT_DONE;
    }
    double number = strtod(text, &end);
    if (end != text && !*end) {
        ret->kind = FH_WEAK_FLOAT;
        ret->f = number;
        return EXIT_DONE;
    }
    if (npy_is_path(text))
        return send_file(self, session, text, &ret->array);
    return fh_get(session, text, &ret->array, &error) ? command_fail_remote(self, &error) : EXIT_DONE;
}

/* "1,0" as whole numbers; -1 if it is none such. */
static int
read_list(const char *text, int64_t ret[FH_MAX_DIMS])
{
    for (int n = 0; n < FH_MAX_DIMS; n++) {
        char *end;
        errno = 0;
        ret[n] = strtoll(text, &end, 10);
        if (end == text || errno || (*end && *end != ','))
            return -1;
        if (!*end)
            return n + 1;
        text = end + 1;
    }
    return -1;
}

/* ---- running -------------------------------------------------------------------------------------------------------
 */

static int
reduce(fh_kernel *kernel, run_t *run, const kernel_settings_t *settings, fh_error *error)
{
    fh_array *in[MAX_INPUTS];
    int64_t list[FH_MAX_DIMS];
    int axes[FH_MAX_DIMS], naxes = strcmp(settings->reduce, "all") == 0 ? -1 : read_list(settings->reduce, list);
    for (int i = 0; i < naxes; i++)
        axes[i] = (int)list[i];
    for (int i = 0; i < run->count; i++)
        in[i] = run->operands[i].array; /* numbers are refused: they are no arrays */
    run->nresults = 1;
    return fh_kernel_reduce(kernel, in, run->count, naxes < 0 ? NULL : axes, naxes, 0, settings->timeout, run->results,
                            error);
}

static int
compute(fh_kernel *kernel, run_t *run, const kernel_settings_t *settings, fh_error *error)
{
    int64_t halo[FH_MAX_DIMS];
    fh_kernel_info info;
    fh_kernel_describe(kernel, &info);
    if (settings->reduce[0] || strcmp(info.kind, "reduction") == 0)
        return reduce(kernel, run, settings, error);
    run->nresults = 1;
    if (strcmp(info.kind, "ufunc") == 0)
        return fh_kernel_call(kernel, run->operands, run->count,
                              &(fh_kernel_call_options){.timeout_s = settings->timeout}, run->results, error);
    const fh_kernel_map_options map = {
        .timeout_s = settings->timeout, .halo = halo, .nhalo = settings->halo[0] ? read_list(settings->halo, halo) : 0};
    if (strcmp(info.kind, "gufunc") == 0)
        run->nresults = info.nout;
    return fh_kernel_map(kernel, run->operands, run->count, &map, run->results, MAX_OUTPUTS, error);
}

/* ---- results -------------------------------------------------------------------------------------------------------
 */

/* A few values are shown as they are. */
static int
show_values(fh_array *array, const fh_array_info *info, fh_error *error)
{
    _Alignas(16) char bytes[SHOWN_ELEMENTS * 16];
    int64_t count = 1;
    for (int i = 0; i < info->ndim && count <= SHOWN_ELEMENTS; i++)
        count *= info->shape[i];
    if (count > SHOWN_ELEMENTS)
        return FH_STATUS_OK;
    int status = fh_gather(array, bytes, NULL, error);
    for (int64_t i = 0; i < count && !status; i++) {
        double parts[2];
        dtype_convert(DTYPE_COMPLEX128, parts, (dtype_t)info->dtype, bytes + (size_t)i * fh_dtype_size(info->dtype));
        bool complex = dtype_kind((dtype_t)info->dtype) == 'c';
        (void)printf(complex ? "%s%.17g%+.17gi" : "%s%.17g", i ? " " : "", parts[0], parts[1]);
    }
    if (!status && count)
        (void)fputc('\n', stdout);
    return status;
}

static int
give_result(const command_t *self, fh_array *array, const kernel_settings_t *settings)
{
    char shape[SHOW_SHAPE_MAX];
    fh_array_info info;
    fh_error error;
    int status = fh_wait(array, -1, &error);
    if (!status && settings->out[0] && npy_is_path(settings->out))
        return npy_save(self, array, settings->out);
    if (!status && settings->out[0])
        status = fh_publish(array, settings->out, &error);
    if (!status) {
        fh_array_describe(array, &info);
        (void)printf("%s%s%s array of shape %s\n", settings->out, settings->out[0] ? ": " : "",
                     fh_dtype_name(info.dtype), show_shape(info.shape, info.ndim, 0, shape));
        status = settings->out[0] ? FH_STATUS_OK : show_values(array, &info, &error);
    }
    return status ? command_fail_remote(self, &error) : EXIT_DONE;
}

static int
check(const command_t *self, const kernel_settings_t *settings, int ninputs)
{
    int64_t list[FH_MAX_DIMS];
    if (ninputs < 1 || ninputs > MAX_INPUTS)
        return command_usage(self, "run takes a file and 1 to %d inputs", MAX_INPUTS);
    if (settings->halo[0] && read_list(settings->halo, list) < 0)
        return command_usage(self, "a halo is a whole number for each axis, as 1,0; not '%.40s'", settings->halo);
    if (settings->reduce[0] && strcmp(settings->reduce, "all") != 0 && read_list(settings->reduce, list) < 0)
        return command_usage(self, "axes are whole numbers, as 0,1, or all; not '%.40s'", settings->reduce);
    return EXIT_DONE;
}

int
kernel_run(const command_t *self, fh_session *session, fh_kernel *kernel, const kernel_settings_t *settings,
           int ninputs, char *inputs[])
{
    run_t run = {.count = 0};
    fh_error error;
    int code = check(self, settings, ninputs);
    if (code != EXIT_DONE)
        return code;
    for (int i = 0; i < ninputs && code == EXIT_DONE; i++, run.count++)
        code = take_input(self, session, inputs[i], &run.operands[i]);
    if (code == EXIT_DONE && compute(kernel, &run, settings, &error))
        code = command_fail_remote(self, &error);
    if (code == EXIT_DONE && run.nresults > 1 && settings->out[0])
        code = command_fail_text(self, FH_STATUS_NOT_SUPPORTED, "the kernel has %d results, --out takes one",
                                 run.nresults);
    for (int k = 0; k < run.nresults && code == EXIT_DONE; k++)
        code = give_result(self, run.results[k], settings);
    release(&run);
    return code;
}
