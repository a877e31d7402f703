#include "codecs/connection_file.h"

#include "base/private_file.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ini.h>

enum { FILE_MAX = 8192, LINE_LIMIT = 190 }; /* libinih takes lines of 200 bytes */

/* The text fields of a connection_t, in the order of the file.  broker_pid comes after them. */
static const struct {
    const char *key;
    size_t offset, size;
    bool is_key; /* 40 characters of Z85 */
    bool required;
} fields[] = {
#define FIELD(name, is_key, required)                                                                                  \
    {#name, offsetof(connection_t, name), sizeof(((connection_t *)0)->name), is_key, required}
    FIELD(cluster, false, true),          FIELD(broker, false, false), /* empty until the broker has bound for the first
                                                                          time */
    FIELD(broker_public_key, true, true), FIELD(engine_public_key, true, true), FIELD(client_public_key, true, true),
    FIELD(secret_key, true, true),        FIELD(run_folder, false, true),
#undef FIELD
};

enum { FIELD_COUNT = (int)(sizeof fields / sizeof fields[0]), PID_FIELD = FIELD_COUNT };

static const char *const sections[] = {"farhand-client", "farhand-engine", "farhand-broker"};

static int
check_section(const char *section, err_t *err)
{
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++)
        if (strcmp(section, sections[i]) == 0)
            return FH_OK;
    return err_set(err, FH_INVALID_ARGUMENT, "no connection file has a section [%s]", section);
}

static bool
is_z85_key(const char *text)
{
    static const char marks[] = ".-:+=^!/*?&<>()[]{}@%$#";
    size_t length = 0;
    for (; text[length]; length++)
        if (!isalnum((unsigned char)text[length]) && !strchr(marks, text[length]))
            return false;
    return length == 40;
}

/* ---- reading -------------------------------------------------------------------------------------------------------
 */

typedef struct {
    const char *section;
    connection_t *connection;
    unsigned seen; /* bit i: fields[i] has been read */
    bool in_section;
    int status;
    err_t *err;
} reading_t;

static int
take_pid(reading_t *self, const char *value)
{
    char *end;
    errno = 0;
    long long number = strtoll(value, &end, 10);
    if (errno || end == value || *end || number < 0 || number > INT32_MAX)
        return err_set(self->err, FH_INVALID_ARGUMENT, "broker_pid is not a process id");
    self->connection->broker_pid = number;
    return FH_OK;
}

static int
take_field(reading_t *self, int i, const char *value)
{
    size_t length = strlen(value);
    if (fields[i].is_key && !is_z85_key(value))
        return err_set(self->err, FH_INVALID_ARGUMENT, "%s is not 40 characters of Z85 text", fields[i].key);
    if (length >= fields[i].size || (fields[i].required && length == 0))
        return err_set(self->err, FH_INVALID_ARGUMENT, "%s has %zu bytes; it can have %d to %zu", fields[i].key, length,
                       (int)fields[i].required, fields[i].size - 1);
    memcpy((char *)self->connection + fields[i].offset, value, length + 1);
    return FH_OK;
}

static int
take(reading_t *self, const char *section, const char *key, const char *value)
{
    if (strcmp(section, self->section) != 0)
        return err_set(self->err, FH_INVALID_ARGUMENT, "section [%.64s] where [%s] is wanted", section, self->section);
    int i = 0;
    while (i < FIELD_COUNT && strcmp(fields[i].key, key) != 0)
        i++;
    if (i == PID_FIELD && strcmp(key, "broker_pid") != 0)
        return err_set(self->err, FH_INVALID_ARGUMENT, "unknown key '%.64s'", key);
    if (self->seen & (1u << i))
        return err_set(self->err, FH_INVALID_ARGUMENT, "key '%s' a second time", key);
    self->seen |= 1u << i;
    return i == PID_FIELD ? take_pid(self, value) : take_field(self, i, value);
}

/* libinih's handler: 0 marks the line as wrong. */
static int
take_pair(void *context, const char *section, const char *key, const char *value)
{
    reading_t *self = context;
    if (!self->status)
        self->status = take(self, section, key, value);
    return self->status == FH_OK;
}

/* What libinih would misread: lines that are too long for it, and bytes behind a NUL. */
static int
check_text(const char *text, size_t size, err_t *err)
{
    size_t column = 0;
    int line = 1;
    for (size_t i = 0; i < size; i++) {
        column = text[i] == '\n' ? 0 : column + 1;
        if (text[i] == '\0' || column > LINE_LIMIT)
            return err_set(err, FH_INVALID_ARGUMENT, "line %d: %s", line,
                           text[i] ? "longer than 190 bytes" : "a NUL byte");
        line += text[i] == '\n';
    }
    return FH_OK;
}

static int
parse(const char *text, size_t size, const char *section, connection_t *ret, err_t *err)
{
    reading_t reading = {.section = section, .connection = ret, .err = err};
    int status = check_text(text, size, err);
    if (status)
        return status;
    int line = ini_parse_string(text, take_pair, &reading);
    if (reading.status) {
        err_prefix(err, "line %d", line);
        return reading.status;
    }
    if (line < 0)
        return err_set(err, FH_NO_MEMORY, "no memory to read it");
    if (line)
        return err_set(err, FH_INVALID_ARGUMENT, "line %d: not of the form 'key = value' or '[section]'", line);
    for (int i = 0; i < FIELD_COUNT; i++)
        if (fields[i].required && !(reading.seen & (1u << i)))
            return err_set(err, FH_INVALID_ARGUMENT, "key '%s' is missing in section [%s]", fields[i].key, section);
    return FH_OK;
}

