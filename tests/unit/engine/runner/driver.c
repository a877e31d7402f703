#include "driver.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PATIENCE_S = 30 };

static void
give_up(const char *what)
{
    fprintf(stderr, "driver: %s\n", what);
    abort();
}

runner_host_t *
driver_host(void)
{
    return driver_host_threads(1);
}

static runner_host_t *
make_host(int threads, const char *folder, bool unsafe)
{
    runner_host_options_t options = {.program = FH_RUNNER_PROGRAM,
                                     .threads = threads,
                                     .start_spare = true,
                                     .cache_folder = folder,
                                     .unsafe_no_sandbox = unsafe};
    runner_host_t *host = NULL;
    err_t err = {0};
    if (runner_host_new(&host, &options, &err))
        give_up(err.text);
    return host;
}

runner_host_t *
driver_host_threads(int threads)
{
    return make_host(threads, NULL, false);
}

runner_host_t *
driver_host_keeping(const char *folder)
{
    return make_host(1, folder, false);
}

runner_host_t *
driver_host_unsafe(void)
{
    return make_host(1, NULL, true);
}

void
driver_turn(runner_host_t *host, int64_t deadline)
{
    if (clock_now_ns() >= deadline)
        give_up("nothing came of it in time");
    struct pollfd fds[4];
    int count = runner_host_pollfds(host, fds, 4);
    int64_t next = runner_host_next_deadline(host);
    poll(fds, (nfds_t)count,
         runner_host_linger(host) ? 0 : clock_remaining_ms(next < deadline ? next : deadline, 1000));
    runner_host_handle(host);
}

void
driver_wait(runner_host_t *host, const bool *flag)
{
    int64_t deadline = clock_deadline(PATIENCE_S);
    while (!*flag)
        driver_turn(host, deadline);
}

void
driver_wait_spare(runner_host_t *host)
{
    int64_t deadline = clock_deadline(PATIENCE_S);
    while (!*runner_host_sandbox(host))
        driver_turn(host, deadline);
}

static void
on_compiled(void *context, int status, const kernel_info_t *info, const err_t *err)
{
    driver_compiled_t *ret = context;
    ret->finished = true;
    ret->status = status;
    if (err)
        ret->err = *err;
    if (!info)
        return;
    ret->info = *info;
    ret->ir = info->ir ? strdup(info->ir) : NULL;
    ret->assembly = info->assembly ? strdup(info->assembly) : NULL;
}

/* Not a cryptographic hash, but different for different bytes of a test. */
static void
hash_of(const unsigned char *bytes, size_t size, uint8_t ret[32])
{
    uint64_t state = 1469598103934665603u + size;
    for (size_t i = 0; i < size; i++)
        state = (state ^ bytes[i]) * 1099511628211u;
    for (int i = 0; i < 32; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        ret[i] = (uint8_t)(state >> 56);
    }
}

int
driver_compile_with(runner_host_t *host, oid_t session, const void *bitcode, size_t size,
                    const kernel_options_t *options, driver_compiled_t *ret)
{
    uint8_t hash[32];
    kernel_options_t filled = *options;
    const char **texts[] = {&filled.entry, &filled.signature, &filled.kind, &filled.layout};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (!*texts[i])
            *texts[i] = "";
    hash_of(bitcode, size, hash);
    *ret = (driver_compiled_t){.status = FH_INTERNAL};
    int status =
        runner_host_compile(host, session, hash, bitcode, size, &filled, on_compiled, ret, &ret->kernel, &ret->err);
    if (status)
        return ret->status = status;
    driver_wait(host, &ret->finished);
    return ret->status;
}

int
driver_compile(runner_host_t *host, oid_t session, const void *bitcode, size_t size, const char *entry,
               const char *signature, const char *kind, driver_compiled_t *ret)
{
    kernel_options_t options = {.entry = entry, .signature = signature, .kind = kind};
    return driver_compile_with(host, session, bitcode, size, &options, ret);
}

int
driver_compile_fast(runner_host_t *host, oid_t session, const char *text, driver_compiled_t *ret)
{
    kernel_options_t options = {.fastmath = true};
    return driver_compile_with(host, session, text, strlen(text), &options, ret);
}

int
driver_compile_text(runner_host_t *host, oid_t session, const char *text, const char *signature, driver_compiled_t *ret)
{
    return driver_compile(host, session, text, strlen(text), "", signature, "", ret);
}

driver_array_t
driver_array(dtype_t dtype, int ndim, const int64_t *extent)
{
    driver_array_t self = {.size = 1};
    shape_t shape = {.ndim = ndim};
    for (int i = 0; i < ndim; i++)
        shape.extent[i] = extent[i];
    int64_t bytes = shape_bytes(&shape, dtype);
    self.size = bytes ? (size_t)bytes : 1;
    self.writable = memfd_create("array", MFD_CLOEXEC);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", self.writable);
    if (self.writable < 0 || ftruncate(self.writable, (off_t)self.size))
        give_up("no memory file for an array");
    self.data = mmap(NULL, self.size, PROT_READ | PROT_WRITE, MAP_SHARED, self.writable, 0);
    self.array.fd = open(path, O_RDONLY | O_CLOEXEC);
    if (self.data == MAP_FAILED || self.array.fd < 0)
        give_up("an array cannot be mapped");
    self.array.fd_size = (int64_t)self.size;
    nd_init(&self.array.nd, self.data, dtype, &shape);
    return self;
}

void
driver_array_free(driver_array_t *self)
{
    munmap(self->data, self->size);
    close(self->array.fd);
    close(self->writable);
}

static void
on_done(void *context, int status, unsigned raised, const err_t *err)
{
    driver_done_t *ret = context;
    ret->finished = true;
    ret->status = status;
    ret->raised = raised;
    if (err)
        ret->err = *err;
}

int
driver_start_with(runner_host_t *host, oid_t session, uint32_t kernel, const runner_call_t *call, driver_done_t *ret)
{
    *ret = (driver_done_t){.status = FH_INTERNAL};
    return runner_host_run(host, session, kernel, call, on_done, ret, &ret->ticket, &ret->err);
}

int
driver_start(runner_host_t *host, oid_t session, uint32_t kernel, const driver_array_t *in, int nin,
             driver_array_t *out, double timeout_s, driver_done_t *ret)
{
    runner_array_t operands[KERNEL_MAX_ARGS + 1];
    for (int i = 0; i < nin; i++)
        operands[i] = in[i].array;
    operands[nin] = out->array;
    operands[nin].fd = out->writable;
    runner_call_t call = {
        .operands = operands, .nin = nin, .nout = 1, .axis = -1, .piece = -1, .deadline_ns = clock_deadline(timeout_s)};
    return driver_start_with(host, session, kernel, &call, ret);
}

int
driver_run(runner_host_t *host, oid_t session, uint32_t kernel, const driver_array_t *in, int nin, driver_array_t *out,
           double timeout_s, driver_done_t *ret)
{
    int status = driver_start(host, session, kernel, in, nin, out, timeout_s, ret);
    if (status)
        return ret->status = status;
    driver_wait(host, &ret->finished);
    return ret->status;
}

char *
driver_file(const char *path, size_t *ret_size)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    size_t room = 4 << 20;
    char *bytes = malloc(room);
    *ret_size = bytes ? fread(bytes, 1, room - 1, file) : 0;
    if (bytes)
        bytes[*ret_size] = '\0';
    fclose(file);
    return bytes;
}
