/* broker/registry_engine.c - engines: their numbers, their announcements, their end. */
#include "broker/registry.h"

#include <stdlib.h>

static const char *const STATE_NAMES[] = {
    [ENGINE_EXPECTED] = "expected",
    [ENGINE_READY] = "ready",
    [ENGINE_LOST] = "lost",
    [ENGINE_STOPPED] = "stopped",
};

const char *
registry_engine_state_name(engine_state_t state)
{
    return STATE_NAMES[state];
}

engine_t *
registry_engine(const registry_t *self, oid_t id)
{
    return map_get(&self->engine_map, id.bytes, sizeof id.bytes);
}

static bool
engine_ended(const engine_t *engine)
{
    return engine->state == ENGINE_LOST || engine->state == ENGINE_STOPPED;
}

static void
engine_remove(registry_t *self, engine_t *engine)
{
    engine_t **place = &self->engines;

    while (*place != engine)
        place = &(*place)->next;
    *place = engine->next;
    self->nengines--;
    map_remove(&self->engine_map, engine->id.bytes, sizeof engine->id.bytes);
    if (engine->row.saved) {
        engine->row.gone = true;
        rows_touch(&self->changes, &engine->row);
    } else {
        rows_untouch(&self->changes, &engine->row);
        free(engine);
    }
}

/* Of those that are gone, the youngest are kept to be listed. */
static void
forget_oldest_ended(registry_t *self)
{
    size_t ended = 0;

    for (const engine_t *engine = self->engines; engine; engine = engine->next)
        ended += engine_ended(engine);
    for (engine_t *engine = self->engines, *next; engine && ended > REGISTRY_MAX_ENDED_ENGINES; engine = next) {
        next = engine->next;
        if (engine_ended(engine)) {
            engine_remove(self, engine);
            ended--;
        }
    }
}

static int
engine_add(registry_t *self, oid_t id, uint32_t number, engine_t **ret, err_t *err)
{
    if (self->nengines >= REGISTRY_MAX_ENGINES)
        return err_set(err, FH_LIMIT_EXCEEDED, "there are %zu engines already; no more are possible", self->nengines);
    engine_t *engine = calloc(1, sizeof *engine);

    if (!engine)
        return err_set(err, FH_NO_MEMORY, "no memory for an engine in the registry");
    engine->row.kind = ROW_ENGINE;
    engine->id = id;
    engine->number = number;
    int status = map_put(&self->engine_map, engine->id.bytes, sizeof engine->id.bytes, engine, err);

    if (status) {
        free(engine);
        return status;
    }
    engine_t **place = &self->engines;

    while (*place && (*place)->number <= number)
        place = &(*place)->next;
    engine->next = *place;
    *place = engine;
    self->nengines++;
    if (number >= self->next_number)
        self->next_number = number + 1;
    *ret = engine;
    return FH_OK;
}

int
registry_engine_announce(registry_t *self, oid_t id, const msg_ANNOUNCE_t *announce, const char *host, uint64_t pid,
                         engine_t **ret, err_t *err)
{
    engine_t *engine = registry_engine(self, id);

    if (!engine) {
        int status = engine_add(self, id, self->next_number, &engine, err);

        if (status)
            return status;
    }
    engine->state = ENGINE_READY;
    str_copy(announce->endpoint, engine->endpoint, sizeof engine->endpoint);
    str_copy(announce->local, engine->local, sizeof engine->local);
    str_copy(announce->llvm, engine->llvm, sizeof engine->llvm);
    str_copy(announce->cpu, engine->cpu, sizeof engine->cpu);
    str_copy(announce->sandbox, engine->sandbox, sizeof engine->sandbox);
    str_copy(announce->offers, engine->offers, sizeof engine->offers);
    str_copy(str_of(host), engine->host, sizeof engine->host);
    engine->pid = pid;
    engine->cores = announce->cores;
    engine->memory = announce->memory;
    engine->round++;
    rows_touch(&self->changes, &engine->row);
    registry_name_refresh(self, id);
    *ret = engine;
    return FH_OK;
}

int
registry_engine_restore(registry_t *self, oid_t id, uint32_t number, engine_state_t state, engine_t **ret, err_t *err)
{
    int status = engine_add(self, id, number, ret, err);

    if (status)
        return status;
    (*ret)->state = state;
    rows_touch(&self->changes, &(*ret)->row);
    return FH_OK;
}

void
registry_engine_end(registry_t *self, engine_t *engine, engine_state_t state)
{
    while (engine->objects)
        registry_object_remove(self, engine->objects);
    engine->state = state;
    engine->used = engine->reported = engine->promised = 0;
    rows_touch(&self->changes, &engine->row);
    registry_name_refresh(self, engine->id);
    forget_oldest_ended(self);
}

void
registry_engine_sweep(registry_t *self, engine_t *engine)
{
    object_t *next;

    for (object_t *object = engine->objects; object; object = next) {
        next = object->engine_next;
        if (object->round != engine->round)
            registry_object_remove(self, object);
    }
}
