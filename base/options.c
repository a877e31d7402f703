#include "base/options.h"

#include "base/options_private.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <ini.h>

enum { MAX_ROWS = 64, CONFIG_LINE_MAX = 190 };

/* One reading of all settings: where each came from decides who may still change it. */
typedef struct {
    const option_table_t *table;
    char *settings;
    option_origin_t origins[MAX_ROWS];
    char file[PATH_MAX];
    err_t *err;
    int status;
} reading_t;

/* ---- values --------------------------------------------------------------------------------------------------------
 */

static bool
parse_bool(const char *text, bool *ret)
{
    static const char *const words[2][4] = {{"0", "false", "no", "off"}, {"1", "true", "yes", "on"}};
    for (int truth = 0; truth < 2; truth++)
        for (int i = 0; i < 4; i++)
            if (strcasecmp(text, words[truth][i]) == 0) {
                *ret = truth == 1;
                return true;
            }
    return false;
}

static bool
parse_integer(const char *text, bool suffixes, int64_t *ret)
{
    static const char powers[] = "KMGT";
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (end == text || errno || isspace((unsigned char)*text))
        return false;
    const char *power = *end && suffixes ? strchr(powers, toupper((unsigned char)*end)) : NULL;
    if (power) {
        end++;
        if (__builtin_mul_overflow(number, INT64_C(1) << (10 * (power - powers + 1)), &number))
            return false;
    }
    *ret = number;
    return *end == '\0';
}

static bool
parse_real(const char *text, double *ret)
{
    char *end;
    *ret = strtod(text, &end);
    return end != text && *end == '\0' && !isspace((unsigned char)*text) && isfinite(*ret);
}

/* source: what the user wrote it in, for the error. */
static int
parse_value(const option_t *row, const char *source, const char *text, option_value_t *ret, err_t *err)
{
    static const char *const wanted[] = {
        [OPTION_BOOL] = "yes or no",
        [OPTION_INT] = "a whole number",
        [OPTION_BYTES] = "a number of bytes (K, M, G, T may follow)",
        [OPTION_SECONDS] = "a number of seconds",
        [OPTION_TEXT] = "a text of at most 255 bytes",
    };
    bool good = false;
    double number = row->min;
    if (row->kind == OPTION_BOOL) {
        good = parse_bool(text, &ret->truth);
    } else if (row->kind == OPTION_SECONDS) {
        good = parse_real(text, &ret->real);
        number = ret->real;
    } else if (row->kind == OPTION_TEXT) {
        size_t length = strlen(text);
        good = length < sizeof ret->text;
        if (good)
            memcpy(ret->text, text, length + 1);
    } else {
        good = parse_integer(text, row->kind == OPTION_BYTES, &ret->integer);
        number = (double)ret->integer;
    }
    if (!good)
        return err_set(err, FH_INVALID_ARGUMENT, "%s: '%.80s' is not %s", source, text, wanted[row->kind]);
    bool bounded = row->kind != OPTION_BOOL && row->kind != OPTION_TEXT;
    if (bounded && (number < row->min || number > row->max))
        return err_set(err, FH_INVALID_ARGUMENT, "%s: %.80s is out of bounds (%.15g to %.15g)", source, text, row->min,
                       row->max);
    return FH_OK;
}

size_t
options_kind_size(option_kind_t kind)
{
    static const size_t sizes[] = {
        [OPTION_BOOL] = sizeof(bool),      [OPTION_INT] = sizeof(int64_t),  [OPTION_BYTES] = sizeof(int64_t),
        [OPTION_SECONDS] = sizeof(double), [OPTION_TEXT] = OPTION_TEXT_MAX,
    };
    return sizes[kind];
}

/* Checks the value even where a stronger origin has set the option already. */
static int
assign(reading_t *self, int i, option_origin_t origin, const char *source, const char *text)
{
    const option_t *row = &self->table->rows[i];
    option_value_t value = {.integer = 0};
    int status = parse_value(row, source, text, &value, self->err);
    if (!status && origin >= self->origins[i]) {
        memcpy(self->settings + row->offset, &value, options_kind_size(row->kind));
        self->origins[i] = origin;
    }
    return status;
}

