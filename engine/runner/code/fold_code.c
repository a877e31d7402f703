#include "engine/runner/code/fold_code.h"

#include <stdio.h>

/* Building state: the reduction and the inputs of the function that is being written. */
typedef struct {
    emit_t emit;
    const entry_t *entry;
    const fold_t *fold;
    const char *name;
    bool debug;
    int lanes;
    LLVMTypeRef slot;  /* of an array of states */
    LLVMTypeRef dense; /* of a lane while it is being filled */
    LLVMTypeRef type[KERNEL_MAX_ARGS];
    LLVMValueRef data[KERNEL_MAX_ARGS], stride[KERNEL_MAX_ARGS], contiguous;
} build_t;

/* A function of those parameters, in letters: p pointer (s: to states, which no other parameter points to), n int64. */
static void
begin(build_t *self, const char *suffix, const char *params, LLVMValueRef *ret_params)
{
    emit_t *emit = &self->emit;
    LLVMTypeRef types[8];
    char name[RUNNER_SYMBOL_MAX + 16];
    unsigned count = 0;
    for (; params[count]; count++)
        types[count] = params[count] == 'n' ? emit->i64 : emit->ptr;
    snprintf(name, sizeof name, "%.*s.%s", RUNNER_SYMBOL_MAX, self->name, suffix);
    LLVMValueRef function = emit_function(emit, name, emit->nothing, types, count);
    unsigned kind = LLVMGetEnumAttributeKindForName("noalias", 7);
    for (unsigned i = 0; i < count; i++) {
        ret_params[i] = LLVMGetParam(function, i);
        if (params[i] == 's')
            LLVMAddAttributeAtIndex(function, i + 1, LLVMCreateEnumAttribute(emit->context, kind, 0));
    }
}

static void
end(build_t *self)
{
    LLVMBuildRetVoid(self->emit.builder);
}

/* Load pointers and strides of the inputs; contiguous: all strides are their elements' sizes. */
static void
take_inputs(build_t *self, LLVMValueRef data, LLVMValueRef strides)
{
    emit_t *emit = &self->emit;
    self->contiguous = LLVMConstInt(emit->i1, 1, false);
    for (int k = 0; k < self->entry->nin; k++) {
        self->data[k] = emit_item(emit, emit->ptr, data, k);
        self->stride[k] = emit_item(emit, emit->i64, strides, k);
        LLVMValueRef size = emit_int(emit, emit_size(emit, self->type[k]));
        self->contiguous = LLVMBuildAnd(emit->builder, self->contiguous,
                                        LLVMBuildICmp(emit->builder, LLVMIntEQ, self->stride[k], size, ""), "");
    }
}

static LLVMValueRef
element(const build_t *self, int k, LLVMValueRef i, bool contiguous)
{
    const emit_t *emit = &self->emit;
    return contiguous ? emit_at(emit, self->type[k], self->data[k], i)
                      : emit_at(emit, emit->i8, self->data[k], LLVMBuildMul(emit->builder, i, self->stride[k], ""));
}

static void
emit_step(build_t *self, LLVMValueRef state, LLVMValueRef i, bool contiguous)
{
    LLVMValueRef pointers[KERNEL_MAX_ARGS + 1] = {state};
    for (int k = 0; k < self->entry->nin; k++)
        pointers[k + 1] = element(self, k, i, contiguous);
    call_emit(&self->emit, &self->fold->step, pointers, state);
}

/* The first state of a lane: by init, or (no init) its first element, which is i. */
static void
emit_start(build_t *self, LLVMValueRef state, LLVMValueRef i, bool contiguous)
{
    if (self->fold->init.function)
        call_emit(&self->emit, &self->fold->init, &state, state);
    else
        emit_copy(&self->emit, self->type[0], state, element(self, 0, i, contiguous));
}

static void
emit_combine(build_t *self, LLVMValueRef into, LLVMValueRef from)
{
    const call_t *call = self->fold->combine.function ? &self->fold->combine : &self->fold->step;
    call_emit(&self->emit, call, (LLVMValueRef[]){into, from}, into);
}

static void
emit_finish(build_t *self, LLVMValueRef result, LLVMValueRef state)
{
    if (self->fold->finish.function)
        call_emit(&self->emit, &self->fold->finish, &state, result);
    else
        emit_copy(&self->emit, emit_dtype(self->emit.context, self->entry->out[0]), result, state);
}

/* The tree over count lanes: between begin and end, lane into takes in lane from. */
typedef struct {
    emit_loop_t widths, lanes;
    LLVMValueRef into, from;
} tree_t;

