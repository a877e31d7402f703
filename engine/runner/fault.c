#include "engine/runner/fault.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <llvm-c/ErrorHandling.h>

enum { HANDLER_STACK = 64 << 10, CALLS = 512, CALL_NAME = 24, OVERFLOW_REACH = 256 << 10, CALLER_REACH = 64 };

static const int SIGNALS[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS, SIGTRAP, SIGABRT};

static runner_page_t *page;
static char call_names[CALLS][CALL_NAME];
static volatile sig_atomic_t probing, refused;
static atomic_bool taken;
static fault_find_fn find_line;
static _Thread_local volatile sig_atomic_t ending;
static _Thread_local volatile int64_t first_element, last_element;

/* Where the code was interrupted. */
typedef struct {
    uintptr_t stack, code; /* 0 where we do not know how to ask */
} place_t;

static place_t
interrupted(const void *context)
{
#if defined(__x86_64__)
    const greg_t *registers = ((const ucontext_t *)context)->uc_mcontext.gregs;
    return (place_t){(uintptr_t)registers[REG_RSP], (uintptr_t)registers[REG_RIP]};
#elif defined(__aarch64__)
    const ucontext_t *state = context;
    return (place_t){(uintptr_t)state->uc_mcontext.sp, (uintptr_t)state->uc_mcontext.pc};
#else
    (void)context;
    return (place_t){0, 0};
#endif
}

/* The first thread to fail writes the page and ends the process; others wait for that. */
static void
take_page(void)
{
    while (atomic_exchange(&taken, true))
        sched_yield();
    ending = 1;
}

static void
put_text(char *ret, size_t size, const char *text)
{
    size_t i = 0;
    for (; text[i] && i < size - 1; i++)
        ret[i] = text[i];
    ret[i] = '\0';
}

static void
put_place(const char *file, int32_t line)
{
    put_text(page->file, sizeof page->file, file);
    page->line = line;
    page->first = first_element;
    page->last = last_element;
}

/* The line of the kernel that was at work.  If it was in a function of the C library, what lies on the stack leads
 * back: the first word that is an address of generated code. */
static void
note_place(const place_t *place, int number)
{
    const char *file = "";
    int32_t line = 0;
    put_place(file, line);
    if (!find_line)
        return;
    bool found = find_line(place->code - (number == SIGTRAP), &file, &line);
    const uintptr_t *words = (const uintptr_t *)(place->stack & ~(sizeof(uintptr_t) - 1));
    for (int i = 0; !found && words && !page->stack_overflow && i < CALLER_REACH; i++)
        found = find_line(words[i] - 1, &file, &line);
    put_place(file, line);
}

/* Async-signal-safe: plain stores and _exit. */
static void
on_signal(int number, siginfo_t *info, void *context)
{
    if (number == SIGSYS && probing) {
        refused = 1;
        return;
    }
    if (ending) /* something was not what it seemed; what matters has been said */
        _exit(128 + page->signal);
    take_page();
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
    place_t place = interrupted(context);
    uintptr_t address = (uintptr_t)info->si_addr;
    page->stack_overflow = number == SIGSEGV && place.stack && address < place.stack + OVERFLOW_REACH &&
                           address + OVERFLOW_REACH > place.stack;
    note_place(&place, number);
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
fault_start(runner_page_t *shared, err_t *err)
{
    page = shared;
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

void
fault_find_lines(fault_find_fn find)
{
    find_line = find;
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
    take_page();
    put_text(page->text, sizeof page->text, text);
    _exit(70);
}

void
fault_elements(int64_t first, int64_t last)
{
    first_element = first;
    last_element = last;
}

void
fault_checked(const char *text, const char *file, int32_t line)
{
    take_page();
    put_text(page->text, sizeof page->text, text);
    put_place(file, line);
    page->checked = 1;
    _exit(71);
}
