/* How fast headers are written and read, beside msgpack-c's own unpacker (which checks neither kinds nor bounds) on the
 * same bytes. */
#include "base/clock.h"
#include "codecs/message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <msgpack.h>

enum { TURNS = 31, MESSAGES = 200, REPEATS = 20 };

static header_writer_t *writer;
static arena_t *arena;

static void
give_up(const char *what)
{
    fprintf(stderr, "codec: %s\n", what);
    exit(1);
}

/* MESSAGES additions of two arrays. */
static void
write_frame(void)
{
    operand_t inputs[2] = {{.object = {{1}}}, {.object = {{2}}}};
    oid_t result = {{3}};
    message_t message = {.code = MSG_UFUNC,
                         .as.UFUNC = {.call = 70000,
                                      .op = str_of("add"),
                                      .inputs = {inputs, 2},
                                      .results = {&result, 1},
                                      .loop_in = 0x0c0c,
                                      .loop_out = 0x0c}};
    header_writer_reset(writer);
    for (int i = 0; i < MESSAGES; i++)
        if (header_writer_add(writer, &message, NULL))
            give_up("cannot write");
}

static void
read_frame(void)
{
    header_reader_t reader;
    message_t message;
    int status = header_open(&reader, header_writer_data(writer), header_writer_size(writer), NULL);
    arena_reset(arena);
    while (status == FH_OK)
        status = header_next(&reader, arena, 'C', 'E', 0, &message, NULL);
    if (status != FH_NO_SUCH_OBJECT)
        give_up("cannot read");
}

static void
unpack_frame(void)
{
    size_t offset = 4;
    msgpack_unpacked result;
    msgpack_unpacked_init(&result);
    int count = 0;
    while (msgpack_unpack_next(&result, header_writer_data(writer), header_writer_size(writer), &offset) ==
           MSGPACK_UNPACK_SUCCESS)
        count++;
    msgpack_unpacked_destroy(&result);
    if (count != MESSAGES)
        give_up("msgpack-c cannot read");
}

static int
compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* ns a message. */
static double
time_of(void (*work)(void))
{
    int64_t begin = clock_now_ns();
    for (int i = 0; i < REPEATS; i++)
        work();
    return (double)(clock_now_ns() - begin) / (REPEATS * MESSAGES);
}

static void
report(const char *name, double *values, double *limits)
{
    qsort(values, TURNS, sizeof *values, compare);
    qsort(limits, TURNS, sizeof *limits, compare);
    double value = values[TURNS / 2], limit = limits[TURNS / 2];
    printf("%-28s %8.0f ns   msgpack-c %8.0f ns   ratio %.2f\n", name, value, limit, value / limit);
    printf("{\"bench\": \"codec\", \"case\": \"%s\", \"value\": %.1f, \"unit\": \"ns\", \"limit\": %.1f, "
           "\"limit_name\": \"msgpack-c unpacks the same bytes\", \"ratio\": %.3f}\n",
           name, value, limit, value / limit);
}

int
main(void)
{
    double writing[TURNS], reading[TURNS], unpacking[TURNS], again[TURNS];
    if (header_writer_new(&writer, NULL) || arena_new(&arena, 1 << 20, NULL))
        give_up("no memory");
    write_frame();
    for (int turn = 0; turn < TURNS; turn++) {
        writing[turn] = time_of(write_frame);
        unpacking[turn] = again[turn] = time_of(unpack_frame);
        reading[turn] = time_of(read_frame);
    }
    report("read and check one UFUNC", reading, unpacking);
    report("check and write one UFUNC", writing, again);
    header_writer_destroy(&writer);
    arena_destroy(&arena);
    return 0;
}
