/* Tables of source lines: from object files that LLVM makes here, in all versions of DWARF, whole, cut and garbled. */
#include "engine/runner/code/debug_info.h"
#include "engine/runner/code/lines.h"
#include "engine/runner/code/llvm_compat.h"
#include "engine/runner/code/object.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <llvm-c/Core.h>
#include <llvm-c/DebugInfo.h>
#include <llvm-c/Target.h>
#include <llvm-c/TargetMachine.h>
#include <llvm-c/Transforms/PassBuilder.h>

/* Two functions of two units; the one without source is what a loop of ours looks like.  %d: DWARF's version. */
static const char TEXT[] =
    "define internal void @inner(ptr %%p) alwaysinline !dbg !4 {\n"
    "  store volatile i32 1, ptr %%p, !dbg !7\n  store volatile i32 2, ptr %%p, !dbg !8\n  ret void, !dbg !9\n}\n"
    "define void @other(ptr %%p) !dbg !14 {\n"
    "  store volatile i32 3, ptr %%p, !dbg !15\n  ret void, !dbg !15\n}\n"
    "define void @loop(ptr %%p) {\n  call void @inner(ptr %%p)\n  ret void\n}\n"
    "!llvm.dbg.cu = !{!0, !12}\n!llvm.module.flags = !{!2, !3}\n"
    "!0 = distinct !DICompileUnit(language: DW_LANG_C99, file: !1, isOptimized: true, emissionKind: FullDebug)\n"
    "!1 = !DIFile(filename: \"sub/folder/stencil.c\", directory: \"/src\")\n"
    "!2 = !{i32 7, !\"Dwarf Version\", i32 %d}\n!3 = !{i32 2, !\"Debug Info Version\", i32 3}\n"
    "!4 = distinct !DISubprogram(name: \"inner\", scope: !1, file: !1, line: 10, type: !5, scopeLine: 11,"
    " spFlags: DISPFlagDefinition | DISPFlagOptimized, unit: !0)\n"
    "!5 = !DISubroutineType(types: !6)\n!6 = !{}\n"
    "!7 = !DILocation(line: 12, scope: !4)\n!8 = !DILocation(line: 70000, scope: !4)\n"
    "!9 = !DILocation(line: 15, scope: !4)\n"
    "!12 = distinct !DICompileUnit(language: DW_LANG_C99, file: !13, isOptimized: true, emissionKind: FullDebug)\n"
    "!13 = !DIFile(filename: \"%s\", directory: \"\")\n"
    "!14 = distinct !DISubprogram(name: \"other\", scope: !13, file: !13, line: 4, type: !5, scopeLine: 4,"
    " spFlags: DISPFlagDefinition | DISPFlagOptimized, unit: !12)\n"
    "!15 = !DILocation(line: 5, scope: !14)\n";

enum { TEXT_ROOM = 4096 };
static const uintptr_t ADDRESS = 0x7f0012345678;

typedef struct {
    LLVMMemoryBufferRef buffer;
    const char *bytes;
    size_t size;
} file_t;

static LLVMTargetMachineRef machine;
static char owners[3];

static int
set_up(void **state)
{
    (void)state;
    assert_false(LLVMInitializeNativeTarget() || LLVMInitializeNativeAsmPrinter());
    char *triple = LLVMGetDefaultTargetTriple(), *message = NULL;
    LLVMTargetRef target;
    assert_false(LLVMGetTargetFromTriple(triple, &target, &message));
    machine =
        LLVMCreateTargetMachine(target, triple, "", "", LLVMCodeGenLevelDefault, LLVMRelocPIC, LLVMCodeModelDefault);
    LLVMDisposeMessage(triple);
    return machine ? 0 : -1;
}

static int
tear_down(void **state)
{
    (void)state;
    LLVMDisposeTargetMachine(machine);
    return 0;
}

