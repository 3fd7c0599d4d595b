/* Socket.IO over one WebSocket: protocol 4 of Engine.IO (socket.io 3 and 4), and 3 (socket.io 2). */
#include "../dialect.h"

/* The first digit is Engine.IO's: 0 open, 2 ping, 3 pong, 4 message; the second one Socket.IO's. */
static enum kind classify_4(const char *at, size_t len)
{
    if (starts(at, len, "42"))
        return has(at, len < 20 ? len : 20, "[\"joined\"") ? KIND_PRESENCE : KIND_EVENT;
    if (starts(at, len, "43"))
        return KIND_SUBSCRIBED;
    if (starts(at, len, "40"))
        return KIND_AUTHENTICATED;
    if (starts(at, len, "44"))
        return KIND_ERROR;
    if (starts(at, len, "0"))
        return KIND_GREETING;
    return starts(at, len, "2") ? KIND_PING : KIND_OTHER;
}

/* The server opens the namespace by itself, after it has seen the token in the URL. */
static enum kind classify_2(const char *at, size_t len)
{
    enum kind kind = classify_4(at, len);

    return kind == KIND_GREETING ? KIND_OTHER : kind;
}

/* With recovery switched on, the last argument of an event is the place to resume from. */
static const char *cursor(const char *at, size_t len, size_t *cursor_len)
{
    const char *end = at + len - 2;
    const char *start;

    if (len < 6 || end[0] != '"' || end[1] != ']')
        return NULL;
    start = memrchr(at, '"', len - 2);
    if (start == NULL)
        return NULL;
    *cursor_len = (size_t)(end - start) - 1;
    return start + 1;
}

struct dialect socketio4_dialect = {
    .name = "socketio4",
    .path = "/socket.io/?EIO=4&transport=websocket",
    .waits_for_greeting = true,
    .auth = "40{\"token\":\"$token\"}",
    .auth_resume = "40{\"token\":\"$token\",\"pid\":\"$session\",\"offset\":\"$cursor\"}",
    .subscribe = "42$id[\"subscribe\",\"$channel\"]",
    .pong = "3",
    .classify = classify_4,
    .cursor = cursor,
    .channel = KEY("\"channel\":\""),
    .id = KEY("43"),
    .session = KEY("\"pid\":\""),
    .stamp = STAMP,
};

struct dialect socketio2_dialect = {
    .name = "socketio2",
    .path = "/socket.io/?EIO=3&transport=websocket&token=$token",
    .waits_for_greeting = true,
    .subscribe = "42$id[\"subscribe\",\"$channel\"]",
    .ping = "2",
    .ping_every_s = 25,
    .classify = classify_2,
    .channel = KEY("\"channel\":\""),
    .id = KEY("43"),
    .stamp = STAMP,
};
