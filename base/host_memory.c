#include "base/host_memory.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { TEXT = 8192 };

/* The beginning of a file, terminated; false if there is none. */
static bool
read_text(const char *path, char ret[TEXT])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd >= 0 ? read(fd, ret, TEXT - 1) : -1;

    if (fd >= 0)
        close(fd);
    if (size < 0)
        return false;
    ret[size] = '\0';
    return true;
}

/* The number in a file; INT64_MAX if there is none ("max"). */
static int64_t
limit_in(const char *path)
{
    char text[TEXT], *end;

    if (!read_text(path, text))
        return INT64_MAX;
    long long value = strtoll(text, &end, 10);

    return end == text || value <= 0 ? INT64_MAX : (int64_t)value;
}

/* The least limit of a cgroup and those above it, up to the mount: a container may see only the innermost ones. */
static int64_t
limit_of_group(const char *root, const char *mount, const char *group, const char *file)
{
    char path[PATH_MAX];
    int64_t least = INT64_MAX;
    int length = (int)strlen(group);

    for (;;) {
        while (length > 0 && group[length - 1] == '/')
            length--;
        int size = snprintf(path, sizeof path, "%s%s%.*s/%s", root, mount, length, group, file);
        int64_t limit = size < (int)sizeof path ? limit_in(path) : INT64_MAX;

        least = limit < least ? limit : least;
        if (length == 0)
            return least;
        while (length > 0 && group[length - 1] != '/')
            length--;
    }
}

/* A line of /proc/self/cgroup is "number:controllers:path"; version 2 has number 0 and no controllers. */
static int64_t
limit_of_groups(const char *root)
{
    char path[PATH_MAX], text[TEXT];
    int64_t least = INT64_MAX;
    char *rest = text;

    (void)snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    if (!read_text(path, text))
        return least;
    for (char *line; (line = strsep(&rest, "\n"));) {
        char *controllers = strchr(line, ':'), *group = controllers ? strchr(controllers + 1, ':') : NULL;
        int64_t limit = INT64_MAX;

        if (!group)
            continue;
        *group++ = '\0';
        if (controllers[1] == '\0')
            limit = limit_of_group(root, "/sys/fs/cgroup", group, "memory.max");
        else if (strcmp(controllers + 1, "memory") == 0)
            limit = limit_of_group(root, "/sys/fs/cgroup/memory", group, "memory.limit_in_bytes");
        least = limit < least ? limit : least;
    }
    return least;
}

/* What getrlimit has said, if it has not failed. */
static int64_t
soft_limit(int failed, struct rlimit limit)
{
    if (failed || limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur > INT64_MAX)
        return INT64_MAX;
    return (int64_t)limit.rlim_cur;
}

int64_t
host_memory_bytes(const char *root)
{
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    int64_t host = pages > 0 && page > 0 ? (int64_t)pages * page : INT64_C(1) << 30;
    struct rlimit addresses = {0}, data = {0};
    int no_addresses = getrlimit(RLIMIT_AS, &addresses), no_data = getrlimit(RLIMIT_DATA, &data);
    const int64_t limits[] = {limit_of_groups(root), soft_limit(no_addresses, addresses), soft_limit(no_data, data)};

    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        host = limits[i] < host ? limits[i] : host;
    return host;
}
