/* proxy/cli/kernel.h - what the parts of `farhand kernel` share. */
#ifndef FH_PROXY_CLI_KERNEL_H
#define FH_PROXY_CLI_KERNEL_H

#include "proxy/cli/command.h"

typedef struct {
    char name[OPTION_TEXT_MAX], entry[OPTION_TEXT_MAX], signature[OPTION_TEXT_MAX], kind[OPTION_TEXT_MAX],
        layout[OPTION_TEXT_MAX], out[OPTION_TEXT_MAX], halo[OPTION_TEXT_MAX], reduce[OPTION_TEXT_MAX];
    bool exact, fastmath, debug, json;
    double timeout;
} kernel_settings_t;

/* Each returns an exit code and has printed its own errors. */
int kernel_run(const command_t *self, fh_session *session, fh_kernel *kernel, const kernel_settings_t *settings,
               int ninputs, char *inputs[]);
int kernel_list(const command_t *self, fh_session *session, const kernel_settings_t *settings);

#endif