static void
tree_begin(build_t *self, LLVMValueRef count, tree_t *ret)
{
    emit_t *emit = &self->emit;
    emit_loop_begin(emit, emit_int(emit, 1), count, &ret->widths);
    LLVMValueRef last = LLVMBuildSub(emit->builder, count, ret->widths.i, "");
    emit_loop_begin(emit, emit_int(emit, 0), last, &ret->lanes);
    ret->into = ret->lanes.i;
    ret->from = LLVMBuildAdd(emit->builder, ret->lanes.i, ret->widths.i, "");
}

static void
tree_end(build_t *self, const tree_t *tree)
{
    emit_t *emit = &self->emit;
    LLVMValueRef width = tree->widths.i;
    emit_loop_end(emit, &tree->lanes, LLVMBuildAdd(emit->builder, width, width, ""), false);
    emit_loop_end(emit, &tree->widths, width, false);
}

static LLVMValueRef
smaller(const emit_t *emit, LLVMValueRef value, int64_t limit)
{
    LLVMValueRef less = LLVMBuildICmp(emit->builder, LLVMIntSLT, value, emit_int(emit, limit), "");
    return LLVMBuildSelect(emit->builder, less, value, emit_int(emit, limit), "");
}

/* Steps over contiguous elements, all lanes at once, as far as they are whole: element i to lane i % lanes.  The states
 * lie in memory of their own with constant places, so that LLVM keeps them in a vector. */
static LLVMValueRef
emit_all_lanes(build_t *self, LLVMValueRef lanes, LLVMValueRef n)
{
    emit_t *emit = &self->emit;
    LLVMValueRef whole = LLVMBuildAnd(emit->builder, n, emit_int(emit, -self->lanes), "");
    LLVMValueRef states[KERNEL_LANES];
    emit_loop_t loop;
    for (int i = 0; i < self->lanes; i++) {
        states[i] = emit_slot(emit, self->dense);
        emit_start(self, states[i], emit_int(emit, i), true);
    }
    emit_loop_begin(emit, emit_int(emit, self->fold->init.function ? 0 : self->lanes), whole, &loop);
    for (int i = 0; i < self->lanes; i++)
        emit_step(self, states[i], LLVMBuildNSWAdd(emit->builder, loop.i, emit_int(emit, i), ""), true);
    emit_loop_end(emit, &loop, emit_int(emit, self->lanes), false);
    for (int i = 0; i < self->lanes; i++)
        emit_copy(emit, self->dense, emit_at(emit, self->dense, lanes, emit_int(emit, i)), states[i]);
    return whole;
}

static LLVMValueRef
lane_of(build_t *self, LLVMValueRef lanes, LLVMValueRef i)
{
    LLVMValueRef lane = LLVMBuildAnd(self->emit.builder, i, emit_int(&self->emit, self->lanes - 1), "");
    return emit_at(&self->emit, self->dense, lanes, lane);
}

static void
build_block_by_lanes(build_t *self)
{
    emit_t *emit = &self->emit;
    LLVMBuilderRef b = emit->builder;
    LLVMValueRef params[4];
    emit_loop_t loop;
    begin(self, "block", "sppn", params);
    take_inputs(self, params[1], params[2]);
    LLVMValueRef n = params[3], used = smaller(emit, n, self->lanes);
    LLVMValueRef lanes = emit_slot(emit, LLVMArrayType2(self->dense, (uint64_t)self->lanes));
    LLVMBasicBlockRef fast = emit_block(emit, "fast"), slow = emit_block(emit, "slow"), rest = emit_block(emit, "rest");
    LLVMValueRef enough = LLVMBuildICmp(b, LLVMIntSGE, n, emit_int(emit, self->lanes), "");
    LLVMBuildCondBr(b, LLVMBuildAnd(b, self->contiguous, enough, ""), fast, slow);

    LLVMPositionBuilderAtEnd(b, fast);
    LLVMValueRef whole = emit_all_lanes(self, lanes, n);
    LLVMBasicBlockRef after_fast = LLVMGetInsertBlock(b);
    LLVMBuildBr(b, rest);

    LLVMPositionBuilderAtEnd(b, slow);
    emit_loop_begin(emit, emit_int(emit, 0), used, &loop);
    emit_start(self, lane_of(self, lanes, loop.i), loop.i, false);
    emit_loop_end(emit, &loop, emit_int(emit, 1), false);
    LLVMValueRef begun = self->fold->init.function ? emit_int(emit, 0) : used;
    LLVMBasicBlockRef after_slow = LLVMGetInsertBlock(b);
    LLVMBuildBr(b, rest);

    LLVMPositionBuilderAtEnd(b, rest);
    LLVMValueRef from = LLVMBuildPhi(b, emit->i64, "");
    LLVMAddIncoming(from, (LLVMValueRef[]){whole, begun}, (LLVMBasicBlockRef[]){after_fast, after_slow}, 2);
    emit_loop_begin(emit, from, n, &loop);
    emit_step(self, lane_of(self, lanes, loop.i), loop.i, false);
    emit_loop_end(emit, &loop, emit_int(emit, 1), false);
    tree_t tree;
    tree_begin(self, used, &tree);
    emit_combine(self, emit_at(emit, self->dense, lanes, tree.into), emit_at(emit, self->dense, lanes, tree.from));
    tree_end(self, &tree);
    emit_copy(emit, self->dense, params[0], lanes);
    end(self);
}

