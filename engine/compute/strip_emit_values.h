/* engine/compute/strip_emit_values.h - part of strip_emit.c: nodes that compute. */
#ifndef FH_ENGINE_COMPUTE_STRIP_EMIT_VALUES_H
#define FH_ENGINE_COMPUTE_STRIP_EMIT_VALUES_H

#include "engine/compute/strip_writer.h"

void strip_emit_apply(strip_writer_t *self, int i);
void strip_emit_cast(strip_writer_t *self, int i);
void strip_emit_fold(strip_writer_t *self, int i);

#endif