/* As a kernel's module is treated: reduced, completed, inlined, made into an object file. */
static file_t
object_of(int version, const char *name, bool with_lines)
{
    char text[TEXT_ROOM], *message = NULL;
    int length = snprintf(text, sizeof text, TEXT, version, name);
    LLVMContextRef context = LLVMContextCreate();
    LLVMMemoryBufferRef source = LLVMCreateMemoryBufferWithMemoryRangeCopy(text, (size_t)length, "text");
    LLVMModuleRef module;
    if (compat_parse_ir(context, source, &module, &message))
        fail_msg("%s", message);
    LLVMDisposeMemoryBuffer(source);
    if (with_lines)
        debug_info_reduce(module);
    else
        LLVMStripModuleDebugInfo(module);
    debug_info_complete(module);
    LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
    LLVMPassBuilderOptionsSetVerifyEach(options, true);
    assert_null(LLVMRunPasses(module, "default<O2>", machine, options));
    LLVMDisposePassBuilderOptions(options);
    file_t file;
    if (LLVMTargetMachineEmitToMemoryBuffer(machine, module, LLVMObjectFile, &message, &file.buffer))
        fail_msg("%s", message);
    LLVMDisposeModule(module);
    LLVMContextDispose(context);
    file.bytes = LLVMGetBufferStart(file.buffer);
    file.size = LLVMGetBufferSize(file.buffer);
    return file;
}

static void
publish(const char *bytes, size_t size, uintptr_t address, const void *owner)
{
    lines_t *lines = lines_new(bytes, size, "loop");
    lines_publish(&lines, (const void *)address, owner);
    assert_null(lines);
}

/* Where the code lies if "loop" was loaded to ADDRESS. */
static uintptr_t
code_of(const file_t *file, size_t *ret_size)
{
    object_t object;
    object_place_t place;
    object_section_t section;
    assert_true(object_init(&object, file->bytes, file->size) && object_symbol(&object, "loop", &place) &&
                object_section_at(&object, place.section, &section));
    *ret_size = section.size;
    return ADDRESS - place.offset;
}

/* Whether some byte of the code is of that line, and none of any line of the file that is not in the list. */
static void
check_lines(const file_t *file, const char *name, const int32_t *lines, size_t count)
{
    size_t size, seen[8] = {0};
    uintptr_t start = code_of(file, &size);
    for (size_t i = 0; i < size; i++) {
        const char *found;
        int32_t line;
        assert_true(lines_find(start + i, &found, &line));
        if (!line || strcmp(found, name))
            continue;
        size_t k = 0;
        while (k < count && lines[k] != line)
            k++;
        if (k == count)
            fail_msg("%s:%d at byte %zu", found, (int)line, i);
        seen[k]++;
    }
    for (size_t k = 0; k < count; k++)
        if (!seen[k])
            fail_msg("no byte of the code is of %s:%d", name, (int)lines[k]);
}

static void
lines_of_every_version_of_dwarf_are_found(void **state)
{
    (void)state;
    for (int version = 2; version <= 5; version++) {
        file_t file = object_of(version, "other.f90", true);
        publish(file.bytes, file.size, ADDRESS, owners);
        check_lines(&file, "stencil.c", (int32_t[]){12, 70000}, 2);
        check_lines(&file, "other.f90", (int32_t[]){5}, 1);
        lines_withdraw(owners);
        LLVMDisposeMemoryBuffer(file.buffer);
    }
}

static void
code_without_lines_is_still_ours(void **state)
{
    (void)state;
    file_t file = object_of(4, "other.f90", false);
    publish(file.bytes, file.size, ADDRESS, owners);
    const char *name;
    int32_t line = 3;
    assert_true(lines_find(ADDRESS, &name, &line));
    assert_string_equal(name, "");
    assert_int_equal(line, 0);
    lines_withdraw(owners);
    LLVMDisposeMemoryBuffer(file.buffer);
}

