/* Rings that a hostile client has written: nothing outside of them is touched, what is received is whole, and
 * receiving ends. */
#include "base/link_ring_private.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Receive until nothing comes, and read every byte. */
static void
drain(link_t *server)
{
    link_message_t message;
    size_t frames = 0, sum = 0;
    int status;

    while ((status = link_receive(server, &message, NULL)) == FH_OK) {
        if (message.count < 1 || message.count > LINK_MAX_FRAMES || ++frames > LINK_RING_BYTES)
            abort();
        for (int i = 0; i < message.count; i++)
            for (size_t at = 0; at < message.frames[i].size; at++)
                sum += message.frames[i].data[at];
        link_message_release(server, &message);
    }
    if (status != FH_BUSY && status != FH_CANNOT_CONNECT)
        abort();
    (void)link_send(server, NULL, &(link_frame_t){.data = &sum, .size = sizeof sum}, 1, NULL);
}

/* The first byte says how: bytes for the ring in one or more publications, and then bytes for the positions and flags.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    link_ring_place_t place;
    link_t *server, *client;
    if (size < 2 || link_ring_new(&server, &place, NULL))
        return 0;
    if (link_ring_open(&client, &place, NULL)) {
        link_destroy(&server);
        return 0;
    }
    ring_link_t *raw = (ring_link_t *)client;
    size_t positions = data[0] % 2 ? sizeof(link_ring_memory_t) : 0, part = 8 * (1 + data[0] / 2 % 16);
    const uint8_t *at = data + 1, *end = data + size;
    if (positions > (size_t)(end - at) / 2)
        positions = (size_t)(end - at) / 2;
    while (at + positions < end) {
        size_t bytes = (size_t)(end - at) - positions;
        if (bytes > part)
            bytes = part;
        if (ring_room(&raw->out) < part)
            break;
        ring_put(&raw->out, at, bytes);
        (void)ring_publish(&raw->out);
        drain(server);
        at += bytes;
    }
    memcpy(raw->memory, end - positions, positions);
    drain(server);
    link_destroy(&client);
    drain(server);
    link_destroy(&server);
    return 0;
}
