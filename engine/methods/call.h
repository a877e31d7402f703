/* engine/methods/call.h - what methods that CALL invokes by name share: the receiver, the answer. */
#ifndef FH_ENGINE_METHODS_CALL_H
#define FH_ENGINE_METHODS_CALL_H

#include "engine/methods/kernel_job.h"

enum { ANSWER_VALUES = 40 };

/* What a method gives back: values, and room for their texts. */
typedef struct {
    const value_t *values; /* NULL: those in small */
    uint32_t count;
    value_t small[ANSWER_VALUES];
    char text[512];
    void *memory; /* malloc'ed: what values and texts of many rows lie in; or NULL */
} answer_t;

/* The object that the method is called on: an array is pinned, of a kernel there is a copy; the engine: neither. */
typedef struct {
    pin_t array;
    kernel_t kernel;
} receiver_t;

typedef struct {
    const char *name;
    int (*run)(run_t *run, const receiver_t *self, answer_t *answer, err_t *err);
    bool on_reactor; /* it asks the runner host */
    uint32_t args;   /* that it takes at most */
} object_method_t;

typedef struct {
    const char *type;
    const object_method_t *rows;
    int count;
} object_type_table_t;

/* Of kernel_methods.c. */
extern const object_type_table_t OBJECT_TYPE_KERNEL;
/* The engine's "kernels": one row for each kernel object. */
int kernel_methods_list(run_t *run, const receiver_t *self, answer_t *answer, err_t *err);

/* The engine's "memory" (memory.c): rows of kind, owner, bytes, count. */
int memory_method(run_t *run, const receiver_t *self, answer_t *answer, err_t *err);

/* Values among small; text is borrowed until the answer is sent. */
void answer_text(answer_t *self, const char *text);
void answer_number(answer_t *self, uint64_t number);
/* Name, then number. */
void answer_named(answer_t *self, const char *name, uint64_t number);
/* "methods": the names of a type's methods. */
int answer_methods(answer_t *self, const object_type_table_t *table);
/* "nop" */
int answer_nothing(run_t *run, const receiver_t *self, answer_t *answer, err_t *err);

#endif
