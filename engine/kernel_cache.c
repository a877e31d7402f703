#include "engine/kernel_cache.h"

#include "base/oid.h"
#include "base/private_file.h"
#include "codecs/sha256.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    FORMAT = 1, /* of the files; part of every key */
    NAME_SIZE = 2 * KERNEL_KEY_SIZE + 1,
    MAX_LISTED = 4 * KERNEL_CACHE_FILES,
    KEPT_A_SWEEP = 64, /* files between two looks at what other engines have put there */
    STALE_S = 600,     /* an unfinished file of that age is nobody's */
};

static const char MAGIC[8] = {'F', 'H', 'K', 'E', 'R', 'N', 'E', 'L'}, UNFINISHED[] = "unfinished-";

struct kernel_cache {
    int folder;
    int64_t limit;
    int kept; /* since the last sweep; -1: there was none */
    int64_t bytes;
};

/* A file is this and the object behind it.  The checksum is of the whole, with zeros in its own place. */
typedef struct {
    char magic[8];
    uint32_t format, object_bytes;
    uint8_t checksum[SHA256_SIZE], key[KERNEL_KEY_SIZE];
    char symbol[RUNNER_SYMBOL_MAX];
    runner_description_t about;
} header_t;

/* ---- keys --------------------------------------------------------------------------------------------------------
 */

void
kernel_cache_key(const kernel_maker_t *maker, const uint8_t module_hash[32], const kernel_options_t *options,
                 uint8_t ret[KERNEL_KEY_SIZE])
{
    struct {
        kernel_maker_t maker;
        uint8_t module[32];
        uint32_t format, header_bytes;
        int64_t state_bytes;
        uint8_t fastmath, exact, debug, reserved[5];
        char entry[KERNEL_NAME_MAX], signature[KERNEL_NAME_MAX], kind[16], layout[KERNEL_LAYOUT_MAX];
    } all;
    memset(&all, 0, sizeof all);
    snprintf(all.maker.llvm, sizeof all.maker.llvm, "%s", maker->llvm);
    snprintf(all.maker.cpu, sizeof all.maker.cpu, "%s", maker->cpu);
    memcpy(all.maker.features, maker->features, sizeof all.maker.features);
    memcpy(all.maker.program, maker->program, sizeof all.maker.program);
    memcpy(all.module, module_hash, sizeof all.module);
    all.format = FORMAT;
    all.header_bytes = sizeof(header_t);
    all.state_bytes = options->state_bytes;
    all.fastmath = options->fastmath;
    all.exact = options->exact;
    all.debug = options->debug;
    snprintf(all.entry, sizeof all.entry, "%s", options->entry);
    snprintf(all.signature, sizeof all.signature, "%s", options->signature);
    snprintf(all.kind, sizeof all.kind, "%s", options->kind);
    snprintf(all.layout, sizeof all.layout, "%s", options->layout);
    sha256(&all, sizeof all, ret);
}

static void
name_of(const uint8_t key[KERNEL_KEY_SIZE], char ret[NAME_SIZE])
{
    for (int i = 0; i < KERNEL_KEY_SIZE; i++)
        snprintf(ret + 2 * i, 3, "%02x", key[i]);
}

static bool
is_name(const char *text)
{
    return strlen(text) == NAME_SIZE - 1 && strspn(text, "0123456789abcdef") == NAME_SIZE - 1;
}

/* ---- the folder ----------------------------------------------------------------------------------------------------
 */

int
kernel_cache_new(kernel_cache_t **ret, const char *folder, int64_t limit_bytes, err_t *err)
{
    struct stat info;
    *ret = NULL;
    int status = private_folder_make(folder, err);
    if (status)
        return status;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info)) {
        status = err_set_errno(err, FH_IO_ERROR, errno, "cannot open the folder %s", folder);
        goto done;
    }
    if (info.st_uid != geteuid() || info.st_mode & 077) {
        status = err_set(err, FH_PERMISSION, "others could write to the folder %s", folder);
        goto done;
    }
    kernel_cache_t *self = calloc(1, sizeof *self);
    if (!self) {
        status = err_set(err, FH_NO_MEMORY, "no memory for a cache of machine code");
        goto done;
    }
    *self = (kernel_cache_t){.folder = fd, .limit = limit_bytes, .kept = -1};
    *ret = self;
done:
    if (status && fd >= 0)
        close(fd);
    return status;
}

void
kernel_cache_destroy(kernel_cache_t **self)
{
    if (!*self)
        return;
    close((*self)->folder);
    free(*self);
    *self = NULL;
}

