#include "proxy/cli/kernel.h"

#include "proxy/cli/show.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const option_t options[] = {
    OPTION_ROW_CLUSTER(kernel_settings_t),
    {"entry", 0, OPTION_TEXT, "", 0, 0, offsetof(kernel_settings_t, entry), "FUNCTION",
     "The function (reductions: the beginning of its functions' names); else the one that fits."},
    {"signature", 0, OPTION_TEXT, "", 0, 0, offsetof(kernel_settings_t, signature), "TYPES",
     "Element types, as float64(float64, float64); else those of the function."},
    {"kind", 0, OPTION_TEXT, "", 0, 0, offsetof(kernel_settings_t, kind), "KIND",
     "ufunc, piece, array, gufunc or reduction; else what the function's type says."},
    {"layout", 0, OPTION_TEXT, "", 0, 0, offsetof(kernel_settings_t, layout), "DIMENSIONS",
     "Core dimensions of a gufunc, as (m,k),(k,n)->(m,n)."},
    {"exact", 0, OPTION_BOOL, "no", 0, 0, offsetof(kernel_settings_t, exact), NULL,
     "The C library's own functions, not its vector versions."},
    {"fastmath", 0, OPTION_BOOL, "no", 0, 0, offsetof(kernel_settings_t, fastmath), NULL,
     "Floating-point arithmetic may be reordered."},
    {"debug", 0, OPTION_BOOL, "no", 0, 0, offsetof(kernel_settings_t, debug), NULL,
     "Bounds checks and NaN traps, element by element; slow."},
    {"out", 'o', OPTION_TEXT, "", 0, 0, offsetof(kernel_settings_t, out), "NAME|FILE.npy",
     "run: publish the result under this name, or write it into this file."},
    {"halo", 0, OPTION_TEXT, "", 0, 0, offsetof(kernel_settings_t, halo), "N,...",
     "run: elements of the neighbouring pieces that an array kernel reads, for each axis, as 1,0."},
    {"reduce", 0, OPTION_TEXT, "", 0, 0, offsetof(kernel_settings_t, reduce), "AXIS,...|all",
     "run: reduce along these axes."},
    {"timeout", 0, OPTION_SECONDS, "30", 0.001, 86400, offsetof(kernel_settings_t, timeout), "SECONDS",
     "run: limit of the run on each piece."},
    OPTION_ROW_JSON(kernel_settings_t),
};

static const char *
or_null(const char *text)
{
    return text[0] ? text : NULL;
}

/* ---- check ---------------------------------------------------------------------------------------------------------
 */

/* Does the text of IR compute with vectors, "<4 x double>"? */
static bool
has_vectors(const char *ir)
{
    for (const char *at = strchr(ir, '<'); at; at = strchr(at + 1, '<')) {
        const char *end = at + 1;
        while (isdigit((unsigned char)*end))
            end++;
        if (end > at + 1 && strncmp(end, " x ", 3) == 0)
            return true;
    }
    return false;
}

static int
show_warnings(fh_kernel *kernel, const fh_kernel_info *info, const kernel_settings_t *settings, fh_error *error)
{
    char *ir = NULL;
    int status = fh_kernel_inspect(kernel, 0, &ir, error);
    if (status)
        return status;
    if (strcmp(info->kind, "ufunc") == 0 && !settings->debug && !has_vectors(ir))
        (void)puts("warning    the loop over the elements is not vectorised");
    if (strcmp(info->kind, "reduction") == 0 && !info->has_start)
        (void)puts("warning    without an init a reduction of nothing has no value");
    if (settings->debug)
        (void)puts("warning    compiled with checks: slow");
    free(ir);
    return FH_STATUS_OK;
}

static int
check(fh_kernel *kernel, const kernel_settings_t *settings, fh_error *error)
{
    fh_kernel_info info;
    fh_kernel_describe(kernel, &info);
    (void)printf("entry      %s\nsignature  %s\nkind       %s\n", info.entry, info.signature, info.kind);
    if (info.layout[0])
        (void)printf("layout     %s\n", info.layout);
    (void)printf("producer   %s\n", info.producer);
    if (info.cached)
        (void)printf("compiled   before: from the engine's disk\n");
    else
        (void)printf("compiled   in %.1f ms\n", (double)info.compile_ns / 1e6);
    (void)fputs("sha256     ", stdout);
    for (size_t i = 0; i < sizeof info.hash; i++)
        (void)printf("%02x", info.hash[i]);
    (void)fputc('\n', stdout);
    return show_warnings(kernel, &info, settings, error);
}

/* ---- the command ---------------------------------------------------------------------------------------------------
 */

static int
with_kernel(const command_t *self, fh_session *session, const kernel_settings_t *settings, int argc, char *argv[])
{
    fh_kernel *kernel = NULL;
    fh_error error;
    const fh_kernel_options load = {.entry = or_null(settings->entry),
                                    .signature = or_null(settings->signature),
                                    .kind = or_null(settings->kind),
                                    .layout = or_null(settings->layout),
                                    .exact = settings->exact,
                                    .fastmath = settings->fastmath,
                                    .debug = settings->debug};
    int code = EXIT_DONE;
    if (fh_kernel_load_file(session, argv[1], &load, &kernel, &error))
        code = command_fail_remote(self, &error);
    else if (strcmp(argv[0], "run") == 0)
        code = kernel_run(self, session, kernel, settings, argc - 2, argv + 2);
    else if (check(kernel, settings, &error))
        code = command_fail_remote(self, &error);
    fh_kernel_free(&kernel);
    return code;
}

static int
run(const command_t *self, const void *given, int argc, char *argv[])
{
    const kernel_settings_t *settings = given;
    fh_session *session;
    bool list = strcmp(argv[0], "ls") == 0;
    if (!list && strcmp(argv[0], "check") != 0 && strcmp(argv[0], "run") != 0)
        return command_usage(self, "'%.40s' is none of check, run and ls", argv[0]);
    if (list ? argc != 1 : strcmp(argv[0], "check") == 0 ? argc != 2 : argc < 3)
        return command_usage(self, "check takes a file, run a file and inputs, ls nothing");
    if (!command_connect(self, settings->name, &session))
        return EXIT_FAILED;
    int code = list ? kernel_list(self, session, settings) : with_kernel(self, session, settings, argc, argv);
    fh_close(&session);
    return code;
}

const command_t command_kernel = {
    .name = "kernel",
    .args = "check|run|ls [FILE [INPUT...]]",
    .args_min = 1,
    .args_max = -1,
    .options = options,
    .noptions = sizeof options / sizeof options[0],
    .settings_size = sizeof(kernel_settings_t),
    .summary = "Check LLVM bitcode, run it over arrays, or list what is loaded.",
    .doc = "check sends FILE (bitcode or textual IR) to the engines, which vet and compile it, and prints what they "
           "found.  run calls\n"
           "it with inputs: published arrays, files in NumPy's .npy format (cut along axis 0) and numbers; piece and "
           "array kernels\n"
           "run over each piece, reductions over all axes unless --reduce says which.  ls lists the kernels of all "
           "sessions.",
    .run = run,
};
