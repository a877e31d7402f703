/* broker/row.c - the list of changes. */
#include "broker/row.h"

void
rows_touch(rows_t *self, row_t *row)
{
    if (row->changed)
        return;
    row->changed = true;
    row->next = NULL;
    row->previous = self->last;
    if (self->last)
        self->last->next = row;
    else
        self->first = row;
    self->last = row;
    self->count++;
}

void
rows_untouch(rows_t *self, row_t *row)
{
    if (!row->changed)
        return;
    row->changed = false;
    if (row->previous)
        row->previous->next = row->next;
    else
        self->first = row->next;
    if (row->next)
        row->next->previous = row->previous;
    else
        self->last = row->previous;
    row->next = row->previous = NULL;
    self->count--;
    self->left++;
}
