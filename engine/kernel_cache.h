/* engine/kernel_cache.h - machine code of kernels on disk, so that it outlives runners and engines.
 *
 * One file for each key in one folder of ours (mode 0700) that engines of one user share.  What lies there is believed
 * only as far as it can be checked, and is linked by a sandboxed runner, never run by the engine: a file that fails a
 * check is deleted and counts as not there.  A checksum guards against accidents, not against our own user.  The folder
 * should be on a local disk, since files are read and written (unsynced) on the calling thread.
 * Thread rule: one thread; any number of processes. */
#ifndef FH_ENGINE_KERNEL_CACHE_H
#define FH_ENGINE_KERNEL_CACHE_H

#include "engine/runner/runner_wire.h"

#include <stdbool.h>

enum {
    KERNEL_KEY_SIZE = 32,
    KERNEL_CACHE_FILES = 4096, /* at most, whatever their size */
};

typedef struct kernel_cache kernel_cache_t;

/* Open the folder, made if need be.  limit_bytes: of all files; beyond, those go first whose last use is longest ago.
 * PERMISSION if others could write there, IO_ERROR. */
int kernel_cache_new(kernel_cache_t **ret, const char *folder, int64_t limit_bytes, err_t *err);
void kernel_cache_destroy(kernel_cache_t **self);

/* Whose code it is: another compiler, CPU or program makes other code of the same module. */
typedef struct {
    char llvm[32], cpu[64];
    uint8_t features[32]; /* SHA-256 of what else the compiler goes by */
    uint64_t program[4];  /* of the runner's executable: device, inode, bytes, time of its last change */
} kernel_maker_t;

/* The key of a module's code with these options. */
void kernel_cache_key(const kernel_maker_t *maker, const uint8_t module_hash[32], const kernel_options_t *options,
                      uint8_t ret[KERNEL_KEY_SIZE]);

typedef struct {
    int fd; /* a sealed memfd with the object; the caller closes */
    uint32_t size;
    char symbol[RUNNER_SYMBOL_MAX];
    runner_description_t about; /* texts are terminated, nothing else is checked */
} cached_code_t;

/* False: it is not there. */
bool kernel_cache_find(kernel_cache_t *self, const uint8_t key[KERNEL_KEY_SIZE], cached_code_t *ret);
/* Keep what lies in the first code->size bytes of code->fd, which others may be writing to: it is read once.
 * LIMIT_EXCEEDED if it is larger than RUNNER_MAX_OBJECT, IO_ERROR. */
int kernel_cache_keep(kernel_cache_t *self, const uint8_t key[KERNEL_KEY_SIZE], const cached_code_t *code, err_t *err);
/* Delete what is there. */
void kernel_cache_drop(kernel_cache_t *self, const uint8_t key[KERNEL_KEY_SIZE]);

#endif
