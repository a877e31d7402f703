/* Connection files: nothing crashes, and what can be read and also written (the writer is stricter) comes back equal.
 */
#include "codecs/connection_file.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[64];

static void
remove_folder(void)
{
    char path[96];
    snprintf(path, sizeof path, "%s/c.ini", folder);
    unlink(path);
    rmdir(folder);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[96];
    if (!folder[0]) {
        snprintf(folder, sizeof folder, "/dev/shm/fh-fuzz-XXXXXX");
        if (!mkdtemp(folder))
            exit(1);
        atexit(remove_folder);
    }
    snprintf(path, sizeof path, "%s/c.ini", folder);
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (file < 0 || write(file, data, size) != (ssize_t)size)
        exit(1);
    close(file);
    connection_t first = {0}, again = {0};
    err_t err;
    if (connection_read(path, "farhand-client", &first, &err))
        return 0;
    int status = connection_write(path, "farhand-client", &first, &err);
    if (status == FH_INVALID_ARGUMENT)
        return 0;
    if (status || connection_read(path, "farhand-client", &again, &err))
        abort();
    if (strcmp(first.cluster, again.cluster) || strcmp(first.broker, again.broker) ||
        strcmp(first.secret_key, again.secret_key) || strcmp(first.run_folder, again.run_folder) ||
        first.broker_pid != again.broker_pid)
        abort();
    return 0;
}
