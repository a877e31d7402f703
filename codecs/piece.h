/* codecs/piece.h - how an axis is cut into pieces: pure arithmetic. */
#ifndef FH_CODECS_PIECE_H
#define FH_CODECS_PIECE_H

#include "base/err.h"

#include <stdint.h>

typedef struct {
    int64_t start, length;
} piece_t;

/* numpy.array_split's sizes: extent over n pieces, the first extent % n one longer.  n >= 1.  ret holds n pieces. */
void piece_split(int64_t extent, int n, piece_t *ret);
/* How many pieces of blocksize (the last may be shorter) cover extent; at least 1, also for extent 0.  INVALID_ARGUMENT
 * for blocksize < 1. */
int piece_count(int64_t extent, int64_t blocksize, int64_t *ret, err_t *err);
/* Piece i of that cut. */
piece_t piece_block(int64_t extent, int64_t blocksize, int64_t i);
/* The overlap of two ranges; length 0 if none. */
piece_t piece_overlap(piece_t a, piece_t b);
/* The part of a strided range (start, step, count elements of the whole axis; step may be negative) that lies in piece
 * p: *ret_first local start inside the piece, *ret_count, *ret_offset index of its first element within the result. */
void piece_slice(piece_t p, int64_t start, int64_t step, int64_t count, int64_t *ret_first, int64_t *ret_count,
                 int64_t *ret_offset);
/* Index of the piece that holds position (0 <= position < sum of lengths), by bisection; pieces are contiguous. */
int piece_find(const piece_t *pieces, int n, int64_t position);

#endif
