#include "engine/runner/code/object.h"

#include <elf.h>
#include <string.h>

enum { MAX_SECTIONS = 4096 };

/* Copies, since nothing in the file need be aligned. */
static bool
copy(const void *bytes, size_t size, uint64_t offset, void *ret, size_t want)
{
    if (offset > size || size - offset < want)
        return false;
    memcpy(ret, (const uint8_t *)bytes + offset, want);
    return true;
}

bool
object_init(object_t *self, const void *bytes, size_t size)
{
    static const uint8_t IDENT[] = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB};
    Elf64_Ehdr header;
    *self = (object_t){.bytes = bytes, .size = size};
    if (!copy(bytes, size, 0, &header, sizeof header) || memcmp(header.e_ident, IDENT, sizeof IDENT) ||
        header.e_type != ET_REL || header.e_shentsize != sizeof(Elf64_Shdr) || header.e_shnum > MAX_SECTIONS)
        return false;
    self->table = header.e_shoff;
    self->count = header.e_shnum;
    self->names = header.e_shstrndx;
    return true;
}

static bool
section_header(const object_t *self, uint32_t index, Elf64_Shdr *ret)
{
    return index < self->count && self->table <= self->size &&
           copy(self->bytes, self->size, self->table + (uint64_t)index * sizeof *ret, ret, sizeof *ret);
}

bool
object_section_at(const object_t *self, uint32_t index, object_section_t *ret)
{
    Elf64_Shdr header;
    if (!section_header(self, index, &header) || header.sh_type == SHT_NOBITS || (header.sh_flags & SHF_COMPRESSED) ||
        header.sh_offset > self->size || self->size - header.sh_offset < header.sh_size)
        return false;
    *ret = (object_section_t){index, self->bytes + header.sh_offset, header.sh_size};
    return true;
}

/* Whether the string at an offset of a table of strings is that name. */
static bool
is_named(const object_section_t *strings, uint64_t offset, const char *name)
{
    size_t length = strlen(name) + 1;
    return offset <= strings->size && strings->size - offset >= length &&
           !memcmp(strings->bytes + offset, name, length);
}

bool
object_section(const object_t *self, const char *name, object_section_t *ret)
{
    object_section_t names;
    Elf64_Shdr header;
    if (!object_section_at(self, self->names, &names))
        return false;
    for (uint32_t i = 0; section_header(self, i, &header); i++)
        if (is_named(&names, header.sh_name, name) && object_section_at(self, i, ret))
            return true;
    return false;
}

/* The section of a type, and for SHT_RELA the one whose bytes it changes. */
static bool
section_of_type(const object_t *self, uint32_t type, uint32_t target, Elf64_Shdr *ret_header, object_section_t *ret)
{
    for (uint32_t i = 0; section_header(self, i, ret_header); i++)
        if (ret_header->sh_type == type && (type != SHT_RELA || ret_header->sh_info == target))
            return object_section_at(self, i, ret);
    return false;
}

bool
object_symbol(const object_t *self, const char *name, object_place_t *ret)
{
    Elf64_Shdr header;
    object_section_t symbols, strings;
    if (!section_of_type(self, SHT_SYMTAB, 0, &header, &symbols) || !object_section_at(self, header.sh_link, &strings))
        return false;
    Elf64_Sym symbol;
    for (uint64_t at = 0; copy(symbols.bytes, symbols.size, at, &symbol, sizeof symbol); at += sizeof symbol)
        if (symbol.st_shndx && symbol.st_shndx < self->count && is_named(&strings, symbol.st_name, name)) {
            *ret = (object_place_t){symbol.st_shndx, symbol.st_value};
            return true;
        }
    return false;
}

void
object_relocations(const object_t *self, uint32_t section, object_relocations_t *ret)
{
    Elf64_Shdr header;
    *ret = (object_relocations_t){.object = self};
    if (!section_of_type(self, SHT_RELA, section, &header, &ret->entries) ||
        !object_section_at(self, header.sh_link, &ret->symbols))
        ret->entries = ret->symbols = (object_section_t){0};
}

bool
object_relocated(object_relocations_t *self, uint64_t offset, object_place_t *ret)
{
    size_t count = self->entries.size / sizeof(Elf64_Rela);
    for (size_t tried = 0; tried < count; tried++) {
        Elf64_Rela entry;
        Elf64_Sym symbol;
        size_t i = (self->next + tried) % count;
        memcpy(&entry, self->entries.bytes + i * sizeof entry, sizeof entry);
        if (entry.r_offset != offset)
            continue;
        self->next = i + 1;
        if (!copy(self->symbols.bytes, self->symbols.size, ELF64_R_SYM(entry.r_info) * sizeof symbol, &symbol,
                  sizeof symbol))
            return false;
        *ret = (object_place_t){symbol.st_shndx, symbol.st_value + (uint64_t)entry.r_addend};
        return true;
    }
    return false;
}