/* ---- reading ------------------------------------------------------------------------------------------------------
 */

static bool
read_all(int fd, char *ret, size_t size)
{
    for (size_t at = 0; at < size;) {
        ssize_t n = pread(fd, ret + at, size - at, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += (size_t)n;
    }
    return true;
}

static bool
write_all(int fd, const char *bytes, size_t size)
{
    for (size_t at = 0; at < size;) {
        ssize_t n = write(fd, bytes + at, size - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += (size_t)n;
    }
    return true;
}

/* The whole of an open file that is one of ours by its looks; NULL if it is not. */
static char *
load(int fd, size_t *ret_size)
{
    struct stat info;
    if (fstat(fd, &info) || !S_ISREG(info.st_mode) || info.st_uid != geteuid() || info.st_mode & 022 ||
        info.st_size <= (off_t)sizeof(header_t) || info.st_size > (off_t)sizeof(header_t) + RUNNER_MAX_OBJECT)
        return NULL;
    char *bytes = malloc((size_t)info.st_size);
    if (bytes && !read_all(fd, bytes, (size_t)info.st_size)) {
        free(bytes);
        return NULL;
    }
    *ret_size = (size_t)info.st_size;
    return bytes;
}

static void
checksum_of(char *bytes, size_t size, uint8_t ret[SHA256_SIZE])
{
    memset(bytes + offsetof(header_t, checksum), 0, SHA256_SIZE);
    sha256(bytes, size, ret);
}

static bool
is_symbol(const char *text)
{
    size_t length = strnlen(text, RUNNER_SYMBOL_MAX);
    return length > 0 && length < RUNNER_SYMBOL_MAX && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.") == length;
}

static bool
is_whole(char *bytes, size_t size, const uint8_t key[KERNEL_KEY_SIZE])
{
    header_t header;
    uint8_t checksum[SHA256_SIZE];
    memcpy(&header, bytes, sizeof header);
    if (memcmp(header.magic, MAGIC, sizeof MAGIC) != 0 || header.format != FORMAT ||
        header.object_bytes != size - sizeof header || memcmp(header.key, key, KERNEL_KEY_SIZE) != 0 ||
        !is_symbol(header.symbol))
        return false;
    checksum_of(bytes, size, checksum);
    return !memcmp(checksum, header.checksum, sizeof checksum);
}

static int
sealed_memory(const char *bytes, size_t size)
{
    int fd = memfd_create("farhand-code", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd >= 0 && write_all(fd, bytes, size) &&
        !fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL))
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

bool
kernel_cache_find(kernel_cache_t *self, const uint8_t key[KERNEL_KEY_SIZE], cached_code_t *ret)
{
    char name[NAME_SIZE];
    name_of(key, name);
    /* A pipe in its place must not make us wait. */
    int fd = openat(self->folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return false;
    size_t size = 0;
    char *bytes = fd >= 0 ? load(fd, &size) : NULL;
    bool good = bytes && is_whole(bytes, size, key);
    ret->fd = -1;
    if (good) {
        const header_t *header = (const header_t *)(const void *)bytes;
        ret->size = header->object_bytes;
        ret->about = header->about;
        ret->about.entry[sizeof ret->about.entry - 1] = '\0';
        ret->about.layout[sizeof ret->about.layout - 1] = '\0';
        memcpy(ret->symbol, header->symbol, sizeof ret->symbol);
        ret->fd = sealed_memory(bytes + sizeof *header, ret->size);
        (void)futimens(fd, NULL); /* it has been used */
    } else {
        (void)unlinkat(self->folder, name, 0);
    }
    if (fd >= 0)
        close(fd);
    free(bytes);
    return ret->fd >= 0;
}

void
kernel_cache_drop(kernel_cache_t *self, const uint8_t key[KERNEL_KEY_SIZE])
{
    char name[NAME_SIZE];
    name_of(key, name);
    (void)unlinkat(self->folder, name, 0);
}

/* ---- making room -------------------------------------------------------------------------------------------------
 */

typedef struct {
    char name[NAME_SIZE];
    int64_t bytes, used_ns;
} entry_t;

static int
by_age(const void *a, const void *b)
{
    int64_t x = ((const entry_t *)a)->used_ns, y = ((const entry_t *)b)->used_ns;
    return (x > y) - (x < y);
}

/* Look at one name.  True if it is an entry; unfinished files that nobody writes any more are deleted. */
static bool
look(const kernel_cache_t *self, const char *name, entry_t *ret)
{
    struct stat info;
    bool unfinished = !strncmp(name, UNFINISHED, sizeof UNFINISHED - 1);
    if ((!unfinished && !is_name(name)) || fstatat(self->folder, name, &info, AT_SYMLINK_NOFOLLOW))
        return false;
    if (unfinished && info.st_mtim.tv_sec + STALE_S < time(NULL))
        (void)unlinkat(self->folder, name, 0);
    if (unfinished)
        return false;
    memcpy(ret->name, name, sizeof ret->name);
    ret->bytes = (int64_t)info.st_blocks * 512 > info.st_size ? (int64_t)info.st_blocks * 512 : info.st_size;
    ret->used_ns = (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec;
    return true;
}

static int
list(kernel_cache_t *self, entry_t *ret)
{
    int fd = openat(self->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), count = 0;
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
    if (!folder && fd >= 0)
        close(fd);
    const struct dirent *each;
    while (folder && count < MAX_LISTED && (each = readdir(folder)))
        count += look(self, each->d_name, &ret[count]);
    if (folder)
        closedir(folder);
    return count;
}

/* Count what is there; delete what is too much, and an eighth more, so that the next file does not come here again. */
static void
sweep(kernel_cache_t *self)
{
    entry_t *entries = malloc(MAX_LISTED * sizeof *entries);
    if (!entries)
        return;
    int count = list(self, entries), files = count;
    self->kept = 0;
    self->bytes = 0;
    for (int i = 0; i < count; i++)
        self->bytes += entries[i].bytes;
    if (self->bytes > self->limit || count > KERNEL_CACHE_FILES) {
        qsort(entries, (size_t)count, sizeof *entries, by_age);
        for (int i = 0; i < count && (self->bytes > self->limit / 8 * 7 || files > KERNEL_CACHE_FILES / 8 * 7);
             i++, files--) {
            (void)unlinkat(self->folder, entries[i].name, 0);
            self->bytes -= entries[i].bytes;
        }
    }
    free(entries);
}

/* ---- writing -----------------------------------------------------------------------------------------------------
 */

/* Under a name of its own first, so that nobody sees a part of it. */
static int
put(kernel_cache_t *self, const char *name, const char *bytes, size_t size, err_t *err)
{
    char unfinished[sizeof UNFINISHED + OID_TEXT_SIZE], id[OID_TEXT_SIZE];
    snprintf(unfinished, sizeof unfinished, "%s%s", UNFINISHED, oid_format(oid_new(), id));
    int fd = openat(self->folder, unfinished, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_set_errno(err, FH_IO_ERROR, errno, "no file for machine code can be made");
    bool written = write_all(fd, bytes, size);
    int number = errno;
    written = !close(fd) && written;
    if (written && !renameat(self->folder, unfinished, self->folder, name))
        return FH_OK;
    number = written ? errno : number;
    (void)unlinkat(self->folder, unfinished, 0);
    return err_set_errno(err, FH_IO_ERROR, number, "a file of %zu bytes of machine code cannot be written", size);
}

int
kernel_cache_keep(kernel_cache_t *self, const uint8_t key[KERNEL_KEY_SIZE], const cached_code_t *code, err_t *err)
{
    char name[NAME_SIZE];
    size_t size = sizeof(header_t) + code->size;
    if (!code->size || code->size > RUNNER_MAX_OBJECT || (int64_t)size > self->limit)
        return err_set(err, FH_LIMIT_EXCEEDED, "%u bytes of machine code are not kept", code->size);
    char *bytes = calloc(1, size);
    if (!bytes)
        return err_set(err, FH_NO_MEMORY, "no memory for %zu bytes of machine code", size);
    int status = FH_OK;
    header_t *header = (header_t *)(void *)bytes;
    memcpy(header->magic, MAGIC, sizeof header->magic);
    header->format = FORMAT;
    header->object_bytes = code->size;
    memcpy(header->key, key, sizeof header->key);
    memcpy(header->symbol, code->symbol, sizeof header->symbol);
    header->about = code->about;
    if (!read_all(code->fd, bytes + sizeof *header, code->size)) {
        status = err_set(err, FH_IO_ERROR, "%u bytes of machine code are not there", code->size);
        goto done;
    }
    uint8_t checksum[SHA256_SIZE];
    checksum_of(bytes, size, checksum);
    memcpy(header->checksum, checksum, sizeof checksum);
    name_of(key, name);
    status = put(self, name, bytes, size, err);
    self->bytes += (int64_t)size;
    if (self->kept < 0 || ++self->kept > KEPT_A_SWEEP || self->bytes > self->limit)
        sweep(self);
done:
    free(bytes);
    return status;
}
