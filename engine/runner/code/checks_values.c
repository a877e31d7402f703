#include "engine/runner/code/checks_private.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Each value that may have gone wrong has a shadow: for each of its elements the number of the site where that
 * happened, 0 if it did not.  Shadows live in variables, which LLVM turns into values again, so nothing here depends on
 * the order of blocks. */

static const struct {
    LLVMOpcode opcode;
    const char *name;
} DIVISIONS[] = {{LLVMUDiv, "udiv"}, {LLVMSDiv, "sdiv"}, {LLVMURem, "urem"}, {LLVMSRem, "srem"}};

enum { MAX_BITS = 512 }; /* of integers whose division by -1 is checked */

#define COUNT(table) (sizeof(table) / sizeof *(table))

typedef struct {
    LLVMValueRef value, slot;
} shadow_t;

/* The shadows of one function: a list, and a hash table of places in it (0: free, else one more than the index). */
typedef struct {
    checks_t *checks;
    LLVMValueRef entry; /* its first instruction as it came: variables go before it */
    shadow_t *list;
    size_t count, room;
    uint32_t *hash;
    size_t hash_size;
} shadows_t;

/* ---- the table ----------------------------------------------------------------------------------------------------
 */

static size_t
place_of(const shadows_t *self, LLVMValueRef value)
{
    size_t at = (size_t)((uintptr_t)value >> 4) * 0x9e3779b97f4a7c15u >> 20;
    for (;; at++) {
        at &= self->hash_size - 1;
        if (!self->hash[at] || self->list[self->hash[at] - 1].value == value)
            return at;
    }
}

static shadow_t *
find(const shadows_t *self, LLVMValueRef value)
{
    uint32_t number = self->hash[place_of(self, value)];
    return number ? &self->list[number - 1] : NULL;
}

static LLVMTypeRef
shadow_type(const checks_t *self, LLVMTypeRef type)
{
    return LLVMGetTypeKind(type) == LLVMVectorTypeKind ? LLVMVectorType(self->i32, LLVMGetVectorSize(type)) : self->i32;
}

static shadow_t *
add(shadows_t *self, LLVMValueRef value)
{
    checks_t *checks = self->checks;
    shadow_t *known = find(self, value);
    if (known || !checks_room(checks, (void **)&self->list, self->count, &self->room, sizeof *self->list))
        return known;
    LLVMTypeRef type = shadow_type(checks, LLVMTypeOf(value));
    LLVMPositionBuilderBefore(checks->builder, self->entry);
    shadow_t *added = &self->list[self->count++];
    *added = (shadow_t){.value = value, .slot = LLVMBuildAlloca(checks->builder, type, "")};
    self->hash[place_of(self, value)] = (uint32_t)self->count;
    return added;
}

/* ---- building -----------------------------------------------------------------------------------------------------
 */

/* The number of a new site. */
static LLVMValueRef
new_site(checks_t *self, LLVMValueRef i, const char *what, guard_kind_t kind)
{
    if (!checks_room(self, (void **)&self->sites, self->site_count, &self->site_room, sizeof *self->sites))
        return checks_int(self, self->i32, 0);
    LLVMValueRef parts[] = {checks_file(self, i), checks_text(self, what, strlen(what)), checks_line(self, i),
                            checks_int(self, self->i32, kind)};
    self->sites[self->site_count++] = LLVMConstStructInContext(self->context, parts, 4, false);
    return checks_int(self, self->i32, (int64_t)self->site_count);
}

/* An element as a value of type: the same in all lanes. */
static LLVMValueRef
splat(checks_t *self, LLVMValueRef item, LLVMTypeRef type)
{
    if (LLVMGetTypeKind(type) != LLVMVectorTypeKind)
        return item;
    LLVMValueRef one =
        LLVMBuildInsertElement(self->builder, LLVMGetPoison(type), item, checks_int(self, self->i32, 0), "");
    return LLVMBuildShuffleVector(self->builder, one, LLVMGetPoison(type),
                                  LLVMConstNull(LLVMVectorType(self->i32, LLVMGetVectorSize(type))), "");
}

/* One number that is not 0 if one of the elements is not. */
static LLVMValueRef
any(checks_t *self, LLVMValueRef numbers)
{
    LLVMTypeRef type = LLVMTypeOf(numbers);
    if (LLVMGetTypeKind(type) != LLVMVectorTypeKind)
        return numbers;
    unsigned id = LLVMLookupIntrinsicID("llvm.vector.reduce.umax", strlen("llvm.vector.reduce.umax"));
    LLVMValueRef function = LLVMGetIntrinsicDeclaration(self->module, id, &type, 1);
    return LLVMBuildCall2(self->builder, LLVMIntrinsicGetType(self->context, id, &type, 1), function, &numbers, 1, "");
}

