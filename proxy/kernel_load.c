/* Bringing code to engines: KERNEL and KERNEL_INFO. */
#include "codecs/core_dims.h"
#include "codecs/dtype.h"
#include "proxy/kernel.h"
#include "proxy/wait.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Code of so many bytes goes along with its hash: asking first would cost more than sending it. */
enum { SMALL_CODE_BYTES = 64 * 1024 };

/* ---- what an engine says -------------------------------------------------------------------------------------------
 */

/* Array kernels and gufuncs may take any dtype: code 0. */
static int
read_dtypes(ints_t codes, bool any, fh_dtype *ret, int room, err_t *err)
{
    for (uint32_t i = 0; i < codes.count; i++) {
        bool good = codes.items[i] == 0 ? any : codes.items[i] > 0 && dtype_valid((uint64_t)codes.items[i]);
        if ((int)i >= room || !good)
            return err_set(err, FH_PROTOCOL_ERROR, "an engine gave an operand of a kernel the dtype code %lld",
                           (long long)codes.items[i]);
        ret[i] = (fh_dtype)codes.items[i];
    }
    return FH_OK;
}

/* How many operands, where the dtypes do not say it; and do the numbers fit the kind? */
static int
count_operands(fh_kernel_info *info, int64_t state_bytes, err_t *err)
{
    core_dims_t dims;
    if (strcmp(info->kind, "reduction") == 0 && (info->nin < 1 || info->nout != 1 || state_bytes < 1))
        return err_set(err, FH_PROTOCOL_ERROR,
                       "an engine gave the reduction %s %d inputs, %d outputs and a state of %lld "
                       "bytes",
                       info->entry, info->nin, info->nout, (long long)state_bytes);
    if ((strcmp(info->kind, "ufunc") == 0 || strcmp(info->kind, "piece") == 0) && info->nout != 1)
        return err_set(err, FH_PROTOCOL_ERROR, "an engine gave the kernel %s %d outputs", info->entry, info->nout);
    if (strcmp(info->kind, "array") == 0 && info->nin == 0) {
        info->nin = -1;
        return FH_OK;
    }
    if (strcmp(info->kind, "gufunc") != 0)
        return FH_OK;
    int status = core_dims_parse(info->layout, &dims, err);
    if (status)
        return status;
    if (dims.nin > KERNEL_MAX_IN || dims.nout > KERNEL_MAX_OUT || (info->nin && info->nin != dims.nin) ||
        (info->nout && info->nout != dims.nout))
        return err_set(err, FH_PROTOCOL_ERROR, "an engine gave the gufunc %s %d inputs and %d outputs, its layout %s",
                       info->entry, info->nin, info->nout, info->layout);
    info->nin = dims.nin;
    info->nout = dims.nout;
    return FH_OK;
}

/* Nothing of it is taken over unless all is good. */
static int
read_info(kernel_code_t *code, const msg_KERNEL_INFO_t *from, err_t *err)
{
    fh_kernel_info info = {.nin = (int)from->in.count,
                           .nout = (int)from->out.count,
                           .has_start = from->start,
                           .cached = from->cached,
                           .compile_ns = from->compile_ns};
    str_copy(from->entry, info.entry, sizeof info.entry);
    str_copy(from->signature, info.signature, sizeof info.signature);
    str_copy(from->kind, info.kind, sizeof info.kind);
    str_copy(from->producer, info.producer, sizeof info.producer);
    str_copy(from->layout, info.layout, sizeof info.layout);
    memcpy(info.hash, code->hash, sizeof info.hash);
    bool any = strcmp(info.kind, "array") == 0 || strcmp(info.kind, "gufunc") == 0;
    int status = read_dtypes(from->in, any, info.in, KERNEL_MAX_IN, err);
    if (!status)
        status = read_dtypes(from->out, any, info.out, KERNEL_MAX_OUT, err);
    if (!status)
        status = count_operands(&info, (int64_t)from->state, err);
    if (status)
        return status;
    code->info = info;
    code->state_bytes = (int64_t)from->state;
    code->known = true;
    return FH_OK;
}

/* A KERNEL under way to one engine. */
typedef struct {
    kernel_code_t *code;
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
    if (reply->code != MSG_KERNEL_INFO)
        return err_set(err, FH_PROTOCOL_ERROR, "an engine answered KERNEL with message %d", (int)reply->code);
    for (int i = 0; i < 2 && i < nraw && self->inspect; i++) {
        free(self->text[i]);
        self->text[i] = strndup((const char *)raw[i].data, raw[i].size);
        if (!self->text[i])
            return err_set(err, FH_NO_MEMORY, "no memory for %u bytes of text", (unsigned)raw[i].size);
    }
    /* The first engine that answers says it all. */
    return self->code->known ? FH_OK : read_info(self->code, &reply->as.KERNEL_INFO, err);
}

/* ---- loading -------------------------------------------------------------------------------------------------------
 */

/* Words of KERNEL.options. */
static void
write_options(const fh_kernel_options *asked, bool inspect, char *ret, size_t size)
{
    const struct {
        int wanted;
        const char *word;
    } words[] = {{asked->fastmath, "fastmath"},
                 {asked->exact, "exact"},
                 {asked->debug, "debug"},
                 {asked->force, "force"},
                 {inspect, "inspect"}};
    size_t used = 0;
    ret[0] = 0;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (words[i].wanted)
            used += (size_t)snprintf(ret + used, size - used, "%s%s", used ? "," : "", words[i].word);
}

