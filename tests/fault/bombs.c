#include "tests/fault/bombs.h"

#include "engine/runner/code/llvm_compat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <llvm-c/BitWriter.h>

static void
begin(FILE *file)
{
    fputs("define i64 @kernel(i64 %x) {\n", file);
}

static void
end(FILE *file, const char *result)
{
    fprintf(file, "  ret i64 %s\n}\n", result);
}

/* Each function calls the one before twice and demands to be inlined: 65,536 copies of the first. */
static void
write_doubling(void *file)
{
    enum { DEPTH = 16 };
    fputs("define internal i64 @f0(i64 %x) alwaysinline {\n  %y = mul i64 %x, 3\n  %z = xor i64 %y, 11\n"
          "  ret i64 %z\n}\n",
          file);
    for (int i = 1; i <= DEPTH; i++)
        fprintf(file,
                "define internal i64 @f%d(i64 %%x) alwaysinline {\n  %%a = call i64 @f%d(i64 %%x)\n"
                "  %%b = call i64 @f%d(i64 %%a)\n  ret i64 %%b\n}\n",
                i, i - 1, i - 1);
    begin(file);
    fprintf(file, "  %%y = call i64 @f%d(i64 %%x)\n", (int)DEPTH);
    end(file, "%y");
}

/* Loops within loops, each to be unrolled completely. */
static void
write_nested_loops(void *file)
{
    enum { DEPTH = 6, TRIPS = 64 };
    begin(file);
    fputs("head-1:\n  %v-1 = add i64 %x, 1\n  br label %head0\n", file);
    for (int i = 0; i < DEPTH; i++) {
        fprintf(file,
                "head%d:\n  %%i%d = phi i64 [ 0, %%head%d ], [ %%n%d, %%tail%d ]\n"
                "  %%v%d = phi i64 [ %%v%d, %%head%d ], [ %%w%d, %%tail%d ]\n",
                i, i, i - 1, i, i, i, i - 1, i - 1, i, i);
        if (i < DEPTH - 1)
            fprintf(file, "  br label %%head%d\n", i + 1);
        else
            fprintf(file, "  br label %%tail%d\n", i);
    }
    for (int i = DEPTH - 1; i >= 0; i--) {
        fprintf(file, "tail%d:\n  %%m%d = mul i64 %%%c%d, 7\n  %%w%d = xor i64 %%m%d, %%i%d\n", i, i,
                i == DEPTH - 1 ? 'v' : 'w', i == DEPTH - 1 ? i : i + 1, i, i, i);
        fprintf(file, "  %%n%d = add i64 %%i%d, 1\n  %%c%d = icmp ult i64 %%n%d, %d\n", i, i, i, i, (int)TRIPS);
        if (i)
            fprintf(file, "  br i1 %%c%d, label %%head%d, label %%tail%d, !llvm.loop !0\n", i, i, i - 1);
        else
            fprintf(file, "  br i1 %%c%d, label %%head%d, label %%done, !llvm.loop !0\n", i, i);
    }
    fputs("done:\n", file);
    end(file, "%w0");
    fputs("!0 = distinct !{!0, !1}\n!1 = !{!\"llvm.loop.unroll.full\"}\n", file);
}

static void
write_switch(void *file)
{
    enum { CASES = 20000, TARGETS = 64 };
    begin(file);
    fputs("  switch i64 %x, label %t0 [\n", file);
    for (int i = 0; i < CASES; i++)
        fprintf(file, "    i64 %d, label %%t%d\n", i * 37 % 1000003, i * 7 % TARGETS);
    fputs("  ]\n", file);
    for (int i = 0; i < TARGETS; i++)
        fprintf(file, "t%d:\n  ret i64 %d\n", i, i * i);
    fputs("}\n", file);
}