/* A shadow as one for a value of type: element by element if there are as many, else any of them for all. */
static LLVMValueRef
adapt(checks_t *self, LLVMValueRef numbers, LLVMTypeRef type)
{
    LLVMTypeRef wanted = shadow_type(self, type);
    return LLVMTypeOf(numbers) == wanted ? numbers : splat(self, any(self, numbers), wanted);
}

/* What is loaded of a value's shadow where the builder is; zeros if it has none. */
static LLVMValueRef
load(const shadows_t *self, LLVMValueRef value)
{
    LLVMTypeRef type = shadow_type(self->checks, LLVMTypeOf(value));
    const shadow_t *shadow = find(self, value);
    return shadow ? LLVMBuildLoad2(self->checks->builder, type, shadow->slot, "") : LLVMConstNull(type);
}

static void
report(checks_t *self, LLVMValueRef numbers)
{
    LLVMValueRef args[] = {any(self, numbers), self->table};
    LLVMBuildCall2(self->builder, self->value.type, self->value.function, args, 2, "");
}

static LLVMValueRef
first_of(checks_t *self, LLVMValueRef a, LLVMValueRef b)
{
    LLVMValueRef none = LLVMBuildICmp(self->builder, LLVMIntEQ, a, LLVMConstNull(LLVMTypeOf(a)), "");
    return LLVMBuildSelect(self->builder, none, b, a, "");
}

/* number where bad (a bit, or one for each element) is set, else 0. */
static LLVMValueRef
number_if(checks_t *self, LLVMValueRef bad, LLVMValueRef number)
{
    LLVMTypeRef type = LLVMTypeOf(bad);
    bool vector = LLVMGetTypeKind(type) == LLVMVectorTypeKind;
    LLVMTypeRef wanted = vector ? LLVMVectorType(self->i32, LLVMGetVectorSize(type)) : self->i32;
    return LLVMBuildSelect(self->builder, bad, splat(self, number, wanted), LLVMConstNull(wanted), "");
}

/* Bits: the result is a NaN and no operand is. */
static LLVMValueRef
is_new_nan(checks_t *self, LLVMValueRef i)
{
    LLVMBuilderRef b = self->builder;
    LLVMValueRef bad = LLVMBuildFCmp(b, LLVMRealUNO, i, i, "");
    int count = LLVMIsACallInst(i) ? (int)LLVMGetNumArgOperands(i) : LLVMGetNumOperands(i);
    for (int k = 0; k < count; k++) {
        LLVMValueRef operand = LLVMGetOperand(i, (unsigned)k);
        if (!checks_floating(LLVMTypeOf(operand)))
            continue;
        LLVMValueRef nan = LLVMBuildFCmp(b, LLVMRealUNO, operand, operand, "");
        LLVMValueRef numbers = number_if(self, nan, checks_int(self, self->i32, 1));
        LLVMValueRef fits = adapt(self, numbers, LLVMTypeOf(i));
        LLVMValueRef fine = LLVMBuildICmp(b, LLVMIntEQ, fits, LLVMConstNull(LLVMTypeOf(fits)), "");
        bad = LLVMBuildAnd(b, bad, fine, "");
    }
    return bad;
}

static LLVMValueRef
is_wide_shift(checks_t *self, LLVMValueRef i)
{
    LLVMTypeRef type = LLVMTypeOf(i), item = type;
    if (LLVMGetTypeKind(type) == LLVMVectorTypeKind)
        item = LLVMGetElementType(type);
    LLVMValueRef width = LLVMConstInt(item, LLVMGetIntTypeWidth(item), false);
    return LLVMBuildICmp(self->builder, LLVMIntUGE, LLVMGetOperand(i, 1), splat(self, width, type), "");
}

/* The shadow of a selection: of what is chosen, and of the choice. */
static LLVMValueRef
select_shadow(const shadows_t *self, LLVMValueRef i)
{
    checks_t *checks = self->checks;
    LLVMValueRef chosen = LLVMBuildSelect(checks->builder, LLVMGetOperand(i, 0), load(self, LLVMGetOperand(i, 1)),
                                          load(self, LLVMGetOperand(i, 2)), "");
    if (!find(self, LLVMGetOperand(i, 0)))
        return chosen;
    return first_of(checks, adapt(checks, load(self, LLVMGetOperand(i, 0)), LLVMTypeOf(i)), chosen);
}

