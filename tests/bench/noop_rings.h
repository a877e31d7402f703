/* tests/bench/noop_rings.h - calls that do nothing, through rings in shared memory. */
#ifndef FH_TESTS_BENCH_NOOP_RINGS_H
#define FH_TESTS_BENCH_NOOP_RINGS_H

#include "proxy/farhand.h"

/* Measures and prints: back to back, after idleness, pipelined, and with all CPUs busy, beside two processes that do
 * nothing but hand 64 bytes to each other through shared memory, or wake each other through pipes. */
void noop_rings(fh_session *session);

#endif
