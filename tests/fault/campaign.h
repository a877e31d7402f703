/* tests/fault/campaign.h - how much a fault test does, and how long things took.
 *
 * Fault tests have two sizes: a short one for every run, and the full one of the promises, with FARHAND_CAMPAIGN=full.
 * Thread rule: one thread. */
#ifndef FH_TESTS_FAULT_CAMPAIGN_H
#define FH_TESTS_FAULT_CAMPAIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* few, or in a full campaign many. */
int campaign_count(int few, int many);
/* Our children; returns how many, at most room. */
int campaign_children(pid_t *ret, int room);

/* How long things of one kind took, in milliseconds. */
typedef struct {
    double *ms;
    size_t count, room;
} campaign_times_t;

/* Something that began at a clock_now_ns() has ended. */
void campaign_ended(campaign_times_t *self, int64_t began_ns);
/* The value that a fraction of all times does not exceed; 1: the longest. */
double campaign_quantile(campaign_times_t *self, double fraction);
/* Print count, p50, p99 and max. */
void campaign_print(campaign_times_t *self, const char *what);
/* Half of them took no longer than is promised, and none many times that: whoever else works on this machine makes some
 * late. */
bool campaign_kept(campaign_times_t *self, double promised_ms);
void campaign_release(campaign_times_t *self);

#endif
