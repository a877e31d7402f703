#include "engine/runner_process.h"

#include "base/clock.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEFAULT_STACK = 8 << 20, SHARED_BYTES = RUNNER_PAGE_BYTES + RUNNER_MAILBOX_BYTES };

static const int64_t LOOK_NS = 15000;
static const int64_t DEFAULT_MEMORY = (int64_t)8 << 30;

/* Which build of the program it is, as far as its file tells. */
static void
note_program(const char *path, uint64_t ret[4])
{
    struct stat info;
    if (stat(path, &info))
        return;
    ret[0] = info.st_dev;
    ret[1] = info.st_ino;
    ret[2] = (uint64_t)info.st_size;
    ret[3] = (uint64_t)info.st_mtim.tv_sec * 1000000000 + (uint64_t)info.st_mtim.tv_nsec;
}

int
runner_process_start(runner_process_t **ret, const runner_host_options_t *options, uint64_t serial, err_t *err)
{
    int64_t memory_bytes = options->memory_bytes ? options->memory_bytes : DEFAULT_MEMORY;
    char program[CHILD_PATH_ROOM], memory[40], stack[40], threads[40];
    (void)snprintf(memory, sizeof memory, "--memory=%lld", (long long)memory_bytes);
    (void)snprintf(stack, sizeof stack, "--stack=%lld",
                   (long long)(options->stack_bytes ? options->stack_bytes : DEFAULT_STACK));
    (void)snprintf(threads, sizeof threads, "--threads=%d", options->threads > 0 ? options->threads : 1);
    char name[] = "farhand-runner", unsafe[] = "--unsafe-no-sandbox";
    char *argv[] = {name, memory, stack, threads, options->unsafe_no_sandbox ? unsafe : NULL, NULL};
    char *environment[] = {NULL};
    runner_process_t *self = calloc(1, sizeof *self);
    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory for a runner");
    child_process_find(options->program, name, program);
    note_program(program, self->maker.program);
    int status = child_process_start(&self->child,
                                     &(child_options_t){.what = "runner",
                                                        .program = name,
                                                        .path = program,
                                                        .argv = argv,
                                                        .environment = environment,
                                                        .shared_bytes = SHARED_BYTES},
                                     err);
    if (status) {
        free(self);
        return status;
    }
    self->serial = serial;
    self->map_bytes = memory_bytes / 2;
    self->page = self->child.shared;
    self->mailbox = (char *)self->child.shared + RUNNER_PAGE_BYTES;
    *ret = self;
    return FH_OK;
}

void
runner_process_destroy(runner_process_t **self)
{
    if (!*self)
        return;
    child_process_release(&(*self)->child);
    free(*self);
    *self = NULL;
}

static int
transmit(runner_process_t *self, const void *message, size_t size, const int *fds, int nfds, err_t *err)
{
    int status = child_process_send(&self->child, message, size, fds, nfds, err);
    if (status == FH_BUSY) /* it has taken none of the few that it gets at a time */
        return err_set(err, FH_IO_ERROR, "runner %d takes no request", (int)self->child.pid);
    return status;
}

int
runner_process_send_near(runner_process_t *self, const void *message, size_t size, err_t *err)
{
    cpu_set_t here, all;
    bool known = !sched_getaffinity(0, sizeof all, &all);
    CPU_ZERO(&here);
    CPU_SET((size_t)sched_getcpu(), &here);
    /* Only for the moment in which it is woken: afterwards it may be moved as any other. */
    bool near = known && !sched_setaffinity(self->child.pid, sizeof here, &here);
    int status = runner_process_send(self, message, size, NULL, 0, err);
    if (near)
        (void)sched_setaffinity(self->child.pid, sizeof all, &all);
    return status;
}

int
runner_process_tell(runner_process_t *self, const void *message, size_t size, err_t *err)
{
    return transmit(self, message, size, NULL, 0, err);
}

int
runner_process_send(runner_process_t *self, const void *message, size_t size, const int *fds, int nfds, err_t *err)
{
    int status = transmit(self, message, size, fds, nfds, err);
    if (status)
        return status;
    self->asked_ns = clock_now_ns();
    atomic_store_explicit(&self->page->engine_cpu, sched_getcpu(), memory_order_relaxed);
    self->looked = self->seen = false;
    atomic_store_explicit(&self->page->asked, ++self->asked, memory_order_release);
    return FH_OK;
}

