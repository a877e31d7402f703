#include "engine/runner/sandbox.h"

#include "engine/runner/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <seccomp.h>

/* Linked with a sanitizer's run time, which reserves terabytes of addresses and asks for more. */
#ifndef FH_INSTRUMENTED
#define FH_INSTRUMENTED 0
#endif

/* The kernel's struct as of Landlock's ABI 6; the header of the build machine may be older. */
typedef struct {
    uint64_t fs, net, scoped;
} landlock_rules_t;

enum { MAX_FILES = 96 /* those of a call with the most operands, and a few */ };

/* What each ABI of Landlock can refuse: how many rights of each sort it knows, and how much of the struct. */
static const struct {
    int abi, fs, net, scoped;
    size_t size;
} LANDLOCK[] = {
    {1, 13, 0, 0, 8}, {2, 14, 0, 0, 8}, {3, 15, 0, 0, 8}, {4, 15, 2, 0, 16}, {5, 16, 2, 0, 16}, {6, 16, 2, 2, 24},
};

static int
limit(int resource, int64_t value, const char *name, err_t *err)
{
    struct rlimit limit = {(rlim_t)value, (rlim_t)value};
    if (setrlimit((__rlimit_resource_t)resource, &limit))
        return err_set_errno(err, FH_INTERNAL, errno, "%s cannot be set to %lld", name, (long long)value);
    return FH_OK;
}

int
sandbox_limits(int64_t memory_bytes, int64_t stack_bytes, err_t *err)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) || prctl(PR_SET_DUMPABLE, 0) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return err_set_errno(err, FH_INTERNAL, errno, "prctl failed");
    int status = limit(RLIMIT_CORE, 0, "RLIMIT_CORE", err);
    if (!status)
        status = limit(RLIMIT_FSIZE, 0, "RLIMIT_FSIZE", err);
    if (!status)
        status = limit(RLIMIT_NOFILE, MAX_FILES, "RLIMIT_NOFILE", err);
    if (!status)
        status = limit(RLIMIT_STACK, stack_bytes, "RLIMIT_STACK", err);
    if (!status && !FH_INSTRUMENTED)
        status = limit(RLIMIT_AS, memory_bytes, "RLIMIT_AS", err);
    return status;
}

static int
landlock(int *ret_abi)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, 1);
    if (abi < 1)
        return errno ? errno : ENOSYS;
    size_t row = sizeof LANDLOCK / sizeof *LANDLOCK - 1;
    while (LANDLOCK[row].abi > abi)
        row--;
    landlock_rules_t rules = {
        .fs = (1u << LANDLOCK[row].fs) - 1,
        .net = (1u << LANDLOCK[row].net) - 1,
        .scoped = (1u << LANDLOCK[row].scoped) - 1,
    };
    long fd = syscall(SYS_landlock_create_ruleset, &rules, LANDLOCK[row].size, 0);
    if (fd < 0)
        return errno;
    int failure = syscall(SYS_landlock_restrict_self, fd, 0) ? errno : 0;
    close((int)fd);
    *ret_abi = (int)abi;
    return failure;
}

int
sandbox_close(sandbox_t *self, err_t *err)
{
    int abi = 0, failure = landlock(&abi);
    if (!failure && open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC) >= 0)
        failure = ENOTRECOVERABLE;
    if (!failure) {
        snprintf(self->applied, sizeof self->applied, "landlock%d", abi);
        return FH_OK;
    }
    if (self->optional)
        return FH_OK;
    return err_set_errno(err, FH_PERMISSION, failure,
                         "no Landlock here, so kernels would run without a sandbox; "
                         "--unsafe-no-sandbox allows that");
}

/* What computing and compiling need, once everything is loaded: memory, locks, the socket. */
static const int ALLOWED[] = {
    SCMP_SYS(read),        SCMP_SYS(write),           SCMP_SYS(recvmsg),      SCMP_SYS(sendmsg), SCMP_SYS(close),
    SCMP_SYS(fstat),       SCMP_SYS(munmap),          SCMP_SYS(mremap),       SCMP_SYS(brk),     SCMP_SYS(madvise),
    SCMP_SYS(futex),       SCMP_SYS(clock_gettime),   SCMP_SYS(rt_sigreturn), SCMP_SYS(exit),    SCMP_SYS(exit_group),
    SCMP_SYS(sched_yield), SCMP_SYS(restart_syscall),
};
/* What libraries ask for out of curiosity and do without. */
static const int DENIED[] = {
    SCMP_SYS(newfstatat), SCMP_SYS(sysinfo), SCMP_SYS(sched_getaffinity),
    SCMP_SYS(getrandom),  SCMP_SYS(ioctl),   SCMP_SYS(lseek),
};

static int
build_filter(scmp_filter_ctx filter)
{
    int rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    for (size_t i = 0; i < sizeof ALLOWED / sizeof *ALLOWED && !rc; i++)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, ALLOWED[i], 0);
    for (size_t i = 0; i < sizeof DENIED / sizeof *DENIED && !rc; i++)
        rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), DENIED[i], 0);
    /* Memory is mapped without code, and no memory can be written and run at once. */
    if (!rc)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_CMP(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    if (!rc)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                              SCMP_CMP(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    if (!rc)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                              SCMP_CMP(2, SCMP_CMP_MASKED_EQ, PROT_WRITE, 0));
    return rc;
}

static void
name_call(int number, char *ret, size_t size)
{
    char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);
    snprintf(ret, size, "%s", name ? name : "");
    free(name);
}

static void
try_open(void)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (fd >= 0)
        close(fd);
}

static void
try_socket(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        close(fd);
}

int
sandbox_lock(sandbox_t *self, err_t *err)
{
    fault_name_calls(name_call);
    int status = limit(RLIMIT_NPROC, 0, "RLIMIT_NPROC", err);
    if (status)
        return status;
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);
    int rc = filter ? build_filter(filter) : -ENOMEM;
    if (!rc)
        rc = seccomp_load(filter);
    if (filter)
        seccomp_release(filter);
    bool holds = !rc && fault_probe(try_open) && fault_probe(try_socket);
    if (holds) {
        char closed[sizeof self->applied];
        memcpy(closed, self->applied, sizeof closed);
        snprintf(self->applied, sizeof self->applied, "seccomp%s%.40s", *closed ? "+" : "", closed);
        return FH_OK;
    }
    if (!rc)
        return err_set(err, FH_PERMISSION, "the seccomp filter stands but lets files or sockets through");
    if (self->optional)
        return FH_OK;
    return err_set_errno(err, FH_PERMISSION, -rc,
                         "no seccomp here, so kernels would run without a sandbox; "
                         "--unsafe-no-sandbox allows that");
}
