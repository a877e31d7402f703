/* codecs/sha256.h - SHA-256 (FIPS 180-4), by which bitcode is known.  Pure; usable on any thread. */
#ifndef FH_CODECS_SHA256_H
#define FH_CODECS_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { SHA256_SIZE = 32 };

void sha256(const void *bytes, size_t size, uint8_t ret[SHA256_SIZE]);

#endif
