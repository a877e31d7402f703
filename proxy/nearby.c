#include "proxy/nearby.h"

#include "base/stream_copy.h"
#include "codecs/strided.h"
#include "proxy/copy.h"
#include "proxy/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    CHUNK = 2 * 1024 * 1024,  /* packed at once where it cannot go straight */
    SLICE = 32 * 1024 * 1024, /* copied between two looks at the user's wish to stop */
    SPANS = 1024,             /* written by one call, which is all that it takes */
    ZEROS = 64 * 1024,
};

/* ---- asking --------------------------------------------------------------------------------------------------------
 */

bool
nearby_possible(const engine_link_t *engine, int64_t bytes)
{
    return bytes >= NEARBY_BYTES && !engine->lost && !engine->session->wire_only &&
           strcmp(engine->host, engine->session->host) == 0;
}

static int
take_place(void *context, const message_t *reply, const bin_t *raw, int nraw, err_t *err)
{
    nearby_t *self = context;
    const msg_LOCATED_t *located = &reply->as.LOCATED;
    (void)raw, (void)nraw;
    if (reply->code != MSG_LOCATED)
        return err_set(err, FH_PROTOCOL_ERROR, "an engine answered LOCATE or MAP with another message");
    self->pid = located->pid;
    self->fd = located->fd;
    self->inode = located->inode;
    self->offset = located->offset;
    return FH_OK;
}

static int
ask(nearby_t *self, engine_link_t *engine, message_t *message, err_t *err)
{
    uint64_t call;
    self->request = (request_t){.reply = take_place, .context = self};
    int status = engine_link_call(engine, message, NULL, &call, err);
    if (status)
        return status;
    conn_expect(&engine->conn, &self->request, call, 1);
    self->engine = engine;
    return FH_OK;
}

int
nearby_ask(nearby_t *self, const handle_t *handle, bool write, err_t *err)
{
    message_t message = {.code = MSG_LOCATE};
    message.as.LOCATE.object = handle->id;
    message.as.LOCATE.write = write;
    self->located = handle->id;
    return ask(self, handle->engine, &message, err);
}

int
nearby_ask_map(nearby_t *self, const handle_t *handle, const handle_t *mapping, bool writes, err_t *err)
{
    message_t message = {.code = MSG_MAP};
    message.as.MAP.object = handle->id;
    message.as.MAP.result = mapping->id;
    message.as.MAP.writes = writes;
    self->located = OID_NONE;
    return ask(self, handle->engine, &message, err);
}

typedef struct {
    const nearby_t *items;
    int n;
} waiting_t;

static bool
all_came(const void *context)
{
    const waiting_t *self = context;
    for (int i = 0; i < self->n; i++)
        if (self->items[i].engine && self->items[i].request.due > 0)
            return false;
    return true;
}

int
nearby_wait(nearby_t *self, int n, fh_session *session, int64_t deadline_ns, err_t *err)
{
    int status = wait_until(session, deadline_ns, all_came, &(waiting_t){self, n}, err);
    for (int i = 0; i < n && !status; i++)
        if (self[i].engine && self[i].request.status && self[i].request.status != FH_NOT_SUPPORTED) {
            status = self[i].request.status;
            if (err)
                *err = self[i].request.err;
        }
    return status;
}

bool
nearby_there(const nearby_t *self)
{
    return self->engine && self->request.due == 0 && self->request.status == FH_OK;
}

/* A LOCATE that was not answered is not ended either: then the engine keeps the array in memory. */
static void
tell_end(const nearby_t *self)
{
    message_t message = {.code = MSG_LOCATE_END};
    message.as.LOCATE_END.object = self->located;
    if (nearby_there(self) && !oid_is_none(self->located) && !self->engine->lost)
        (void)engine_link_call(self->engine, &message, NULL, NULL, NULL);
}

bool
nearby_came(const void *self)
{
    const nearby_t *item = self;
    return item->request.due == 0;
}

void
nearby_forget(nearby_t *self, int n)
{
    for (int i = 0; i < n; i++)
        if (self[i].engine) {
            tell_end(&self[i]);
            conn_forget(&self[i].engine->conn, &self[i].request);
        }
}

/* ---- the memory ----------------------------------------------------------------------------------------------------
 */

int
nearby_open(const nearby_t *place, int flags, int64_t low, int64_t high, int *ret_fd, err_t *err)
{
    char path[64];
    struct stat file;
    snprintf(path, sizeof path, "/proc/%llu/fd/%llu", (unsigned long long)place->pid, (unsigned long long)place->fd);
    int fd = open(path, flags | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &file) == 0 && file.st_ino == place->inode && (int64_t)place->offset + low >= 0 &&
        (int64_t)place->offset + high <= file.st_size) {
        *ret_fd = fd;
        return FH_OK;
    }
    if (fd >= 0)
        close(fd);
    return err_set(err, FH_NOT_SUPPORTED, "the engine's memory cannot be reached through %s", path);
}

/* ---- reading -------------------------------------------------------------------------------------------------------
 */

