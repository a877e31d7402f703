#include "engine/runner_maps.h"

#include "engine/runner/run/operand.h"

static const int64_t AGE_NS = 1000000000;

static void
give_up(runner_maps_t *self, int i)
{
    runner_map_t *map = &self->maps[i];
    if (!map->segment)
        return;
    self->bytes -= map->high - map->low;
    self->gone |= (uint64_t)1 << i;
    *map = (runner_map_t){.segment = 0};
}

void
runner_maps_give_up(runner_maps_t *self)
{
    for (int i = 0; i < RUNNER_MAPS; i++)
        give_up(self, i);
}

void
runner_maps_begin(runner_maps_t *self, uint32_t call, int64_t now_ns)
{
    self->call = call;
    self->now_ns = now_ns;
    for (int i = 0; i < RUNNER_MAPS; i++)
        if (self->maps[i].segment && self->maps[i].used_ns < now_ns - AGE_NS)
            give_up(self, i);
}

static void
use(runner_maps_t *self, int i, runner_operand_t *wire)
{
    self->maps[i].call = self->call;
    self->maps[i].used_ns = self->now_ns;
    wire->keep = (uint8_t)(i + 1);
}

/* The map that has not been used for longest; -1: this call uses them all. */
static int
find_oldest(const runner_maps_t *self)
{
    int oldest = -1;
    for (int i = 0; i < RUNNER_MAPS; i++) {
        const runner_map_t *map = &self->maps[i];
        if (map->segment && map->call != self->call && (oldest < 0 || map->used_ns < self->maps[oldest].used_ns))
            oldest = i;
    }
    return oldest;
}

static int
find_free(const runner_maps_t *self)
{
    for (int i = 0; i < RUNNER_MAPS; i++)
        if (!self->maps[i].segment)
            return i;
    return find_oldest(self);
}

void
runner_maps_place(runner_maps_t *self, runner_operand_t *wire, bool writable, int64_t limit)
{
    nd_t nd;
    int64_t low, high;
    wire->keep = wire->held = 0;
    if (!wire->segment || operand_check(wire, &nd, &low, &high, NULL) || low == high)
        return;
    for (int i = 0; i < RUNNER_MAPS; i++) {
        const runner_map_t *map = &self->maps[i];
        if (map->segment != wire->segment || map->writable != writable || low < map->low || high > map->high)
            continue;
        wire->held = 1;
        use(self, i, wire);
        return;
    }
    if (high - low > limit)
        return;
    for (int oldest; self->bytes > limit - (high - low); give_up(self, oldest))
        if ((oldest = find_oldest(self)) < 0)
            return;
    int place = find_free(self);
    if (place < 0)
        return;
    give_up(self, place);
    self->gone &= ~((uint64_t)1 << place); /* what comes takes its place */
    self->maps[place] = (runner_map_t){.segment = wire->segment, .writable = writable, .low = low, .high = high};
    self->bytes += high - low;
    use(self, place, wire);
}

uint64_t
runner_maps_gone(runner_maps_t *self)
{
    uint64_t gone = self->gone;
    self->gone = 0;
    return gone;
}

void
runner_maps_there(runner_maps_t *self, uint64_t kept, int64_t now_ns)
{
    for (int i = 0; i < RUNNER_MAPS; i++) {
        if (!(kept >> i & 1))
            give_up(self, i);
        else if (self->maps[i].segment && self->maps[i].call == self->call)
            self->maps[i].used_ns = now_ns;
    }
}
