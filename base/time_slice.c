#include "base/time_slice.h"

#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* As the kernel has it since 3.14; glibc 2.36 declares neither the calls nor this. */
typedef struct {
    uint32_t size;
    uint32_t policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime; /* the slice, for ordinary threads */
    uint64_t deadline;
    uint64_t period;
} attributes_t;

bool
time_slice_set(int64_t ns)
{
    attributes_t attributes;

    memset(&attributes, 0, sizeof attributes);
    /* What is read is written back: niceness and policy stay. */
    if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0))
        return false;
    if (attributes.policy != SCHED_OTHER && attributes.policy != SCHED_BATCH)
        return false; /* the same field means something else there */
    attributes.runtime = (uint64_t)ns;
    return syscall(SYS_sched_setattr, 0, &attributes, 0) == 0;
}