static copier_t *
copier_for(int64_t bytes)
{
    return bytes >= STREAM_COPY_BYTES ? strided_copy_past_cache : strided_copy;
}

int
nearby_read(const nearby_t *self, fh_session *session, const nd_t *remote, const nd_t *local, err_t *err)
{
    int64_t low, high, page = sysconf(_SC_PAGESIZE);
    int fd = -1, status = nd_extent(remote, &low, &high);
    if (status)
        return err_set(err, FH_NOT_SUPPORTED, "the array's strides are out of range");
    status = nearby_open(self, O_RDONLY, low, high, &fd, err);
    if (status)
        return status;
    int64_t start = (int64_t)self->offset + low;
    start -= start % page;
    size_t size = (size_t)((int64_t)self->offset + high - start);
    char *map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, start);
    close(fd);
    if (map == MAP_FAILED)
        return err_set_errno(err, FH_NOT_SUPPORTED, errno, "the engine's memory cannot be mapped");
    nd_t there = *remote;
    there.data = map + ((int64_t)self->offset - start);
    int64_t bytes = shape_bytes(&local->shape, local->dtype);
    status = copy_in_slices(session, copier_for(bytes), local, &there, err);
    munmap(map, size);
    if (!status)
        session->shared_bytes += (uint64_t)bytes;
    return status;
}

/* ---- writing -------------------------------------------------------------------------------------------------------
 */

static int
write_all(int fd, const char *bytes, int64_t size, int64_t offset, err_t *err)
{
    while (size > 0) {
        ssize_t written = pwrite(fd, bytes, (size_t)size, offset);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return err_set_errno(err, errno == ENOSPC || errno == ENOMEM ? FH_NO_MEMORY : FH_IO_ERROR, errno,
                                 "cannot write %lld bytes into the engine's memory", (long long)size);
        bytes += written;
        size -= written;
        offset += written;
    }
    return FH_OK;
}

static void
reverse_elements(char *bytes, int64_t size, dtype_t dtype, char *scratch)
{
    shape_t shape = {.ndim = 1, .extent = {size / (int64_t)dtype_size(dtype)}};
    nd_t from, to;
    memcpy(scratch, bytes, (size_t)size);
    nd_init(&from, scratch, dtype, &shape);
    nd_init(&to, bytes, dtype, &shape);
    strided_copy_swapped(&to, &from);
}

/* Pack the bytes [at, at+size) of local's C-order image, and put them. */
static int
put_chunk(const nearby_t *self, int fd, const nd_t *local, bool swapped, char *scratch, int64_t at, int64_t size,
          err_t *err)
{
    strided_pack(local, at, size, scratch);
    if (swapped)
        reverse_elements(scratch, size, local->dtype, scratch + CHUNK);
    return write_all(fd, scratch, size, (int64_t)self->offset + at, err);
}

/* By pwrite, which neither faults on the pages nor clears fresh ones first: on small pages twice as fast as a copy into
 * a mapping.  Whole huge pages at a time: of one that a call begins the kernel clears what it does not write. */
static int
write_by_calls(const nearby_t *self, const fh_session *session, int fd, const nd_t *local, bool swapped, err_t *err)
{
    int64_t bytes = shape_bytes(&local->shape, local->dtype);
    bool straight = !swapped && nd_is_c_contiguous(local);
    int64_t step = straight ? SLICE : CHUNK;
    char *scratch = straight ? NULL : malloc((size_t)2 * CHUNK);
    int status = straight || scratch ? FH_OK : err_set(err, FH_NO_MEMORY, "no memory to pack an array");
    for (int64_t at = 0; at < bytes && !status; at += step) {
        int64_t size = bytes - at < step ? bytes - at : step;
        if (at % SLICE == 0)
            status = copy_still_wanted(session, err);
        if (!status)
            status = straight ? write_all(fd, local->data + at, size, (int64_t)self->offset + at, err)
                              : put_chunk(self, fd, local, swapped, scratch, at, size, err);
    }
    free(scratch);
    return status;
}

/* Through a map is the faster way into huge pages, unless they are fresh and a call can have all bytes at once.  Sees
 * to it that the pages are there: a write to a map where none can be had would end the process. */
static bool
map_is_faster(int fd, int64_t offset, int64_t bytes, bool contiguous)
{
    struct stat file;
    if (fstat(fd, &file) || file.st_blksize <= sysconf(_SC_PAGESIZE))
        return false;
    if (contiguous && lseek(fd, offset, SEEK_HOLE) < offset + bytes)
        return false;
    return fallocate(fd, 0, offset, bytes) == 0;
}

/* NOT_SUPPORTED: it cannot be mapped, and nothing has been written. */
static int
write_by_map(const nearby_t *self, const fh_session *session, int fd, const nd_t *remote, const nd_t *local,
             bool swapped, err_t *err)
{
    int64_t bytes = shape_bytes(&remote->shape, remote->dtype), skip = (int64_t)self->offset % sysconf(_SC_PAGESIZE);
    size_t size = (size_t)(skip + bytes);
    char *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (int64_t)self->offset - skip);
    if (map == MAP_FAILED)
        return err_set_errno(err, FH_NOT_SUPPORTED, errno, "the engine's memory cannot be mapped");
    nd_t there = *remote;
    there.data = map + skip;
    int status = copy_in_slices(session, swapped ? strided_copy_swapped : copier_for(bytes), &there, local, err);
    munmap(map, size);
    return status;
}

