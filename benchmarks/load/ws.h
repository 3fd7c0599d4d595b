/* WebSocket as a load needs it (RFC 6455): the handshake, frame headers, frames to send. */
#ifndef WS_H
#define WS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text.h"

#define OP_CONTINUATION 0x0
#define OP_TEXT 0x1
#define OP_BINARY 0x2
#define OP_CLOSE 0x8
#define OP_PING 0x9
#define OP_PONG 0xA

/* The example key of RFC 6455, 1.3, and the answer to it: a load needs no secret nonce. */
#define WS_KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define WS_ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

struct frame {
    unsigned opcode;
    bool last;
    bool masked;
    const char *payload;
    size_t len;
    size_t size; /* header and payload */
};

/* Fill `frame` from the bytes; false while it has not arrived whole (then `size` is 0, or what it needs). */
static inline bool frame_read(const char *bytes, size_t len, struct frame *frame)
{
    const unsigned char *at = (const unsigned char *)bytes;
    size_t header = 2;
    uint64_t payload;

    frame->size = 0;
    if (len < 2)
        return false;
    payload = at[1] & 0x7Fu;
    if (payload == 126) {
        if (len < 4)
            return false;
        payload = (uint64_t)at[2] << 8 | at[3];
        header = 4;
    } else if (payload == 127) {
        if (len < 10)
            return false;
        payload = 0;
        for (int i = 2; i < 10; i++)
            payload = payload << 8 | at[i];
        header = 10;
    }
    frame->masked = (at[1] & 0x80u) != 0;
    if (frame->masked)
        header += 4;
    frame->opcode = at[0] & 0x0Fu;
    frame->last = (at[0] & 0x80u) != 0;
    frame->payload = bytes + header;
    frame->len = (size_t)payload;
    frame->size = header + (size_t)payload;
    return frame->size <= len;
}

/* Append one masked frame, as clients must send it. */
void frame_add_client(struct text *out, unsigned opcode, const char *payload, size_t len);

/* Append one unmasked frame, as servers must send it. */
void frame_add_server(struct text *out, unsigned opcode, const char *payload, size_t len);

/* Copy the payload of a frame that a client sent, unmasked. */
void frame_unmask(struct text *out, const struct frame *frame);

/* Append the upgrade request; `extra` are whole header lines, each with its CR LF, or "". */
void ws_request(struct text *out, const char *host, const char *path, const char *extra);

/* The size of the answer's head when it accepted the upgrade, 0 while it is not whole, -1 when refused. */
long ws_accepted(const char *at, size_t len);

#endif
