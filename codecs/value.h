/* codecs/value.h - small dynamically typed values inside messages (method arguments, rows of a query). */
#ifndef FH_CODECS_VALUE_H
#define FH_CODECS_VALUE_H

#include "base/oid.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Views into a frame: not terminated, valid as long as the frame. */
typedef struct {
    const char *data;
    uint32_t size;
} str_t;

typedef struct {
    const uint8_t *data;
    uint32_t size;
} bin_t;

typedef struct {
    enum { VALUE_NIL, VALUE_BOOL, VALUE_INT, VALUE_UINT, VALUE_FLOAT, VALUE_STR, VALUE_BIN, VALUE_OID } kind;
    union {
        bool boolean;
        int64_t i;
        uint64_t u;
        double f;
        str_t str;
        bin_t bin;
        oid_t oid;
    } as;
} value_t;

/* An input of an operation: an object, or a 0-d constant given in place. */
typedef struct {
    oid_t object;       /* OID_NONE for a constant */
    uint8_t dtype;      /* dtype_t of the constant */
    uint8_t scalar[16]; /* its bytes, native order */
} operand_t;

typedef struct {
    const oid_t *items;
    uint32_t count;
} oids_t;
typedef struct {
    const int64_t *items;
    uint32_t count;
} ints_t;
typedef struct {
    const value_t *items;
    uint32_t count;
} values_t;
typedef struct {
    const operand_t *items;
    uint32_t count;
} operands_t;

#endif