int
nearby_write(const nearby_t *self, fh_session *session, const nd_t *remote, const nd_t *local, bool swapped, err_t *err)
{
    int64_t bytes = shape_bytes(&remote->shape, remote->dtype);
    int fd = -1, status = nearby_open(self, O_RDWR, 0, bytes, &fd, err);
    if (status)
        return status;
    status = FH_NOT_SUPPORTED;
    if (map_is_faster(fd, (int64_t)self->offset, bytes, !swapped && nd_is_c_contiguous(local)))
        status = write_by_map(self, session, fd, remote, local, swapped, err);
    if (status == FH_NOT_SUPPORTED)
        status = write_by_calls(self, session, fd, local, swapped, err);
    close(fd);
    if (!status)
        session->shared_bytes += (uint64_t)bytes;
    return status;
}

/* ---- many spans ----------------------------------------------------------------------------------------------------
 */

/* What a signal or a full file system left of a call goes span by span. */
static int
write_rest(int fd, const struct iovec *spans, int n, int64_t at, int64_t done, err_t *err)
{
    int status = FH_OK;
    for (int i = 0; i < n && !status; i++) {
        int64_t size = (int64_t)spans[i].iov_len, skip = done < size ? done : size;
        status = write_all(fd, (const char *)spans[i].iov_base + skip, size - skip, at + skip, err);
        at += size;
        done -= skip;
    }
    return status;
}

/* In as few calls as can be: the pages of fresh memory are as large as the call that first writes them is long.  That
 * is why unused bytes behind the last span are written, too. */
static int
fill_by_calls(const nearby_t *self, int fd, const struct iovec *spans, int n, int64_t unused, err_t *err)
{
    static char zeros[ZEROS];
    struct iovec *group = malloc(SPANS * sizeof *group);
    int64_t at = (int64_t)self->offset;
    int status = group ? FH_OK : err_set(err, FH_NO_MEMORY, "no memory to list %d spans", (int)SPANS);
    for (int next = 0; (next < n || unused > 0) && !status;) {
        int count = 0;
        int64_t size = 0;
        for (; count < SPANS && (next < n || unused > 0); count++) {
            group[count] =
                next < n ? spans[next++] : (struct iovec){zeros, unused < ZEROS ? (size_t)unused : (size_t)ZEROS};
            if (group[count].iov_base == zeros)
                unused -= (int64_t)group[count].iov_len;
            size += (int64_t)group[count].iov_len;
        }
        ssize_t written = pwritev(fd, group, count, at);
        if (written < 0 && errno != EINTR)
            status = err_set_errno(err, errno == ENOSPC || errno == ENOMEM ? FH_NO_MEMORY : FH_IO_ERROR, errno,
                                   "cannot write %lld bytes into the engine's memory", (long long)size);
        else if (written < size)
            status = write_rest(fd, group, count, at, written > 0 ? written : 0, err);
        at += size;
    }
    free(group);
    return status;
}

/* NOT_SUPPORTED: it cannot be mapped, and nothing has been written. */
static int
fill_by_map(const nearby_t *self, int fd, const struct iovec *spans, int n, int64_t room, err_t *err)
{
    int64_t skip = (int64_t)self->offset % sysconf(_SC_PAGESIZE);
    size_t size = (size_t)(skip + room);
    char *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (int64_t)self->offset - skip);
    if (map == MAP_FAILED)
        return err_set_errno(err, FH_NOT_SUPPORTED, errno, "the engine's memory cannot be mapped");
    char *at = map + skip;
    for (int i = 0; i < n; at += spans[i++].iov_len) {
        if (spans[i].iov_len < STREAM_COPY_ROW_BYTES)
            memcpy(at, spans[i].iov_base, spans[i].iov_len);
        else
            stream_copy_part(at, spans[i].iov_base, spans[i].iov_len);
    }
    stream_copy_settle();
    munmap(map, size);
    return FH_OK;
}

int
nearby_fill(const nearby_t *self, fh_session *session, const struct iovec *spans, int n, int64_t bytes, int64_t room,
            err_t *err)
{
    int fd = -1, status = nearby_open(self, O_RDWR, 0, room, &fd, err);
    if (status)
        return status;
    bool one_call = (room - bytes) / ZEROS + n < SPANS;
    status = FH_NOT_SUPPORTED;
    if (map_is_faster(fd, (int64_t)self->offset, room, one_call))
        status = fill_by_map(self, fd, spans, n, room, err);
    if (status == FH_NOT_SUPPORTED)
        status = fill_by_calls(self, fd, spans, n, room - bytes, err);
    close(fd);
    if (!status)
        session->shared_bytes += (uint64_t)bytes;
    return status;
}
