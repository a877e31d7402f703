#include "engine/runner/service.h"

#include "base/clock.h"
#include "codecs/sha256.h"
#include "engine/runner/code/compile.h"
#include "engine/runner/code/lines.h"
#include "engine/runner/code/llvm_compat.h"
#include "engine/runner/fault.h"
#include "engine/runner/patience.h"
#include "engine/runner/run/execute.h"
#include "engine/runner/run/guard.h"
#include "engine/runner/runner_wire.h"
#include "engine/runner/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef FH_ONE_THREAD
#define FH_ONE_THREAD 0 /* 1: a sanitizer's run time and threads do not go together with the sandbox */
#endif

enum { MAX_KERNELS = 4096, LOOK_NS = 20000 };

typedef struct {
    uint32_t id;
    compiled_t compiled;
} kernel_t;

typedef struct {
    jit_t *jit;
    crew_t *crew;
    sandbox_t sandbox;
    runner_page_t *page; /* shared with the engine, like the mailbox */
    char *mailbox;
    kept_maps_t maps;
    uint32_t heard; /* requests */
    patience_t patience;
    kernel_t *kernels;
    size_t count, room;
} service_t;

typedef union {
    uint32_t code;
    runner_compile_t compile;
    runner_run_t run;
    runner_load_t load;
    runner_drop_t drop;
} request_t;

/* A kernel with a little of everything, compiled before the sandbox closes: what LLVM loads late is loaded then, and
 * the first real kernel finds everything warm. */
static const char WARM_UP[] =
    "declare double @llvm.sqrt.f64(double)\n"
    "define double @warm(double %a, double %b) {\n"
    "  %s = call double @llvm.sqrt.f64(double %a)\n  %c = fmul double %s, %b\n  ret double %c\n}\n";

static int
warm_up(service_t *self, err_t *err)
{
    compiled_t warm;
    kernel_options_t options = {.entry = "warm", .signature = "", .kind = "", .layout = ""};
    int status = compile_kernel(self->jit, WARM_UP, sizeof WARM_UP - 1, &options, "farhand.warm", &warm, err);
    if (!status)
        compiled_release(&warm);
    return status;
}

/* Standard streams go nowhere: LLVM writes to them, and they may be somebody's log. */
static int
silence(err_t *err)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return err_set_errno(err, FH_INTERNAL, errno, "/dev/null cannot be opened");
    for (int i = 0; i < 3; i++)
        dup2(fd, i);
    if (fd > 2)
        close(fd);
    return FH_OK;
}

/* Each thread of the crew waits here for all others, so each comes by once. */
static void
prepare_thread(void *context, int64_t i)
{
    (void)i;
    fault_thread(NULL);
    guard_thread();
    pthread_barrier_wait(context);
}

/* Once the sandbox is locked, a thread cannot even begin: all must be running before. */
static int
start_crew(service_t *self, int threads, err_t *err)
{
    pthread_barrier_t together;
    int status = crew_new(&self->crew, threads, err);
    if (status)
        return status;
    if (pthread_barrier_init(&together, NULL, (unsigned)threads))
        return err_set(err, FH_NO_MEMORY, "no barrier for %d threads", threads);
    crew_run(self->crew, threads, prepare_thread, &together);
    pthread_barrier_destroy(&together);
    return FH_OK;
}

/* The status page and the mailbox behind it. */
static int
map_shared(service_t *self, err_t *err)
{
    size_t size = RUNNER_PAGE_BYTES + (size_t)RUNNER_MAILBOX_BYTES;
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, RUNNER_PAGE_FD, 0);
    int number = errno;
    close(RUNNER_PAGE_FD);
    if (memory == MAP_FAILED)
        return err_set_errno(err, FH_INTERNAL, number, "the status page cannot be mapped");
    self->page = memory;
    self->mailbox = (char *)memory + RUNNER_PAGE_BYTES;
    return FH_OK;
}

