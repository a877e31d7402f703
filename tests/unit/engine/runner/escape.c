/* Machine code that no compiler of ours would make: it makes system calls.  The test puts it where engines keep code,
 * and a real runner links and runs it: int64 f(int64 which).  No library, no data that needs more than the object. */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif

int32_t escape(char *const *data, const int64_t *strides, int64_t n) __asm__("farhand.escape");

static const char path[] = "/tmp/farhand-escape", self[] = "/proc/self/fd/3", program[] = "/bin/true";
static char room[256];
static char page[4096] __attribute__((aligned(4096)));

#define PATH (long)path
#define SELF (long)self
#define PROGRAM (long)program
#define ROOM (long)room
#define PAGE (long)page

static long
call(long number, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
    long ret;
    __asm__ volatile("syscall"
                     : "=a"(ret)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return ret;
}

int32_t
escape(char *const *data, const int64_t *strides, int64_t n)
{
    int64_t which = *(const int64_t *)(const void *)data[0], at = 0;
    long ret = -1;
    (void)strides, (void)n;
#define ATTEMPT(name, a, b, c, d, e, f)                                                                                \
    if (which == at++)                                                                                                 \
        ret = call(SYS_##name, a, b, c, d, e, f);
#include "escape.def"
#undef ATTEMPT
    *(int64_t *)(void *)data[1] = ret;
    return 0;
}
