#include "base/stream_seal.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum { NONCE = 12 };

struct seal {
    EVP_CIPHER_CTX *cipher;
    bool opens;
    uint64_t messages;
};

static int
failed(err_t *err, const char *what)
{
    return err_set(err, FH_INTERNAL, "the cipher of a stream refuses to %s", what);
}

int
seal_new(seal_t **ret, const uint8_t key[STREAM_KEY], bool opens, err_t *err)
{
    seal_t *self = calloc(1, sizeof *self);
    if (self)
        self->cipher = EVP_CIPHER_CTX_new();
    if (!self || !self->cipher) {
        seal_destroy(&self);
        return err_set(err, FH_NO_MEMORY, "no memory for the cipher of a stream");
    }
    self->opens = opens;
    if (EVP_CipherInit_ex(self->cipher, EVP_aes_256_gcm(), NULL, key, NULL, !opens) != 1) {
        seal_destroy(&self);
        return failed(err, "begin");
    }
    *ret = self;
    return FH_OK;
}

void
seal_destroy(seal_t **self)
{
    if (!*self)
        return;
    EVP_CIPHER_CTX_free((*self)->cipher);
    free(*self);
    *self = NULL;
}

int
seal_begin(seal_t *self, err_t *err)
{
    uint8_t nonce[NONCE] = {0};
    self->messages++;
    memcpy(nonce, &self->messages, sizeof self->messages);
    return EVP_CipherInit_ex(self->cipher, NULL, NULL, NULL, nonce, -1) == 1 ? FH_OK : failed(err, "begin a message");
}

int
seal_pass(seal_t *self, const void *from, size_t size, void *to, err_t *err)
{
    int out;
    return EVP_CipherUpdate(self->cipher, to, &out, from, (int)size) == 1 && out == (int)size
               ? FH_OK
               : failed(err, "take bytes");
}

int
seal_end(seal_t *self, uint8_t tag[SEAL_TAG], err_t *err)
{
    uint8_t rest[SEAL_TAG];
    int out;
    if (self->opens && EVP_CIPHER_CTX_ctrl(self->cipher, EVP_CTRL_GCM_SET_TAG, SEAL_TAG, tag) != 1)
        return failed(err, "take a tag");
    if (EVP_CipherFinal_ex(self->cipher, rest, &out) != 1)
        return self->opens ? err_set(err, FH_PERMISSION, "what came over a stream was changed on its way")
                           : failed(err, "end a message");
    if (!self->opens && EVP_CIPHER_CTX_ctrl(self->cipher, EVP_CTRL_GCM_GET_TAG, SEAL_TAG, tag) != 1)
        return failed(err, "give a tag");
    return FH_OK;
}
