/* base/process_memory.c - /proc/PID/status and mallinfo2. */
#include "base/process_memory.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TEXT = 4096, KIB = 1024 };

/* The number of KiB behind "NAME:", in bytes; 0 if there is none. */
static int64_t
find(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    long long kib = 0;

    return at && sscanf(at + strlen(name), "%lld", &kib) == 1 && kib > 0 ? (int64_t)kib * KIB : 0;
}

bool
process_memory(pid_t pid, process_memory_t *ret)
{
    char path[64] = "/proc/self/status", text[TEXT];

    memset(ret, 0, sizeof *ret);
    if (pid)
        (void)snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;

    if (fd >= 0)
        close(fd);
    if (size <= 0)
        return false;
    text[size] = '\0';
    ret->anonymous = find(text, "RssAnon:");
    ret->file = find(text, "RssFile:");
    ret->shared = find(text, "RssShmem:");
    return true;
}

heap_memory_t
heap_memory(void)
{
    const struct mallinfo2 info = mallinfo2();

    return (heap_memory_t){.used = (int64_t)(info.uordblks + info.hblkhd), .kept = (int64_t)info.fordblks};
}
