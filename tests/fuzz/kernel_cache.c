/* Files of machine code: nothing crashes, and what is found has the size it says and terminated texts.  Inputs whose
 * first byte is odd get a right checksum, key and size, so that the checks behind those are reached. */
#include "engine/kernel_cache.h"

#include "codecs/sha256.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Where these lie in a file: after eight bytes of magic and four of format. */
enum { SIZE_AT = 12, CHECKSUM_AT = 16, KEY_AT = 48, KEY_END = 80, MAX = 16 << 10 };
static const uint8_t KEY[KERNEL_KEY_SIZE] = {0x5a};

static char folder[] = "/tmp/farhand-fuzz-XXXXXX";
static kernel_cache_t *cache;

static void
clean_up(void)
{
    kernel_cache_drop(cache, KEY);
    kernel_cache_destroy(&cache);
    rmdir(folder);
}

static void
open_cache(void)
{
    err_t err;
    if (!mkdtemp(folder) || kernel_cache_new(&cache, folder, 1 << 20, &err))
        abort();
    atexit(clean_up);
}

static void
make_right(uint8_t *bytes, size_t size)
{
    size_t header = KEY_END + RUNNER_SYMBOL_MAX + sizeof(runner_description_t);
    uint32_t object = size > header ? (uint32_t)(size - header) : 0;
    memcpy(bytes + SIZE_AT, &object, sizeof object);
    memset(bytes + CHECKSUM_AT, 0, SHA256_SIZE);
    memcpy(bytes + KEY_AT, KEY, sizeof KEY);
    uint8_t sum[SHA256_SIZE];
    sha256(bytes, size, sum);
    memcpy(bytes + CHECKSUM_AT, sum, sizeof sum);
}

static void
put(const uint8_t *bytes, size_t size)
{
    char path[200];
    int n = snprintf(path, sizeof path, "%s/", folder);
    for (int i = 0; i < KERNEL_KEY_SIZE; i++)
        n += snprintf(path + n, sizeof path - (size_t)n, "%02x", KEY[i]);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
        abort();
    close(fd);
}

static void
check_found(void)
{
    cached_code_t code;
    struct stat info;
    if (!kernel_cache_find(cache, KEY, &code))
        return;
    if (fstat(code.fd, &info) || info.st_size != (off_t)code.size || code.size > RUNNER_MAX_OBJECT ||
        !memchr(code.symbol, '\0', sizeof code.symbol) || !memchr(code.about.entry, '\0', sizeof code.about.entry) ||
        !memchr(code.about.layout, '\0', sizeof code.about.layout))
        abort();
    close(code.fd);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t bytes[MAX];
    if (!cache)
        open_cache();
    if (!size || size - 1 > sizeof bytes)
        return -1;
    memcpy(bytes, data + 1, size - 1);
    if (data[0] % 2 && size - 1 > KEY_END)
        make_right(bytes, size - 1);
    put(bytes, size - 1);
    check_found();
    return 0;
}
