#include "proxy/kernel.h"

#include "codecs/dtype.h"
#include "codecs/sha256.h"
#include "proxy/error.h"
#include "proxy/wait.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CODE_BYTES = 4 * 1024 * 1024 };

/* ---- what an engine says -------------------------------------------------------------------------------------------
 */

static int
read_dtypes(ints_t codes, fh_dtype *ret, int room, err_t *err)
{
    for (uint32_t i = 0; i < codes.count; i++) {
        if ((int)i >= room || codes.items[i] < 0 || !dtype_valid((uint64_t)codes.items[i]))
            return err_set(err, FH_PROTOCOL_ERROR, "an engine gave an operand of a kernel the dtype code %lld",
                           (long long)codes.items[i]);
        ret[i] = (fh_dtype)codes.items[i];
    }
    return FH_OK;
}

/* ---- loading -------------------------------------------------------------------------------------------------------
 */

/* A KERNEL under way to one engine. */
typedef struct {
    fh_kernel *kernel;
    engine_link_t *engine;
    handle_t *handle;
    request_t request;
    bool sent, inspect;
    char *text[2]; /* with inspect: IR and assembly, malloc'ed */
} load_t;

static int
take_info(void *context, const message_t *reply, const bin_t *raw, int nraw, err_t *err)
{
    load_t *self = context;
    const msg_KERNEL_INFO_t *info = &reply->as.KERNEL_INFO;
    fh_kernel_info *ret = &self->kernel->info;
    if (reply->code != MSG_KERNEL_INFO)
        return err_set(err, FH_PROTOCOL_ERROR, "an engine answered KERNEL with message %d", (int)reply->code);
    for (int i = 0; i < 2 && i < nraw && self->inspect; i++) {
        self->text[i] = strndup((const char *)raw[i].data, raw[i].size);
        if (!self->text[i])
            return err_set(err, FH_NO_MEMORY, "no memory for %u bytes of text", (unsigned)raw[i].size);
    }
    str_copy(info->entry, ret->entry, sizeof ret->entry);
    str_copy(info->signature, ret->signature, sizeof ret->signature);
    str_copy(info->kind, ret->kind, sizeof ret->kind);
    str_copy(info->producer, ret->producer, sizeof ret->producer);
    if (info->compile_ns)
        ret->compile_ns = info->compile_ns;
    ret->nin = (int)info->in.count;
    ret->nout = (int)info->out.count;
    int status = read_dtypes(info->in, ret->in, 16, err);
    return status ? status : read_dtypes(info->out, ret->out, 8, err);
}

static int
send_kernel(load_t *self, bool with_code, err_t *err)
{
    const fh_kernel *kernel = self->kernel;
    char options[64];
    message_t message = {.code = MSG_KERNEL};
    uint64_t call;
    int status = engine_link_open(self->engine, err);
    if (!status && !self->handle)
        status = handle_new(&self->handle, self->engine, OID_NONE, 0, err);
    if (status)
        return status;
    (void)snprintf(options, sizeof options, "%s%s%s", kernel->fastmath ? "fastmath" : "",
                   kernel->fastmath && self->inspect ? "," : "", self->inspect ? "inspect" : "");
    message.as.KERNEL.result = self->handle->id;
    message.as.KERNEL.hash = (bin_t){kernel->hash, sizeof kernel->hash};
    message.as.KERNEL.entry = str_of(kernel->entry);
    message.as.KERNEL.signature = str_of(kernel->signature);
    message.as.KERNEL.kind = str_of(kernel->kind);
    message.as.KERNEL.options = str_of(options);
    status = engine_link_call(self->engine, &message, with_code ? kernel->code : NULL, &call, err);
    if (status)
        return status;
    self->request = (request_t){.reply = take_info, .context = self};
    conn_expect(&self->engine->conn, &self->request, call, 1);
    self->sent = true;
    return FH_OK;
}

typedef struct {
    load_t *loads;
    int n;
} loads_t;

