/* tests/unit/engine/runner/suite.h - the runner host that all tests of a program share. */
#ifndef FH_TESTS_UNIT_ENGINE_RUNNER_SUITE_H
#define FH_TESTS_UNIT_ENGINE_RUNNER_SUITE_H

#include "driver.h"

/* From suite_start to suite_stop.  A test may put another one in its place, and gives this one back. */
extern runner_host_t *suite_host;

/* Set-up and tear-down of a cmocka group. */
int suite_start(void **state);
int suite_stop(void **state);

/* A kernel of the host; a text that does not compile fails the test. */
uint32_t suite_compiled(oid_t session, const char *text, const char *signature);
/* Call and wait, 10 s at most; what is no success fails the test. */
void suite_run(oid_t session, uint32_t kernel, const driver_array_t *in, int nin, driver_array_t *out);

#endif
