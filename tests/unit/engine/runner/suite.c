#include "suite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { CALL_S = 10 };

runner_host_t *suite_host;

int
suite_start(void **state)
{
    (void)state;
    suite_host = driver_host();
    driver_wait_spare(suite_host);
    return 0;
}

int
suite_stop(void **state)
{
    (void)state;
    runner_host_destroy(&suite_host);
    return 0;
}

uint32_t
suite_compiled(oid_t session, const char *text, const char *signature)
{
    driver_compiled_t kernel;
    if (driver_compile_text(suite_host, session, text, signature, &kernel))
        fail_msg("%s: %s", status_name(kernel.status), kernel.err.text);
    return kernel.kernel;
}

void
suite_run(oid_t session, uint32_t kernel, const driver_array_t *in, int nin, driver_array_t *out)
{
    driver_done_t done;
    if (driver_run(suite_host, session, kernel, in, nin, out, CALL_S, &done))
        fail_msg("%s: %s", status_name(done.status), done.err.text);
}
