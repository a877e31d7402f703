/* engine/runner_reply.h - what is believed of a runner's replies, and only after a check.  Pure, but for one memory
 * map. */
#ifndef FH_ENGINE_RUNNER_REPLY_H
#define FH_ENGINE_RUNNER_REPLY_H

#include "engine/runner/runner_wire.h"
#include "engine/runner_session.h"

/* Copy text of a runner: terminated, printable. */
void runner_reply_text(char *ret, size_t size, const char *text);
/* What a description says of a kernel; false if it cannot be true. */
bool runner_reply_info(const runner_description_t *about, const char *producer, kernel_info_t *ret);
/* Take the texts of a kernel out of the runner's reach and point the job's info at them; false if they are not there.
 */
bool runner_reply_texts(const runner_reply_t *reply, runner_job_t *job);

#endif
