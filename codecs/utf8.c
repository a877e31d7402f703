#include "codecs/utf8.h"

#include <stdint.h>
#include <string.h>

/* Bytes of the character that starts at text, 0 if it is not one.  What the second byte may be depends on the first. */
static size_t
character(const uint8_t *text, size_t left)
{
    static const struct {
        uint8_t first, last, length, low, high;
    } FORMS[] = {
        {0x01, 0x7f, 1, 0, 0},       {0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf},
        {0xe1, 0xec, 3, 0x80, 0xbf}, {0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf},
        {0xf0, 0xf0, 4, 0x90, 0xbf}, {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f},
    };
    for (size_t i = 0; i < sizeof FORMS / sizeof *FORMS; i++) {
        if (text[0] < FORMS[i].first || text[0] > FORMS[i].last)
            continue;
        size_t length = FORMS[i].length;
        if (length > left || (length > 1 && (text[1] < FORMS[i].low || text[1] > FORMS[i].high)))
            return 0;
        for (size_t k = 2; k < length; k++)
            if ((text[k] & 0xc0) != 0x80)
                return 0;
        return length;
    }
    return 0;
}

size_t
utf8_prefix(const char *text, size_t size)
{
    const uint8_t *bytes = (const uint8_t *)text;
    size_t position = 0;
    while (position < size) {
        uint64_t word;
        if (size - position >= sizeof word) {
            memcpy(&word, bytes + position, sizeof word);
            /* Eight ASCII characters at once: no high bit, and no zero byte. */
            if (!((word | (word - 0x0101010101010101u)) & 0x8080808080808080u)) {
                position += sizeof word;
                continue;
            }
        }
        if (bytes[position] - 1u < 0x7f) {
            position++;
            continue;
        }
        size_t length = character(bytes + position, size - position);
        if (!length)
            break;
        position += length;
    }
    return position;
}
