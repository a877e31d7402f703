#include "engine/runner/code/annotations.h"

#include <stdio.h>
#include <string.h>

static const char PREFIX[] = "farhand:";

/* Numbers of an annotation's row: function, text, file, line, arguments. */
enum { ROW_FUNCTION, ROW_TEXT, ROW_LENGTH };

static annotation_t *
add(annotations_t *self, const char *entry)
{
    if (self->count == ANNOTATIONS_MAX)
        return NULL;
    annotation_t *item = &self->items[self->count++];
    *item = (annotation_t){0};
    snprintf(item->entry, sizeof item->entry, "%.255s", entry);
    return item;
}

/* What a constant is about, behind the casts and the addressing of element 0 that older writers put around it. */
static LLVMValueRef
bare(LLVMValueRef value)
{
    while (LLVMIsAConstantExpr(value) && LLVMGetNumOperands(value) > 0)
        value = LLVMGetOperand(value, 0);
    return value;
}

static const char *
text_of(LLVMValueRef global, size_t *ret_length)
{
    LLVMValueRef initial = LLVMIsAGlobalVariable(global) ? LLVMGetInitializer(global) : NULL;
    if (!initial || !LLVMIsAConstantDataArray(initial) || !LLVMIsConstantString(initial))
        return NULL;
    const char *text = LLVMGetAsString(initial, ret_length);
    *ret_length = strnlen(text, *ret_length);
    return text;
}

static void
read_row(annotations_t *self, LLVMValueRef row)
{
    if (!LLVMIsAConstantStruct(row) || LLVMGetNumOperands(row) < ROW_LENGTH)
        return;
    LLVMValueRef function = bare(LLVMGetOperand(row, ROW_FUNCTION));
    size_t length = 0;
    const char *text = text_of(bare(LLVMGetOperand(row, ROW_TEXT)), &length);
    if (!LLVMIsAFunction(function) || !text || length < sizeof PREFIX - 1 || memcmp(text, PREFIX, sizeof PREFIX - 1))
        return;
    annotation_t *item = add(self, LLVMGetValueName(function));
    if (item)
        snprintf(item->signature, sizeof item->signature, "%.*s", (int)(length - (sizeof PREFIX - 1)),
                 text + sizeof PREFIX - 1);
}

static void
read_attributes(annotations_t *self, LLVMModuleRef module)
{
    LLVMValueRef list = LLVMGetNamedGlobal(module, "llvm.global.annotations");
    LLVMValueRef rows = list && !LLVMIsDeclaration(list) ? LLVMGetInitializer(list) : NULL;
    if (!rows || !LLVMIsAConstantArray(rows))
        return;
    for (int i = 0; i < LLVMGetNumOperands(rows); i++)
        read_row(self, LLVMGetOperand(rows, (unsigned)i));
}

static void
read_text(LLVMValueRef string, char *ret, size_t size)
{
    unsigned length = 0;
    const char *text = string && LLVMIsAMDString(string) ? LLVMGetMDString(string, &length) : NULL;
    snprintf(ret, size, "%.*s", text ? (int)length : 0, text ? text : "");
}

static void
read_metadata(annotations_t *self, LLVMModuleRef module)
{
    enum { TEXTS = 4, ROOM = 16 };
    static const char NAME[] = "farhand.kernels";
    unsigned count = LLVMGetNamedMetadataNumOperands(module, NAME);
    LLVMValueRef rows[ANNOTATIONS_MAX], texts[ROOM];
    if (!count || count > ANNOTATIONS_MAX)
        return;
    LLVMGetNamedMetadataOperands(module, NAME, rows);
    for (unsigned i = 0; i < count; i++) {
        unsigned n = LLVMGetMDNodeNumOperands(rows[i]);
        if (!n || n > ROOM)
            continue;
        LLVMGetMDNodeOperands(rows[i], texts);
        char entry[KERNEL_NAME_MAX];
        read_text(texts[0], entry, sizeof entry);
        annotation_t *item = add(self, entry);
        if (!item)
            return;
        char *const places[TEXTS] = {NULL, item->signature, item->kind, item->layout};
        const size_t sizes[TEXTS] = {0, sizeof item->signature, sizeof item->kind, sizeof item->layout};
        for (unsigned k = 1; k < TEXTS && k < n; k++)
            read_text(texts[k], places[k], sizes[k]);
    }
}

void
annotations_read(LLVMModuleRef module, annotations_t *ret)
{
    *ret = (annotations_t){0};
    read_metadata(ret, module);
    read_attributes(ret, module);
}

const annotation_t *
annotations_find(const annotations_t *self, const char *entry)
{
    for (int i = 0; i < self->count; i++)
        if (!strcmp(self->items[i].entry, entry))
            return &self->items[i];
    return NULL;
}
