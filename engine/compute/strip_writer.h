/* engine/compute/strip_writer.h - what the strip_emit*.c files share: registers, addresses and constants of the code
 * that is being written.  A value takes `groups` vector registers of `lanes` elements, or as many masks, if it is
 * bools. What fails is noted (failed), and what is written then is of no use. */
#ifndef FH_ENGINE_COMPUTE_STRIP_WRITER_H
#define FH_ENGINE_COMPUTE_STRIP_WRITER_H

#include "engine/compute/strip_graph.h"
#include "engine/compute/x86.h"

enum {
    STRIP_WRITER_VECTOR = 64,
    STRIP_WRITER_GROUPS = 4,
    STRIP_WRITER_PATTERNS = 8,
    STRIP_WRITER_BASES = 3,
    STRIP_WRITER_NO_REGISTER = -1,
};

/* What has no register between the nodes that take it, but is read from memory each time. */
typedef enum {
    STRIP_WRITER_NOTHING,
    STRIP_WRITER_CONSTANTS,
    STRIP_WRITER_ARRAYS /* too; not bools */
} strip_writer_saving_t;

typedef struct {
    const strip_graph_t *graph;
    x86_t *code;
    int lanes, groups;
    int saving; /* strip_writer_saving_t */
    bool failed;
    uint32_t vectors; /* registers that are free */
    uint32_t masks;
    int8_t reg[STRIP_NODES][STRIP_WRITER_GROUPS];
    int npatterns, nbases;
    struct {
        uint64_t bits;
        int reg;
    } pattern[STRIP_WRITER_PATTERNS];
    int base[STRIP_WRITER_BASES]; /* the places */
} strip_writer_t;

const strip_node_t *strip_writer_node_of(const strip_writer_t *self, int i);
bool strip_writer_is_bool(const strip_node_t *node);
/* Has node i registers of its own? */
bool strip_writer_keeps(const strip_writer_t *self, int i);
/* Of one register's elements. */
int strip_writer_bytes_of(const strip_writer_t *self, dtype_t dtype);
/* Registers: of those that are free; for group g of node i; given back, if node `at` is the last that takes it. */
int strip_writer_take(strip_writer_t *self, uint32_t *free);
int strip_writer_take_vector(strip_writer_t *self);
void strip_writer_give_vector(strip_writer_t *self, int reg);
int strip_writer_take_for(strip_writer_t *self, int i, int g);
void strip_writer_done_with(strip_writer_t *self, int i, int g, int at);
/* Likewise, of all that node i takes. */
void strip_writer_done_with_all(strip_writer_t *self, int i, int g);
/* The address of a place: into a register; the register that has it, perhaps RAX. */
void strip_writer_load_base(strip_writer_t *self, int reg, int place);
int strip_writer_base_of(strip_writer_t *self, int place);
/* Group g of the elements that the loop is at. */
x86_address_t strip_writer_address_of(const strip_writer_t *self, int base, dtype_t dtype, int g);
/* Elements of memory, bools as masks. */
void strip_writer_read_group(strip_writer_t *self, int reg, dtype_t dtype, x86_address_t address);
void strip_writer_write_group(strip_writer_t *self, int reg, dtype_t dtype, x86_address_t address, bool past);
/* A register with these bits, again and again; made before the loop. */
int strip_writer_pattern_of(strip_writer_t *self, uint64_t bits);
void strip_writer_load_constant(strip_writer_t *self, int reg, int i);
/* Where group g of an operand is; what has no register gets one for a moment, which is *room (at first
 * STRIP_WRITER_NO_REGISTER). */
int strip_writer_operand(strip_writer_t *self, int i, int g, int *room);

#endif
