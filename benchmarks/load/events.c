/* Server-Sent Events as a load needs them (HTML, 9.2; chunks: RFC 9112, 7.1). */
#include "events.h"

#include <stdlib.h>
#include <string.h>

#include "key.h"

#define HEAD_BYTES_MAX 16384u
#define FIELD_BYTES_MAX 2304u /* before its data an event has an id and a name */

void events_request(struct text *out, const char *host, const char *path, const char *extra)
{
    const struct field fields[] = {{"path", path}, {"host", host}, {"extra", extra}, {NULL, NULL}};

    text_expand(out, "GET $path HTTP/1.1\r\nHost: $host\r\nAccept: text/event-stream\r\n$extra\r\n", fields);
}

long events_accepted(const char *at, size_t len, bool *chunked)
{
    const char *end = memmem(at, len, "\r\n\r\n", 4);
    size_t size;

    if (end == NULL)
        return len > HEAD_BYTES_MAX ? -1 : 0;
    size = (size_t)(end - at) + 4;
    if (!starts(at, size, "HTTP/1.1 200"))
        return -1;
    *chunked = has(at, size, "ransfer-encoding: chunked") || has(at, size, "ransfer-Encoding: chunked");
    return (long)size;
}

bool events_piece(const char *at, size_t len, bool chunked, struct frame *frame)
{
    const char *line = at;

    *frame = (struct frame){.opcode = OP_TEXT, .last = true, .payload = at, .len = len, .size = len};
    if (len == 0 || !chunked)
        return len > 0;
    line = memchr(at, '\n', len);
    if (line++ == NULL)
        return false;
    frame->len = (size_t)strtoull(at, NULL, 16);
    frame->payload = line;
    frame->size = (size_t)(line - at) + frame->len + 2;
    if (frame->len == 0)
        frame->opcode = OP_CLOSE;
    return frame->size <= len;
}

size_t events_first(const char *at, size_t len)
{
    const char *end = memmem(at, len, "\n\n", 2);

    return end != NULL ? (size_t)(end - at) + 2 : 0;
}

/* The rest of the line that begins with `name`. */
static const char *field(const char *at, size_t len, const char *name, size_t *value_len)
{
    const char *end = at + len;
    const char *line_end;

    for (const char *line = at; line < end && line < at + FIELD_BYTES_MAX; line = line_end + 1) {
        line_end = memchr(line, '\n', (size_t)(end - line));
        if (line_end == NULL)
            return NULL;
        if (!starts(line, (size_t)(line_end - line), name))
            continue;
        *value_len = (size_t)(line_end - line) - strlen(name);
        return line + strlen(name);
    }
    return NULL;
}

const char *events_data(const char *at, size_t len, size_t *data_len)
{
    return field(at, len, "data: ", data_len);
}

const char *events_id(const char *at, size_t len, size_t *id_len)
{
    return field(at, len, "id: ", id_len);
}