void
kernel_code_message(const kernel_code_t *self, bool inspect, char options[KERNEL_OPTIONS_TEXT], message_t *ret)
{
    write_options(&self->asked, inspect, options, KERNEL_OPTIONS_TEXT);
    *ret = (message_t){.code = MSG_KERNEL,
                       .as.KERNEL = {.hash = {self->hash, sizeof self->hash},
                                     .entry = str_of(self->asked.entry),
                                     .signature = str_of(self->asked.signature),
                                     .kind = str_of(self->asked.kind),
                                     .layout = str_of(self->asked.layout),
                                     .state = (uint64_t)self->asked.state_bytes,
                                     .options = str_of(options)}};
}

static int
send_kernel(load_t *self, bool with_code, err_t *err)
{
    const kernel_code_t *code = self->code;
    char options[KERNEL_OPTIONS_TEXT];
    message_t message;
    uint64_t call;
    int status = engine_link_open(self->engine, err);
    if (!status && !self->handle)
        status = handle_new(&self->handle, self->engine, OID_NONE, 0, err);
    if (status)
        return status;
    kernel_code_message(code, self->inspect, options, &message);
    message.as.KERNEL.result = self->handle->id;
    status = engine_link_call(self->engine, &message, with_code ? code->code : NULL, &call, err);
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
    bool first_will_do; /* one that has succeeded is enough to go on */
} loads_t;

static bool
answered(const void *context)
{
    const loads_t *self = context;
    int waiting = 0;
    for (int i = 0; i < self->n; i++) {
        const load_t *load = &self->loads[i];
        if (!load->sent)
            continue;
        waiting += load->request.due != 0;
        if (self->first_will_do && !load->request.due && !load->request.status)
            return true;
    }
    return waiting == 0;
}

/* Send to all: round 0 to everybody, round 1 the code to those that do not know its hash. */
static int
send_round(loads_t *loads, int round, bool with_code, err_t *err)
{
    for (int i = 0; i < loads->n; i++) {
        load_t *load = &loads->loads[i];
        if (round == 1 && (!load->sent || load->request.status != FH_NO_SUCH_OBJECT))
            continue;
        err_t failure = {0};
        int sent = send_kernel(load, with_code, &failure);
        if (sent == FH_ENGINE_LOST || sent == FH_STALE_HANDLE) {
            load->sent = false; /* others may do */
            load->request.status = sent;
            load->request.err = failure;
        } else if (sent) {
            if (err)
                *err = failure;
            return sent;
        }
    }
    return FH_OK;
}

/* Small code goes at once; else first the hash to all, then the code to those that do not know it.  Each load's request
 * tells how it went. */
static int
run_loads(kernel_code_t *code, loads_t *loads, err_t *err)
{
    int64_t deadline = session_deadline(code->session, -1);
    bool small = buf_size(code->code) <= SMALL_CODE_BYTES;
    loads->first_will_do = small && !loads->loads[0].inspect;
    int status = FH_OK;
    for (int round = 0; round < (small ? 1 : 2) && !status; round++) {
        status = send_round(loads, round, small || round == 1, err);
        if (!status)
            status = wait_until(code->session, deadline, answered, loads, err);
    }
    for (int i = 0; i < loads->n; i++)
        if (loads->loads[i].sent)
            conn_forget(&loads->loads[i].engine->conn, &loads->loads[i].request);
    if (status == FH_INTERRUPTED)
        session_cancel(code->session);
    return status;
}

/* Keep what was loaded, and what is still being loaded: calls come after it in their lanes.  If nothing was, the first
 * failure is ours. */
static int
settle_loads(kernel_code_t *code, loads_t *loads, err_t *err)
{
    int good = 0, status = FH_OK;
    for (int i = 0; i < loads->n && !status; i++) {
        const load_t *load = &loads->loads[i];
        if (!load->sent || load->request.status)
            continue;
        good += load->request.due == 0;
        status = kernel_code_remember(code, load->handle, err);
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

int
kernel_load_on(kernel_code_t *code, engine_link_t *const *engines, int n, err_t *err)
{
    loads_t loads = {calloc((size_t)n, sizeof *loads.loads), n, false};
    if (!loads.loads)
        return err_set(err, FH_NO_MEMORY, "no memory to load a kernel on %d engines", n);
    for (int i = 0; i < n; i++)
        loads.loads[i] = (load_t){.code = code, .engine = engines[i]};
    int status = run_loads(code, &loads, err);
    if (!status)
        status = settle_loads(code, &loads, err);
    loads_release(&loads);
    return status;
}

int
kernel_code_inspect(kernel_code_t *self, int what, char **ret_text, err_t *err)
{
    load_t load = {.code = self, .inspect = true};
    loads_t loads = {&load, 1, false};
    for (int i = 0; i < self->nplaces && !load.engine; i++)
        if (kernel_place_lives(&self->places[i]))
            load.engine = self->places[i].handle->engine;
    if (!load.engine)
        return err_set(err, FH_ENGINE_LOST, "all engines that had the kernel are gone");
    int status = run_loads(self, &loads, err);
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
