#include "proxy/cli/command.h"
#include "proxy/cli/run_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
    char name[OPTION_TEXT_MAX];
    int64_t lines;
} settings_t;

static const option_t options[] = {
    {"name", 0, OPTION_TEXT, "default", 0, 0, offsetof(settings_t, name), "CLUSTER", "Name of the cluster."},
    {"lines", 'n', OPTION_INT, "50", 1, 1000000, offsetof(settings_t, lines), "N", "Show the last so many lines."},
};

/* Where the last lines begin: reads backwards in blocks. */
static off_t
find_start(int fd, off_t size, int64_t lines)
{
    char block[65536];
    int64_t seen = 0;
    for (off_t end = size; end > 0;) {
        off_t from = end > (off_t)sizeof block ? end - (off_t)sizeof block : 0;
        ssize_t got = pread(fd, block, (size_t)(end - from), from);
        for (ssize_t i = got; i > 0; i--)
            /* a newline at the very end of the file ends the last line and begins none */
            if (block[i - 1] == '\n' && from + i < size && ++seen == lines)
                return from + i;
        if (got <= 0)
            return 0;
        end = from;
    }
    return 0;
}

static int
print_tail(const command_t *self, const char *path, int64_t lines)
{
    char block[65536];
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &info)) {
        int code = command_fail_text(self, FH_IO_ERROR, "cannot read %s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return code;
    }
    off_t at = find_start(fd, info.st_size, lines);
    ssize_t got;
    while ((got = pread(fd, block, sizeof block, at)) > 0) {
        (void)fwrite(block, 1, (size_t)got, stdout);
        at += got;
    }
    close(fd);
    return EXIT_DONE;
}

/* "broker", or the number of an engine. */
static bool
file_of(const char *who, char ret[64])
{
    size_t digits = strspn(who, "0123456789");
    if (strcmp(who, "broker") != 0 && (digits == 0 || digits > 5 || who[digits]))
        return false;
    (void)snprintf(ret, 64, "%s%s.log", digits ? "engine-" : "", who);
    return true;
}

static int
run(const command_t *self, const void *given, int argc, char *argv[])
{
    const settings_t *settings = given;
    char folder[RUN_PATH_MAX], path[RUN_PATH_MAX], file[64];
    err_t err;
    if (!file_of(argc ? argv[0] : "broker", file))
        return command_usage(self, "'%.40s' is not the number of an engine, nor 'broker'", argv[0]);
    if (run_folder_find(settings->name, folder, &err))
        return command_fail(self, &err);
    run_folder_path(path, folder, file);
    return print_tail(self, path, settings->lines);
}

const command_t command_logs = {
    .name = "logs",
    .args = "[ENGINE]",
    .args_max = 1,
    .options = options,
    .noptions = sizeof options / sizeof options[0],
    .settings_size = sizeof(settings_t),
    .summary = "Show the end of the log of the broker or of an engine.",
    .doc = "ENGINE is the number of an engine that up has started on this host; without it the broker's log is shown.",
    .run = run,
};
