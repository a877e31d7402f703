#include "tests/fault/campaign.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int
campaign_count(int few, int many)
{
    const char *size = getenv("FARHAND_CAMPAIGN");
    return size && !strcmp(size, "full") ? many : few;
}

int
campaign_children(pid_t *ret, int room)
{
    char path[64];
    int count = 0;
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *file = fopen(path, "r");
    for (int pid; file && count < room && fscanf(file, "%d", &pid) == 1;)
        ret[count++] = pid;
    if (file)
        fclose(file);
    return count;
}

void
campaign_ended(campaign_times_t *self, int64_t began_ns)
{
    if (self->count == self->room) {
        size_t room = self->room ? self->room * 2 : 64;
        double *grown = realloc(self->ms, room * sizeof *grown);
        if (!grown)
            return;
        self->ms = grown;
        self->room = room;
    }
    self->ms[self->count++] = (double)(clock_now_ns() - began_ns) / 1e6;
}

static int
compare(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

double
campaign_quantile(campaign_times_t *self, double fraction)
{
    if (!self->count)
        return 0;
    qsort(self->ms, self->count, sizeof *self->ms, compare);
    return self->ms[(size_t)((double)(self->count - 1) * fraction)];
}

void
campaign_print(campaign_times_t *self, const char *what)
{
    printf("%s: %zu times, p50 %.1f ms, p99 %.1f ms, max %.1f ms\n", what, self->count, campaign_quantile(self, 0.5),
           campaign_quantile(self, 0.99), campaign_quantile(self, 1));
}

bool
campaign_kept(campaign_times_t *self, double promised_ms)
{
    const double late = 10;
    return campaign_quantile(self, 0.5) <= promised_ms * FH_SLOWER &&
           campaign_quantile(self, 1) <= promised_ms * FH_SLOWER * late;
}

void
campaign_release(campaign_times_t *self)
{
    free(self->ms);
    *self = (campaign_times_t){0};
}
