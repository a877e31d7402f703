#include "compiler.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static jit_t *jit;
static int serial; /* symbols must differ */

int
compiler_set_up(void **state)
{
    (void)state;
    err_t err = {0};
    if (jit_new(&jit, &err))
        fail_msg("%s", err.text);
    return 0;
}

int
compiler_tear_down(void **state)
{
    (void)state;
    jit_destroy(&jit);
    return 0;
}

jit_t *
compiler_jit(void)
{
    return jit;
}

static int
compile(const char *ir, kernel_options_t options, compiled_t *ret, err_t *err)
{
    char symbol[RUNNER_SYMBOL_MAX];
    snprintf(symbol, sizeof symbol, "test%d", serial++);
    options.entry = options.entry ? options.entry : "";
    options.signature = options.signature ? options.signature : "";
    options.kind = options.kind ? options.kind : "";
    options.layout = options.layout ? options.layout : "";
    return compile_kernel(jit, ir, strlen(ir), &options, symbol, ret, err);
}

compiled_t
compiler_compile(const char *ir, kernel_options_t options)
{
    compiled_t compiled;
    err_t err = {0};
    if (compile(ir, options, &compiled, &err))
        fail_msg("%s\nin\n%s", err.text, ir);
    return compiled;
}

int
compiler_refusal(const char *ir, kernel_options_t options, err_t *ret)
{
    compiled_t compiled;
    int status = compile(ir, options, &compiled, ret);
    if (!status)
        compiled_release(&compiled);
    return status;
}
