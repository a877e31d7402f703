#include "proxy/cli/command.h"

#include <stdarg.h>
#include <stdio.h>

const option_t client_options[2] = {OPTION_ROW_CLUSTER(client_settings_t), OPTION_ROW_JSON(client_settings_t)};

const command_t *
command_at(int i)
{
    static const command_t *const commands[] = {
#define COMMAND(name) &command_##name,
#include "proxy/cli/commands.def"
#undef COMMAND
    };
    return i >= 0 && i < (int)(sizeof commands / sizeof commands[0]) ? commands[i] : NULL;
}

static int
say(const command_t *self, int status, const char *text, const char *origin)
{
    (void)fprintf(stderr, "farhand %s: %s [%s%s%s]\n", self->name, text, status_name(status),
                  origin[0] ? ", from " : "", origin);
    return EXIT_FAILED;
}

int
command_fail(const command_t *self, const err_t *err)
{
    return say(self, err->status, err->text, err->origin);
}

int
command_fail_remote(const command_t *self, const fh_error *error)
{
    return say(self, error->status, error->text, error->origin);
}

int
command_fail_text(const command_t *self, int status, const char *format, ...)
{
    char text[ERR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return say(self, status, text, "");
}

int
command_usage(const command_t *self, const char *format, ...)
{
    va_list args;
    (void)fprintf(stderr, "farhand %s: ", self->name);
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    (void)fprintf(stderr, "\nusage: farhand %s%s%s [OPTIONS]; see farhand %s --help\n", self->name,
                  self->args[0] ? " " : "", self->args, self->name);
    return EXIT_USAGE;
}

bool
command_connect(const command_t *self, const char *name, fh_session **ret)
{
    fh_error error;
    fh_connect_options options = {.target = name[0] ? name : NULL};
    if (fh_connect(ret, &options, &error) == FH_OK)
        return true;
    (void)command_fail_remote(self, &error);
    return false;
}