int
runner_process_receive(runner_process_t *self, runner_reply_t *ret, err_t *err)
{
    size_t size = 0;
    int status = child_process_receive(&self->child, ret, sizeof *ret, &size, err);
    if (status)
        return status;
    if (size != sizeof *ret)
        return err_set(err, FH_PROTOCOL_ERROR, "runner %d said %zu bytes that are no reply", (int)self->child.pid,
                       size);
    ret->text[sizeof ret->text - 1] = '\0';
    if (!self->seen)
        patience_slept(&self->patience, clock_now_ns() - self->asked_ns);
    return FH_OK;
}

bool
runner_process_look(runner_process_t *self)
{
    if (!self->looked)
        self->seen = patience_look(&self->patience, &self->page->answered, self->asked - 1,
                                   atomic_load_explicit(&self->page->runner_cpu, memory_order_relaxed), LOOK_NS);
    self->looked = true;
    return self->seen;
}

int64_t
runner_process_resident(const runner_process_t *self)
{
    char path[64], text[128];
    long long total = 0, resident = 0;
    snprintf(path, sizeof path, "/proc/%d/statm", (int)self->child.pid);
    int fd = self->child.pid ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    return sscanf(text, "%lld %lld", &total, &resident) == 2 ? (int64_t)resident * sysconf(_SC_PAGESIZE) : 0;
}

/* Text from the page: copied, terminated, without what could upset a terminal. */
static void
clean(char *ret, const char *text, size_t size)
{
    memcpy(ret, text, size);
    ret[size - 1] = '\0';
    for (char *c = ret; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
}

/* Where it was: " (stencil.c:12), piece 3, elements 4096 to 8191", as far as that is known. */
static void
describe_place(char *ret, size_t size, const runner_page_t *page, int64_t piece)
{
    char file[sizeof page->file], line[sizeof page->file + 20] = "", part[40] = "", elements[80] = "";
    clean(file, page->file, sizeof file);
    if (*file && page->line > 0)
        snprintf(line, sizeof line, " (%s:%d)", file, page->line);
    if (piece >= 0)
        snprintf(part, sizeof part, ", piece %lld", (long long)piece);
    if (page->first >= 0 && page->last - 1 == page->first)
        snprintf(elements, sizeof elements, ", element %lld", (long long)page->first);
    else if (page->first >= 0 && page->last > page->first)
        snprintf(elements, sizeof elements, ", elements %lld to %lld", (long long)page->first,
                 (long long)page->last - 1);
    snprintf(ret, size, "%s%s%s", line, part, elements);
}

int
runner_process_fault(const runner_process_t *self, const char *doing, int64_t piece, err_t *err)
{
    runner_page_t page = *self->page;
    int number = page.signal > 0 && page.signal < 64 ? page.signal : self->child.exit_signal;
    char text[sizeof page.text], call[sizeof page.system_call_name], where[sizeof page.file + 140];
    clean(text, page.text, sizeof text);
    clean(call, page.system_call_name, sizeof call);
    describe_place(where, sizeof where, &page, piece);
    const char *abbreviation = sigabbrev_np(number);
    if (*text && page.checked)
        err_set(err, FH_KERNEL_FAULT, "%.300s %s%s", text, doing, where);
    else if (*text)
        err_set(err, FH_KERNEL_FAULT, "LLVM gave up %s: %.300s", doing, text);
    else if (number == SIGSYS)
        err_set(err, FH_KERNEL_FAULT, "SIGSYS %s%s: the sandbox refused system call %d%s%s", doing, where,
                page.system_call, *call ? ", " : "", call);
    else if (number && page.signal)
        err_set(err, FH_KERNEL_FAULT, "SIG%s at address 0x%llx %s%s%s", abbreviation ? abbreviation : "?",
                (unsigned long long)page.address, doing, where, page.stack_overflow ? ": stack overflow" : "");
    else if (number)
        err_set(err, FH_KERNEL_FAULT, "the runner was killed by SIG%s %s", abbreviation ? abbreviation : "?", doing);
    else
        err_set(err, FH_KERNEL_FAULT, "the runner ended with exit status %d %s", self->child.exit_code, doing);
    if (err) {
        err->signal = number;
        err->address = page.address;
    }
    return FH_KERNEL_FAULT;
}
