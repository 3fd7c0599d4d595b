/* NATS: a text protocol whose pieces travel in binary frames; publishers speak it over TCP. */
#include "../dialect.h"

#include <string.h>

#define HEAD_BYTES_MAX 4096u

/* The head line's last word is the payload's size; -1: no line yet. */
static long head_size(const char *at, size_t len, size_t *payload)
{
    const char *end = memchr(at, '\n', len < HEAD_BYTES_MAX ? len : HEAD_BYTES_MAX);
    const char *digit;
    size_t unit = 1;

    if (end == NULL)
        return -1;
    *payload = 0;
    for (digit = end - 2; digit > at && *digit >= '0' && *digit <= '9'; digit--, unit *= 10)
        *payload += (size_t)(*digit - '0') * unit;
    return end - at + 1;
}

static size_t first_message(const char *at, size_t len)
{
    size_t payload;
    long head = head_size(at, len, &payload);
    size_t size;

    if (head < 0)
        return 0;
    size = (size_t)head + (starts(at, len, "MSG ") ? payload + 2 : 0);
    return size <= len ? size : 0;
}

static enum kind classify(const char *at, size_t len)
{
    if (starts(at, len, "MSG "))
        return KIND_EVENT;
    if (starts(at, len, "PONG"))
        return KIND_DONE;
    if (starts(at, len, "PING"))
        return KIND_PING;
    if (starts(at, len, "INFO"))
        return KIND_GREETING;
    return starts(at, len, "-ERR") ? KIND_ERROR : KIND_OTHER;
}

/* Everything that was sent before a PING has been taken when its PONG comes. */
static int read_pong(const char *at, size_t len, unsigned messages, struct answer *answer)
{
    const char *end = memmem(at, len, "PONG\r\n", 6);

    (void)messages;
    if (end == NULL)
        return ANSWER_PART;
    *answer = (struct answer){.status = has(at, len, "-ERR") ? 400 : 200, .body = at};
    answer->body_len = (size_t)(end - at);
    answer->size = answer->body_len + 6;
    return ANSWER_WHOLE;
}

/* JetStream answers each message when it is stored. */
static int read_stored(const char *at, size_t len, unsigned messages, struct answer *answer)
{
    const char *next = at;
    const char *end = at + len;
    unsigned seen = 0;

    if (messages == 0)
        return ANSWER_PART;
    while ((next = memmem(next, (size_t)(end - next), "\"seq\":", 6)) != NULL && seen < messages) {
        next += 6;
        seen++;
    }
    if (seen < messages && !has(at, len, "-ERR") && !has(at, len, "\"error\""))
        return ANSWER_PART;
    if (seen == messages && end[-1] != '\n')
        return ANSWER_PART;
    *answer = (struct answer){.status = seen == messages ? 200 : 400, .body = at, .body_len = len};
    answer->size = len;
    return ANSWER_WHOLE;
}

struct dialect nats_dialect = {
    .name = "nats",
    .waits_for_greeting = true,
    .binary = true,
    .streams = true,
    .auth = "CONNECT {\"verbose\":false,\"pedantic\":false,\"auth_token\":\"$token\"}\r\nPING\r\n",
    .subscribe = "SUB $channel $id\r\nPING\r\n",
    .pong = "PONG\r\n",
    .classify = classify,
    .first = first_message,
    .stamp = STAMP,
};

struct api nats_api = {
    .name = "nats",
    .hello = "CONNECT {\"verbose\":false,\"pedantic\":false,\"auth_token\":\"$key\"}\r\n",
    .message = "PUB $channel $size\r\n$data\r\n",
    .batch_open = "",
    .batch_between = "",
    .batch_close = "PING\r\n",
    .refused = "-ERR",
    .read = read_pong,
};

struct api jetstream_api = {
    .name = "jetstream",
    .hello = "CONNECT {\"verbose\":false,\"pedantic\":false,\"auth_token\":\"$key\"}\r\n"
             "SUB _INBOX.load$me 1\r\n",
    .message = "PUB $channel _INBOX.load$me $size\r\n$data\r\n",
    .batch_open = "",
    .batch_between = "",
    .batch_close = "",
    .refused = "\"error\"",
    .read = read_stored,
};
