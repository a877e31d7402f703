#include "engine/runner_request.h"

#include "base/clock.h"
#include "engine/runner_call.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const int64_t COMPILE_NS = 10000000000; /* and have compiled a kernel after so long */

int
runner_request_allowed(const runner_source_t *source, err_t *err)
{
    if (source->deaths < SOURCE_MAX_DEATHS)
        return FH_OK;
    return err_set(err, FH_KERNEL_POISONED,
                   "the kernel's code has crashed %d runners and is refused for the rest of this session, unless it is "
                   "loaded by force",
                   source->deaths);
}

static int
too_new(const char *llvm, const runner_process_t *process, const runner_source_t *source, err_t *err)
{
    int major = bitcode_llvm_major(source->producer);
    if (major <= (int)process->llvm_major)
        return FH_OK;
    return err_set(
        err, FH_BITCODE_TOO_NEW,
        "the bitcode comes from %s, the engine has LLVM %s: compile the kernel with LLVM %u or older, or use an engine "
        "with LLVM %d or newer",
        source->producer, llvm, process->llvm_major, major);
}

static int
sealed_copy(const runner_source_t *source, int *ret, err_t *err)
{
    int fd = memfd_create("farhand-bitcode", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || write(fd, source->bytes, source->size) != (ssize_t)source->size ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)) {
        int status = err_set_errno(err, FH_IO_ERROR, errno, "no memory file for %zu bytes of bitcode", source->size);
        if (fd >= 0)
            close(fd);
        return status;
    }
    *ret = fd;
    return FH_OK;
}

static int
make_texts(runner_job_t *job, int *ret_fd, err_t *err)
{
    if (job->texts)
        munmap(job->texts, RUNNER_INSPECT_BYTES);
    job->texts = NULL;
    int fd = memfd_create("farhand-inspect", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    void *memory = MAP_FAILED;
    if (fd >= 0 && !ftruncate(fd, RUNNER_INSPECT_BYTES) &&
        !fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
        memory = mmap(NULL, RUNNER_INSPECT_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) {
        int status = err_set_errno(err, FH_IO_ERROR, errno, "no memory file for the texts of a kernel");
        if (fd >= 0)
            close(fd);
        return status;
    }
    job->texts = memory;
    *ret_fd = fd;
    return FH_OK;
}

/* Where the runner puts the machine code; nothing is taken until it is written. */
static int
make_object(runner_job_t *job, err_t *err)
{
    if (job->object >= 0)
        close(job->object);
    job->object = memfd_create("farhand-object", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (job->object >= 0 && !ftruncate(job->object, RUNNER_MAX_OBJECT) &&
        !fcntl(job->object, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
        return FH_OK;
    return err_set_errno(err, FH_IO_ERROR, errno, "no memory file for the machine code of a kernel");
}

static void
begin_loading(runner_session_t *session, const runner_job_t *job)
{
    session->loading = true;
    session->active_deadline = clock_now_ns() + COMPILE_NS;
    if (session->active_deadline > job->deadline_ns)
        session->active_deadline = job->deadline_ns;
}

int
runner_request_compile(runner_session_t *session, runner_job_t *job, const char *llvm, err_t *err)
{
    const runner_kernel_t *kernel = job->kernel;
    runner_compile_t message = {.code = RUNNER_COMPILE,
                                .kernel = kernel->id,
                                .size = (uint32_t)kernel->source->size,
                                .inspect = job->inspect,
                                .fastmath = kernel->fastmath,
                                .exact = kernel->exact,
                                .debug = kernel->debug,
                                .state_bytes = kernel->state_bytes};
    char unique[OID_TEXT_SIZE]; /* code goes from runner to runner: no two may be called the same */
    snprintf(job->symbol, sizeof job->symbol, "farhand.%s", oid_format(oid_new(), unique));
    memcpy(message.symbol, job->symbol, sizeof message.symbol);
    memcpy(message.layout, kernel->layout, sizeof message.layout);
    memcpy(message.entry, kernel->entry, sizeof message.entry);
    memcpy(message.signature, kernel->signature, sizeof message.signature);
    memcpy(message.kind, kernel->kind, sizeof message.kind);
    int fds[3] = {-1, -1, -1};
    int status = runner_request_allowed(kernel->source, err);
    if (!status)
        status = too_new(llvm, session->runner, kernel->source, err);
    if (!status)
        status = sealed_copy(kernel->source, &fds[0], err);
    if (!status)
        status = make_object(job, err);
    fds[1] = job->object;
    if (!status && job->inspect)
        status = make_texts(job, &fds[2], err);
    if (!status)
        status = runner_process_send(session->runner, &message, sizeof message, fds, job->inspect ? 3 : 2, err);
    for (int i = 0; i < 3; i += 2)
        if (fds[i] >= 0)
            close(fds[i]);
    begin_loading(session, job);
    return status;
}

int
runner_request_load(runner_session_t *session, runner_job_t *job, const cached_code_t *code, err_t *err)
{
    runner_load_t message = {
        .code = RUNNER_LOAD, .kernel = job->kernel->id, .size = code->size, .description = code->about};
    memcpy(message.symbol, code->symbol, sizeof message.symbol);
    int status = runner_request_allowed(job->kernel->source, err);
    if (!status)
        status = runner_process_send(session->runner, &message, sizeof message, &code->fd, 1, err);
    begin_loading(session, job);
    return status;
}

/* Descriptors of those arrays whose maps are not there yet. */
static int
place_maps(runner_maps_t *maps, runner_job_t *job, int64_t limit, int ret[RUNNER_MAX_OPERANDS])
{
    runner_run_t *request = job->request;
    uint32_t outputs = request->nin + request->masked;
    int next = 0, n = 0;
    runner_maps_begin(maps, request->serial, job->started_ns);
    for (uint32_t k = 0; k < request->count; k++) {
        runner_operand_t *wire = &request->operands[k];
        if (wire->mailbox)
            continue;
        int fd = job->fds[next++];
        runner_maps_place(maps, wire, k >= outputs && k < outputs + request->nout, limit);
        if (!wire->held)
            ret[n++] = fd;
    }
    request->drop = runner_maps_gone(maps);
    return n;
}

int
runner_request_drop(runner_session_t *session, err_t *err)
{
    runner_maps_t *maps = &session->runner->maps;
    runner_maps_give_up(maps);
    runner_drop_t message = {.code = RUNNER_DROP, .maps = runner_maps_gone(maps)};
    return message.maps ? runner_process_tell(session->runner, &message, sizeof message, err) : FH_OK;
}

int
runner_request_run(runner_session_t *session, runner_job_t *job, err_t *err)
{
    int fds[RUNNER_MAX_OPERANDS];
    job->request->kernel = job->kernel->id;
    job->request->serial = ++session->calls;
    job->started_ns = clock_now_ns();
    runner_call_put(job, session->runner->mailbox);
    atomic_store_explicit(&session->runner->page->done, 0, memory_order_relaxed);
    atomic_store_explicit(&session->runner->page->total, 0, memory_order_relaxed);
    size_t size = offsetof(runner_run_t, operands) + job->request->count * sizeof job->request->operands[0];
    session->loading = false;
    session->active_deadline = job->deadline_ns;
    int nfds = place_maps(&session->runner->maps, job, session->runner->map_bytes, fds);
    int status = job->nfds ? runner_process_send(session->runner, job->request, size, fds, nfds, err)
                           : runner_process_send_near(session->runner, job->request, size, err);
    if (status)
        runner_maps_give_up(&session->runner->maps); /* it has not heard which of them are new */
    return status;
}
