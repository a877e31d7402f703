/* base/options.h - settings of a program: flag > environment > configuration file > default, from one table.
 *
 * A program includes its options.def to fill an option_t table (struct offsets into its settings struct); everything
 * else
 * (--help, --print-config, the man page's OPTIONS, validation) walks that table.
 * Configuration file: INI text read with libinih; $FARHAND_CONFIG, else $XDG_CONFIG_HOME/farhand/config.ini
 * (~/.config), else /etc/farhand/config.ini; section = program name without "farhand-"; unknown keys are errors. */
#ifndef FH_BASE_OPTIONS_H
#define FH_BASE_OPTIONS_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef enum { OPTION_BOOL, OPTION_INT, OPTION_BYTES, OPTION_SECONDS, OPTION_TEXT } option_kind_t;

enum { OPTION_TEXT_MAX = 256 };

/* One row.  BOOL: bool; INT, BYTES: int64_t (bytes accept K, M, G, T suffixes, powers of 1024); SECONDS: double; TEXT:
 * char[OPTION_TEXT_MAX]. */
typedef struct {
    const char *name; /* long flag without "--"; environment FARHAND_ + upper case with '_'; key in the file */
    char letter;      /* short flag, or 0 */
    option_kind_t kind;
    const char *fallback; /* the default, as text */
    double min, max;      /* bounds of numbers */
    size_t offset;        /* in the settings struct */
    const char *argument; /* name of the value in --help, NULL for BOOL */
    const char *doc;      /* one sentence */
} option_t;

/* Settings of a program and their rows, from its options.def:
 *
 *     typedef struct {
 *     #define OPTION OPTION_FIELD
 *     #include "broker/options.def"
 *     #undef OPTION
 *     } settings_t;
 *
 * and likewise with OPTION_ROW in a table of option_t.  The struct must be called settings_t. */
#define OPTION_FIELD(field, name, letter, KIND, fallback, min, max, argument, doc) option_##KIND##_t field;
#define OPTION_ROW(field, name, letter, KIND, fallback, min, max, argument, doc)                                       \
    {name, letter, OPTION_##KIND, fallback, min, max, offsetof(settings_t, field), argument, doc},

typedef bool option_BOOL_t;
typedef int64_t option_INT_t;
typedef int64_t option_BYTES_t;
typedef double option_SECONDS_t;
typedef char option_TEXT_t[OPTION_TEXT_MAX];

typedef struct {
    const char *program; /* "farhand-broker" */
    const char *usage;   /* after the program's name: "[OPTIONS]" */
    const char *summary; /* one line */
    const option_t *rows;
    int count;            /* at most 64 */
    const char *required; /* name of a TEXT setting that must not be empty; NULL: none */
} option_table_t;

typedef enum { OPTION_FROM_DEFAULT, OPTION_FROM_FILE, OPTION_FROM_ENVIRONMENT, OPTION_FROM_FLAG } option_origin_t;

/* Fill settings from all four places.  argv as in main; *ret_first is the first argument that is no flag (== argc if
 * none). Knows --help, --version, --print-config and --print-man by itself: then *ret_exit is true and it has written
 * to out.  origins (may be NULL) gets one entry a row.  INVALID_ARGUMENT names the flag, variable or file line. */
int options_read(const option_table_t *table, int argc, char *const argv[], void *settings, option_origin_t *origins,
                 int *ret_first, bool *ret_exit, FILE *out, err_t *err);
/* For programs without other arguments: options_read, and what is wrong is said on stderr.  False: the program ends
 * now, with *ret_status. */
bool options_start(const option_table_t *table, int argc, char *const argv[], void *settings, int *ret_status);
/* Bring flags (and their values) before the other arguments, up to "--", so that options_read sees them wherever they
 * stood. argv is reordered in place. */
void options_flags_first(const option_table_t *table, int argc, char *argv[]);
void options_help(const option_table_t *table, FILE *out);
/* A man page of section 1; and its parts, for programs with a page of their own: text as roff, one row as a tagged
 * paragraph. */
void options_man(const option_table_t *table, FILE *out);
void options_man_text(const char *text, FILE *out);
void options_man_row(const option_t *row, FILE *out);
void options_print(const option_table_t *table, const void *settings, const option_origin_t *origins, FILE *out);

#endif
