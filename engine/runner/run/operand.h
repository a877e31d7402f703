/* engine/runner/run/operand.h - an array of a call, from a descriptor to memory.  Sizes are believed to nobody. */
#ifndef FH_ENGINE_RUNNER_RUN_OPERAND_H
#define FH_ENGINE_RUNNER_RUN_OPERAND_H

#include "codecs/shape.h"
#include "engine/runner/runner_wire.h"

#include <stdbool.h>
#include <stddef.h>

/* Check that the array lies inside fd_size bytes; *ret gets its shape (data NULL), low and high the bytes of the
 * descriptor it touches (equal: none).  KERNEL_ERROR otherwise. */
int operand_check(const runner_operand_t *wire, nd_t *ret, int64_t *ret_low, int64_t *ret_high, err_t *err);

typedef struct {
    nd_t nd;
    void *start; /* of the mapping; NULL: none */
    size_t size;
    int64_t from; /* where it begins in the file */
} operand_map_t;

/* Map it, writable or not; the descriptor may be closed afterwards. */
int operand_map(operand_map_t *self, const runner_operand_t *wire, int fd, bool writable, err_t *err);
/* The same for one that lies in the mailbox (RUNNER_MAILBOX_BYTES, or NULL: there is none); nothing is mapped. */
int operand_in_mailbox(operand_map_t *self, const runner_operand_t *wire, char *mailbox, err_t *err);
/* The same for one that a map with the right to write, if that is needed, holds already.  *ret: start is NULL. */
int operand_in_map(operand_map_t *ret, const runner_operand_t *wire, const operand_map_t *map, err_t *err);
void operand_unmap(operand_map_t *self);

#endif
