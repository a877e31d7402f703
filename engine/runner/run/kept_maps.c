#include "engine/runner/run/kept_maps.h"

#include <errno.h>
#include <sys/mman.h>

static bool
drop(kept_map_t *map)
{
    bool there = map->map.start != NULL;
    operand_unmap(&map->map);
    *map = (kept_map_t){.open = false};
    return there;
}

void
kept_maps_begin(kept_maps_t *self, uint64_t gone)
{
    self->used = 0;
    for (int i = 0; i < RUNNER_MAPS; i++)
        if (gone >> i & 1)
            drop(&self->maps[i]);
}

bool
kept_maps_spare(kept_maps_t *self)
{
    bool some = false;
    for (int i = 0; i < RUNNER_MAPS; i++)
        if (!(self->used >> i & 1))
            some |= drop(&self->maps[i]);
    return some;
}

int
kept_maps_take(kept_maps_t *self, const runner_operand_t *wire, int fd, bool writable, operand_map_t *ret, err_t *err)
{
    if (!wire->keep || wire->keep > RUNNER_MAPS)
        return err_set(err, FH_KERNEL_ERROR, "an array is to be kept as map %d of %d", wire->keep, RUNNER_MAPS);
    kept_map_t *kept = &self->maps[wire->keep - 1];
    uint64_t bit = (uint64_t)1 << (wire->keep - 1);
    if (fd >= 0) {
        if (self->used & bit)
            return err_set(err, FH_KERNEL_ERROR, "two arrays are to be map %d", wire->keep);
        drop(kept);
        int status = operand_map(&kept->map, wire, fd, writable, err);
        if (status == FH_NO_MEMORY && kept_maps_spare(self)) /* there is a limit for addresses */
            status = operand_map(&kept->map, wire, fd, writable, err);
        if (status)
            return status;
        kept->writable = writable;
        kept->open = true;
    }
    if (writable && !kept->writable)
        return err_set(err, FH_KERNEL_ERROR, "map %d is for reading only", wire->keep);
    int status = operand_in_map(ret, wire, &kept->map, err);
    if (!status)
        self->used |= bit;
    return status;
}

int
kept_maps_open(kept_maps_t *self, err_t *err)
{
    for (int i = 0; i < RUNNER_MAPS; i++) {
        kept_map_t *kept = &self->maps[i];
        bool wanted = self->used >> i & 1;
        if (!kept->map.start || kept->open == wanted)
            continue;
        int rights = !wanted ? PROT_NONE : kept->writable ? PROT_READ | PROT_WRITE : PROT_READ;
        kept->open = wanted;
        if (!mprotect(kept->map.start, kept->map.size, rights))
            continue;
        int number = errno;
        drop(kept);
        if (wanted)
            return err_set_errno(err, FH_NO_MEMORY, number, "the runner cannot open a map again");
    }
    return FH_OK;
}

uint64_t
kept_maps_here(const kept_maps_t *self)
{
    uint64_t here = 0;
    for (int i = 0; i < RUNNER_MAPS; i++)
        here |= (uint64_t)(self->maps[i].map.start != NULL) << i;
    return here;
}
