/* proxy/kernel.h - kernels: code that was sent, what an engine said of it, and where it is loaded.
 *
 * A session remembers the code that it has loaded, so that loading it again costs a hash and no message.  Code is
 * counted: the session's memory and each fh_kernel hold a reference. */
#ifndef FH_PROXY_KERNEL_H
#define FH_PROXY_KERNEL_H

#include "proxy/handle.h"

enum { KERNEL_MAX_IN = 16, KERNEL_MAX_OUT = 8, KERNEL_MAX_STATE_BYTES = 4096, KERNEL_OPTIONS_TEXT = 65 };

/* A kernel object on one engine. */
typedef struct {
    handle_t *handle;
    uint64_t opened; /* the engine's connection that it was loaded through: another one may not know it */
} kernel_place_t;

typedef struct kernel_code {
    int64_t references;
    fh_session *session;
    buf_t *code;
    uint8_t hash[32];
    char *texts[4];          /* of the options: entry, signature, kind, layout; "" for what fits */
    fh_kernel_options asked; /* with pointers to these */
    bool known;              /* an engine has said what it is: */
    fh_kernel_info info;
    int64_t state_bytes; /* reductions: of a state in arrays of states */
    kernel_place_t *places;
    int nplaces, places_room;
    struct kernel_code *fold; /* the same function as a reduction, once it was needed; a reference is held */
    struct kernel_code *next; /* in the session's memory */
} kernel_code_t;

struct fh_kernel {
    fh_session *session;
    kernel_code_t *code;
};

/* Code that is not loaded yet, with one reference.  options must not be NULL. */
int kernel_code_new(kernel_code_t **ret, fh_session *session, buf_t *code, const uint8_t hash[32],
                    const fh_kernel_options *options, err_t *err);
kernel_code_t *kernel_code_ref(kernel_code_t *self);
/* Drop one reference, set *self to NULL.  NULL-safe. */
void kernel_code_unref(kernel_code_t **self);

/* The KERNEL message that loads it, but for call and result; borrows the code and options. */
void kernel_code_message(const kernel_code_t *self, bool inspect, char options[KERNEL_OPTIONS_TEXT], message_t *ret);
/* Load the code on n engines; waits until one has compiled it, or all have failed. */
int kernel_load_on(kernel_code_t *self, engine_link_t *const *engines, int n, err_t *err);
/* Remember where it is; a reference to the handle is kept. */
int kernel_code_remember(kernel_code_t *self, handle_t *handle, err_t *err);
/* Load the code on all engines; waits until one has compiled it, or all have failed. */
int kernel_code_load(kernel_code_t *self, err_t *err);
/* Its object on that engine, loaded now if it was not (waits then).  Borrowed. */
int kernel_code_on(kernel_code_t *self, engine_link_t *engine, handle_t **ret, err_t *err);
/* Is it loaded on an engine that is there? */
bool kernel_code_lives(const kernel_code_t *self);
/* The same function of two inputs as a reduction, loaded when it is first asked for; a reduction is its own. Borrowed.
 * KERNEL_ERROR if the function is no such thing. */
int kernel_code_fold(kernel_code_t *self, kernel_code_t **ret, err_t *err);
/* Is that object there, on the connection that made it? */
bool kernel_place_lives(const kernel_place_t *self);
/* An engine's texts of it, IR (what 0) or assembly (1); malloc'ed. */
int kernel_code_inspect(kernel_code_t *self, int what, char **ret_text, err_t *err);
/* The session ends: forget what it has loaded. */
void kernel_code_forget_all(fh_session *session);

/* Begin of every function that takes a kernel: it is there, its session is usable. */
int kernel_enter(const fh_kernel *self, err_t *err);
/* A time limit as messages carry it. */
int kernel_timeout(double timeout_s, uint64_t *ret_ms, err_t *err);
/* For the piece field of messages: number plus one; 0 where there is only one. */
uint64_t kernel_piece(int i, int n);

#endif
