/* engine/apply/determinant.h - a determinant, number by number of the diagonal of LU factors.  Pure. */
#ifndef FH_ENGINE_APPLY_DETERMINANT_H
#define FH_ENGINE_APPLY_DETERMINANT_H

#include <stdbool.h>

typedef struct {
    double sign[2], log; /* the sign is a complex number, 0 if the matrix is singular; then log is -inf */
} determinant_t;

/* That of a matrix without rows. */
void determinant_init(determinant_t *self);
/* The next number; exchanged: its row was exchanged for another. */
void determinant_multiply(determinant_t *self, double real, double imaginary, bool exchanged);

#endif
