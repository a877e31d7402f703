/* Scatter of 1 GiB into memory that was never used: each turn has a new cluster, whose engines have nothing to use
 * again.  Beside it, in the same turns, the same way bare (pwrite into a file of huge pages, on a tmpfs as engines have
 * it; where none can be mounted, into a memfd), and memcpy into a new memfd.  One engine, and two that share. */
#include "base/clock.h"
#include "tests/bench/bench_cluster.h"
#include "tests/bench/measure.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

enum { MAX_TURNS = 21, CALL = 32 << 20 };

#define BYTES ((size_t)1 << 30)

typedef enum { BARE, MEMCPY, OURS_ONE, OURS_TWO, MEASURES } measure_t;

static double rates[MEASURES][MAX_TURNS], ratios[MEASURES][MAX_TURNS], gains[MEASURES][MAX_TURNS];

static void
give_up(const char *what)
{
    fprintf(stderr, "fresh: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* A tmpfs that is attached nowhere; -1: it is refused. */
static int
mount_huge(void)
{
    int mounted = -1, made = fsopen("tmpfs", FSOPEN_CLOEXEC);
    if (made >= 0 && fsconfig(made, FSCONFIG_SET_STRING, "huge", "always", 0) == 0 &&
        fsconfig(made, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
        mounted = fsmount(made, FSMOUNT_CLOEXEC, 0);
    if (made >= 0)
        close(made);
    return mounted;
}

static int
new_file(int mounted)
{
    int fd =
        mounted < 0 ? memfd_create("fresh", MFD_CLOEXEC) : openat(mounted, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, (off_t)BYTES))
        give_up("a file of memory");
    return fd;
}

static double
rate_since(int64_t began)
{
    return (double)BYTES / 1e9 / measure_seconds(began);
}

/* The host of a virtual machine may have taken back what is free: have it find the memory before the clock runs. */
static void
bring_memory(void)
{
    char *memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        give_up("mmap");
    (void)madvise(memory, BYTES, MADV_HUGEPAGE);
    for (size_t at = 0; at < BYTES; at += 4096)
        memory[at] = 1;
    munmap(memory, BYTES);
}

static double
by_pwrite(int mounted, const char *from)
{
    bring_memory();
    int64_t began = clock_now_ns();
    int fd = new_file(mounted);
    for (size_t at = 0; at < BYTES;) {
        ssize_t written = pwrite(fd, from + at, CALL, (off_t)at);
        if (written <= 0)
            give_up("pwrite");
        at += (size_t)written;
    }
    double rate = rate_since(began);
    close(fd);
    return rate;
}

static double
by_memcpy(const char *from)
{
    bring_memory();
    int64_t began = clock_now_ns();
    int fd = new_file(-1);
    char *to = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (to == MAP_FAILED)
        give_up("mmap");
    memcpy(to, from, BYTES);
    double rate = rate_since(began);
    munmap(to, BYTES);
    close(fd);
    return rate;
}

static double
by_scatter(char *from, int engines)
{
    bench_cluster_t cluster;
    fh_array *small = NULL, *array = NULL;
    fh_error error;
    int64_t extent = 1024;
    fh_local local = {.data = from, .dtype = FH_FLOAT64, .ndim = 1, .shape = &extent};
    bench_cluster_start(&cluster, "fresh", engines);
    bench_cluster_check(fh_scatter(cluster.session, &local, NULL, &small, &error), &error);
    bench_cluster_check(fh_sync(cluster.session, -1, &error), &error);
    extent = (int64_t)(BYTES / 8);
    bring_memory();
    int64_t began = clock_now_ns();
    bench_cluster_check(fh_scatter(cluster.session, &local, NULL, &array, &error), &error);
    bench_cluster_check(fh_sync(cluster.session, -1, &error), &error);
    double rate = rate_since(began);
    fh_array_free(&array);
    fh_array_free(&small);
    bench_cluster_stop(&cluster);
    return rate;
}

static void
one_turn(int mounted, char *from, int at)
{
    rates[BARE][at] = by_pwrite(mounted, from);
    rates[OURS_ONE][at] = by_scatter(from, 1);
    rates[OURS_TWO][at] = by_scatter(from, 2);
    double again = by_pwrite(mounted, from);
    rates[BARE][at] = again > rates[BARE][at] ? again : rates[BARE][at];
    rates[MEMCPY][at] = by_memcpy(from); /* last: it leaves small pages */
    for (int i = OURS_ONE; i <= OURS_TWO; i++) {
        ratios[i][at] = rates[i][at] / rates[BARE][at];
        gains[i][at] = rates[i][at] / rates[MEMCPY][at];
    }
}

int
main(int argc, char **argv)
{
    static const char *const NAMES[] = {[OURS_ONE] = "scatter 1 GiB into fresh memory, one engine",
                                        [OURS_TWO] = "scatter 1 GiB into fresh memory, two engines"};
    int turns = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 5, mounted = mount_huge();
    char *from = malloc(BYTES);
    if (!from || turns < 1 || turns > MAX_TURNS)
        give_up("memory, or turns");
    memset(from, 1, BYTES);
    for (int turn = -1; turn < turns; turn++) /* the first one warms up */
        one_turn(mounted, from, turn < 0 ? 0 : turn);
    const char *limit = mounted < 0 ? "pwrite into a new memfd" : "pwrite into a new file of huge pages";
    double bare = measure_median(rates[BARE], turns), copied = measure_median(rates[MEMCPY], turns);
    for (int i = OURS_ONE; i <= OURS_TWO; i++) {
        double ours = measure_median(rates[i], turns);
        printf("%-46s %5.2f GB/s   %s %5.2f GB/s, ratio %.2f   memcpy into a new memfd %5.2f GB/s, ratio %.2f\n",
               NAMES[i], ours, limit, bare, measure_median(ratios[i], turns), copied, measure_median(gains[i], turns));
        measure_print("fresh", NAMES[i], ours, "GB/s", bare, limit);
    }
    free(from);
    if (mounted >= 0)
        close(mounted);
    return 0;
}
