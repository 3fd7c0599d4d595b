/* Centrifugo's JSON protocol: several replies or pushes in one frame, a line each. */
#include "../dialect.h"
#include "../events.h"

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

/* Its unidirectional protocol: pushes without their envelope, the subscriptions in the URL. */
static enum kind events_classify(const char *at, size_t len)
{
    size_t data_len;
    const char *data = events_data(at, len, &data_len);

    if (data == NULL)
        return KIND_OTHER;
    if (starts(data, data_len, "{\"connect\":"))
        return KIND_GREETING;
    return has(data, data_len < 256 ? data_len : 256, "\"pub\":{") ? KIND_EVENT : KIND_OTHER;
}

struct dialect centrifugo_events_dialect = {
    .name = "centrifugo-sse",
    .path = "/connection/uni_sse?cf_connect=%7B%22token%22:%22$token%22,%22subs%22:"
            "%7B%22$channels%22:%7B%7D%7D%7D",
    .events = true,
    .streams = true,
    .between = "%22:%7B%7D,%22",
    .waits_for_greeting = true,
    .classify = events_classify,
    .first = events_first,
    .channel = KEY("\"channel\":\""),
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