/* A state behind a pointer: one lane, in its place. */
static void
build_block_in_place(build_t *self)
{
    emit_t *emit = &self->emit;
    LLVMValueRef params[4];
    emit_loop_t loop;
    begin(self, "block", "sppn", params);
    take_inputs(self, params[1], params[2]);
    emit_start(self, params[0], emit_int(emit, 0), false);
    emit_loop_begin(emit, emit_int(emit, 0), params[3], &loop);
    emit_step(self, params[0], loop.i, false);
    emit_loop_end(emit, &loop, emit_int(emit, 1), false);
    end(self);
}

static void
steps_over_rows(build_t *self, LLVMValueRef lane, LLVMValueRef n, bool contiguous)
{
    emit_t *emit = &self->emit;
    emit_loop_t loop;
    emit_loop_begin(emit, emit_int(emit, 0), n, &loop);
    emit_step(self, emit_at(emit, self->dense, lane, loop.i), loop.i, contiguous);
    emit_loop_end(emit, &loop, emit_int(emit, 1), contiguous && !self->debug);
    end(self);
}

static void
build_rows(build_t *self)
{
    emit_t *emit = &self->emit;
    LLVMBuilderRef b = emit->builder;
    LLVMValueRef params[5];
    emit_loop_t loop;
    begin(self, "rows", "sppnn", params);
    take_inputs(self, params[1], params[2]);
    LLVMValueRef n = params[3], row = params[4];
    LLVMValueRef number = LLVMBuildAnd(b, row, emit_int(emit, self->lanes - 1), "");
    LLVMValueRef lane = emit_at(emit, self->slot, params[0], LLVMBuildMul(b, number, n, ""));
    LLVMBasicBlockRef first = emit_block(emit, "first"), steps = emit_block(emit, "steps"),
                      fast = emit_block(emit, "fast"), slow = emit_block(emit, "slow");
    LLVMBuildCondBr(b, LLVMBuildICmp(b, LLVMIntSLT, row, emit_int(emit, self->lanes), ""), first, steps);

    LLVMPositionBuilderAtEnd(b, first);
    emit_loop_begin(emit, emit_int(emit, 0), n, &loop);
    emit_start(self, emit_at(emit, self->dense, lane, loop.i), loop.i, false);
    emit_loop_end(emit, &loop, emit_int(emit, 1), false);
    if (self->fold->init.function)
        LLVMBuildBr(b, steps);
    else
        end(self);

    LLVMPositionBuilderAtEnd(b, steps);
    LLVMBuildCondBr(b, self->contiguous, fast, slow);
    LLVMPositionBuilderAtEnd(b, fast);
    steps_over_rows(self, lane, n, true);
    LLVMPositionBuilderAtEnd(b, slow);
    steps_over_rows(self, lane, n, false);
}

/* All results of a lane at once, then from the last result to the first: a state goes where dense states of results
 * that are done already lay. */
static void
build_lanes(build_t *self)
{
    emit_t *emit = &self->emit;
    LLVMBuilderRef b = emit->builder;
    LLVMValueRef params[3];
    emit_loop_t each;
    tree_t tree;
    begin(self, "lanes", "snn", params);
    if (self->fold->pointer_state) {
        end(self);
        return;
    }
    LLVMValueRef states = params[0], n = params[1];
    tree_begin(self, smaller(emit, params[2], self->lanes), &tree);
    LLVMValueRef into = emit_at(emit, self->slot, states, LLVMBuildMul(b, tree.into, n, ""));
    LLVMValueRef from = emit_at(emit, self->slot, states, LLVMBuildMul(b, tree.from, n, ""));
    emit_loop_begin(emit, emit_int(emit, 0), n, &each);
    emit_combine(self, emit_at(emit, self->dense, into, each.i), emit_at(emit, self->dense, from, each.i));
    emit_loop_end(emit, &each, emit_int(emit, 1), !self->debug);
    tree_end(self, &tree);

    emit_loop_begin(emit, emit_int(emit, 0), n, &each);
    LLVMValueRef k = LLVMBuildSub(b, LLVMBuildSub(b, n, emit_int(emit, 1), ""), each.i, "");
    emit_copy(emit, self->dense, emit_at(emit, self->slot, states, k), emit_at(emit, self->dense, states, k));
    emit_loop_end(emit, &each, emit_int(emit, 1), false);
    end(self);
}