/* ---- the four places -----------------------------------------------------------------------------------------------
 */

static int
read_defaults(reading_t *self)
{
    for (int i = 0; i < self->table->count; i++) {
        char source[OPTION_VARIABLE_MAX];
        (void)snprintf(source, sizeof source, "default of --%s", self->table->rows[i].name);
        self->origins[i] = OPTION_FROM_DEFAULT;
        if (assign(self, i, OPTION_FROM_DEFAULT, source,
                   self->table->rows[i].fallback ? self->table->rows[i].fallback : ""))
            return FH_INVALID_ARGUMENT;
    }
    return FH_OK;
}

void
options_variable_name(const option_t *row, char ret[OPTION_VARIABLE_MAX])
{
    (void)snprintf(ret, OPTION_VARIABLE_MAX, "FARHAND_%s", row->name);
    for (char *c = ret; *c; c++)
        *c = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
}

static int
read_environment(reading_t *self)
{
    for (int i = 0; i < self->table->count; i++) {
        char variable[OPTION_VARIABLE_MAX], source[OPTION_VARIABLE_MAX + 16];
        options_variable_name(&self->table->rows[i], variable);
        const char *text = getenv(variable);
        (void)snprintf(source, sizeof source, "environment %s", variable);
        if (text && assign(self, i, OPTION_FROM_ENVIRONMENT, source, text))
            return FH_INVALID_ARGUMENT;
    }
    return FH_OK;
}

bool
options_config_path(char ret[PATH_MAX], bool *ret_required)
{
    const char *named = getenv("FARHAND_CONFIG"), *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    int length = -1;
    *ret_required = named && named[0];
    if (*ret_required)
        length = snprintf(ret, PATH_MAX, "%s", named);
    else if (config && config[0] == '/')
        length = snprintf(ret, PATH_MAX, "%s/farhand/config.ini", config);
    else if (home && home[0] == '/')
        length = snprintf(ret, PATH_MAX, "%s/.config/farhand/config.ini", home);
    if (!*ret_required && length > 0 && length < PATH_MAX) {
        FILE *file = fopen(ret, "re");
        if (file) {
            (void)fclose(file);
            return true;
        }
    }
    if (!*ret_required)
        length = snprintf(ret, PATH_MAX, "/etc/farhand/config.ini");
    return length > 0 && length < PATH_MAX;
}

const char *
options_section(const option_table_t *table)
{
    static const char prefix[] = "farhand-";
    size_t length = sizeof prefix - 1;
    return strncmp(table->program, prefix, length) == 0 ? table->program + length : table->program;
}

static int
find_name(const option_table_t *table, const char *name, size_t length)
{
    for (int i = 0; i < table->count; i++)
        if (strlen(table->rows[i].name) == length && memcmp(table->rows[i].name, name, length) == 0)
            return i;
    return -1;
}

/* libinih's handler: 0 marks the line as wrong. */
static int
take_pair(void *context, const char *section, const char *name, const char *value)
{
    reading_t *self = context;
    if (self->status || strcmp(section, options_section(self->table)) != 0)
        return 1;
    int i = find_name(self->table, name, strlen(name));
    if (i < 0)
        self->status = err_set(self->err, FH_INVALID_ARGUMENT, "no setting of %s has the name '%.80s'",
                               self->table->program, name);
    else
        self->status = assign(self, i, OPTION_FROM_FILE, name, value);
    return self->status == FH_OK;
}

/* libinih would break a longer line in two; better to say so. */
static int
check_lines(FILE *file, const char *path, err_t *err)
{
    long line = 1, column = 0;
    for (int c; (c = getc(file)) != EOF;) {
        column = c == '\n' ? 0 : column + 1;
        if (column > CONFIG_LINE_MAX)
            return err_set(err, FH_INVALID_ARGUMENT, "%s:%ld: a line has more than %d bytes", path, line,
                           CONFIG_LINE_MAX);
        line += c == '\n';
    }
    rewind(file);
    return FH_OK;
}

