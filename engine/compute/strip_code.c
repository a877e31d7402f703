#include "engine/compute/strip_code.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

enum {
    KEPT = 64,               /* programs */
    ROOM = 16384,            /* bytes of code */
    WORTH_AT_ONCE = 1 << 19, /* work that pays for making code before the program is seen again */
};

typedef enum { UNUSED, SEEN, MADE, REFUSED } state_t;

/* What tells programs apart. */
typedef struct {
    int n;
    uint32_t same;
    struct {
        const strip_row_t *row;
        int32_t place, other;
    } step[STRIP_STEPS];
} program_key_t;

struct strip_code {
    state_t state;
    int users;
    uint64_t hash, used; /* the latest use */
    program_key_t key;
    uint8_t *memory; /* NULL: none yet */
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static strip_code_t kept[KEPT];
static uint64_t clock_of_uses;
static strip_code_count_t counted;

static bool
can_run(void)
{
#ifdef FH_LOOPS_WIDE
    return __builtin_cpu_supports("x86-64-v4");
#else
    return false;
#endif
}

static size_t
key_make(program_key_t *key, const strip_program_t *program, uint32_t same)
{
    memset(key, 0, offsetof(program_key_t, step) + (size_t)program->n * sizeof key->step[0]);
    key->n = program->n;
    key->same = same;
    for (int i = 0; i < program->n; i++) {
        key->step[i].row = program->rows[i];
        key->step[i].place = program->steps[i].place;
        key->step[i].other = program->steps[i].other;
    }
    return offsetof(program_key_t, step) + (size_t)program->n * sizeof key->step[0];
}

static uint64_t
hash_of(const void *data, size_t size)
{
    const uint8_t *p = data;
    uint64_t hash = UINT64_C(0xcbf29ce484222325), word = 0;

    for (; size > 0; p += sizeof word, size -= size < sizeof word ? size : sizeof word) {
        memcpy(&word, p, size < sizeof word ? size : sizeof word);
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 29;
    }
    return hash;
}

/* The entry of such a program, or one for it, which may be NULL: all are in use. */
static strip_code_t *
find(const program_key_t *key, size_t size)
{
    uint64_t hash = hash_of(key, size);
    strip_code_t *oldest = NULL;

    for (int i = 0; i < KEPT; i++) {
        strip_code_t *entry = &kept[i];

        if (entry->state != UNUSED && entry->hash == hash && memcmp(&entry->key, key, size) == 0)
            return entry;
        if (entry->users == 0 && (oldest == NULL || entry->used < oldest->used))
            oldest = entry;
    }
    if (oldest == NULL)
        return NULL;
    oldest->state = UNUSED;
    oldest->hash = hash;
    memcpy(&oldest->key, key, size);
    return oldest;
}

/* Memory that can be written. */
static bool
open_memory(strip_code_t *self)
{
    if (self->memory != NULL)
        return mprotect(self->memory, ROOM, PROT_READ | PROT_WRITE) == 0;
    void *memory = mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    self->memory = memory == MAP_FAILED ? NULL : memory;
    return self->memory != NULL;
}

static bool
make(strip_code_t *self, const strip_program_t *program, uint32_t same)
{
    strip_graph_t graph;

    if (!strip_graph_make(&graph, program, same) || !open_memory(self))
        return false;
    x86_t code = {.bytes = self->memory, .room = ROOM};

    return strip_emit(&graph, &code) && mprotect(self->memory, ROOM, PROT_READ | PROT_EXEC) == 0;
}

strip_code_t *
strip_code_take(const strip_program_t *program, uint32_t same, int64_t work)
{
    program_key_t key;
    strip_code_t *self = NULL;

    if (program->n == 0 || !can_run())
        return NULL;
    size_t size = key_make(&key, program, same);

    pthread_mutex_lock(&mutex);
    self = find(&key, size);
    if (self != NULL) {
        bool again = self->state == SEEN;

        self->used = ++clock_of_uses;
        if (self->state == UNUSED)
            self->state = SEEN;
        if (self->state == SEEN && (again || work >= WORTH_AT_ONCE)) {
            self->state = make(self, program, same) ? MADE : REFUSED;
            counted.made += self->state == MADE;
            counted.refused += self->state == REFUSED;
        }
        if (self->state == MADE)
            self->users++;
        else
            self = NULL;
    }
    pthread_mutex_unlock(&mutex);
    return self;
}

void
strip_code_give(strip_code_t **self)
{
    if (*self == NULL)
        return;
    pthread_mutex_lock(&mutex);
    (*self)->users--;
    pthread_mutex_unlock(&mutex);
    *self = NULL;
}

strip_code_fn
strip_code_of(const strip_code_t *self)
{
    union {
        uint8_t *memory;
        strip_code_fn fn;
    } code = {.memory = self->memory};

    return code.fn;
}

strip_code_count_t
strip_code_count(void)
{
    pthread_mutex_lock(&mutex);
    strip_code_count_t count = counted;
    pthread_mutex_unlock(&mutex);
    return count;
}
