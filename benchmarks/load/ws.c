/* WebSocket as a load needs it: frames to send and the handshake. */
#include "ws.h"

#include <string.h>

#include "key.h"

/* The protocol wants unforeseeable masks against hostile web pages; a load is none. */
static const unsigned char MASK[4] = {0x5A, 0xC3, 0x3C, 0xA5};

static void add_header(struct text *out, unsigned opcode, size_t len, unsigned mask_bit)
{
    unsigned char header[10];
    size_t size = 2;

    header[0] = (unsigned char)(0x80u | opcode);
    if (len < 126) {
        header[1] = (unsigned char)(mask_bit | len);
    } else if (len < 65536) {
        header[1] = (unsigned char)(mask_bit | 126u);
        header[2] = (unsigned char)(len >> 8);
        header[3] = (unsigned char)len;
        size = 4;
    } else {
        header[1] = (unsigned char)(mask_bit | 127u);
        for (int i = 0; i < 8; i++)
            header[2 + i] = (unsigned char)((uint64_t)len >> (56 - 8 * i));
        size = 10;
    }
    text_add(out, header, size);
}

void frame_add_client(struct text *out, unsigned opcode, const char *payload, size_t len)
{
    char *end;

    add_header(out, opcode, len, 0x80u);
    text_add(out, MASK, sizeof(MASK));
    end = text_room(out, len);
    for (size_t i = 0; i < len; i++)
        end[i] = (char)((unsigned char)payload[i] ^ MASK[i % 4]);
    out->len += len;
}

void frame_add_server(struct text *out, unsigned opcode, const char *payload, size_t len)
{
    add_header(out, opcode, len, 0);
    text_add(out, payload, len);
}

void frame_unmask(struct text *out, const struct frame *frame)
{
    const unsigned char *mask = (const unsigned char *)frame->payload - 4;
    char *end = text_room(out, frame->len);

    for (size_t i = 0; i < frame->len; i++)
        end[i] = (char)((unsigned char)frame->payload[i] ^ (frame->masked ? mask[i % 4] : 0));
    out->len += frame->len;
}

void ws_request(struct text *out, const char *host, const char *path, const char *extra)
{
    const struct field fields[] = {
        {"path", path}, {"host", host}, {"key", WS_KEY}, {"extra", extra}, {NULL, NULL}};

    text_expand(out,
                "GET $path HTTP/1.1\r\nHost: $host\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: $key\r\n$extra\r\n",
                fields);
}

long ws_accepted(const char *at, size_t len)
{
    const char *end = memmem(at, len, "\r\n\r\n", 4);
    size_t size;

    if (end == NULL)
        return len > 16384 ? -1 : 0;
    size = (size_t)(end - at) + 4;
    if (!starts(at, size, "HTTP/1.1 101") || !has(at, size, WS_ACCEPT))
        return -1;
    return (long)size;
}