static void
write_branches(void *file)
{
    enum { COUNT = 10000 };
    begin(file);
    fputs("  br label %b0\nb0:\n  %v0 = add i64 %x, 1\n", file);
    for (int i = 0; i < COUNT; i++)
        fprintf(file,
                "  %%c%d = icmp sgt i64 %%v%d, %d\n  br i1 %%c%d, label %%y%d, label %%b%d\ny%d:\n"
                "  %%w%d = mul i64 %%v%d, %d\n  br label %%b%d\nb%d:\n"
                "  %%v%d = phi i64 [ %%v%d, %%b%d ], [ %%w%d, %%y%d ]\n",
                i, i, i * 31 % 997, i, i, i + 1, i, i, i, i % 13 + 3, i + 1, i + 1, i + 1, i, i, i, i);
    fprintf(file, "  ret i64 %%v%d\n}\n", (int)COUNT);
}

static void
write_straight(void *file)
{
    enum { COUNT = 90000 };
    static const char *const DO[] = {"mul", "xor", "add", "sub"};
    begin(file);
    fputs("  %v0 = add i64 %x, 1\n", file);
    for (int i = 0; i < COUNT; i++)
        fprintf(file, "  %%v%d = %s i64 %%v%d, %%v%d\n", i + 1, DO[i % 4], i, i > 5 ? i - 5 : 0);
    fprintf(file, "  ret i64 %%v%d\n}\n", (int)COUNT);
}

static void
write_constants(void *file)
{
    enum { COUNT = 100000 };
    fprintf(file, "@table = internal constant [%d x i64] [", (int)COUNT);
    for (int i = 0; i < COUNT; i++)
        fprintf(file, "%si64 %d", i ? "," : "", i * 7919 % 100003);
    fputs("]\n", file);
    begin(file);
    fprintf(file,
            "  %%i = urem i64 %%x, %d\n  %%p = getelementptr [%d x i64], ptr @table, i64 0, i64 %%i\n"
            "  %%v = load i64, ptr %%p\n",
            (int)COUNT, (int)COUNT);
    end(file, "%v");
}

/* Every block can be reached from every other, and each begins with values from all. */
static void
write_phis(void *file)
{
    enum { BLOCKS = 60, VALUES = 24 };
    begin(file);
    fputs("entry:\n  br label %b0\n", file);
    for (int b = 0; b < BLOCKS; b++) {
        fprintf(file, "b%d:\n", b);
        for (int v = 0; v < VALUES; v++) {
            fprintf(file, "  %%p%d.%d = phi i64 ", b, v);
            if (!b)
                fprintf(file, "[ %%x, %%entry ], ");
            for (int from = 0; from < BLOCKS; from++)
                fprintf(file, "%s[ %%q%d.%d, %%b%d ]", from ? ", " : "", from, (v + 1) % VALUES, from);
            fputs("\n", file);
        }
        for (int v = 0; v < VALUES; v++)
            fprintf(file, "  %%q%d.%d = mul i64 %%p%d.%d, %d\n", b, v, b, v, b + v + 3);
        fprintf(file, "  switch i64 %%q%d.0, label %%done [", b);
        for (int to = 0; to < BLOCKS; to++)
            fprintf(file, " i64 %d, label %%b%d", to * 3 + b, to);
        fputs(" ]\n", file);
    }
    fputs("done:\n  %r = phi i64 ", file);
    for (int from = 0; from < BLOCKS; from++)
        fprintf(file, "%s[ %%q%d.1, %%b%d ]", from ? ", " : "", from, from);
    fputs("\n", file);
    end(file, "%r");
}

static void
write_functions(void *file)
{
    enum { COUNT = 250, BODY = 330 };
    for (int f = 0; f < COUNT; f++) {
        fprintf(file, "define internal i64 @f%d(i64 %%x) {\n  %%v0 = add i64 %%x, %d\n", f, f);
        for (int i = 0; i < BODY; i++)
            fprintf(file, "  %%v%d = %s i64 %%v%d, %d\n", i + 1, i % 2 ? "mul" : "xor", i, i * 5 + f + 3);
        if (f)
            fprintf(file, "  %%a = call i64 @f%d(i64 %%v%d)\n  %%b = call i64 @f%d(i64 %%a)\n  ret i64 %%b\n}\n", f - 1,
                    (int)BODY, f / 2);
        else
            fprintf(file, "  ret i64 %%v%d\n}\n", (int)BODY);
    }
    begin(file);
    fprintf(file, "  %%y = call i64 @f%d(i64 %%x)\n", COUNT - 1);
    end(file, "%y");
}

