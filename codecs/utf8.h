/* codecs/utf8.h - which bytes are text.  Pure; usable on any thread. */
#ifndef FH_CODECS_UTF8_H
#define FH_CODECS_UTF8_H

#include <stddef.h>

/* How many of the first size bytes are whole, valid UTF-8 characters other than NUL (no overlong forms, no surrogates,
 * at most U+10FFFF): size itself if all are. */
size_t utf8_prefix(const char *text, size_t size);

#endif
