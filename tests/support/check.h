/* tests/support/check.h - what tests need beside cmocka: folders, deadlines, seeds.
 * Every function here fails the running test (and does not return) when it cannot do its work. */
#ifndef FH_TESTS_SUPPORT_CHECK_H
#define FH_TESTS_SUPPORT_CHECK_H

/* cmocka.h wants these before it. */
#include "base/err.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* What a sanitizer keeps of freed memory, in each process. */
#ifdef __SANITIZE_ADDRESS__
enum { CHECK_QUARANTINE_MIB = 320 };
#else
enum { CHECK_QUARANTINE_MIB = 0 };
#endif

/* The call returns FH_OK; else its error is shown.  err: an err_t that was handed to the call. */
#define check_ok(call, err) check_status_at((call), FH_OK, &(err), #call, __FILE__, __LINE__)
/* The call returns this status, and its err_t says the same. */
#define check_fails(call, status, err) check_status_at((call), (status), &(err), #call, __FILE__, __LINE__)
void check_status_at(int got, int wanted, const err_t *err, const char *call, const char *file, int line);

/* text has part in it. */
#define check_contains(text, part) check_contains_at((text), (part), __FILE__, __LINE__)
void check_contains_at(const char *text, const char *part, const char *file, int line);

/* A new 0700 folder under $TMPDIR or /tmp. */
void check_folder_make(char ret[PATH_MAX]);
/* Remove it with all that is in it. */
void check_folder_remove(const char *path);
/* FOLDER/NAME in a static buffer of the thread; overwritten by the fourth next call. */
const char *check_path(const char *folder, const char *name);
/* Make a file with this content and mode. */
void check_file_make(const char *path, const char *content, unsigned mode);

/* Wait until condition(context) is true: looks every few milliseconds, at most timeout_s.  What is waited for cannot be
 * polled on a descriptor: where it can, poll that. */
bool check_until(bool (*condition)(void *context), void *context, double timeout_s);

/* The seed of a test with random input: $FARHAND_TEST_SEED, else fixed; printed, so that a failure can be had again. */
uint64_t check_seed(void);
/* The next number of a sequence (splitmix64). */
uint64_t check_random(uint64_t *state);

#endif
