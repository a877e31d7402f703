#include "proxy/cli/command.h"
#include "proxy/cli/show.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ARGS = 64 };

static const char engine_prefix[] = "engine:";

/* What a person typed: a whole number, a number, true or false; anything else is text. */
static fh_value
read_value(const char *text)
{
    fh_value value = {.kind = FH_VALUE_TEXT, .data = text, .size = strlen(text)};
    char *end;
    errno = 0;
    long long integer = strtoll(text, &end, 0);
    if (end != text && !*end && !errno)
        return (fh_value){.kind = FH_VALUE_INT, .i = integer};
    double number = strtod(text, &end);
    if (end != text && !*end)
        return (fh_value){.kind = FH_VALUE_FLOAT, .f = number};
    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
        return (fh_value){.kind = FH_VALUE_BOOL, .i = text[0] == 't'};
    return value;
}

static void
visit(void *context, const fh_value *values, int count)
{
    (void)context;
    for (int i = 0; i < count; i++) {
        (void)fputs(i ? "\t" : "", stdout);
        show_value(&values[i], 0, stdout);
    }
    (void)fputc('\n', stdout);
}

/* Once for each piece of the array, in order. */
static int
call_pieces(fh_session *session, const char *name, const char *method, const fh_value *args, int nargs, fh_error *error)
{
    fh_array *array = NULL;
    fh_array_info info;
    int status = fh_get(session, name, &array, error);
    if (status)
        return status;
    fh_array_describe(array, &info);
    for (int i = 0; i < info.npieces && !status; i++) {
        fh_array *piece = NULL;
        status = fh_array_piece_handle(array, i, &piece, error);
        if (!status)
            status = fh_call(session, piece, 0, method, args, nargs, visit, NULL, error);
        fh_array_free(&piece);
    }
    fh_array_free(&array);
    return status;
}

static bool
engine_number(const char *name, int *ret)
{
    size_t length = sizeof engine_prefix - 1;
    if (strncmp(name, engine_prefix, length) != 0)
        return false;
    const char *digits = name + length;
    if (!digits[0] || strlen(digits) > 5 || strspn(digits, "0123456789") != strlen(digits))
        return false;
    *ret = (int)strtol(digits, NULL, 10);
    return true;
}

static int
run(const command_t *self, const void *given, int argc, char *argv[])
{
    const client_settings_t *settings = given;
    fh_value args[MAX_ARGS];
    fh_session *session;
    fh_error error;
    int engine, nargs = argc - 2;
    if (nargs > MAX_ARGS)
        return command_usage(self, "a method takes at most %d arguments", MAX_ARGS);
    for (int i = 0; i < nargs; i++)
        args[i] = read_value(argv[i + 2]);
    if (!command_connect(self, settings->name, &session))
        return EXIT_FAILED;
    int status = engine_number(argv[0], &engine)
                     ? fh_call(session, NULL, engine, argv[1], args, nargs, visit, NULL, &error)
                     : call_pieces(session, argv[0], argv[1], args, nargs, &error);
    fh_close(&session);
    return status ? command_fail_remote(self, &error) : EXIT_DONE;
}

const command_t command_call = {
    .name = "call",
    .args = "NAME METHOD [ARG...]",
    .args_min = 2,
    .args_max = -1,
    .args_keep_flags = true,
    .options = client_options,
    .noptions = 1,
    .settings_size = sizeof(client_settings_t),
    .summary = "Call a method of a published object, or of an engine.",
    .doc = "NAME is a published name (the method is called on each piece, in order), or engine:NUMBER.  The method "
           "\"methods\" lists\n"
           "what there is.  Arguments that look like numbers, true or false are sent as such, others as text.  Flags "
           "stand before\n"
           "NAME.",
    .run = run,
};
