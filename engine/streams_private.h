/* engine/streams_private.h - one stream at the engine, for streams*.c; nobody else includes it. */
#ifndef FH_ENGINE_STREAMS_PRIVATE_H
#define FH_ENGINE_STREAMS_PRIVATE_H

#include "engine/streams.h"

/* Whom a stream serves. */
typedef struct {
    core_t *core;
    stream_t *stream;
    oid_t session;
    uint8_t number;
    char *scratch; /* STREAM_CHUNK bytes */
} served_t;

/* Answer records until the stream breaks or is shut. */
void streams_serve(served_t *served);

#endif