static int
read_config(reading_t *self)
{
    bool required;
    if (!options_config_path(self->file, &required)) {
        self->file[0] = '\0';
        return FH_OK;
    }
    FILE *file = fopen(self->file, "re");
    if (!file && (required || errno != ENOENT))
        return err_set_errno(self->err, FH_INVALID_ARGUMENT, errno, "cannot read the configuration file %s",
                             self->file);
    if (!file)
        return FH_OK;
    int status = check_lines(file, self->file, self->err);
    int line = status ? 0 : ini_parse_file(file, take_pair, self);
    (void)fclose(file);
    if (self->status)
        err_prefix(self->err, "%s:%d", self->file, line);
    else if (line)
        status = err_set(self->err, FH_INVALID_ARGUMENT, "%s:%d: not of the form 'name = value' or '[section]'",
                         self->file, line);
    return status ? status : self->status;
}

/* ---- flags ---------------------------------------------------------------------------------------------------------
 */

typedef enum { WORD_HELP, WORD_VERSION, WORD_MAN, WORD_CONFIG, WORD_NONE } word_t;

static word_t
built_in(const char *name, size_t length)
{
    static const char *const words[] = {"help", "version", "print-man", "print-config"};
    word_t word = WORD_HELP;
    while (word < WORD_NONE && (strlen(words[word]) != length || memcmp(words[word], name, length) != 0))
        word++;
    return word;
}

/* One argument taken apart: row, and the value if it is in the same argument. */
typedef struct {
    int row; /* -1: none of the table */
    word_t word;
    bool negated;      /* --no-NAME */
    const char *value; /* NULL: in the next argument, if any is needed */
} flag_t;

static flag_t
take_apart(const option_table_t *table, const char *argument)
{
    flag_t flag = {.row = -1, .word = WORD_NONE};
    if (argument[1] == '-') {
        const char *name = argument + 2, *equals = strchr(name, '=');
        size_t length = equals ? (size_t)(equals - name) : strlen(name);
        flag.value = equals ? equals + 1 : NULL;
        flag.word = equals ? WORD_NONE : built_in(name, length);
        flag.row = find_name(table, name, length);
        if (flag.row < 0 && strncmp(name, "no-", 3) == 0 && !equals) {
            flag.row = find_name(table, name + 3, length - 3);
            flag.negated = flag.row >= 0 && table->rows[flag.row].kind == OPTION_BOOL;
            if (!flag.negated)
                flag.row = -1;
        }
        return flag;
    }
    for (int i = 0; i < table->count; i++)
        if (table->rows[i].letter && table->rows[i].letter == argument[1])
            flag.row = i;
    if (flag.row < 0 && strcmp(argument, "-h") == 0)
        flag.word = WORD_HELP;
    if (argument[2])
        flag.value = argument + 2;
    return flag;
}

static int
read_flag(reading_t *self, int argc, char *const argv[], int *at, const flag_t *flag)
{
    const char *argument = argv[*at];
    if (flag->row < 0)
        return err_set(self->err, FH_INVALID_ARGUMENT, "unknown flag '%.80s'; see %s --help", argument,
                       self->table->program);
    const option_t *row = &self->table->rows[flag->row];
    const char *value = flag->value;
    char source[OPTION_VARIABLE_MAX];
    (void)snprintf(source, sizeof source, "flag --%s", row->name);
    if (row->kind == OPTION_BOOL && !value) {
        value = flag->negated ? "no" : "yes";
    } else if (!value) {
        if (*at + 1 >= argc)
            return err_set(self->err, FH_INVALID_ARGUMENT, "%s needs a value", source);
        value = argv[++*at];
    }
    return assign(self, flag->row, OPTION_FROM_FLAG, source, value);
}

/* Negative numbers are arguments: no setting has a digit for its letter. */
static bool
is_flag(const char *argument)
{
    return argument[0] == '-' && argument[1] && !strchr(".0123456789", argument[1]);
}

