/* farhand-runner: compiles and runs kernels for one session of one engine, behind seccomp and Landlock.  Started by
 * farhand-engine, which speaks runner_wire.h with it over descriptor 3. */
#include "base/time_slice.h"
#include "engine/runner/service.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static const char USAGE[] =
    "Usage: farhand-runner [OPTIONS]\n"
    "Compiles and runs kernels in a sandbox.  Started by farhand-engine; of no use by itself.\n\n"
    "  --memory=BYTES          address space of the process (default 8 GiB)\n"
    "  --stack=BYTES           its stack (default 8 MiB)\n"
    "  --threads=N             threads that run a kernel (default 1)\n"
    "  --unsafe-no-sandbox     run even where seccomp or Landlock are missing\n"
    "  --help, --version       say this, or the version\n";

static int64_t
number_of(const char *text, int64_t low, int64_t high)
{
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    return errno || end == text || *end || value < low || value > high ? -1 : (int64_t)value;
}

/* -1: go on; else the exit status. */
static int
read_options(int argc, char **argv, service_options_t *ret)
{
    static const struct option OPTIONS[] = {
        {"memory", required_argument, NULL, 'm'},
        {"stack", required_argument, NULL, 's'},
        {"threads", required_argument, NULL, 't'},
        {"unsafe-no-sandbox", no_argument, NULL, 'u'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},
        {NULL, 0, NULL, 0},
    };
    int64_t threads = 1;
    for (int c; (c = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;) {
        if (c == 'h' || c == 'v') {
            fputs(c == 'h' ? USAGE : "farhand-runner " FARHAND_VERSION "\n", stdout);
            return 0;
        }
        if (c == 'm')
            ret->memory_bytes = number_of(optarg, 64 << 20, INT64_MAX);
        else if (c == 's')
            ret->stack_bytes = number_of(optarg, 256 << 10, 1 << 30);
        else if (c == 't')
            threads = number_of(optarg, 1, 256);
        else if (c == 'u')
            ret->unsafe_no_sandbox = true;
        else
            return 2;
    }
    ret->threads = (int)threads;
    if (optind == argc && ret->memory_bytes > 0 && ret->stack_bytes > 0 && threads > 0)
        return -1;
    fputs("farhand-runner: a number is out of range, or an argument is left over\n", stderr);
    return 2;
}

int
main(int argc, char **argv)
{
    service_options_t options = {.memory_bytes = (int64_t)8 << 30, .stack_bytes = 8 << 20};
    int rc = read_options(argc, argv, &options);
    (void)time_slice_set(0); /* the engine's reactor, which started us, has a short one */
    return rc >= 0 ? rc : service_run(&options);
}
