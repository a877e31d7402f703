#include "proxy/cli/command.h"
#include "proxy/cli/show.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    bool json;
    int count;
} listing_t;

static int
visit(void *context, const char *name)
{
    listing_t *self = context;
    if (self->json) {
        (void)fputs(self->count ? ", " : "[", stdout);
        show_json_text(name, strlen(name), stdout);
    } else {
        (void)printf("%s\n", name);
    }
    self->count++;
    return 0;
}

static int
run(const command_t *self, const void *given, int argc, char *argv[])
{
    (void)argc, (void)argv;
    const client_settings_t *settings = given;
    listing_t listing = {.json = settings->json};
    fh_session *session;
    fh_error error;
    if (!command_connect(self, settings->name, &session))
        return EXIT_FAILED;
    int status = fh_names(session, visit, &listing, &error);
    if (!status && settings->json)
        (void)fputs(listing.count ? "]\n" : "[]\n", stdout);
    fh_close(&session);
    return status ? command_fail_remote(self, &error) : EXIT_DONE;
}

const command_t command_names = {
    .name = "names",
    .args = "",
    .options = client_options,
    .noptions = 2,
    .settings_size = sizeof(client_settings_t),
    .summary = "List the published names.",
    .doc = "One name a line.",
    .run = run,
};