int
connection_read(const char *path, const char *section, connection_t *ret, err_t *err)
{
    char *text = NULL;
    size_t size = 0;
    connection_t connection = {.cluster = ""};
    int status = check_section(section, err);
    if (!status)
        status = private_file_read(path, FILE_MAX, &text, &size, err);
    if (status)
        return status;
    status = parse(text, size, section, &connection, err);
    if (status)
        err_prefix(err, "connection file %s", path);
    else
        *ret = connection;
    explicit_bzero(text, size); /* it held a secret key */
    free(text);
    return status;
}

/* ---- writing -------------------------------------------------------------------------------------------------------
 */

/* A value that would be read back as another one must not be written. */
static int
check_value(int i, const char *value, err_t *err)
{
    size_t length = strnlen(value, fields[i].size);
    if (length + strlen(fields[i].key) + 3 > LINE_LIMIT || length == fields[i].size)
        return err_set(err, FH_INVALID_ARGUMENT, "%s is too long for a connection file", fields[i].key);
    if (fields[i].is_key ? !is_z85_key(value) : fields[i].required && length == 0)
        return err_set(err, FH_INVALID_ARGUMENT, "%s has no proper value", fields[i].key);
    bool odd =
        length && (isspace((unsigned char)value[0]) || isspace((unsigned char)value[length - 1]) || value[0] == ';');
    for (size_t k = 0; k < length && !odd; k++)
        odd = iscntrl((unsigned char)value[k]) || (isspace((unsigned char)value[k]) && value[k + 1] == ';');
    if (odd)
        return err_set(err, FH_INVALID_ARGUMENT, "%s has spaces at an end, control characters or ' ;' in it",
                       fields[i].key);
    return FH_OK;
}

int
connection_write(const char *path, const char *section, const connection_t *connection, err_t *err)
{
    char text[4096];
    int status = check_section(section, err);
    int length = snprintf(text, sizeof text, "[%s]\n", section);
    for (int i = 0; i < FIELD_COUNT && !status; i++) {
        const char *value = (const char *)connection + fields[i].offset;
        status = check_value(i, value, err);
        if (!status)
            length += snprintf(text + length, sizeof text - (size_t)length, "%s = %s\n", fields[i].key, value);
    }
    if (!status) {
        length +=
            snprintf(text + length, sizeof text - (size_t)length, "broker_pid = %" PRId64 "\n", connection->broker_pid);
        status = private_file_write(path, text, (size_t)length, err);
    }
    explicit_bzero(text, sizeof text);
    return status;
}

/* ---- where the file is ---------------------------------------------------------------------------------------------
 */

/* Names become folders and part of socket paths. */
static bool
is_cluster_name(const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)name[i]) && !(i > 0 && strchr("-_.", name[i])))
            return false;
    return length >= 1 && length <= 64;
}

static int
check_fits(int length, size_t size, const char *what, err_t *err)
{
    if (length >= 0 && (size_t)length < size)
        return FH_OK;
    return err_set(err, FH_INVALID_ARGUMENT, "the path of %.80s is longer than %zu bytes", what, size - 1);
}

int
connection_folder(const char *cluster, char *ret, size_t size, err_t *err)
{
    static const struct {
        const char *variable, *below;
    } places[] = {{"XDG_RUNTIME_DIR", "farhand"}, {"XDG_STATE_HOME", "farhand"}, {"HOME", ".local/state/farhand"}};
    if (!is_cluster_name(cluster))
        return err_set(
            err, FH_INVALID_ARGUMENT,
            "'%.80s' is no name for a cluster: 1 to 64 letters, digits, '-', '_' and '.', the first a letter or digit",
            cluster);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        const char *base = getenv(places[i].variable);
        if (base && base[0] == '/')
            return check_fits(snprintf(ret, size, "%s/%s/%s", base, places[i].below, cluster), size, cluster, err);
    }
    return err_set(err, FH_INVALID_ARGUMENT, "no place for run files: set HOME, XDG_STATE_HOME or XDG_RUNTIME_DIR");
}

static bool
is_path(const char *target)
{
    size_t length = strlen(target);
    return strchr(target, '/') || (length > 4 && strcmp(target + length - 4, ".ini") == 0);
}

int
connection_find(const char *target, char *ret_path, size_t size, err_t *err)
{
    const char *given = target ? target : getenv("FARHAND_CONNECTION");
    if (!given || !given[0])
        given = "default";
    if (is_path(given))
        return check_fits(snprintf(ret_path, size, "%s", given), size, given, err);
    int status = connection_folder(given, ret_path, size, err);
    if (status)
        return status;
    size_t length = strlen(ret_path);
    return check_fits((int)length + snprintf(ret_path + length, size - length, "/client.ini"), size, given, err);
}
