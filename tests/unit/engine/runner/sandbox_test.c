/* The wall itself, without vetting before it: children that go behind it and try to get out. */
#include "engine/runner/fault.h"
#include "engine/runner/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { CHILD_NOT_CLOSED = 90, CHILD_GOT_OUT = 91, CHILD_WAS_DENIED = 92 };

static runner_page_t *page;
static int page_fd;

static int
set_up(void **state)
{
    (void)state;
    page_fd = memfd_create("page", MFD_CLOEXEC);
    assert_true(page_fd >= 0 && !ftruncate(page_fd, RUNNER_PAGE_BYTES));
    page = mmap(NULL, RUNNER_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, page_fd, 0);
    assert_true(page != MAP_FAILED);
    return 0;
}

static void
go_inside(void)
{
    sandbox_t sandbox = {.optional = false};
    if (fault_start(page, NULL) || sandbox_limits((int64_t)8 << 30, 8 << 20, NULL) || sandbox_close(&sandbox, NULL) ||
        sandbox_lock(&sandbox, NULL))
        _exit(CHILD_NOT_CLOSED);
}

/* Exit status of a child that goes inside and tries something; attempt returns true if it got what it wanted. */
static int
inside(bool (*attempt)(void))
{
    memset(page, 0, sizeof *page);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (!pid) {
        go_inside();
        _exit(attempt() ? CHILD_GOT_OUT : CHILD_WAS_DENIED);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static bool
try_open(void)
{
    return open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0;
}

static bool
try_create(void)
{
    return open("/tmp/farhand-sandbox-test", O_CREAT | O_WRONLY | O_CLOEXEC, 0600) >= 0;
}

static bool
try_socket(void)
{
    return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0;
}

static bool
try_fork(void)
{
    return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) >= 0; /* fork() of newer C libraries blocks signals before */
}

static bool
try_exec(void)
{
    return !execl("/bin/true", "true", (char *)NULL);
}

static bool
try_kill(void)
{
    return !kill(getppid(), 0);
}

static bool
try_trace(void)
{
    return syscall(SYS_ptrace, 16, (long)getppid(), 0, 0) >= 0;
}

static bool
try_other_memory(void)
{
    char byte;
    struct iovec here = {&byte, 1}, there = {page, 1};
    return syscall(SYS_process_vm_readv, (long)1, &here, 1L, &there, 1L, 0L) >= 0;
}

static bool
try_ring(void)
{
    char room[256] = {0};
    return syscall(SYS_io_uring_setup, 4L, room) >= 0;
}

static bool
try_code_in_array(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, page_fd, 0) != MAP_FAILED;
}

static bool
try_new_file_memory(void)
{
    return memfd_create("more", MFD_CLOEXEC) >= 0;
}

static bool
try_unlocked_privileges(void)
{
    return !prctl(PR_SET_DUMPABLE, 1);
}

static void
forbidden_calls_end_the_process_and_are_named(void **state)
{
    (void)state;
    static const struct {
        bool (*attempt)(void);
        const char *call;
    } ATTEMPTS[] = {
        {try_open, "openat"},
        {try_create, "openat"},
        {try_socket, "socket"},
        {try_fork, "clone"},
        {try_exec, "execve"},
        {try_kill, "getppid"},
        {try_trace, "getppid"},
        {try_other_memory, "process_vm_readv"},
        {try_ring, "io_uring_setup"},
        {try_code_in_array, "mmap"},
        {try_new_file_memory, "memfd_create"},
        {try_unlocked_privileges, "prctl"},
    };
    for (size_t i = 0; i < sizeof ATTEMPTS / sizeof *ATTEMPTS; i++) {
        int status = inside(ATTEMPTS[i].attempt);
        if (status != 128 + SIGSYS || strcmp(page->system_call_name, ATTEMPTS[i].call))
            fail_msg("attempt %zu (%s): exit status %d, page says %s", i, ATTEMPTS[i].call, status,
                     page->system_call_name);
    }
}

static bool
compute(void)
{
    char *memory = malloc(8 << 20);
    if (!memory)
        return false;
    memset(memory, 1, 8 << 20);
    void *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void *array = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, page_fd, 0);
    return code != MAP_FAILED && !mprotect(code, 4096, PROT_READ | PROT_EXEC) && array != MAP_FAILED &&
           !munmap(array, 4096);
}

static void
memory_and_code_are_allowed(void **state)
{
    (void)state;
    assert_int_equal(inside(compute), CHILD_GOT_OUT);
}

static bool
hog(void)
{
    return mmap(NULL, (size_t)16 << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

static void
memory_above_the_limit_is_denied(void **state)
{
    (void)state;
    int status = inside(hog);
#ifdef FH_INSTRUMENTED
    print_message("sanitizers need the address space: no limit is set\n");
    (void)status;
    skip();
#else
    assert_int_equal(status, CHILD_WAS_DENIED);
#endif
}

static bool
fault_far(void)
{
    *(volatile int *)(uintptr_t)0x123450 = 1;
    return true;
}

static volatile int depth_sink;

__attribute__((noinline)) static int
fall(int depth)
{
    volatile char room[2048];
    room[0] = (char)depth;
    depth_sink = depth;
    int below = depth_sink >= 0 ? fall(depth + 1) : 0;
    return below + room[0];
}

static bool
overflow(void)
{
    return fall(0) >= 0;
}

static void
faults_leave_signal_and_address(void **state)
{
    (void)state;
    assert_int_equal(inside(fault_far), 128 + SIGSEGV);
    assert_int_equal(page->signal, SIGSEGV);
    assert_int_equal(page->address, 0x123450);
    assert_false(page->stack_overflow);
    assert_int_equal(inside(overflow), 128 + SIGSEGV);
    assert_true(page->stack_overflow);
}

static bool
give_up(void)
{
    fault_exit("the reason");
}

static void
last_words_are_kept(void **state)
{
    (void)state;
    assert_int_equal(inside(give_up), 70);
    assert_string_equal(page->text, "the reason");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forbidden_calls_end_the_process_and_are_named),
        cmocka_unit_test(memory_and_code_are_allowed),
        cmocka_unit_test(memory_above_the_limit_is_denied),
        cmocka_unit_test(faults_leave_signal_and_address),
        cmocka_unit_test(last_words_are_kept),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
