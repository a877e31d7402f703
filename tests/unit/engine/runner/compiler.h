/* tests/unit/engine/runner/compiler.h - kernels compiled inside the test, without a runner, to look at what comes out.
 * Failures of the compiler fail the test with its words. */
#ifndef FH_TESTS_UNIT_ENGINE_RUNNER_COMPILER_H
#define FH_TESTS_UNIT_ENGINE_RUNNER_COMPILER_H

#include "engine/runner/code/compile.h"

/* One compiler for all tests of a program; set up and taken down with cmocka's group functions. */
int compiler_set_up(void **state);
int compiler_tear_down(void **state);
jit_t *compiler_jit(void);

/* Options with text NULL are "". */
compiled_t compiler_compile(const char *ir, kernel_options_t options);
/* The status, and what the error says. */
int compiler_refusal(const char *ir, kernel_options_t options, err_t *ret);

#endif
