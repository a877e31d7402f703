/* Making the shared memory and the bells of a ring link, and opening those of another process. */
#include "base/link_ring_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MEMORY_BYTES = LINK_RING_DATA + 2 * LINK_RING_BYTES, BELL_BYTES = 4096, NUMBER_SIZE = 24 };

static void
close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void
link_ring_unmap(ring_link_t *self)
{
    if (self->map)
        munmap(self->map, self->map_size);
    self->map = NULL;
    self->memory = NULL;
    close_fd(&self->memory_fd);
    close_fd(&self->bell);
    close_fd(&self->other_bell);
    close_fd(&self->kept[0]);
    close_fd(&self->kept[1]);
}

static ring_link_t *
make(bool server)
{
    ring_link_t *self = calloc(1, sizeof *self);

    if (!self)
        return NULL;
    self->link.ops = &LINK_RING_OPS;
    self->server = server;
    self->memory_fd = self->bell = self->other_bell = self->kept[0] = self->kept[1] = -1;
    return self;
}

static int
map_rings(ring_link_t *self, int fd, err_t *err)
{
    void *map = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (map == MAP_FAILED)
        return err_set_errno(err, FH_NO_MEMORY, errno, "cannot map %d bytes for rings", MEMORY_BYTES);
    uint8_t *data = (uint8_t *)map + LINK_RING_DATA;

    self->map = map;
    self->map_size = MEMORY_BYTES;
    self->memory = map;
    ring_init(self->server ? &self->in : &self->out, &self->memory->rings[0], data, LINK_RING_BYTES);
    ring_init(self->server ? &self->out : &self->in, &self->memory->rings[1], data + LINK_RING_BYTES, LINK_RING_BYTES);
    return FH_OK;
}

/* ---- the server's side ---------------------------------------------------------------------------------------------
 */

/* A pipe as a bell: ret[0] to be polled, ret[1] to be written to. */
static int
make_bell(int ret[2], err_t *err)
{
    if (pipe2(ret, O_CLOEXEC | O_NONBLOCK)) {
        ret[0] = ret[1] = -1;
        return err_set_errno(err, FH_LIMIT_EXCEEDED, errno, "cannot make a pipe");
    }
    (void)fcntl(ret[1], F_SETPIPE_SZ, BELL_BYTES); /* a larger one would only cost memory */
    return FH_OK;
}

static int
make_memory(ring_link_t *self, err_t *err)
{
    self->memory_fd = memfd_create("farhand-rings", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (self->memory_fd < 0)
        return err_set_errno(err, FH_LIMIT_EXCEEDED, errno, "cannot make shared memory for rings");
    if (ftruncate(self->memory_fd, MEMORY_BYTES) ||
        fcntl(self->memory_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
        return err_set_errno(err, FH_IO_ERROR, errno, "cannot size and seal the memory of rings");
    return map_rings(self, self->memory_fd, err);
}

static int
place_of(int fd, uint64_t *ret_fd, uint64_t *ret_inode, err_t *err)
{
    struct stat file;

    if (fstat(fd, &file))
        return err_set_errno(err, FH_IO_ERROR, errno, "cannot look at a descriptor");
    *ret_fd = (uint64_t)fd;
    *ret_inode = file.st_ino;
    return FH_OK;
}

int
link_ring_new(link_t **ret, link_ring_place_t *ret_place, err_t *err)
{
    ring_link_t *self = make(true);
    int ours[2] = {-1, -1}, theirs[2] = {-1, -1};

    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory for a link");
    int status = make_memory(self, err);

    if (!status)
        status = make_bell(ours, err);
    if (!status)
        status = make_bell(theirs, err);
    self->bell = ours[0];
    self->kept[0] = ours[1];
    self->kept[1] = theirs[0]; /* for good: so the pipe always has a reader, and no write to it fails */
    self->other_bell = theirs[1];
    ret_place->pid = (uint64_t)getpid();
    if (!status)
        status = place_of(self->memory_fd, &ret_place->memory_fd, &ret_place->memory_inode, err);
    if (!status)
        status = place_of(ours[1], &ret_place->server_bell_fd, &ret_place->server_bell_inode, err);
    if (!status)
        status = place_of(theirs[0], &ret_place->client_bell_fd, &ret_place->client_bell_inode, err);
    if (status) {
        link_ring_unmap(self);
        free(self);
    } else {
        *ret = &self->link;
    }
    return status;
}

void
link_ring_settle(link_t *link)
{
    ring_link_t *self = (ring_link_t *)link;

    close_fd(&self->memory_fd);
    close_fd(&self->kept[0]); /* now the bell hangs up when the client ends */
}

/* ---- the client's side ---------------------------------------------------------------------------------------------
 */

/* Open a descriptor of another process, if it still is the file that it should be. */
static int
open_there(uint64_t pid, uint64_t number, uint64_t inode, mode_t type, int flags, int *ret, err_t *err)
{
    char path[2 * NUMBER_SIZE + 16];
    struct stat file;

    (void)snprintf(path, sizeof path, "/proc/%llu/fd/%llu", (unsigned long long)pid, (unsigned long long)number);
    /* Its kind first: opening a device could do anything. */
    if (stat(path, &file) || (file.st_mode & S_IFMT) != type || file.st_ino != inode)
        return err_set_errno(err, FH_NOT_SUPPORTED, errno, "the engine's rings cannot be reached through %s", path);
    *ret = open(path, flags | O_CLOEXEC | O_NONBLOCK);
    if (*ret < 0 || fstat(*ret, &file) || (file.st_mode & S_IFMT) != type || file.st_ino != inode)
        return err_set_errno(err, FH_NOT_SUPPORTED, errno, "the engine's rings cannot be opened through %s", path);
    return FH_OK;
}

static int
open_memory(ring_link_t *self, const link_ring_place_t *place, err_t *err)
{
    struct stat file;
    int fd = -1, status = open_there(place->pid, place->memory_fd, place->memory_inode, S_IFREG, O_RDWR, &fd, err);

    /* Memory that could be cut off under us would end this process. */
    if (!status && (fstat(fd, &file) || file.st_size != MEMORY_BYTES ||
                    (fcntl(fd, F_GET_SEALS) & (F_SEAL_SHRINK | F_SEAL_SEAL)) != (F_SEAL_SHRINK | F_SEAL_SEAL)))
        status = err_set(err, FH_NOT_SUPPORTED, "the engine's rings are not %d sealed bytes", MEMORY_BYTES);
    if (!status)
        status = map_rings(self, fd, err);
    close_fd(&fd);
    return status;
}

int
link_ring_open(link_t **ret, const link_ring_place_t *place, err_t *err)
{
    ring_link_t *self = make(false);

    if (!self)
        return err_set(err, FH_NO_MEMORY, "no memory for a link");
    int status = open_memory(self, place, err);

    /* For reading, too: then the pipe has a reader as long as we write to it, and no write raises SIGPIPE. */
    if (!status)
        status = open_there(place->pid, place->server_bell_fd, place->server_bell_inode, S_IFIFO, O_RDWR,
                            &self->other_bell, err);
    if (!status)
        status = open_there(place->pid, place->client_bell_fd, place->client_bell_inode, S_IFIFO, O_RDONLY, &self->bell,
                            err);
    if (status) {
        link_ring_unmap(self);
        free(self);
    } else {
        *ret = &self->link;
    }
    return status;
}