static LLVMValueRef
shuffle_shadow(const shadows_t *self, LLVMValueRef i)
{
    checks_t *checks = self->checks;
    unsigned lanes = LLVMGetNumMaskElements(i);
    LLVMValueRef *mask = malloc(lanes * sizeof *mask);
    if (!mask) {
        checks->failed = true;
        return LLVMConstNull(shadow_type(checks, LLVMTypeOf(i)));
    }
    for (unsigned k = 0; k < lanes; k++) {
        int from = LLVMGetMaskValue(i, k);
        mask[k] = checks_int(checks, checks->i32, from == LLVMGetUndefMaskElem() ? 0 : from);
    }
    LLVMValueRef shuffled = LLVMBuildShuffleVector(checks->builder, load(self, LLVMGetOperand(i, 0)),
                                                   load(self, LLVMGetOperand(i, 1)), LLVMConstVector(mask, lanes), "");
    free(mask);
    return shuffled;
}

/* The shadow that an instruction's operands give to its result. */
static LLVMValueRef
passed_shadow(const shadows_t *self, LLVMValueRef i)
{
    checks_t *checks = self->checks;
    LLVMBuilderRef b = checks->builder;
    LLVMOpcode opcode = LLVMGetInstructionOpcode(i);
    if (opcode == LLVMSelect)
        return select_shadow(self, i);
    if (opcode == LLVMShuffleVector)
        return shuffle_shadow(self, i);
    if (opcode == LLVMExtractElement)
        return LLVMBuildExtractElement(b, load(self, LLVMGetOperand(i, 0)), LLVMGetOperand(i, 1), "");
    if (opcode == LLVMInsertElement)
        return LLVMBuildInsertElement(b, load(self, LLVMGetOperand(i, 0)), load(self, LLVMGetOperand(i, 1)),
                                      LLVMGetOperand(i, 2), "");
    LLVMValueRef sum = LLVMConstNull(shadow_type(checks, LLVMTypeOf(i)));
    int count = LLVMIsACallInst(i) ? (int)LLVMGetNumArgOperands(i) : LLVMGetNumOperands(i);
    for (int k = 0; k < count; k++)
        if (find(self, LLVMGetOperand(i, (unsigned)k)))
            sum = first_of(checks, sum, adapt(checks, load(self, LLVMGetOperand(i, (unsigned)k)), LLVMTypeOf(i)));
    return sum;
}

/* ---- one function -------------------------------------------------------------------------------------------------
 */

static LLVMValueRef
first_after_phis(LLVMValueRef i)
{
    while (LLVMIsAPHINode(i))
        i = LLVMGetNextInstruction(i);
    return i;
}

/* A phi's shadow is a phi: what comes from each block is loaded at its end. */
static void
fill_phi(const shadows_t *self, const shadow_t *shadow)
{
    checks_t *checks = self->checks;
    LLVMBasicBlockRef block = LLVMGetInstructionParent(shadow->value);
    LLVMPositionBuilderBefore(checks->builder, LLVMGetFirstInstruction(block));
    LLVMValueRef phi = LLVMBuildPhi(checks->builder, shadow_type(checks, LLVMTypeOf(shadow->value)), "");
    unsigned count = LLVMCountIncoming(shadow->value);
    for (unsigned k = 0; k < count; k++) {
        LLVMBasicBlockRef from = LLVMGetIncomingBlock(shadow->value, k);
        LLVMValueRef numbers = NULL;
        for (unsigned before = 0; before < k && !numbers; before++) /* several edges from one block bring one value */
            if (LLVMGetIncomingBlock(phi, before) == from)
                numbers = LLVMGetIncomingValue(phi, before);
        if (!numbers) {
            LLVMPositionBuilderBefore(checks->builder, LLVMGetBasicBlockTerminator(from));
            numbers = load(self, LLVMGetIncomingValue(shadow->value, k));
        }
        LLVMAddIncoming(phi, &numbers, &from, 1);
    }
    LLVMPositionBuilderBefore(checks->builder, first_after_phis(phi));
    LLVMBuildStore(checks->builder, phi, shadow->slot);
}

/* Compute a shadow right after its value. */
static void
fill(const shadows_t *self, const shadow_t *shadow)
{
    checks_t *checks = self->checks;
    if (LLVMIsAPHINode(shadow->value)) {
        fill_phi(self, shadow);
        return;
    }
    LLVMPositionBuilderBefore(checks->builder, LLVMGetNextInstruction(shadow->value));
    LLVMValueRef numbers = passed_shadow(self, shadow->value);
    char room[32];
    guard_kind_t kind;
    const char *name = checks_makes(shadow->value, &kind, room);
    if (name) {
        LLVMValueRef site = new_site(checks, shadow->value, name, kind);
        LLVMValueRef bad = kind == GUARD_NAN ? is_new_nan(checks, shadow->value) : is_wide_shift(checks, shadow->value);
        numbers = first_of(checks, numbers, number_if(checks, bad, site));
    }
    LLVMBuildStore(checks->builder, numbers, shadow->slot);
}