static void
write_wide_vectors(void *file)
{
    begin(file);
    fputs("  %b = trunc i64 %x to i8\n  %v = insertelement <65536 x i8> poison, i8 %b, i64 0\n"
          "  %s = shufflevector <65536 x i8> %v, <65536 x i8> poison, <65536 x i32> zeroinitializer\n"
          "  %m = mul <65536 x i8> %s, %s\n  %d = udiv <65536 x i8> %m, %v\n"
          "  %e = extractelement <65536 x i8> %d, i64 %x\n  %r = zext i8 %e to i64\n",
          file);
    end(file, "%r");
}

static void
write_wide_integers(void *file)
{
    begin(file);
    fputs("  %w = sext i64 %x to i65536\n  %s = shl i65536 %w, 30000\n  %a = or i65536 %s, %w\n"
          "  %m = mul i65536 %a, %a\n  %d = udiv i65536 %m, %w\n  %t = lshr i65536 %d, 1234\n"
          "  %r = trunc i65536 %t to i64\n",
          file);
    end(file, "%r");
}

static void
write_address_chain(void *file)
{
    enum { COUNT = 15000 };
    begin(file);
    fputs("  %p0 = alloca [4096 x i64]\n  %o0 = and i64 %x, 1\n", file);
    for (int i = 0; i < COUNT; i++)
        fprintf(file, "  %%p%d = getelementptr [3 x i8], ptr %%p%d, i64 %%o0, i64 %d\n", i + 1, i, i % 3);
    fprintf(file, "  store i64 %%x, ptr %%p%d\n  %%r = load i64, ptr %%p%d\n", (int)COUNT, COUNT / 2);
    end(file, "%r");
}

static void
write_large_structs(void *file)
{
    static const char TYPE[] = "{ [4000 x i64], [4000 x double] }";
    fprintf(file,
            "define internal %s @pass(%s %%s, i64 %%x) noinline {\n  %%t = insertvalue %s %%s, i64 %%x, 0, 17\n"
            "  ret %s %%t\n}\n",
            TYPE, TYPE, TYPE, TYPE);
    begin(file);
    fprintf(file, "  %%s0 = insertvalue %s zeroinitializer, i64 %%x, 0, 3\n", TYPE);
    for (int i = 0; i < 4; i++)
        fprintf(file, "  %%s%d = call %s @pass(%s %%s%d, i64 %%x)\n", i + 1, TYPE, TYPE, i);
    fprintf(file, "  %%r = extractvalue %s %%s4, 0, 17\n", TYPE);
    end(file, "%r");
}

static void
write_selects(void *file)
{
    enum { COUNT = 8000 };
    begin(file);
    fputs("  %a0 = add i64 %x, 1\n  %b0 = sub i64 %x, 1\n", file);
    for (int i = 0; i < COUNT; i++)
        fprintf(file,
                "  %%c%d = icmp slt i64 %%a%d, %%b%d\n  %%a%d = select i1 %%c%d, i64 %%b%d, i64 %%a%d\n"
                "  %%b%d = select i1 %%c%d, i64 %%a%d, i64 %%a%d\n",
                i, i, i, i + 1, i, i, i, i + 1, i, i, i + 1);
    fprintf(file, "  ret i64 %%b%d\n}\n", (int)COUNT);
}

