#include "base/clock.h"

#include <time.h>

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)

int64_t
clock_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

int64_t
clock_coarse_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

int64_t
clock_deadline(double timeout_s)
{
    int64_t now = clock_now_ns();
    double room_s = (double)(INT64_MAX - now) / (double)NS_PER_S;
    if (!(timeout_s >= 0) || timeout_s >= room_s * 0.99) /* NaN too; the factor keeps clear of rounding at the top */
        return INT64_MAX;
    return now + (int64_t)(timeout_s * (double)NS_PER_S);
}

int
clock_remaining_ms(int64_t deadline_ns, int max_ms)
{
    if (deadline_ns == INT64_MAX)
        return max_ms;
    int64_t now = clock_now_ns();
    if (deadline_ns <= now)
        return 0;
    int64_t left = deadline_ns - now; /* both positive: no overflow */
    int64_t ms = left / NS_PER_MS + (left % NS_PER_MS != 0);
    return ms < max_ms ? (int)ms : max_ms;
}
