/* base/stream_seal.h - one direction of a sealed stream: AES-256-GCM with a counter as nonce.  For base/stream*.c. */
#ifndef FH_BASE_STREAM_SEAL_H
#define FH_BASE_STREAM_SEAL_H

#include "base/stream.h"

enum { SEAL_TAG = 16 };

typedef struct seal seal_t;

/* opens: it decrypts, else it encrypts.  A key serves one seal only.  NO_MEMORY. */
int seal_new(seal_t **ret, const uint8_t key[STREAM_KEY], bool opens, err_t *err);
void seal_destroy(seal_t **self);
/* Each message is begun, passed through in any pieces, and ended: with its tag, or by comparing with it (PERMISSION).
 * What came out before must not be used if that fails. */
int seal_begin(seal_t *self, err_t *err);
int seal_pass(seal_t *self, const void *from, size_t size, void *to, err_t *err);
int seal_end(seal_t *self, uint8_t tag[SEAL_TAG], err_t *err);

#endif