/* All values that something wrong can reach: those where it begins, and what is computed of them. */
static void
find_shadows(shadows_t *self)
{
    checks_t *checks = self->checks;
    char room[32];
    guard_kind_t kind;
    for (size_t i = 0; i < checks->found_count; i++)
        if (checks_makes(checks->found[i], &kind, room))
            add(self, checks->found[i]);
    for (size_t i = 0; i < self->count && !checks->failed; i++)
        for (LLVMUseRef use = LLVMGetFirstUse(self->list[i].value); use; use = LLVMGetNextUse(use)) {
            LLVMValueRef user = LLVMGetUser(use);
            if (LLVMIsAInstruction(user) && checks_effect(user) == PASSES)
                add(self, user);
        }
}

/* Before each instruction that lets a wrong value out: report. */
static void
report_leaks(const shadows_t *self)
{
    checks_t *checks = self->checks;
    for (size_t i = 0; i < checks->found_count; i++) {
        LLVMValueRef user = checks->found[i];
        if (checks_effect(user) != LEAKS)
            continue;
        for (int k = 0; k < LLVMGetNumOperands(user); k++) {
            LLVMValueRef operand = LLVMGetOperand(user, (unsigned)k);
            if (!find(self, operand))
                continue;
            LLVMPositionBuilderBefore(checks->builder, user);
            report(checks, load(self, operand));
        }
    }
}

/* Integer divisions fault at once, so they are checked before they run. */
static void
check_division(checks_t *self, LLVMValueRef i)
{
    LLVMOpcode opcode = LLVMGetInstructionOpcode(i);
    const char *name = NULL;
    for (size_t k = 0; k < COUNT(DIVISIONS); k++)
        if (DIVISIONS[k].opcode == opcode)
            name = DIVISIONS[k].name;
    LLVMTypeRef type = LLVMTypeOf(i), item = type;
    if (!name || !checks_lanes(type))
        return;
    if (LLVMGetTypeKind(type) == LLVMVectorTypeKind)
        item = LLVMGetElementType(type);
    LLVMBuilderRef b = self->builder;
    LLVMPositionBuilderBefore(b, i);
    LLVMValueRef divisor = LLVMGetOperand(i, 1);
    LLVMValueRef zero = LLVMBuildICmp(b, LLVMIntEQ, divisor, LLVMConstNull(type), "");
    report(self, number_if(self, zero, new_site(self, i, name, GUARD_DIVISION_BY_ZERO)));
    if (opcode != LLVMSDiv && opcode != LLVMSRem)
        return;
    unsigned width = LLVMGetIntTypeWidth(item);
    if (width > MAX_BITS)
        return;
    uint64_t words[MAX_BITS / 64] = {0};
    words[(width - 1) / 64] = (uint64_t)1 << (width - 1) % 64;
    LLVMValueRef least = LLVMConstIntOfArbitraryPrecision(item, (width + 63) / 64, words);
    LLVMValueRef minus = LLVMBuildICmp(b, LLVMIntEQ, divisor, LLVMConstAllOnes(type), "");
    LLVMValueRef lowest = LLVMBuildICmp(b, LLVMIntEQ, LLVMGetOperand(i, 0), splat(self, least, type), "");
    report(self, number_if(self, LLVMBuildAnd(b, minus, lowest, ""), new_site(self, i, name, GUARD_DIVISION_OVERFLOW)));
}

void
checks_values(checks_t *self, LLVMValueRef function)
{
    shadows_t shadows = {.checks = self, .hash_size = 64};
    while (shadows.hash_size < 2 * self->found_count)
        shadows.hash_size *= 2;
    shadows.hash = calloc(shadows.hash_size, sizeof *shadows.hash);
    if (!shadows.hash) {
        self->failed = true;
        return;
    }
    shadows.entry = LLVMGetFirstInstruction(LLVMGetEntryBasicBlock(function));
    find_shadows(&shadows);
    for (size_t i = 0; i < self->found_count; i++)
        check_division(self, self->found[i]);
    for (size_t i = 0; i < shadows.count && !self->failed; i++)
        fill(&shadows, &shadows.list[i]);
    if (!self->failed)
        report_leaks(&shadows);
    free(shadows.list);
    free(shadows.hash);
}
