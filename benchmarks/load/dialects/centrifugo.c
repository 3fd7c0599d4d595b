/* Centrifugo's JSON protocol: several replies or pushes in one frame, a line each. */
#include "../dialect.h"

/* The channel's name stands before it, so its place is the same in most pushes. */
static struct key pub = KEY("\"pub\":{");

static size_t first_line(const char *at, size_t len)
{
    const char *end = memchr(at, '\n', len);

    return end != NULL ? (size_t)(end - at) + 1 : len;
}

static enum kind classify(const char *at, size_t len)
{
    if (starts(at, len, "{\"push\":")) {
        if (key_find(&pub, at, len < 256 ? len : 256) != NULL)
            return KIND_EVENT;
        if (has(at, len, "\"join\":{") || has(at, len, "\"leave\":{"))
            return KIND_PRESENCE;
        return has(at, len, "\"unsubscribe\":{") ? KIND_GAP : KIND_OTHER;
    }
    if (len <= 3)
        return KIND_PING;
    if (has(at, len, "\"error\":{"))
        return KIND_ERROR;
    if (has(at, len, "\"connect\":{"))
        return KIND_AUTHENTICATED;
    return has(at, len, "\"subscribe\":{") ? KIND_SUBSCRIBED : KIND_OTHER;
}

struct dialect centrifugo_dialect = {
    .name = "centrifugo",
    .hurries = true,
    .joint = "\n",
    .auth = "{\"id\":1,\"connect\":{\"token\":\"$token\"}}",
    .subscribe = "{\"id\":$id,\"subscribe\":{\"channel\":\"$channel\"}}",
    .resume = "{\"id\":$id,\"subscribe\":{\"channel\":\"$channel\",\"recover\":true,"
              "\"epoch\":\"$epoch\",\"offset\":$offset}}",
    .pong = "{}",
    .recovered = "\"recovered\":true",
    .missed = "\"publications\":[",
    .classify = classify,
    .first = first_line,
    .channel = KEY("\"channel\":\""),
    .id = KEY("\"id\":"),
    .epoch = KEY("\"epoch\":\""),
    .offset = KEY_AT_END("\"offset\":"),
    .stamp = STAMP,
};

struct api centrifugo_api = {
    .name = "centrifugo",
    .path = "/api/publish",
    .batch_path = "/api/batch",
    .headers = "X-API-Key: $key\r\nContent-Type: application/json\r\n",
    .message = "{\"channel\":\"$channel\",\"data\":$data}",
    .batch_open = "{\"commands\":[{\"publish\":",
    .batch_between = "},{\"publish\":",
    .batch_close = "}]}",
    .refused = "\"error\"",
    .offset = KEY_AT_END("\"offset\":"),
    .read = answer_read,
};
