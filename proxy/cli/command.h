/* proxy/cli/command.h - one command of the program `farhand`: a row of data and a function.
 * Each command is one file that exports one const command_t; main.c dispatches, generate.c makes documents of them.
 * Exit codes: 0 done, 1 failed, 2 wrong usage. */
#ifndef FH_PROXY_CLI_COMMAND_H
#define FH_PROXY_CLI_COMMAND_H

#include "base/options.h"
#include "proxy/farhand.h"

#include <stdbool.h>

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

typedef struct command {
    const char *name;
    const char *args;       /* positional arguments for the usage line, "NAME FILE.npy"; "" for none */
    int args_min, args_max; /* how many of them; max -1: any number */
    bool args_keep_flags;   /* what looks like a flag behind the first argument is an argument */
    const option_t *options;
    int noptions;
    size_t settings_size; /* of the struct that options fill */
    const char *summary;  /* one line */
    const char *doc;      /* paragraphs of the man page */
    /* argc, argv: the positional arguments.  Returns an exit code; has printed its own errors. */
    int (*run)(const struct command *self, const void *settings, int argc, char *argv[]);
} command_t;

#define COMMAND(name) extern const command_t command_##name;
#include "proxy/cli/commands.def"
#undef COMMAND

/* All commands in the order of commands.def; NULL past the end. */
const command_t *command_at(int i);

/* The row that all commands have which talk to a cluster. */
#define OPTION_ROW_CLUSTER(settings_type)                                                                              \
    {"name",                                                                                                           \
     0,                                                                                                                \
     OPTION_TEXT,                                                                                                      \
     "",                                                                                                               \
     0,                                                                                                                \
     0,                                                                                                                \
     offsetof(settings_type, name),                                                                                    \
     "CLUSTER",                                                                                                        \
     "The cluster: its name, or the path of a connection file."}
#define OPTION_ROW_JSON(settings_type)                                                                                 \
    {"json", 0, OPTION_BOOL, "no", 0, 0, offsetof(settings_type, json), NULL, "Print JSON."}

/* Settings of commands that have only --name, or --name and --json. */
typedef struct {
    char name[OPTION_TEXT_MAX];
    bool json;
} client_settings_t;
extern const option_t client_options[2]; /* name, json */

/* Print "farhand COMMAND: text" to standard error; returns EXIT_FAILED. */
int command_fail(const command_t *self, const err_t *err);
int command_fail_remote(const command_t *self, const fh_error *error);
int command_fail_text(const command_t *self, int status, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The same for wrong arguments; returns EXIT_USAGE. */
int command_usage(const command_t *self, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Connect to the cluster called name ("": the default one).  False: the error has been printed. */
bool command_connect(const command_t *self, const char *name, fh_session **ret);

#endif
