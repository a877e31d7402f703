/* Runs the conformance vectors of valid/ and invalid/ (see make_vectors.py for their form): one cmocka test for each
 * folder. */
#include "codecs/message.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_TEXTS = 4, MAX_FRAME = 1 << 16 };

typedef struct {
    char *file; /* the whole text; the views below point into it */
    char from, to;
    uint32_t raw;
    char *texts[MAX_TEXTS];
    int ntexts;
    char *status, *about;
    uint64_t call;
    uint8_t frame[MAX_FRAME];
    size_t size;
} vector_t;

static int
digit(char c)
{
    const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

static char *
read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *text = calloc(1, 1 << 18);
    assert_non_null(text);
    size_t size = fread(text, 1, (1 << 18) - 1, file);
    assert_true(size > 0 && feof(file));
    fclose(file);
    return text;
}

static void
read_line(vector_t *vector, char *line)
{
    char *value = strchr(line, ' ');
    assert_non_null(value);
    *value++ = '\0';
    if (!strcmp(line, "from"))
        vector->from = *value;
    else if (!strcmp(line, "to"))
        vector->to = *value;
    else if (!strcmp(line, "raw"))
        vector->raw = (uint32_t)strtoul(value, NULL, 10);
    else if (!strcmp(line, "text") && vector->ntexts < MAX_TEXTS)
        vector->texts[vector->ntexts++] = value;
    else if (!strcmp(line, "status"))
        vector->status = value;
    else if (!strcmp(line, "call"))
        vector->call = strtoull(value, NULL, 10);
    else if (!strcmp(line, "about"))
        vector->about = value;
    else
        fail_msg("unknown line '%s'", line);
}

static void
vector_read(vector_t *ret, const char *path)
{
    *ret = (vector_t){.file = read_file(path)};
    char *line = ret->file;
    while (strncmp(line, "hex\n", 4)) {
        char *end = strchr(line, '\n');
        assert_non_null(end);
        *end = '\0';
        read_line(ret, line);
        line = end + 1;
    }
    int high = -1;
    for (char *c = line + 4; *c; c++) {
        if (*c == '\n')
            continue;
        assert_true(digit(*c) >= 0 && ret->size < MAX_FRAME);
        if (high < 0) {
            high = digit(*c);
        } else {
            ret->frame[ret->size++] = (uint8_t)(high << 4 | digit(*c));
            high = -1;
        }
    }
    assert_int_equal(high, -1);
}

/* Names that begin with "other-" are frames that farhand understands but writes in another way. */
static void
check_valid(const vector_t *vector, const char *name, arena_t *arena)
{
    header_reader_t reader;
    header_writer_t *writer;
    message_t message;
    err_t err = {0};
    assert_int_equal(header_writer_new(&writer, NULL), FH_OK);
    if (header_open(&reader, vector->frame, vector->size, &err))
        fail_msg("%s: %s", name, err.text);
    for (int i = 0; i < vector->ntexts; i++) {
        static char text[1 << 16];
        if (header_next(&reader, arena, vector->from, vector->to, vector->raw, &message, &err))
            fail_msg("%s: %s", name, err.text);
        assert_string_equal(message_print(&message, text, sizeof text), vector->texts[i]);
        assert_int_equal(header_writer_add(writer, &message, NULL), FH_OK);
    }
    assert_int_equal(header_next(&reader, arena, vector->from, vector->to, vector->raw, &message, &err),
                     FH_NO_SUCH_OBJECT);
    if (strncmp(name, "other-", 6)) {
        if (header_writer_size(writer) != vector->size ||
            memcmp(header_writer_data(writer), vector->frame, vector->size))
            fail_msg("%s: written again it has other bytes", name);
    }
    header_writer_destroy(&writer);
}

static void
check_invalid(const vector_t *vector, const char *name, arena_t *arena)
{
    header_reader_t reader;
    message_t message = {0};
    err_t err = {0};
    int status = header_open(&reader, vector->frame, vector->size, &err);
    while (status == FH_OK)
        status = header_next(&reader, arena, vector->from, vector->to, vector->raw, &message, &err);
    if (strcmp(status_name(status), vector->status))
        fail_msg("%s: %s instead of %s", name, status_name(status), vector->status);
    if (vector->about && !strstr(err.text, vector->about))
        fail_msg("%s: '%s' does not speak of '%s'", name, err.text, vector->about);
    if (message_call(&message) != vector->call)
        fail_msg("%s: call is %llu", name, (unsigned long long)message_call(&message));
}

static void
run_folder(const char *folder, void (*check)(const vector_t *, const char *, arena_t *), int at_least)
{
    static vector_t vector;
    DIR *directory = opendir(folder);
    arena_t *arena;
    int count = 0;
    assert_non_null(directory);
    assert_int_equal(arena_new(&arena, 1 << 20, NULL), FH_OK);
    for (struct dirent *entry; (entry = readdir(directory));) {
        char path[1024];
        if (!strstr(entry->d_name, ".hex"))
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        vector_read(&vector, path);
        check(&vector, entry->d_name, arena);
        free(vector.file);
        arena_reset(arena);
        count++;
    }
    closedir(directory);
    arena_destroy(&arena);
    assert_true(count >= at_least);
}

static void
vectors_valid_frames_give_their_messages(void **state)
{
    (void)state;
    run_folder(FH_VECTORS "/valid", check_valid, 100);
}

static void
vectors_invalid_frames_are_refused_with_their_reason(void **state)
{
    (void)state;
    run_folder(FH_VECTORS "/invalid", check_invalid, 70);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_valid_frames_give_their_messages),
        cmocka_unit_test(vectors_invalid_frames_are_refused_with_their_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
