/* engine/runner_answer.h - inside a runner host: what runners say, and what their ends mean.
 * For runner_host.c only.  Thread rule: owned by the engine's reactor thread. */
#ifndef FH_ENGINE_RUNNER_ANSWER_H
#define FH_ENGINE_RUNNER_ANSWER_H

#include "engine/runner_dispatch.h"

/* Something happened to a runner: data is what epoll said. */
void runner_answer_event(runner_host_t *self, uint64_t data);

#endif
