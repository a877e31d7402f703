/* Code and where it is loaded. */
#include "codecs/core_dims.h"
#include "codecs/dtype.h"
#include "proxy/kernel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXTS = 4 };

/* ---- what it is ----------------------------------------------------------------------------------------------------
 */

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

/* ---- where it is ---------------------------------------------------------------------------------------------------
 */

int
kernel_code_remember(kernel_code_t *self, handle_t *handle, err_t *err)
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
        status = kernel_load_on(self, engines, n, err);
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
        int status = pass == 0 ? kernel_load_on(self, &engine, 1, err) : FH_OK;
        if (status)
            return status;
    }
    return err_set(err, FH_INTERNAL, "a kernel that was loaded is not there");
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
        options.force = 0;
        int status = kernel_code_new(&made, self->session, self->code, self->hash, &options, err);
        if (!status)
            status = kernel_code_load(made, err);
        if (!status && strcmp(made->info.kind, "reduction") != 0)
            status =
                err_set(err, FH_PROTOCOL_ERROR, "an engine made a kernel of kind %s of a reduction", made->info.kind);
        if (status) {
            kernel_code_unref(&made);
            return status;
        }
        self->fold = made;
    }
    *ret = self->fold;
    return FH_OK;
}