static void
addresses_outside_are_nobodys(void **state)
{
    (void)state;
    file_t file = object_of(5, "other.f90", true);
    size_t size;
    uintptr_t start = code_of(&file, &size);
    const char *name;
    int32_t line;
    assert_false(lines_find(start, &name, &line));
    for (size_t i = 0; i < 3; i++)
        publish(file.bytes, file.size, ADDRESS + 2 * i * size, &owners[i]);
    assert_false(lines_find(start - 1, &name, &line));
    assert_false(lines_find(start + size, &name, &line));
    assert_false(lines_find(0, &name, &line));
    assert_false(lines_find(UINTPTR_MAX, &name, &line));
    lines_withdraw(&owners[1]);
    assert_true(lines_find(start, &name, &line));
    assert_false(lines_find(start + 2 * size, &name, &line));
    assert_true(lines_find(start + 4 * size, &name, &line));
    lines_withdraw(&owners[2]);
    lines_withdraw(&owners[0]);
    lines_withdraw(&owners[1]); /* again: nothing */
    assert_false(lines_find(start, &name, &line));
    assert_null(lines_new(file.bytes, file.size, "no such function"));
    LLVMDisposeMemoryBuffer(file.buffer);
}

static void
long_names_keep_their_ends(void **state)
{
    (void)state;
    char name[400];
    memset(name, 'n', sizeof name);
    memcpy(name + sizeof name - 6, "end.c", 6);
    file_t file = object_of(5, name, true);
    publish(file.bytes, file.size, ADDRESS, owners);
    check_lines(&file, name + strlen(name) - (LINES_NAME_MAX - 1), (int32_t[]){5}, 1);
    lines_withdraw(owners);
    LLVMDisposeMemoryBuffer(file.buffer);
}

/* Whatever the bytes are, all answers are in bounds. */
static void
must_behave(const char *bytes, size_t size, size_t code)
{
    char *copy = malloc(size ? size : 1); /* so that a sanitizer sees its ends */
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    publish(copy, size, ADDRESS, owners);
    free(copy);
    for (size_t i = 0; i < 2 * code; i++) {
        const char *name;
        int32_t line;
        if (lines_find(ADDRESS - code + i, &name, &line) && (strlen(name) >= LINES_NAME_MAX || line < 0))
            fail_msg("line %d of a file whose name has %zu bytes", (int)line, strlen(name));
    }
    lines_withdraw(owners);
}

static void
cut_and_garbled_objects_are_harmless(void **state)
{
    (void)state;
    unsigned seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    for (int version = 4; version <= 5; version++) {
        file_t file = object_of(version, "other.f90", true);
        size_t code;
        code_of(&file, &code);
        object_t object;
        object_section_t table;
        assert_true(object_init(&object, file.bytes, file.size) && object_section(&object, ".debug_line", &table));
        size_t from = (size_t)(table.bytes - (const uint8_t *)file.bytes);
        for (size_t size = 0; size < file.size; size++)
            must_behave(file.bytes, size, code);
        char *copy = malloc(file.size);
        assert_non_null(copy);
        for (int round = 0; round < 20000; round++) {
            memcpy(copy, file.bytes, file.size);
            for (int i = rand_r(&seed) % 4; i >= 0; i--) {
                size_t at = round % 4 ? from + (size_t)rand_r(&seed) % table.size : (size_t)rand_r(&seed) % file.size;
                copy[at] = (char)(rand_r(&seed) % 3 ? rand_r(&seed) : 0xff);
            }
            must_behave(copy, file.size, code);
        }
        free(copy);
        LLVMDisposeMemoryBuffer(file.buffer);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_of_every_version_of_dwarf_are_found),
        cmocka_unit_test(code_without_lines_is_still_ours),
        cmocka_unit_test(addresses_outside_are_nobodys),
        cmocka_unit_test(long_names_keep_their_ends),
        cmocka_unit_test(cut_and_garbled_objects_are_harmless),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