static int
start(service_t *self, const service_options_t *options, err_t *err)
{
    self->sandbox.optional = options->unsafe_no_sandbox;
    int status = map_shared(self, err);
    if (!status)
        status = fault_start(self->page, err);
    fault_find_lines(lines_find);
    if (!status)
        status = sandbox_limits(options->memory_bytes, options->stack_bytes, err);
    if (!status)
        status = jit_new(&self->jit, err);
    if (!status)
        status = warm_up(self, err);
    if (!status)
        status = silence(err);
    if (!status)
        status = sandbox_close(&self->sandbox, err);
    if (!status && options->threads > 1 && !FH_ONE_THREAD)
        status = start_crew(self, options->threads, err);
    if (!status)
        status = sandbox_lock(&self->sandbox, err);
    return status;
}

static bool
reply(const runner_reply_t *message)
{
    struct iovec part = {(void *)(uintptr_t)message, sizeof *message};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    ssize_t n;
    do
        n = sendmsg(RUNNER_SOCKET_FD, &header, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof *message;
}

static void
fill_error(runner_reply_t *ret, int status, const err_t *err)
{
    ret->status = status;
    ret->os_errno = err->os_errno;
    if (status)
        memcpy(ret->text, err->text, sizeof ret->text);
}

/* What the code that we make depends on besides the CPU's name: its features, and the compiler that is really there. */
static void
hash_features(const jit_t *jit, uint8_t ret[SHA256_SIZE])
{
    char text[8192];
    unsigned version[3];
    LLVMGetVersion(&version[0], &version[1], &version[2]);
    int size =
        snprintf(text, sizeof text, "%u.%u.%u %s", version[0], version[1], version[2], jit_target(jit)->features);
    sha256(text, size < (int)sizeof text ? (size_t)size : sizeof text - 1, ret);
}

static bool
announce(const service_t *self, int status, const err_t *err)
{
    runner_reply_t message = {.code = RUNNER_READY};
    fill_error(&message, status, err);
    message.as.ready.llvm_major = LLVM_VERSION_MAJOR;
    snprintf(message.as.ready.llvm, sizeof message.as.ready.llvm, "%s", LLVM_VERSION_STRING);
    if (!status)
        hash_features(self->jit, message.as.ready.features);
    if (!status)
        snprintf(message.as.ready.cpu, sizeof message.as.ready.cpu, "%s", jit_cpu(self->jit));
    snprintf(message.as.ready.sandbox, sizeof message.as.ready.sandbox, "%s",
             *self->sandbox.applied ? self->sandbox.applied : "none");
    return reply(&message);
}

static kernel_t *
find(service_t *self, uint32_t id)
{
    for (size_t i = 0; i < self->count; i++)
        if (self->kernels[i].id == id)
            return &self->kernels[i];
    return NULL;
}

static int
make_room(service_t *self, err_t *err)
{
    if (self->count < self->room)
        return FH_OK;
    size_t room = self->room ? self->room * 2 : 16;
    kernel_t *grown = self->count < MAX_KERNELS ? realloc(self->kernels, room * sizeof *grown) : NULL;
    if (!grown)
        return err_set(err, FH_LIMIT_EXCEEDED, "no room for more than %zu kernels", self->count);
    self->kernels = grown;
    self->room = room;
    return FH_OK;
}

/* Put the texts into the engine's memfd, IR first, cut to what there is room for. */
static void
write_texts(const compiled_t *compiled, int fd, runner_reply_t *ret)
{
    char *room = mmap(NULL, RUNNER_INSPECT_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (room == MAP_FAILED)
        return;
    size_t ir = strlen(compiled->ir), assembly = LLVMGetBufferSize(compiled->assembly);
    if (ir > RUNNER_INSPECT_BYTES / 2)
        ir = RUNNER_INSPECT_BYTES / 2;
    if (assembly > RUNNER_INSPECT_BYTES / 2)
        assembly = RUNNER_INSPECT_BYTES / 2;
    memcpy(room, compiled->ir, ir);
    memcpy(room + ir, LLVMGetBufferStart(compiled->assembly), assembly);
    munmap(room, RUNNER_INSPECT_BYTES);
    ret->as.compiled.ir_bytes = (uint32_t)ir;
    ret->as.compiled.assembly_bytes = (uint32_t)assembly;
}

/* Put the machine code into the engine's memfd, if there is room for it. */
static void
write_object(const compiled_t *compiled, int fd, runner_reply_t *ret)
{
    size_t size = compiled->object ? LLVMGetBufferSize(compiled->object) : 0;
    if (!size || size > RUNNER_MAX_OBJECT)
        return;
    void *room = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (room == MAP_FAILED)
        return;
    memcpy(room, LLVMGetBufferStart(compiled->object), size);
    munmap(room, size);
    ret->as.compiled.object_bytes = (uint32_t)size;
}

/* It takes the place of one with the same number. */
static void
add_kernel(service_t *self, kernel_t *kernel, runner_reply_t *ret)
{
    ret->as.compiled.description = kernel->compiled.run.about;
    compiled_drop_texts(&kernel->compiled);
    kernel_t *old = find(self, kernel->id);
    if (old)
        compiled_release(&old->compiled);
    *(old ? old : &self->kernels[self->count++]) = *kernel;
}

static void
on_compile(service_t *self, const runner_compile_t *request, const int *fds, int nfds, runner_reply_t *ret, err_t *err)
{
    int64_t began = clock_now_ns();
    kernel_options_t options = {.entry = request->entry,
                                .signature = request->signature,
                                .kind = request->kind,
                                .layout = request->layout,
                                .state_bytes = request->state_bytes,
                                .inspect = request->inspect,
                                .fastmath = request->fastmath,
                                .exact = request->exact,
                                .debug = request->debug};
    ret->code = RUNNER_COMPILED;
    void *bytes = MAP_FAILED;
    kernel_t kernel = {.id = request->kernel};
    int status = make_room(self, err);
    if (!status && (nfds != 2 + (request->inspect != 0) || !request->size || request->size > RUNNER_MAX_BITCODE))
        status = err_set(err, FH_INTERNAL, "the request has %d descriptors and %u bytes", nfds, request->size);
    if (!status) {
        bytes = mmap(NULL, request->size, PROT_READ, MAP_PRIVATE, fds[0],
                     0); /* sealed: older kernels share it with nobody */
        if (bytes == MAP_FAILED)
            status = err_set_errno(err, FH_NO_MEMORY, errno, "the bitcode cannot be mapped");
    }
    if (!status)
        status = compile_kernel(self->jit, bytes, request->size, &options, request->symbol, &kernel.compiled, err);
    if (bytes != MAP_FAILED)
        munmap(bytes, request->size);
    if (!status) {
        write_object(&kernel.compiled, fds[1], ret);
        if (request->inspect)
            write_texts(&kernel.compiled, fds[2], ret);
        ret->as.compiled.compile_ns = (uint64_t)(clock_now_ns() - began);
        add_kernel(self, &kernel, ret);
    }
    fill_error(ret, status, err);
}

static void
on_load(service_t *self, const runner_load_t *request, const int *fds, int nfds, runner_reply_t *ret, err_t *err)
{
    ret->code = RUNNER_COMPILED;
    void *bytes = MAP_FAILED;
    kernel_t kernel = {.id = request->kernel};
    int status = make_room(self, err);
    if (!status && (nfds != 1 || !request->size || request->size > RUNNER_MAX_OBJECT))
        status = err_set(err, FH_INTERNAL, "the request has %d descriptors and %u bytes", nfds, request->size);
    if (!status) {
        bytes = mmap(NULL, request->size, PROT_READ, MAP_PRIVATE, fds[0], 0);
        if (bytes == MAP_FAILED)
            status = err_set_errno(err, FH_NO_MEMORY, errno, "the machine code cannot be mapped");
    }
    if (!status)
        status = compile_load(self->jit, bytes, request->size, request->symbol, &request->description, &kernel.compiled,
                              err);
    if (bytes != MAP_FAILED)
        munmap(bytes, request->size);
    if (!status)
        add_kernel(self, &kernel, ret);
    fill_error(ret, status, err);
}

static void
on_run(service_t *self, const runner_run_t *request, const int *fds, int nfds, runner_reply_t *ret, err_t *err)
{
    ret->code = RUNNER_DONE;
    int64_t began = clock_now_ns();
    int status = FH_OK;
    const kernel_t *kernel = find(self, request->kernel);
    if (!kernel)
        status = err_set(err, FH_INTERNAL, "the runner knows no kernel %u", request->kernel);
    execute_done_t done = {0};
    execute_memory_t memory = {.fds = fds, .nfds = nfds, .mailbox = self->mailbox, .maps = &self->maps};
    if (!status)
        status = execute_run(&kernel->compiled.run, request, &memory, self->crew, self->page, &done, err);
    ret->as.done.elements = done.elements;
    ret->as.done.raised = done.raised;
    ret->as.done.kept = kept_maps_here(&self->maps);
    ret->as.done.run_ns = (uint64_t)(clock_now_ns() - began);
    fill_error(ret, status, err);
}

/* One call often follows another at once. */
static ssize_t
await(service_t *self, struct msghdr *header)
{
    bool seen = patience_look(&self->patience, &self->page->asked, self->heard,
                              atomic_load_explicit(&self->page->engine_cpu, memory_order_relaxed), LOOK_NS);
    int64_t began = seen ? 0 : clock_now_ns();
    ssize_t n;
    do
        n = recvmsg(RUNNER_SOCKET_FD, header, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (!seen)
        patience_slept(&self->patience, clock_now_ns() - began);
    return n;
}

/* Wait for a request.  False at the end of the stream, or on anything that our engine would not send. */
static bool
receive(service_t *self, request_t *ret, int *fds, int *ret_nfds)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int) * RUNNER_MAX_OPERANDS)];
        struct cmsghdr align;
    } control;
    struct iovec part = {ret, sizeof *ret};
    struct msghdr header = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control};
    ssize_t n = await(self, &header);
    *ret_nfds = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&header); n > 0 && c; c = CMSG_NXTHDR(&header, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
            *ret_nfds = (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
            memcpy(fds, CMSG_DATA(c), (size_t)*ret_nfds * sizeof(int));
        }
    if (n < (ssize_t)sizeof ret->code || (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
        return false;
    size_t size = (size_t)n;
    if (ret->code == RUNNER_COMPILE)
        return size == sizeof ret->compile;
    if (ret->code == RUNNER_LOAD)
        return size == sizeof ret->load;
    if (ret->code == RUNNER_DROP)
        return size == sizeof ret->drop;
    return ret->code == RUNNER_RUN && size >= offsetof(runner_run_t, operands) &&
           (size - offsetof(runner_run_t, operands)) == (size_t)ret->run.count * sizeof ret->run.operands[0];
}

static bool
serve(service_t *self)
{
    static request_t request;
    int fds[RUNNER_MAX_OPERANDS], nfds = 0;
    if (!receive(self, &request, fds, &nfds))
        return false;
    if (request.code == RUNNER_DROP) {
        kept_maps_begin(&self->maps, request.drop.maps);
        return true;
    }
    self->heard++;
    runner_reply_t answer = {0};
    err_t err = {0};
    if (request.code == RUNNER_COMPILE) {
        answer.kernel = request.compile.kernel;
        on_compile(self, &request.compile, fds, nfds, &answer, &err);
    } else if (request.code == RUNNER_LOAD) {
        answer.kernel = request.load.kernel;
        on_load(self, &request.load, fds, nfds, &answer, &err);
    } else {
        answer.kernel = request.run.kernel;
        on_run(self, &request.run, fds, nfds, &answer, &err);
    }
    for (int i = 0; i < nfds; i++)
        close(fds[i]);
    atomic_store_explicit(&self->page->runner_cpu, sched_getcpu(), memory_order_relaxed);
    bool said = reply(&answer);
    atomic_store_explicit(&self->page->answered, self->heard, memory_order_release);
    return said;
}

int
service_run(const service_options_t *options)
{
    static service_t service;
    err_t err = {0};
    int status = start(&service, options, &err);
    if (!announce(&service, status, &err) || status)
        return 1;
    while (serve(&service)) {
    }
    _exit(0); /* LLVM's destructors have nothing to save, and what they would call is refused */
}
