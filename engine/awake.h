/* engine/awake.h - when the reactor waits awake for what may come through rings.
 *
 * A ring that both sides look at takes a tenth of a microsecond, a bell 5 on one CPU and 40 across two.  So after a
 * message the reactor waits awake for the next one, for some microseconds, if that is polite: the client did not have
 * to be rung (it waits awake itself, or does something else), it runs on another CPU, and this engine computes nothing.
 * Messages that came in time give credit for that, waits in vain cost it.
 *
 * Two that have got used to ringing each other stay with it, mostly on one CPU.  So after some quick calls in a row
 * the reactor tries: it moves over to another CPU and waits awake longer.  If the client then finds it awake, both stay
 * so; if not, the next try comes after twice as many calls.
 *
 * A client that rests between its calls sleeps when it rings, or soon after: it is answered soonest on its own CPU,
 * which is awake, while another one must be brought out of its halt.  The kernel wakes where the sleeper ran last.  So
 * after some calls that came from another CPU the reactor moves to it; if it does not stay there, ever less often.
 *
 * Company: the client asks several engines together, which then may be more than there are CPUs.  They all leave the
 * client's CPU, and whoever waits awake lets the others run between two looks.
 * Thread rule: the reactor's. */
#ifndef FH_ENGINE_AWAKE_H
#define FH_ENGINE_AWAKE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int64_t heard_ns; /* when something last came */
    int64_t until_ns; /* wait until then; 0: do not */
    int credit;
    int rung;              /* calls in a row, quick ones, whose clients had to be rung, or were on this CPU */
    int try_after;         /* so many of them, and the reactor tries to make them do without */
    int64_t tried_ns;      /* when it last did */
    int trying;            /* so many more messages may show that it does */
    int apart;             /* calls in a row, after rests, whose clients were on another CPU */
    int join_after;        /* so many of them, and the reactor moves to the client's CPU */
    bool company;          /* of the client that was last heard */
    int slow;              /* how much of late the others have kept the CPU for long */
    int64_t resting_ns;    /* how long it does not wait in company, next time */
    int64_t rests_till_ns; /* it does not wait in company before then */
} awake_t;

void awake_init(awake_t *self);
/* A message was served; rung: its client slept, or this side had to be rung for it; company: it has asked others, too.
 * Decides how long to wait for the next one. */
void awake_note(awake_t *self, int client_cpu, bool rung, bool company, int64_t now_ns);
/* Between two looks of who waits in company.  A program that computes keeps the CPU for milliseconds: after two such
 * turns no more of it for a while. */
void awake_let_others_run(awake_t *self, int64_t now_ns);
/* The wait is over, and nothing has come. */
void awake_in_vain(awake_t *self);

#endif
