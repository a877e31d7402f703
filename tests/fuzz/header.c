/* Header frames: nothing crashes, reading ends, and a message that is accepted can be printed, written and read again
 * as equal. */
#include "codecs/message.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read is written, and read again. */
static void
check_again(const message_t *message, char sender, char receiver)
{
    static header_writer_t *writer;
    static arena_t *arena;
    header_reader_t reader;
    message_t again;
    char text[256];
    if ((!writer && header_writer_new(&writer, NULL)) || (!arena && arena_new(&arena, 1 << 22, NULL)))
        return;
    header_writer_reset(writer);
    arena_reset(arena);
    message_print(message, text, sizeof text);
    if (strlen(text) >= sizeof text || header_writer_add(writer, message, NULL) ||
        header_open(&reader, header_writer_data(writer), header_writer_size(writer), NULL) ||
        header_next(&reader, arena, sender, receiver, message->raw, &again, NULL) || !message_equal(message, &again))
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char ROLES[] = "CBE";
    static arena_t *arena;
    header_reader_t reader;
    message_t message;
    err_t err;
    if (size < 1 || (!arena && arena_new(&arena, 1 << 22, NULL)))
        return 0;
    /* The first byte chooses roles and raw frames; it is not part of the frame. */
    char sender = ROLES[data[0] % 3], receiver = ROLES[data[0] / 3 % 3];
    uint32_t raw = data[0] / 9 % 4;
    arena_reset(arena);
    int status = header_open(&reader, data + 1, size - 1, &err);
    while (status != FH_NO_SUCH_OBJECT && status != FH_VERSION_MISMATCH) {
        size_t before = reader.position;
        status = header_next(&reader, arena, sender, receiver, raw, &message, &err);
        if (reader.raw_seen > raw || reader.position > size - 1 + 4 || (status == FH_OK && reader.position <= before))
            abort();
        if (status == FH_OK)
            check_again(&message, sender, receiver);
    }
    return 0;
}
