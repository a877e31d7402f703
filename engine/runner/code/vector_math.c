#include "engine/runner/code/vector_math.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { MAX_VERSIONS = 2, NAME_ROOM = 64, MAX_KEPT = 128 };

static const struct {
    const char *name;
    int arguments;
} FUNCTIONS[] = {
#define ONE(name) {#name, 1}, {#name "f", 1},
#define TWO(name) {#name, 2}, {#name "f", 2},
#include "engine/runner/code/vector_math.def"
#undef ONE
#undef TWO
};

/* Vector units and the letter that names of vector functions have for them. */
static const struct {
    const char *feature;
    char letter;
    unsigned bytes;
} UNITS[MAX_VERSIONS] = {{"+avx512f", 'e', 64}, {"+avx2", 'd', 32}};

typedef struct {
    LLVMModuleRef module;
    LLVMContextRef context;
    const char *features;
    int kept_count;
    LLVMValueRef kept[MAX_KEPT]; /* declarations that nothing uses yet */
} offer_t;

/* The row of a scalar function or of the intrinsic that means the same; -1 if there is none. */
static int
find_row(const char *name)
{
    char plain[NAME_ROOM];
    snprintf(plain, sizeof plain, "%s", name);
    if (!strncmp(name, "llvm.", 5)) {
        snprintf(plain, sizeof plain, "%s", name + 5);
        char *dot = strchr(plain, '.');
        if (!dot || (strcmp(dot, ".f64") && strcmp(dot, ".f32")))
            return -1;
        snprintf(dot, 2, "%s", dot[2] == '3' ? "f" : "");
    }
    for (size_t i = 0; i < sizeof FUNCTIONS / sizeof *FUNCTIONS; i++)
        if (!strcmp(plain, FUNCTIONS[i].name))
            return (int)i;
    return -1;
}

static void
add_pure(const offer_t *self, LLVMValueRef function)
{
    static const char *const PURE[] = {"memory", "nounwind", "willreturn"};
    for (size_t i = 0; i < sizeof PURE / sizeof *PURE; i++)
        LLVMAddAttributeAtIndex(
            function, (LLVMAttributeIndex)LLVMAttributeFunctionIndex,
            LLVMCreateEnumAttribute(self->context, LLVMGetEnumAttributeKindForName(PURE[i], strlen(PURE[i])), 0));
}

static void
declare(offer_t *self, const char *name, LLVMTypeRef element, unsigned lanes, int arguments)
{
    if (LLVMGetNamedFunction(self->module, name) || self->kept_count == MAX_KEPT)
        return;
    LLVMTypeRef vector = LLVMVectorType(element, lanes), params[] = {vector, vector};
    LLVMValueRef function =
        LLVMAddFunction(self->module, name, LLVMFunctionType(vector, params, (unsigned)arguments, false));
    add_pure(self, function);
    self->kept[self->kept_count++] = function;
}

/* The text of "vector-function-abi-variant" for calls of function; "" if there are no versions. */
static void
describe(offer_t *self, LLVMValueRef function, int row, char *ret, size_t size)
{
    LLVMTypeRef element = LLVMGetReturnType(LLVMGlobalGetValueType(function));
    const char *scalar = FUNCTIONS[row].name, *arguments = FUNCTIONS[row].arguments == 2 ? "vv" : "v";
    bool is_double = LLVMGetTypeKind(element) == LLVMDoubleTypeKind;
    ret[0] = '\0';
    if (!is_double && LLVMGetTypeKind(element) != LLVMFloatTypeKind)
        return;
    for (int u = 0; u < MAX_VERSIONS; u++) {
        if (!strstr(self->features, UNITS[u].feature))
            continue;
        char name[NAME_ROOM];
        unsigned lanes = UNITS[u].bytes / (is_double ? 8 : 4);
        snprintf(name, sizeof name, "_ZGV%cN%u%s_%s", UNITS[u].letter, lanes, arguments, scalar);
        declare(self, name, element, lanes, FUNCTIONS[row].arguments);
        size_t used = strlen(ret);
        snprintf(ret + used, size - used, "%s_ZGV_LLVM_N%u%s_%s(%s)", used ? "," : "", lanes, arguments,
                 LLVMGetValueName(function), name);
    }
}

static void
mark_calls(offer_t *self, LLVMValueRef function, const char *versions)
{
    static const char KIND[] = "vector-function-abi-variant";
    LLVMAttributeRef attribute =
        LLVMCreateStringAttribute(self->context, KIND, sizeof KIND - 1, versions, (unsigned)strlen(versions));
    for (LLVMUseRef use = LLVMGetFirstUse(function); use; use = LLVMGetNextUse(use)) {
        LLVMValueRef call = LLVMGetUser(use);
        if (LLVMIsACallInst(call) && LLVMGetCalledValue(call) == function)
            LLVMAddCallSiteAttribute(call, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, attribute);
    }
}

/* The declarations must live until the vectoriser looks for them. */
static void
keep_declarations(offer_t *self)
{
    LLVMTypeRef pointer = LLVMPointerTypeInContext(self->context, 0);
    LLVMValueRef list = LLVMConstArray2(pointer, self->kept, (uint64_t)self->kept_count);
    LLVMValueRef used = LLVMAddGlobal(self->module, LLVMTypeOf(list), "llvm.compiler.used");
    LLVMSetInitializer(used, list);
    LLVMSetLinkage(used, LLVMAppendingLinkage);
    LLVMSetSection(used, "llvm.metadata");
}

bool
vector_math_offer(LLVMModuleRef module, const char *features)
{
#ifdef FH_HAVE_LIBMVEC
    offer_t self = {.module = module, .context = LLVMGetModuleContext(module), .features = features};
    for (LLVMValueRef f = LLVMGetFirstFunction(module); f; f = LLVMGetNextFunction(f)) {
        int row = LLVMIsDeclaration(f) && LLVMGetFirstUse(f) ? find_row(LLVMGetValueName(f)) : -1;
        if (row < 0)
            continue;
        char versions[4 * NAME_ROOM];
        describe(&self, f, row, versions, sizeof versions);
        if (*versions)
            mark_calls(&self, f, versions);
    }
    if (self.kept_count)
        keep_declarations(&self);
    return self.kept_count > 0;
#else
    (void)module;
    (void)features;
    return false;
#endif
}
