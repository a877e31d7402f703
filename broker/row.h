/* broker/row.h - which rows of the registry differ from the file.
 *
 * Everything that is kept in the file begins with a row_t.  A row that was changed stands in the list of changes, once,
 * in the order of the first change, until the store has written it.  A row that was never written leaves the list when
 * it ends; one that was written stays there as "gone" and is freed by its owner once its deletion is written. */
#ifndef FH_BROKER_ROW_H
#define FH_BROKER_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum { ROW_SESSION, ROW_ENGINE, ROW_OBJECT, ROW_NAME } row_kind_t;

typedef struct row row_t;
struct row {
    row_kind_t kind;
    bool saved;   /* the file has a row of this key */
    bool gone;    /* to be deleted there */
    bool changed; /* stands in the list */
    row_t *next, *previous;
};

typedef struct {
    row_t *first, *last;
    size_t count;
    uint64_t left; /* rows that ever left the list */
} rows_t;

/* Put into the list of changes unless it stands there. */
void rows_touch(rows_t *self, row_t *row);
/* Take out of the list if it stands there. */
void rows_untouch(rows_t *self, row_t *row);

#endif
