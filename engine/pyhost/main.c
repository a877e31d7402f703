/* farhand-pyhost: runs the Python code of one session of one engine.  Started by farhand-engine, which speaks
 * pyhost_wire.h with it over descriptor 3.  It runs with the rights of the engine; limits guard against accidents. */
#include "base/time_slice.h"
#include "engine/pyhost/pyhost.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static const char USAGE[] =
    "Usage: farhand-pyhost [OPTIONS]\n"
    "Runs Python code for a session.  Started by farhand-engine; of no use by itself.\n\n"
    "  --python=FILE           the interpreter whose packages are to be found (default " FARHAND_PYTHON ")\n"
    "  --memory=BYTES          limit for the data of the process (default: none)\n"
    "  --files=N               limit for its open files (default 4096)\n"
    "  --help, --version       say this, or the version\n";

/* The Python files, in the order in which they are loaded: each sees those before it.  They were made texts when
 * farhand was built. */
#define PYHOST_SOURCES(X) X(values) X(answer) X(described) X(shipped) X(operations)

#define PYHOST_DECLARE(name) extern const char pyhost_source_##name[];
PYHOST_SOURCES(PYHOST_DECLARE)
PYHOST_DECLARE(host)

#define PYHOST_ROW(name) {"_farhand_host." #name, "<farhand host: " #name ">", pyhost_source_##name},
static const struct {
    const char *module, *file, *text;
} SOURCES[] = {PYHOST_SOURCES(PYHOST_ROW){"_farhand_host", "<farhand host>", pyhost_source_host}};

typedef struct {
    const char *python;
    long long memory, files;
} settings_t;

static long long
number_of(const char *text, long long low)
{
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    return errno || end == text || *end || value < low ? -1 : value;
}

/* -1: go on; else the exit status. */
static int
read_options(int argc, char **argv, settings_t *ret)
{
    static const struct option OPTIONS[] = {
        {"python", required_argument, NULL, 'p'}, {"memory", required_argument, NULL, 'm'},
        {"files", required_argument, NULL, 'f'},  {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},      {NULL, 0, NULL, 0},
    };
    for (int c; (c = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;) {
        if (c == 'h' || c == 'v') {
            fputs(c == 'h' ? USAGE : "farhand-pyhost " FARHAND_VERSION "\n", stdout);
            return 0;
        }
        if (c == 'p')
            ret->python = optarg;
        else if (c == 'm')
            ret->memory = number_of(optarg, 64 << 20);
        else if (c == 'f')
            ret->files = number_of(optarg, 64);
        else
            return 2;
    }
    if (optind == argc && ret->memory >= 0 && ret->files >= 0)
        return -1;
    fputs("farhand-pyhost: a number is out of range, or an argument is left over\n", stderr);
    return 2;
}

static void
limit(__rlimit_resource_t what, long long value)
{
    struct rlimit limits;
    if (value && getrlimit(what, &limits) == 0) {
        rlim_t wanted = (rlim_t)value;
        limits.rlim_cur = limits.rlim_max = wanted < limits.rlim_max ? wanted : limits.rlim_max;
        (void)setrlimit(what, &limits); /* lowering is always allowed */
    }
}

static PyStatus
start_python(const settings_t *settings)
{
    PyConfig config;
    PyConfig_InitPythonConfig(&config);
    config.parse_argv = 0;
    config.buffered_stdio = 1;
    PyStatus status = PyConfig_SetBytesString(&config, &config.program_name, settings->python);
    if (!PyStatus_Exception(status))
        status = PyConfig_SetBytesString(&config, &config.executable, settings->python);
    if (!PyStatus_Exception(status))
        status = Py_InitializeFromConfig(&config);
    PyConfig_Clear(&config);
    return status;
}

/* The files as modules; the function main of the last one, host.py, serves until the engine is gone. */
static bool
serve(void)
{
    PyObject *module = NULL;
    for (size_t i = 0; i < sizeof SOURCES / sizeof *SOURCES; i++) {
        Py_XDECREF(module);
        PyObject *code = Py_CompileString(SOURCES[i].text, SOURCES[i].file, Py_file_input);
        module = code ? PyImport_ExecCodeModule(SOURCES[i].module, code) : NULL;
        Py_XDECREF(code);
        if (!module)
            break;
    }
    PyObject *result = module ? PyObject_CallMethod(module, "main", NULL) : NULL;
    if (!result)
        PyErr_Print();
    bool good = result != NULL;
    Py_XDECREF(result);
    Py_XDECREF(module);
    return good;
}

int
main(int argc, char **argv)
{
    static channel_t channel;
    settings_t settings = {.python = FARHAND_PYTHON, .files = 4096};
    err_t err = {0};
    int rc = read_options(argc, argv, &settings);
    if (rc >= 0)
        return rc;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)time_slice_set(0); /* the engine's reactor, which started us, has a short one */
    limit(RLIMIT_DATA, settings.memory);
    limit(RLIMIT_NOFILE, settings.files);
    if (channel_open(&channel, &err)) {
        fprintf(stderr, "farhand-pyhost: %s\n", err.text);
        return 1;
    }
    pyhost_use(&channel);
    if (PyImport_AppendInittab("_pyhost", PyInit__pyhost))
        return 1;
    PyStatus status = start_python(&settings);
    if (PyStatus_Exception(status)) {
        fprintf(stderr, "farhand-pyhost: Python does not start: %s\n", status.err_msg ? status.err_msg : "");
        return 1;
    }
    bool good = serve();
    fflush(NULL);
    _exit(good ? 0 : 1); /* threads of the user's code may still run */
}