static bool
all_answered(const void *context)
{
    const loads_t *self = context;
    for (int i = 0; i < self->n; i++)
        if (self->loads[i].sent && self->loads[i].request.due)
            return false;
    return true;
}

/* First the hash to all, then the code to those that do not know it.  Each load's request tells how it went. */
static int
run_loads(fh_kernel *kernel, loads_t *loads, err_t *err)
{
    int64_t deadline = session_deadline(kernel->session, -1);
    int status = FH_OK;
    for (int round = 0; round < 2 && !status; round++) {
        for (int i = 0; i < loads->n && !status; i++) {
            load_t *load = &loads->loads[i];
            if (round == 1 && load->request.status != FH_NO_SUCH_OBJECT)
                continue;
            err_t failure = {0};
            int sent = send_kernel(load, round == 1, &failure);
            if (sent == FH_ENGINE_LOST || sent == FH_STALE_HANDLE) {
                load->sent = false; /* others may do */
                load->request.status = sent;
                load->request.err = failure;
            } else if (sent) {
                status = sent;
                if (err)
                    *err = failure;
            }
        }
        if (!status)
            status = wait_until(kernel->session, deadline, all_answered, loads, err);
    }
    for (int i = 0; i < loads->n; i++)
        if (loads->loads[i].sent)
            conn_forget(&loads->loads[i].engine->conn, &loads->loads[i].request);
    return status;
}

static int
remember(fh_kernel *self, handle_t *handle, err_t *err)
{
    if (self->nloaded == self->loaded_room) {
        int room = self->loaded_room ? 2 * self->loaded_room : 8;
        handle_t **grown = realloc(self->loaded, (size_t)room * sizeof(handle_t *));
        if (!grown)
            return err_set(err, FH_NO_MEMORY, "no memory to remember where a kernel is");
        self->loaded = grown;
        self->loaded_room = room;
    }
    self->loaded[self->nloaded++] = handle_ref(handle);
    return FH_OK;
}

/* Keep what was loaded; if nothing was, the first failure is ours. */
static int
settle_loads(fh_kernel *kernel, loads_t *loads, err_t *err)
{
    int good = 0, status = FH_OK;
    for (int i = 0; i < loads->n && !status; i++)
        if (loads->loads[i].request.status == FH_OK) {
            good++;
            status = remember(kernel, loads->loads[i].handle, err);
        }
    if (status || good)
        return status;
    if (err)
        *err = loads->loads[0].request.err;
    return loads->loads[0].request.status;
}

static void
loads_release(loads_t *loads)
{
    for (int i = 0; loads->loads && i < loads->n; i++) {
        handle_unref(&loads->loads[i].handle);
        free(loads->loads[i].text[0]);
        free(loads->loads[i].text[1]);
    }
    free(loads->loads);
}

static int
load_on(fh_kernel *kernel, engine_link_t *const *engines, int n, err_t *err)
{
    loads_t loads = {calloc((size_t)n, sizeof *loads.loads), n};
    if (!loads.loads)
        return err_set(err, FH_NO_MEMORY, "no memory to load a kernel on %d engines", n);
    for (int i = 0; i < n; i++)
        loads.loads[i] = (load_t){.kernel = kernel, .engine = engines[i]};
    int status = run_loads(kernel, &loads, err);
    if (!status)
        status = settle_loads(kernel, &loads, err);
    loads_release(&loads);
    return status;
}

int
kernel_on(fh_kernel *self, engine_link_t *engine, handle_t **ret, err_t *err)
{
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < self->nloaded; i++)
            if (self->loaded[i]->engine == engine) {
                *ret = self->loaded[i];
                return FH_OK;
            }
        int status = pass == 0 ? load_on(self, &engine, 1, err) : FH_OK;
        if (status)
            return status;
    }
    return err_set(err, FH_INTERNAL, "a kernel that was loaded is not there");
}

/* ---- public --------------------------------------------------------------------------------------------------------
 */

