/* engine/runner/code/object.h - a look into an object file: the sections, symbols and relocations of 64-bit
 * little-endian ELF as our LLVM writes it.  The module that it was made from is foreign, so nothing in it is believed:
 * all reads are checked, false means "not there, or not as it should be".  Borrows the bytes.  Thread rule: one thread.
 */
#ifndef FH_ENGINE_RUNNER_CODE_OBJECT_H
#define FH_ENGINE_RUNNER_CODE_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    const uint8_t *bytes;
    size_t size;
    uint64_t table; /* where the section headers lie */
    uint32_t count, names;
} object_t;

typedef struct {
    uint32_t index;
    const uint8_t *bytes;
    size_t size;
} object_section_t;

/* A place in a section: where a symbol is, or what a relocation points to. */
typedef struct {
    uint32_t section;
    uint64_t offset;
} object_place_t;

bool object_init(object_t *self, const void *bytes, size_t size);
/* The first section of that name that has bytes in the file. */
bool object_section(const object_t *self, const char *name, object_section_t *ret);
bool object_section_at(const object_t *self, uint32_t index, object_section_t *ret);
bool object_symbol(const object_t *self, const char *name, object_place_t *ret);

/* The relocations of one section. */
typedef struct {
    const object_t *object;
    object_section_t entries, symbols;
    size_t next; /* entries come in order, and so do the questions */
} object_relocations_t;

/* None is a valid answer, too: then nothing is found in it. */
void object_relocations(const object_t *self, uint32_t section, object_relocations_t *ret);
/* What is to be written at that offset of the section. */
bool object_relocated(object_relocations_t *self, uint64_t offset, object_place_t *ret);

#endif
