#include "proxy/cli/command.h"

#include <stdio.h>

static int
run(const command_t *self, const void *settings, int argc, char *argv[])
{
    (void)self, (void)settings, (void)argc, (void)argv;
    (void)printf("farhand %s\n", fh_version());
    return EXIT_DONE;
}

const command_t command_version = {
    .name = "version",
    .args = "",
    .settings_size = 0,
    .summary = "Show the version.",
    .doc = "The version of the library that the command uses.",
    .run = run,
};
