/* The little of HTTP/1.1 that a publisher needs: is the answer whole, and what does it say? */
#include "http.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "key.h"

#define HEAD_BYTES_MAX 65536u

/* The value of a header, or NULL; `head` ends before its empty line. */
static const char *header(const char *head, size_t len, const char *name)
{
    size_t name_len = strlen(name);
    const char *end = head + len;
    const char *line = memchr(head, '\n', len);

    while (line != NULL && (size_t)(end - line) > name_len + 1) {
        line++;
        if (strncasecmp(line, name, name_len) == 0 && line[name_len] == ':')
            return line + name_len + 1 + strspn(line + name_len + 1, " ");
        line = memchr(line, '\n', (size_t)(end - line));
    }
    return NULL;
}

static int read_chunked(const char *at, size_t len, struct answer *answer)
{
    static const char END[] = "0\r\n\r\n";
    const char *body = answer->body;
    const char *end = memmem(body, (size_t)(at + len - body), END, sizeof(END) - 1);

    if (end == NULL)
        return ANSWER_PART;
    answer->body_len = (size_t)(end - body);
    answer->size = (size_t)(end - at) + sizeof(END) - 1;
    return ANSWER_WHOLE;
}

int answer_read(const char *at, size_t len, unsigned messages, struct answer *answer)
{
    const char *end = memmem(at, len, "\r\n\r\n", 4);
    const char *value;
    size_t head;

    (void)messages;
    if (end == NULL)
        return len > HEAD_BYTES_MAX ? ANSWER_BAD : ANSWER_PART;
    head = (size_t)(end - at) + 4;
    if (!starts(at, head, "HTTP/1.") || head < 16)
        return ANSWER_BAD;
    answer->status = (unsigned)strtoul(at + 9, NULL, 10);
    answer->body = at + head;
    value = header(at, head, "connection");
    answer->closes = value != NULL && strncasecmp(value, "close", 5) == 0;
    value = header(at, head, "transfer-encoding");
    if (value != NULL && strncasecmp(value, "chunked", 7) == 0)
        return read_chunked(at, len, answer);
    value = header(at, head, "content-length");
    answer->body_len = value != NULL ? (size_t)strtoull(value, NULL, 10) : 0;
    answer->size = head + answer->body_len;
    return answer->size <= len ? ANSWER_WHOLE : ANSWER_PART;
}
