#include "engine/runner/fault.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <llvm-c/ErrorHandling.h>

enum { HANDLER_STACK = 64 << 10, CALLS = 512, CALL_NAME = 24, OVERFLOW_REACH = 256 << 10 };

static const int SIGNALS[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS, SIGTRAP, SIGABRT};

static runner_page_t *page;
static char call_names[CALLS][CALL_NAME];
static volatile sig_atomic_t probing, refused;

/* The stack pointer of the code that was interrupted; 0 where we do not know how to ask. */
static uintptr_t
stack_pointer(const void *context)
{
#if defined(__x86_64__)
    return (uintptr_t)((const ucontext_t *)context)->uc_mcontext.gregs[REG_RSP];
#elif defined(__aarch64__)
    return (uintptr_t)((const ucontext_t *)context)->uc_mcontext.sp;
#else
    (void)context;
    return 0;
#endif
}

/* Async-signal-safe: plain stores and _exit. */
static void
on_signal(int number, siginfo_t *info, void *context)
{
    if (number == SIGSYS && probing) {
        refused = 1;
        return;
    }
    page->signal = number;
    page->code = info->si_code;
    page->address = (uint64_t)(uintptr_t)info->si_addr;
    if (number == SIGSYS) {
        int call = info->si_syscall;
        page->address = 0;
        page->system_call = call;
        if (call >= 0 && call < CALLS)
            for (size_t i = 0; i < CALL_NAME; i++)
                page->system_call_name[i] = call_names[call][i];
    }
    uintptr_t stack = stack_pointer(context), address = (uintptr_t)info->si_addr;
    page->stack_overflow =
        number == SIGSEGV && stack && address < stack + OVERFLOW_REACH && address + OVERFLOW_REACH > stack;
    _exit(128 + number);
}

static void
on_llvm_fatal(const char *reason)
{
    fault_exit(reason);
}

int
fault_thread(err_t *err)
{
    stack_t stack = {.ss_size = HANDLER_STACK};
    stack.ss_sp = malloc(HANDLER_STACK);
    sigset_t mine;
    sigemptyset(&mine);
    for (size_t i = 0; i < sizeof SIGNALS / sizeof *SIGNALS; i++)
        sigaddset(&mine, SIGNALS[i]);
    if (!stack.ss_sp || sigaltstack(&stack, NULL) || pthread_sigmask(SIG_UNBLOCK, &mine, NULL))
        return err_set_errno(err, FH_INTERNAL, errno, "no stack for signal handlers");
    return FH_OK;
}

int
fault_start(int page_fd, err_t *err)
{
    void *memory = mmap(NULL, RUNNER_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, page_fd, 0);
    if (memory == MAP_FAILED)
        return err_set_errno(err, FH_INTERNAL, errno, "the status page cannot be mapped");
    page = memory;
    int status = fault_thread(err);
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof SIGNALS / sizeof *SIGNALS && !status; i++)
        if (sigaction(SIGNALS[i], &action, NULL))
            status = err_set_errno(err, FH_INTERNAL, errno, "no handler for signal %d", SIGNALS[i]);
    LLVMInstallFatalErrorHandler(on_llvm_fatal);
    return status;
}

void
fault_name_calls(void (*name)(int number, char *ret, size_t size))
{
    for (int i = 0; i < CALLS; i++)
        name(i, call_names[i], CALL_NAME);
}

bool
fault_probe(void (*try)(void))
{
    refused = 0;
    probing = 1;
    try();
    probing = 0;
    return refused;
}

void
fault_exit(const char *text)
{
    size_t i = 0;
    for (; text[i] && i < sizeof page->text - 1; i++)
        page->text[i] = text[i];
    page->text[i] = '\0';
    _exit(70);
}
