/* The command `farhand`: finds the command that is asked for, reads its flags, runs it. */
#include "proxy/cli/command.h"
#include "proxy/cli/generate.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
print_help(FILE *out)
{
    (void)fputs("usage: farhand COMMAND [ARGUMENTS]\nArrays that live on other processes and hosts.\n\n", out);
    for (int i = 0; command_at(i); i++)
        (void)fprintf(out, "  %-10s %s\n", command_at(i)->name, command_at(i)->summary);
    (void)fputs("\nfarhand COMMAND --help tells more.  Exit codes: 0 done, 1 failed, 2 wrong usage.\n", out);
}

static const command_t *
find_command(const char *name)
{
    for (int i = 0; command_at(i); i++)
        if (strcmp(command_at(i)->name, name) == 0)
            return command_at(i);
    return NULL;
}

static int
check_count(const command_t *command, int count)
{
    if (count < command->args_min)
        return command_usage(command, "%s", count ? "some arguments are missing" : "arguments are missing");
    if (command->args_max >= 0 && count > command->args_max)
        return command_usage(command, "there are %d arguments too many", count - command->args_max);
    return EXIT_DONE;
}

static int
run_command(const command_t *command, int argc, char *argv[])
{
    char program[64], usage[128];
    err_t err;
    int first = argc;
    bool leave = false;
    (void)snprintf(program, sizeof program, "farhand %s", command->name);
    (void)snprintf(usage, sizeof usage, "%s%s[OPTIONS]", command->args, command->args[0] ? " " : "");
    const option_table_t table = {.program = program,
                                  .usage = usage,
                                  .summary = command->summary,
                                  .rows = command->options,
                                  .count = command->noptions};
    void *settings = calloc(1, command->settings_size + 1);
    if (!settings)
        return command_fail_text(command, FH_NO_MEMORY, "no memory for the settings");
    if (!command->args_keep_flags)
        options_flags_first(&table, argc, argv);
    int code = EXIT_DONE;
    if (options_read(&table, argc, argv, settings, NULL, &first, &leave, stdout, &err))
        code = command_usage(command, "%s", err.text);
    else if (!leave)
        code = check_count(command, argc - first);
    if (code == EXIT_DONE && !leave)
        code = command->run(command, settings, argc - first, argv + first);
    free(settings);
    return code;
}

/* A reader that has gone (farhand objects | head) is no error of ours, but output that is lost is. */
static int
finish(int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    (void)fputs("farhand: cannot write to standard output\n", stderr);
    return EXIT_FAILED;
}

int
main(int argc, char *argv[])
{
    const char *name = argc > 1 ? argv[1] : "";
    (void)signal(SIGPIPE, SIG_DFL);
    if (!name[0] || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_help(name[0] ? stdout : stderr);
        return name[0] ? finish(EXIT_DONE) : EXIT_USAGE;
    }
    if (strcmp(name, "--version") == 0)
        name = "version";
    if (strcmp(name, "--generate") == 0)
        return finish(generate_run(argc > 2 ? argv[2] : "", stdout));
    const command_t *command = find_command(name);
    if (!command) {
        (void)fprintf(stderr, "farhand: no command '%.80s'; see farhand --help\n", name);
        return EXIT_USAGE;
    }
    return finish(run_command(command, argc - 1, argv + 1));
}