/* One expression inside another, as deep as fits: the reader of texts goes down with them. */
static void
write_deep_expression(void *file)
{
    enum { DEPTH = 60000 };
    fputs("@g = internal global i64 ", file);
    for (int i = 0; i < DEPTH; i++)
        fputs("add(i64 1,i64 ", file);
    fputs("0", file);
    for (int i = 0; i < DEPTH; i++)
        fputs(")", file);
    fputs("\n", file);
    begin(file);
    fputs("  %r = load i64, ptr @g\n", file);
    end(file, "%r");
}

static void
write_deep_type(void *file)
{
    enum { DEPTH = 62 };
    begin(file);
    fputs("  %p = getelementptr ", file);
    for (int i = 0; i < DEPTH; i++)
        fputs("[2 x ", file);
    fputs("i8", file);
    for (int i = 0; i < DEPTH; i++)
        fputs("]", file);
    fputs(", ptr null, i64 %x\n  %r = ptrtoint ptr %p to i64\n", file);
    end(file, "%r");
}

static void
write_many_arguments(void *file)
{
    enum { COUNT = 20000 };
    fputs("define internal i64 @wide(", file);
    for (int i = 0; i < COUNT; i++)
        fprintf(file, "%si64 %%a%d", i ? ", " : "", i);
    fputs(") noinline {\n  %s = sub i64 %a0, %a19999\n  ret i64 %s\n}\n", file);
    begin(file);
    fputs("  %r = call i64 @wide(", file);
    for (int i = 0; i < COUNT; i++)
        fprintf(file, "%si64 %s", i ? ", " : "", i % 2 ? "%x" : "7");
    fputs(")\n", file);
    end(file, "%r");
}

static const bomb_t BOMBS[] = {
    {"doubling", false, false, write_doubling},
    {"nested_loops", false, false, write_nested_loops},
    {"switch", true, false, write_switch},
    {"branches", true, true, write_branches},
    {"straight", true, true, write_straight},
    {"constants", false, true, write_constants},
    {"phis", true, true, write_phis},
    {"functions", true, true, write_functions},
    {"wide_vectors", false, false, write_wide_vectors},
    {"wide_integers", false, false, write_wide_integers},
    {"address_chain", true, true, write_address_chain},
    {"large_structs", false, false, write_large_structs},
    {"selects", false, true, write_selects},
    {"deep_expression", false, false, write_deep_expression},
    {"deep_type", false, false, write_deep_type},
    {"many_arguments", true, true, write_many_arguments},
};

const bomb_t *
bombs(int *ret_count)
{
    *ret_count = sizeof BOMBS / sizeof *BOMBS;
    return BOMBS;
}

/* Text to bitcode; frees the text. */
static char *
compacted(char *text, size_t *size)
{
    LLVMContextRef context = LLVMContextCreate();
    LLVMMemoryBufferRef buffer = LLVMCreateMemoryBufferWithMemoryRangeCopy(text, *size, "bomb");
    LLVMModuleRef module = NULL;
    char *message = NULL, *bytes = NULL;
    free(text);
    if (!compat_parse_ir(context, buffer, &module, &message)) {
        LLVMMemoryBufferRef written = LLVMWriteBitcodeToMemoryBuffer(module);
        *size = LLVMGetBufferSize(written);
        bytes = malloc(*size);
        if (bytes)
            memcpy(bytes, LLVMGetBufferStart(written), *size);
        LLVMDisposeMemoryBuffer(written);
        LLVMDisposeModule(module);
    } else {
        fprintf(stderr, "bomb: %.300s\n", message ? message : "?");
    }
    LLVMDisposeMessage(message);
    LLVMDisposeMemoryBuffer(buffer);
    LLVMContextDispose(context);
    return bytes;
}

char *
bomb_make(const bomb_t *self, size_t *ret_size)
{
    char *text = NULL;
    FILE *file = open_memstream(&text, ret_size);
    if (!file)
        return NULL;
    self->write(file);
    if (fclose(file) || !text) {
        free(text);
        return NULL;
    }
    return self->compact ? compacted(text, ret_size) : text;
}