static void
build_combine(build_t *self)
{
    emit_t *emit = &self->emit;
    LLVMValueRef params[3];
    emit_loop_t loop;
    begin(self, "combine", "spn", params);
    emit_loop_begin(emit, emit_int(emit, 0), params[2], &loop);
    emit_combine(self, emit_at(emit, self->slot, params[0], loop.i), emit_at(emit, self->slot, params[1], loop.i));
    emit_loop_end(emit, &loop, emit_int(emit, 1), false);
    end(self);
}

static void
build_finish(build_t *self)
{
    emit_t *emit = &self->emit;
    LLVMValueRef params[4];
    emit_loop_t loop;
    begin(self, "finish", "pnpn", params);
    emit_loop_begin(emit, emit_int(emit, 0), params[3], &loop);
    LLVMValueRef offset = LLVMBuildMul(emit->builder, loop.i, params[1], "");
    emit_finish(self, emit_at(emit, emit->i8, params[0], offset), emit_at(emit, self->slot, params[2], loop.i));
    emit_loop_end(emit, &loop, emit_int(emit, 1), false);
    end(self);
}

static void
build_start(build_t *self)
{
    LLVMValueRef state;
    begin(self, "start", "s", &state);
    emit_start(self, state, NULL, false);
    end(self);
}

/* One element after the other.  A state by value is kept in registers on the way. */
static void
build_scan(build_t *self)
{
    emit_t *emit = &self->emit;
    LLVMBuilderRef b = emit->builder;
    LLVMValueRef params[5];
    emit_loop_t loop;
    begin(self, "scan", "snppn", params);
    take_inputs(self, params[2], params[3]);
    LLVMValueRef results = emit_item(emit, emit->ptr, params[2], self->entry->nin);
    LLVMValueRef stride = emit_item(emit, emit->i64, params[3], self->entry->nin);
    LLVMValueRef state = self->fold->pointer_state ? params[0] : emit_slot(emit, self->dense);
    LLVMBasicBlockRef go_on = emit_block(emit, "go_on"), first = emit_block(emit, "first"),
                      steps = emit_block(emit, "steps");
    LLVMBuildCondBr(b, LLVMBuildICmp(b, LLVMIntNE, params[1], emit_int(emit, 0), ""), go_on, first);

    LLVMPositionBuilderAtEnd(b, go_on);
    if (state != params[0])
        emit_copy(emit, self->dense, state, params[0]);
    LLVMBuildBr(b, steps);

    LLVMPositionBuilderAtEnd(b, first);
    emit_start(self, state, emit_int(emit, 0), false);
    bool took_one = !self->fold->init.function;
    if (took_one)
        emit_finish(self, results, state);
    LLVMBuildBr(b, steps);

    LLVMPositionBuilderAtEnd(b, steps);
    LLVMValueRef from = LLVMBuildPhi(b, emit->i64, "");
    LLVMAddIncoming(from, (LLVMValueRef[]){emit_int(emit, 0), emit_int(emit, took_one)},
                    (LLVMBasicBlockRef[]){go_on, first}, 2);
    emit_loop_begin(emit, from, params[4], &loop);
    emit_step(self, state, loop.i, false);
    emit_finish(self, emit_at(emit, emit->i8, results, LLVMBuildMul(b, loop.i, stride, "")), state);
    emit_loop_end(emit, &loop, emit_int(emit, 1), false);
    if (state != params[0])
        emit_copy(emit, self->dense, params[0], state);
    end(self);
}

void
fold_build(LLVMModuleRef module, const entry_t *entry, const char *name, const loop_options_t *options)
{
    const fold_t *fold = &entry->fold;
    build_t self = {.entry = entry, .fold = fold, .name = name, .debug = options->debug};
    runner_description_t about;
    entry_describe(entry, &about);
    emit_init(&self.emit, module);
    self.lanes = fold->pointer_state ? 1 : KERNEL_LANES;
    self.slot = LLVMArrayType2(self.emit.i8, (uint64_t)about.state_bytes);
    self.dense = fold->pointer_state ? self.slot : fold->state;
    for (int k = 0; k < entry->nin; k++)
        self.type[k] = emit_dtype(self.emit.context, entry->in[k]);
    if (fold->pointer_state)
        build_block_in_place(&self);
    else
        build_block_by_lanes(&self);
    build_rows(&self);
    build_lanes(&self);
    build_combine(&self);
    build_finish(&self);
    build_scan(&self);
    if (fold->init.function)
        build_start(&self);
    emit_release(&self.emit);
}
