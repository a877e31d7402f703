#include "proxy/cli/command.h"
#include "proxy/cli/show.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_INPUTS = 15 };

typedef struct {
    char name[OPTION_TEXT_MAX], entry[OPTION_TEXT_MAX], signature[OPTION_TEXT_MAX], kind[OPTION_TEXT_MAX],
        out[OPTION_TEXT_MAX];
    double timeout;
} settings_t;

static const option_t options[] = {
    OPTION_ROW_CLUSTER(settings_t),
    {"entry", 0, OPTION_TEXT, "", 0, 0, offsetof(settings_t, entry), "FUNCTION",
     "The function; else the one that fits."},
    {"signature", 0, OPTION_TEXT, "", 0, 0, offsetof(settings_t, signature), "TYPES",
     "Element types, as float64(float64, float64); else those of the function."},
    {"kind", 0, OPTION_TEXT, "", 0, 0, offsetof(settings_t, kind), "KIND",
     "ufunc or piece; else what the function's type says."},
    {"out", 'o', OPTION_TEXT, "", 0, 0, offsetof(settings_t, out), "NAME", "run: publish the result under this name."},
    {"timeout", 0, OPTION_SECONDS, "30", 0.001, 86400, offsetof(settings_t, timeout), "SECONDS",
     "run: limit of the run on each piece."},
};

static const char *
or_null(const char *text)
{
    return text[0] ? text : NULL;
}

static void
print_info(const fh_kernel *kernel)
{
    fh_kernel_info info;
    fh_kernel_describe(kernel, &info);
    (void)printf("entry      %s\nsignature  %s\nkind       %s\nproducer   %s\ncompiled   in %.1f ms\nsha256     ",
                 info.entry, info.signature, info.kind, info.producer, (double)info.compile_ns / 1e6);
    for (size_t i = 0; i < sizeof info.hash; i++)
        (void)printf("%02x", info.hash[i]);
    (void)fputc('\n', stdout);
}

/* The inputs of a run: published arrays, and numbers. */
typedef struct {
    fh_operand operands[MAX_INPUTS];
    int count;
} inputs_t;

static void
release_inputs(inputs_t *inputs)
{
    for (int i = 0; i < inputs->count; i++)
        fh_array_free(&inputs->operands[i].array);
    inputs->count = 0;
}

static int
take_input(fh_session *session, const char *text, fh_operand *ret, fh_error *error)
{
    char *end;
    *ret = (fh_operand){.kind = FH_ARRAY};
    errno = 0;
    long long integer = strtoll(text, &end, 0);
    if (end != text && !*end && !errno) {
        ret->kind = FH_WEAK_INT;
        ret->i = integer;
        return FH_OK;
    }
    double number = strtod(text, &end);
    if (end != text && !*end) {
        ret->kind = FH_WEAK_FLOAT;
        ret->f = number;
        return FH_OK;
    }
    return fh_get(session, text, &ret->array, error);
}

static int
call_kernel(fh_kernel *kernel, const inputs_t *inputs, double timeout_s, fh_array **ret, fh_error *error)
{
    const fh_kernel_call_options call = {.timeout_s = timeout_s};
    const fh_kernel_map_options map = {.timeout_s = timeout_s};
    fh_kernel_info info;
    fh_kernel_describe(kernel, &info);
    if (strcmp(info.kind, "ufunc") == 0)
        return fh_kernel_call(kernel, inputs->operands, inputs->count, &call, ret, error);
    return fh_kernel_map(kernel, inputs->operands, inputs->count, &map, ret, 1, error);
}

static int
run_kernel(fh_session *session, fh_kernel *kernel, const settings_t *settings, int argc, char *argv[], fh_error *error)
{
    inputs_t inputs = {.count = 0};
    fh_array *result = NULL;
    int status = FH_OK;
    for (int i = 0; i < argc && !status; i++) {
        status = take_input(session, argv[i], &inputs.operands[i], error);
        inputs.count += status == FH_OK;
    }
    if (!status)
        status = call_kernel(kernel, &inputs, settings->timeout, &result, error);
    if (!status)
        status = fh_wait(result, -1, error);
    if (!status && settings->out[0])
        status = fh_publish(result, settings->out, error);
    if (!status) {
        char shape[SHOW_SHAPE_MAX];
        fh_array_info info;
        fh_array_describe(result, &info);
        (void)printf("%s%s%s array of shape %s\n", settings->out, settings->out[0] ? ": " : "",
                     fh_dtype_name(info.dtype), show_shape(info.shape, info.ndim, 0, shape));
    }
    fh_array_free(&result);
    release_inputs(&inputs);
    return status;
}

static int
run(const command_t *self, const void *given, int argc, char *argv[])
{
    const settings_t *settings = given;
    bool check = strcmp(argv[0], "check") == 0;
    fh_session *session;
    fh_kernel *kernel = NULL;
    fh_error error;
    if (!check && strcmp(argv[0], "run") != 0)
        return command_usage(self, "'%.40s' is neither check nor run", argv[0]);
    if (check ? argc != 2 : argc < 3 || argc - 2 > MAX_INPUTS)
        return command_usage(self, "check takes a file; run a file and 1 to %d inputs", MAX_INPUTS);
    if (!command_connect(self, settings->name, &session))
        return EXIT_FAILED;
    const fh_kernel_options load = {
        .entry = or_null(settings->entry), .signature = or_null(settings->signature), .kind = or_null(settings->kind)};
    int status = fh_kernel_load_file(session, argv[1], &load, &kernel, &error);
    if (!status && check)
        print_info(kernel);
    else if (!status)
        status = run_kernel(session, kernel, settings, argc - 2, argv + 2, &error);
    fh_kernel_free(&kernel);
    fh_close(&session);
    return status ? command_fail_remote(self, &error) : EXIT_DONE;
}

const command_t command_kernel = {
    .name = "kernel",
    .args = "check|run FILE [NAME|NUMBER...]",
    .args_min = 2,
    .args_max = -1,
    .options = options,
    .noptions = sizeof options / sizeof options[0],
    .settings_size = sizeof(settings_t),
    .summary = "Check LLVM bitcode, or run it over published arrays.",
    .doc = "check sends FILE (bitcode or textual IR) to the engines, which vet and compile it, and prints what they "
           "found.  run calls\n"
           "it with published arrays and numbers as inputs; piece kernels run once over each piece.",
    .run = run,
};
