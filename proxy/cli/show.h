/* proxy/cli/show.h - how the commands print: JSON texts, bytes, shapes, ids. */
#ifndef FH_PROXY_CLI_SHOW_H
#define FH_PROXY_CLI_SHOW_H

#include "proxy/farhand.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { SHOW_BYTES_MAX = 32, SHOW_SHAPE_MAX = 24 * FH_MAX_DIMS + 4, SHOW_ID_MAX = 33 };

/* A JSON string with its quotes.  Bytes that are not printable ASCII and not above 0x7f are escaped. */
void show_json_text(const char *text, size_t size, FILE *out);
/* A small value: as JSON, or (json 0) as a person reads it.  Ids are 32 hex digits, byte strings are hex. */
void show_value(const fh_value *value, int json, FILE *out);
/* "1.5 GiB" */
const char *show_bytes(int64_t bytes, char ret[SHOW_BYTES_MAX]);
/* "(3, 4)"; with json "[3, 4]" */
const char *show_shape(const int64_t *shape, int ndim, int json, char ret[SHOW_SHAPE_MAX]);
const char *show_id(fh_id id, char ret[SHOW_ID_MAX]);
/* One engine as a JSON object. */
void show_engine_json(const fh_engine_info *engine, FILE *out);
/* A head line and one line for each engine. */
void show_engine_table(const fh_engine_info *engines, int count, FILE *out);

#endif
