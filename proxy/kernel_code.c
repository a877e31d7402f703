/* Code and where it is loaded. */
#include "codecs/core_dims.h"
#include "codecs/dtype.h"
#include "proxy/kernel.h"
#include "proxy/wait.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Code of so many bytes goes along with its hash: asking first would cost more than sending it. */
enum { SMALL_CODE_BYTES = 64 * 1024, TEXTS = 4 };

/* ---- what it is ----------------------------------------------------------------------------------------------------
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

int
kernel_code_new(kernel_code_t **ret, fh_session *session, buf_t *code, const uint8_t hash[32],
                const fh_kernel_options *options, err_t *err)
{
    kernel_code_t *self = calloc(1, sizeof *self);
    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory for a kernel");
    self->references = 1;
    self->session = session;
    self->code = code ? buf_ref(code) : NULL;
    self->asked = *options;
    const char *asked[] = {options->entry, options->signature, options->kind, options->layout};
    core_dims_t dims;
    bool copied = true;
    for (int i = 0; i < TEXTS; i++) {
        self->texts[i] = strdup(asked[i] ? asked[i] : "");
        copied = copied && self->texts[i];
    }
    self->asked.entry = self->texts[0];
    self->asked.signature = self->texts[1];
    self->asked.kind = self->texts[2];
    self->asked.layout = self->texts[3];
    memcpy(self->hash, hash, sizeof self->hash);
    memcpy(self->info.hash, hash, sizeof self->hash);
    int status = FH_OK;
    if (!copied)
        status = err_set(err, FH_NO_MEMORY, "no memory for a kernel");
    else if (options->state_bytes < 0 || options->state_bytes > KERNEL_MAX_STATE_BYTES)
        status = err_set(err, FH_INVALID_ARGUMENT, "a state of %lld bytes: 0 to %d are possible",
                         (long long)options->state_bytes, (int)KERNEL_MAX_STATE_BYTES);
    else if (self->asked.layout[0])
        status = core_dims_parse(self->asked.layout, &dims, err);
    if (status)
        kernel_code_unref(&self);
    else
        *ret = self;
    return status;
}

kernel_code_t *
kernel_code_ref(kernel_code_t *self)
{
    self->references++;
    return self;
}

void
kernel_code_unref(kernel_code_t **self)
{
    kernel_code_t *code = *self;
    *self = NULL;
    if (!code || --code->references > 0)
        return;
    kernel_code_unref(&code->fold);
    for (int i = 0; i < code->nplaces; i++)
        handle_unref(&code->places[i].handle);
    free(code->places);
    for (int i = 0; i < TEXTS; i++)
        free(code->texts[i]);
    buf_unref(&code->code);
    free(code);
}

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
    const msg_KERNEL_INFO_t *info = &reply->as.KERNEL_INFO;
    fh_kernel_info *ret = &self->code->info;
    if (reply->code != MSG_KERNEL_INFO)
        return err_set(err, FH_PROTOCOL_ERROR, "an engine answered KERNEL with message %d", (int)reply->code);
    for (int i = 0; i < 2 && i < nraw && self->inspect; i++) {
        free(self->text[i]);
        self->text[i] = strndup((const char *)raw[i].data, raw[i].size);
        if (!self->text[i])
            return err_set(err, FH_NO_MEMORY, "no memory for %u bytes of text", (unsigned)raw[i].size);
    }
    str_copy(info->entry, ret->entry, sizeof ret->entry);
    str_copy(info->signature, ret->signature, sizeof ret->signature);
    str_copy(info->kind, ret->kind, sizeof ret->kind);
    str_copy(info->producer, ret->producer, sizeof ret->producer);
    str_copy(info->layout, ret->layout, sizeof ret->layout);
    if (info->compile_ns)
        ret->compile_ns = info->compile_ns;
    ret->nin = (int)info->in.count;
    ret->nout = (int)info->out.count;
    ret->has_start = info->start;
    ret->cached = ret->cached || info->cached;
    self->code->state_bytes = (int64_t)info->state;
    bool any = strcmp(ret->kind, "array") == 0 || strcmp(ret->kind, "gufunc") == 0;
    int status = read_dtypes(info->in, any, ret->in, KERNEL_MAX_IN, err);
    if (!status)
        status = read_dtypes(info->out, any, ret->out, KERNEL_MAX_OUT, err);
    return status ? status : count_operands(ret, self->code->state_bytes, err);
}

/* ---- loading -------------------------------------------------------------------------------------------------------
 */

