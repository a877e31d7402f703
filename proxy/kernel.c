/* Kernels as users hold them: loading, describing, inspecting. */
#include "proxy/kernel.h"

#include "codecs/sha256.h"
#include "proxy/error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CODE_BYTES = 4 * 1024 * 1024, MAX_REMEMBERED = 64, MAX_REMEMBERED_BYTES = 4 * MAX_CODE_BYTES };

/* ---- what a session remembers --------------------------------------------------------------------------------------
 */

static bool
is_same(const kernel_code_t *code, const kernel_code_t *wanted)
{
    const fh_kernel_options *a = &code->asked, *b = &wanted->asked;
    return memcmp(code->hash, wanted->hash, sizeof code->hash) == 0 && strcmp(a->entry, b->entry) == 0 &&
           strcmp(a->signature, b->signature) == 0 && strcmp(a->kind, b->kind) == 0 &&
           strcmp(a->layout, b->layout) == 0 && a->state_bytes == b->state_bytes && !a->fastmath == !b->fastmath &&
           !a->exact == !b->exact && !a->debug == !b->debug;
}

/* Loaded before with the same options, and still on some engine: a new reference, else NULL. */
static kernel_code_t *
recall(const kernel_code_t *wanted)
{
    for (kernel_code_t **at = &wanted->session->kernels; *at; at = &(*at)->next) {
        kernel_code_t *code = *at;
        if (!is_same(code, wanted))
            continue;
        *at = code->next;
        if (!kernel_code_lives(code)) {
            kernel_code_unref(&code);
            return NULL;
        }
        code->next = wanted->session->kernels;
        wanted->session->kernels = code;
        return kernel_code_ref(code);
    }
    return NULL;
}

/* The latest first.  What nobody holds is dropped from the end when it is too much. */
static void
keep_in_mind(kernel_code_t *code)
{
    int n = 0;
    size_t bytes = 0;
    code->next = code->session->kernels;
    code->session->kernels = kernel_code_ref(code);
    for (kernel_code_t **at = &code->next; *at;) {
        kernel_code_t *old = *at;
        bool idle = old->references == 1;
        n += idle;
        bytes += idle ? buf_size(old->code) : 0;
        if (!idle || (n <= MAX_REMEMBERED && bytes <= MAX_REMEMBERED_BYTES)) {
            at = &old->next;
            continue;
        }
        *at = old->next;
        kernel_code_unref(&old);
    }
}

void
kernel_code_forget_all(fh_session *session)
{
    while (session->kernels) {
        kernel_code_t *code = session->kernels;
        session->kernels = code->next;
        kernel_code_unref(&code);
    }
}

/* ---- begin of calls ------------------------------------------------------------------------------------------------
 */

int
kernel_enter(const fh_kernel *self, err_t *err)
{
    return self ? session_enter(self->session, err) : err_set(err, FH_INVALID_ARGUMENT, "no kernel was given");
}

int
kernel_timeout(double timeout_s, uint64_t *ret_ms, err_t *err)
{
    if (!(timeout_s >= 0 && timeout_s <= 86400))
        return err_set(err, FH_INVALID_ARGUMENT, "a timeout of %g s: 0 to 86,400 are possible", timeout_s);
    *ret_ms = (uint64_t)(timeout_s * 1000 + 0.999);
    return FH_OK;
}

uint64_t
kernel_piece(int i, int n)
{
    return n > 1 ? (uint64_t)i + 1 : 0;
}

/* ---- public --------------------------------------------------------------------------------------------------------
 */

static int
kernel_new(fh_kernel **ret, kernel_code_t *code, err_t *err)
{
    fh_kernel *self = malloc(sizeof *self);
    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory for a kernel");
    *self = (fh_kernel){.session = code->session, .code = kernel_code_ref(code)};
    self->session->handles++;
    *ret = self;
    return FH_OK;
}

static int
check_code(const void *code, size_t size, err_t *err)
{
    if (size > MAX_CODE_BYTES)
        return err_set(err, FH_LIMIT_EXCEEDED, "a kernel of %zu bytes: at most %d are sent", size, (int)MAX_CODE_BYTES);
    if (!code || size < 4)
        return err_set(err, FH_BAD_BITCODE, "a kernel of %zu bytes is neither bitcode nor textual IR", size);
    return FH_OK;
}

int
fh_kernel_load(fh_session *session, const void *code, size_t size, const fh_kernel_options *options, fh_kernel **ret,
               fh_error *error)
{
    static const fh_kernel_options DEFAULTS = {0};
    err_t *err = error_start(error);
    uint8_t hash[32];
    buf_t *bytes = NULL;
    kernel_code_t *made = NULL, *known = NULL;
    int status = session_enter(session, err);
    if (!status)
        status = check_code(code, size, err);
    if (status)
        return status;
    session_pump(session);
    sha256(code, size, hash);
    options = options ? options : &DEFAULTS;
    status = kernel_code_new(&made, session, NULL, hash, options, err);
    if (!status && !options->force)
        known = recall(made);
    if (!status && !known) {
        status = buf_new_copy(&bytes, code, size, err);
        made->code = bytes;
        if (!status)
            status = kernel_code_load(made, err);
        if (!status)
            keep_in_mind(made);
    }
    if (!status)
        status = kernel_new(ret, known ? known : made, err);
    kernel_code_unref(&known);
    kernel_code_unref(&made);
    return status;
}

int
fh_kernel_load_file(fh_session *session, const char *path, const fh_kernel_options *options, fh_kernel **ret,
                    fh_error *error)
{
    err_t *err = error_start(error);
    if (!path)
        return err_set(err, FH_INVALID_ARGUMENT, "no path was given");
    FILE *file = fopen(path, "rbe");
    if (!file)
        return err_set_errno(err, FH_IO_ERROR, errno, "cannot open %.300s", path);
    char *code = malloc(MAX_CODE_BYTES + 1);
    size_t size = code ? fread(code, 1, MAX_CODE_BYTES + 1, file) : 0;
    int failed = ferror(file), status;
    (void)fclose(file);
    if (!code)
        status = err_set(err, FH_NO_MEMORY, "no memory to read %.300s", path);
    else if (failed)
        status = err_set(err, FH_IO_ERROR, "cannot read %.300s", path);
    else
        status = fh_kernel_load(session, code, size, options, ret, error);
    free(code);
    return status;
}

void
fh_kernel_free(fh_kernel **kernel)
{
    if (!kernel || !*kernel)
        return;
    fh_kernel *self = *kernel;
    *kernel = NULL;
    kernel_code_unref(&self->code);
    session_drop_handle(self->session);
    free(self);
}

void
fh_kernel_describe(const fh_kernel *kernel, fh_kernel_info *ret)
{
    *ret = kernel->code->info;
}

int
fh_kernel_inspect(fh_kernel *kernel, int what, char **ret_text, fh_error *error)
{
    err_t *err = error_start(error);
    int status = kernel_enter(kernel, err);
    if (!status && what != 0 && what != 1)
        status = err_set(err, FH_INVALID_ARGUMENT, "what is %d, but must be 0 (IR) or 1 (assembly)", what);
    return status ? status : kernel_code_inspect(kernel->code, what, ret_text, err);
}
