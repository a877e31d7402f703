#include "tests/process/cutter.h"

#include "tests/support/check.h"

#include <poll.h>

static bool
is_over(cutter_t *self)
{
    pthread_mutex_lock(&self->lock);
    bool over = self->over;

    pthread_mutex_unlock(&self->lock);
    return over;
}

static void *
cut_again_and_again(void *context)
{
    cutter_t *self = context;

    while (!is_over(self)) {
        uint64_t span = (uint64_t)(self->most_ms - self->least_ms + 1);

        (void)poll(NULL, 0, self->least_ms + (int)(check_random(&self->seed) % span));
        int cuts = self->cut(self->context, &self->seed);

        pthread_mutex_lock(&self->lock);
        self->cuts += cuts;
        pthread_mutex_unlock(&self->lock);
    }
    return NULL;
}

void
cutter_begin(cutter_t *self)
{
    pthread_mutex_init(&self->lock, NULL);
    self->cuts = 0;
    self->over = false;
    assert_int_equal(pthread_create(&self->thread, NULL, cut_again_and_again, self), 0);
}

int
cutter_cuts(cutter_t *self)
{
    pthread_mutex_lock(&self->lock);
    int cuts = self->cuts;

    pthread_mutex_unlock(&self->lock);
    return cuts;
}

void
cutter_end(cutter_t *self)
{
    pthread_mutex_lock(&self->lock);
    self->over = true;
    pthread_mutex_unlock(&self->lock);
    pthread_join(self->thread, NULL);
    pthread_mutex_destroy(&self->lock);
    print_message("%d cuts\n", self->cuts);
}
