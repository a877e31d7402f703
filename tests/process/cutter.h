/* tests/process/cutter.h - a thread that cuts a line again and again, after times that a seed gives. */
#ifndef FH_TESTS_PROCESS_CUTTER_H
#define FH_TESTS_PROCESS_CUTTER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int (*cut)(void *context, uint64_t *seed); /* runs in the thread; how many cuts it has made */
    void *context;
    uint64_t seed;
    int least_ms, most_ms; /* between two cuts */
    /* filled in */
    pthread_t thread;
    pthread_mutex_t lock;
    int cuts;
    bool over;
} cutter_t;

/* Set the first fields before; what context leads to is borrowed until the end. */
void cutter_begin(cutter_t *self);
/* How many there have been. */
int cutter_cuts(cutter_t *self);
/* The thread has ended; self->cuts stays. */
void cutter_end(cutter_t *self);

#endif