static int
read_flags(reading_t *self, int argc, char *const argv[], int *ret_first, word_t *ret_word)
{
    int at = 1;
    *ret_word = WORD_NONE;
    for (; at < argc && is_flag(argv[at]); at++) {
        if (strcmp(argv[at], "--") == 0) {
            at++;
            break;
        }
        flag_t flag = take_apart(self->table, argv[at]);
        if (flag.word < WORD_CONFIG) {
            *ret_word = flag.word;
            break;
        }
        if (flag.word == WORD_CONFIG)
            *ret_word = WORD_CONFIG;
        else if (read_flag(self, argc, argv, &at, &flag))
            return FH_INVALID_ARGUMENT;
    }
    *ret_first = at;
    return FH_OK;
}

int
options_read(const option_table_t *table, int argc, char *const argv[], void *settings, option_origin_t *origins,
             int *ret_first, bool *ret_exit, FILE *out, err_t *err)
{
    reading_t self = {.table = table, .settings = settings, .err = err};
    word_t word = WORD_NONE;
    *ret_exit = false;
    if (table->count > MAX_ROWS)
        return err_set(err, FH_INTERNAL, "%s has more than %d settings", table->program, MAX_ROWS);
    int status = read_defaults(&self);
    if (!status)
        status = read_flags(&self, argc, argv, ret_first, &word);
    if (!status && word == WORD_HELP) {
        options_help(table, out);
    } else if (!status && word == WORD_MAN) {
        options_man(table, out);
    } else if (!status && word == WORD_VERSION) {
        (void)fprintf(out, "%s %s\n", table->program, FARHAND_VERSION);
    } else if (!status) { /* a broken file does not stand in the way of --help */
        status = read_config(&self);
        if (!status)
            status = read_environment(&self);
        if (!status && word == WORD_CONFIG)
            options_print(table, settings, self.origins, out);
    }
    if (status)
        return status;
    if (origins)
        memcpy(origins, self.origins, (size_t)table->count * sizeof origins[0]);
    *ret_exit = word != WORD_NONE;
    return FH_OK;
}

static int
check_required(const option_table_t *table, const void *settings, err_t *err)
{
    for (int i = 0; table->required && i < table->count; i++)
        if (strcmp(table->rows[i].name, table->required) == 0 && !((const char *)settings)[table->rows[i].offset])
            return err_set(err, FH_INVALID_ARGUMENT, "--%s is missing", table->required);
    return FH_OK;
}

bool
options_start(const option_table_t *table, int argc, char *const argv[], void *settings, int *ret_status)
{
    bool done = false;
    int first = argc;
    err_t err;
    int status = options_read(table, argc, argv, settings, NULL, &first, &done, stdout, &err);

    if (!status && !done && first < argc)
        status = err_set(&err, FH_INVALID_ARGUMENT, "%s: unknown argument", argv[first]);
    if (!status && !done)
        status = check_required(table, settings, &err);
    if (status)
        (void)fprintf(stderr, "%s: %s\n", table->program, err.text);
    *ret_status = status ? 2 : 0;
    return !status && !done;
}

/* How many arguments the flag at argv[at] takes, itself included. */
static int
flag_length(const option_table_t *table, int argc, char *const argv[], int at)
{
    flag_t flag = take_apart(table, argv[at]);
    bool needs_value = flag.row >= 0 && table->rows[flag.row].kind != OPTION_BOOL && !flag.value;
    return needs_value && at + 1 < argc ? 2 : 1;
}

void
options_flags_first(const option_table_t *table, int argc, char *argv[])
{
    int flags = 1; /* argv[1..flags) are flags by now */
    for (int at = 1; at < argc && strcmp(argv[at], "--") != 0;) {
        int length = is_flag(argv[at]) ? flag_length(table, argc, argv, at) : 0;
        for (int i = 0; i < length; i++) {
            char *moved = argv[at + i];
            memmove(&argv[flags + 1], &argv[flags], (size_t)(at + i - flags) * sizeof argv[0]);
            argv[flags++] = moved;
        }
        at += length ? length : 1;
    }
}