static int
kernel_new(fh_kernel **ret, fh_session *session, const void *code, size_t size, const fh_kernel_options *options,
           err_t *err)
{
    fh_kernel *self = calloc(1, sizeof *self);
    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory for a kernel");
    self->session = session;
    self->fastmath = options->fastmath != 0;
    self->entry = strdup(options->entry ? options->entry : "");
    self->signature = strdup(options->signature ? options->signature : "");
    self->kind = strdup(options->kind ? options->kind : "");
    sha256(code, size, self->hash);
    memcpy(self->info.hash, self->hash, sizeof self->hash);
    session->handles++;
    int status = self->entry && self->signature && self->kind ? buf_new_copy(&self->code, code, size, err)
                                                              : err_set(err, FH_NO_MEMORY, "no memory for a kernel");
    if (status)
        fh_kernel_free(&self);
    else
        *ret = self;
    return status;
}

int
fh_kernel_load(fh_session *session, const void *code, size_t size, const fh_kernel_options *options, fh_kernel **ret,
               fh_error *error)
{
    err_t *err = error_start(error);
    fh_kernel_options defaults = {0};
    fh_kernel *kernel = NULL;
    int status = session_enter(session, err);
    if (status)
        return status;
    if (size > MAX_CODE_BYTES)
        return err_set(err, FH_LIMIT_EXCEEDED, "a kernel of %zu bytes: at most %d are sent", size, (int)MAX_CODE_BYTES);
    if (size < 4)
        return err_set(err, FH_BAD_BITCODE, "a kernel of %zu bytes is neither bitcode nor textual IR", size);
    session_pump(session);
    int n = session_ready_engines(session, NULL, 0);
    engine_link_t *any, **engines = calloc((size_t)n + 1, sizeof(engine_link_t *));
    status = engines ? session_emptiest(session, &any, err)
                     : err_set(err, FH_NO_MEMORY, "no memory for a list of %d engines", n);
    if (!status)
        status = kernel_new(&kernel, session, code, size, options ? options : &defaults, err);
    if (!status) {
        session_ready_engines(session, engines, n);
        status = load_on(kernel, engines, n, err);
    }
    free(engines);
    if (status)
        fh_kernel_free(&kernel);
    else
        *ret = kernel;
    return status;
}

int
fh_kernel_load_file(fh_session *session, const char *path, const fh_kernel_options *options, fh_kernel **ret,
                    fh_error *error)
{
    err_t *err = error_start(error);
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
    for (int i = 0; i < self->nloaded; i++)
        handle_unref(&self->loaded[i]);
    free(self->loaded);
    free(self->entry);
    free(self->signature);
    free(self->kind);
    buf_unref(&self->code);
    session_drop_handle(self->session);
    free(self);
}

void
fh_kernel_describe(const fh_kernel *kernel, fh_kernel_info *ret)
{
    *ret = kernel->info;
}

int
fh_kernel_inspect(fh_kernel *kernel, int what, char **ret_text, fh_error *error)
{
    err_t *err = error_start(error);
    load_t load = {.kernel = kernel, .inspect = true};
    loads_t loads = {&load, 1};
    if (!kernel)
        return err_set(err, FH_INVALID_ARGUMENT, "no kernel was given");
    int status = session_enter(kernel->session, err);
    if (status)
        return status;
    if (what != 0 && what != 1)
        return err_set(err, FH_INVALID_ARGUMENT, "what is %d, but must be 0 (IR) or 1 (assembly)", what);
    for (int i = 0; i < kernel->nloaded && !load.engine; i++)
        if (!kernel->loaded[i]->engine->lost)
            load.engine = kernel->loaded[i]->engine;
    if (!load.engine)
        return err_set(err, FH_ENGINE_LOST, "all engines that had the kernel are gone");
    status = run_loads(kernel, &loads, err);
    if (!status && load.request.status) {
        status = load.request.status;
        if (err)
            *err = load.request.err;
    }
    if (!status && !load.text[what])
        status = err_set(err, FH_NOT_SUPPORTED, "the engine gave no text of this kernel");
    if (!status) {
        *ret_text = load.text[what];
        load.text[what] = NULL;
    }
    handle_unref(&load.handle);
    free(load.text[0]);
    free(load.text[1]);
    return status;
}
