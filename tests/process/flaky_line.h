/* tests/process/flaky_line.h - a line between this process and the cluster that can be bad.
 *
 * While it stands, every TCP connection that this process opens to 127.0.0.1 (connect() is replaced) goes through a
 * thread of its own that hands bytes on and, after a random number of them, resets the connection, closes it, holds
 * the bytes back for a while, or swallows them.  By itself it leaves connections alone that do not carry streams.
 * Functions fail the running test when they cannot do their work. */
#ifndef FH_TESTS_PROCESS_FLAKY_LINE_H
#define FH_TESTS_PROCESS_FLAKY_LINE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    FLAKY_RESET = 1,
    FLAKY_CLOSE = 2,
    FLAKY_STALL = 4,    /* for 20 to 200 ms */
    FLAKY_SWALLOW = 8,  /* nothing more comes through, and nobody is told */
    FLAKY_THROTTLE = 16 /* 1 ms for each 16 KiB from now on */
};

/* seed: of what happens when.  Nothing bad happens yet. */
void flaky_line_start(uint64_t seed);
/* From now on: one of these kinds (0: none) each time about so many bytes have passed a connection. */
void flaky_line_set(unsigned kinds, int64_t every_bytes);
/* Cut what stands, links, too; and while `down`, refuse what is new. */
void flaky_line_cut(bool links, bool down);
/* Misfortunes so far; connections that carried streams. */
int flaky_line_count(void);
int flaky_line_streams(void);
/* Bytes that streams have carried. */
int64_t flaky_line_bytes(void);
/* Connections are direct again; those that went through it are closed. */
void flaky_line_stop(void);

#endif
