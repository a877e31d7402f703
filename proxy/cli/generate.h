/* proxy/cli/generate.h - man page and shell completions, made from the tables of the commands. */
#ifndef FH_PROXY_CLI_GENERATE_H
#define FH_PROXY_CLI_GENERATE_H

#include <stdio.h>

/* what: "man", "bash" or "zsh".  Returns an exit code. */
int generate_run(const char *what, FILE *out);

#endif