static int
send_kernel(load_t *self, bool with_code, err_t *err)
{
    const kernel_code_t *code = self->code;
    char options[65];
    message_t message = {.code = MSG_KERNEL};
    uint64_t call;
    int status = engine_link_open(self->engine, err);
    if (!status && !self->handle)
        status = handle_new(&self->handle, self->engine, OID_NONE, 0, err);
    if (status)
        return status;
    write_options(&code->asked, self->inspect, options, sizeof options);
    message.as.KERNEL.result = self->handle->id;
    message.as.KERNEL.hash = (bin_t){code->hash, sizeof code->hash};
    message.as.KERNEL.entry = str_of(code->asked.entry);
    message.as.KERNEL.signature = str_of(code->asked.signature);
    message.as.KERNEL.kind = str_of(code->asked.kind);
    message.as.KERNEL.layout = str_of(code->asked.layout);
    message.as.KERNEL.state = (uint64_t)code->asked.state_bytes;
    message.as.KERNEL.options = str_of(options);
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

static int
remember(kernel_code_t *self, handle_t *handle, err_t *err)
{
    if (self->nplaces == self->places_room) {
        int room = self->places_room ? 2 * self->places_room : 8;
        kernel_place_t *grown = realloc(self->places, (size_t)room * sizeof *grown);
        if (!grown)
            return err_set(err, FH_NO_MEMORY, "no memory to remember where a kernel is");
        self->places = grown;
        self->places_room = room;
    }
    self->places[self->nplaces++] = (kernel_place_t){handle_ref(handle), handle->engine->opened};
    return FH_OK;
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
        status = remember(code, load->handle, err);
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
load_on(kernel_code_t *code, engine_link_t *const *engines, int n, err_t *err)
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
kernel_code_load(kernel_code_t *self, err_t *err)
{
    fh_session *session = self->session;
    int n = session_ready_engines(session, NULL, 0);
    engine_link_t *any, **engines = calloc((size_t)n + 1, sizeof(engine_link_t *));
    if (!engines)
        return err_set(err, FH_NO_MEMORY, "no memory for a list of %d engines", n);
    int status = session_emptiest(session, &any, err);
    session_ready_engines(session, engines, n);
    if (!status)
        status = load_on(self, engines, n, err);
    free(engines);
    return status;
}

bool
kernel_place_lives(const kernel_place_t *self)
{
    const engine_link_t *engine = self->handle->engine;
    return !engine->lost && engine->open && engine->opened == self->opened;
}

bool
kernel_code_lives(const kernel_code_t *self)
{
    for (int i = 0; i < self->nplaces; i++)
        if (kernel_place_lives(&self->places[i]))
            return true;
    return false;
}

/* Objects on connections that are gone are gone with them. */
static void
drop_lost_places(kernel_code_t *self)
{
    int kept = 0;
    for (int i = 0; i < self->nplaces; i++) {
        if (kernel_place_lives(&self->places[i]))
            self->places[kept++] = self->places[i];
        else
            handle_unref(&self->places[i].handle);
    }
    self->nplaces = kept;
}

int
kernel_code_on(kernel_code_t *self, engine_link_t *engine, handle_t **ret, err_t *err)
{
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < self->nplaces; i++)
            if (self->places[i].handle->engine == engine && kernel_place_lives(&self->places[i])) {
                *ret = self->places[i].handle;
                return FH_OK;
            }
        drop_lost_places(self);
        int status = pass == 0 ? load_on(self, &engine, 1, err) : FH_OK;
        if (status)
            return status;
    }
    return err_set(err, FH_INTERNAL, "a kernel that was loaded is not there");
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

/* ---- ufuncs as reductions ------------------------------------------------------------------------------------------
 */

int
kernel_code_fold(kernel_code_t *self, kernel_code_t **ret, err_t *err)
{
    const fh_kernel_info *info = &self->info;
    char signature[64];
    if (strcmp(info->kind, "reduction") == 0) {
        *ret = self;
        return FH_OK;
    }
    if (strcmp(info->kind, "ufunc") != 0 || info->nin != 2 || info->in[0] != info->in[1] || info->in[0] != info->out[0])
        return err_set(
            err, FH_KERNEL_ERROR,
            "%s (%s, %s) cannot reduce: that takes a reduction kernel, or a ufunc of two inputs and one dtype",
            info->entry, info->kind, info->signature);
    if (self->fold && !kernel_code_lives(self->fold))
        kernel_code_unref(&self->fold);
    if (!self->fold) {
        kernel_code_t *made = NULL;
        fh_kernel_options options = self->asked;
        const char *dtype = dtype_name((dtype_t)info->out[0]);
        (void)snprintf(signature, sizeof signature, "%s(%s)", dtype, dtype);
        options.entry = info->entry;
        options.signature = signature;
        options.kind = "reduction";
        int status = kernel_code_new(&made, self->session, self->code, self->hash, &options, err);
        if (!status)
            status = kernel_code_load(made, err);
        if (status) {
            kernel_code_unref(&made);
            return status;
        }
        self->fold = made;
    }
    *ret = self->fold;
    return FH_OK;
}
