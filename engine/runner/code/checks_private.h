/* engine/runner/code/checks_private.h - shared by the parts of checks: what is known of the module while checks are put
 * in. See checks.h. */
#ifndef FH_ENGINE_RUNNER_CODE_CHECKS_PRIVATE_H
#define FH_ENGINE_RUNNER_CODE_CHECKS_PRIVATE_H

#include "base/err.h"
#include "engine/runner/run/guard.h"

#include <stdbool.h>
#include <stddef.h>

#include <llvm-c/Core.h>
#include <llvm-c/Target.h>

/* A function of ours that generated code calls. */
typedef struct {
    LLVMTypeRef type;
    LLVMValueRef function;
} checks_call_t;

typedef struct {
    LLVMModuleRef module;
    LLVMContextRef context;
    LLVMTargetDataRef layout;
    LLVMBuilderRef builder;
    LLVMTypeRef i1, i32, i64, ptr, site;
    checks_call_t read, write, value;
    LLVMValueRef globals; /* guard_global_t[], or a null pointer */
    int64_t global_count;
    LLVMValueRef table; /* of sites, as long as their number is not known */
    LLVMValueRef *sites;
    size_t site_count, site_room;
    LLVMValueRef *found; /* all instructions of the function as it came */
    size_t found_count, found_room;
    bool failed; /* no memory */
} checks_t;

/* Room for one more; false (and failed) if there is none. */
bool checks_room(checks_t *self, void **array, size_t count, size_t *room, size_t unit);
/* A constant text of the module. */
LLVMValueRef checks_text(checks_t *self, const char *text, size_t length);
/* The file's name (no folder) and the line that an instruction comes from. */
LLVMValueRef checks_file(checks_t *self, LLVMValueRef instruction);
LLVMValueRef checks_line(checks_t *self, LLVMValueRef instruction);
LLVMValueRef checks_int(const checks_t *self, LLVMTypeRef type, int64_t value);
/* Elements of a fixed vector; 1 for anything else; 0 for vectors of unknown length. */
unsigned checks_lanes(LLVMTypeRef type);
/* The function that a call names; NULL for anything else. */
const char *checks_callee(LLVMValueRef instruction);
/* Whether name is prefix, or goes on with a dot. */
bool checks_is(const char *name, const char *prefix);

/* What an instruction does with operands that have gone wrong. */
typedef enum {
    LEAKS,  /* they get out: they are reported before it runs */
    PASSES, /* its result has gone wrong, too */
    ENDS,   /* nothing comes of it */
} checks_effect_t;
checks_effect_t checks_effect(LLVMValueRef instruction);
/* What can go wrong in an instruction: its name (in room or constant), NULL for nothing. */
const char *checks_makes(LLVMValueRef instruction, guard_kind_t *ret_kind, char room[32]);
/* A floating-point number, or a vector of these. */
bool checks_floating(LLVMTypeRef type);

/* Checks of one instruction's accesses to memory. */
void checks_access(checks_t *self, LLVMValueRef instruction);
/* Checks of the values of the function in found. */
void checks_values(checks_t *self, LLVMValueRef function);

#endif
