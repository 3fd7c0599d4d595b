/* The Pusher protocol (Sockudo, and River for its clients): `data` is JSON in a string, private channels are signed for. */
#include "../dialect.h"

static enum kind classify(const char *at, size_t len)
{
    size_t head = len < 96 ? len : 96;

    if (has(at, head, "\"pusher_internal:subscription_succeeded\""))
        return KIND_SUBSCRIBED;
    if (has(at, head, "\"pusher_internal:member_"))
        return KIND_PRESENCE;
    if (has(at, head, "\"pusher:ping\""))
        return KIND_PING;
    if (has(at, head, "\"pusher:connection_established\""))
        return KIND_GREETING;
    if (has(at, head, "\"pusher:error\"") || has(at, head, "\"pusher:subscription_error\""))
        return KIND_ERROR;
    return has(at, head, "\"pusher") ? KIND_OTHER : KIND_EVENT;
}

/* There is no step of its own for a token: each private channel has a signature of its own. */
struct dialect pusher_dialect = {
    .name = "pusher",
    .waits_for_greeting = true,
    .subscribe = "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"$channel\","
                 "\"auth\":\"$signature\"}}",
    .pong = "{\"event\":\"pusher:pong\",\"data\":{}}",
    .classify = classify,
    .channel = KEY("\"channel\":\""),
    .session = KEY("socket_id\\\":\\\""),
    .stamp = KEY("\\\"t\\\":"),
};

struct api pusher_api = {
    .name = "pusher",
    .path = "/apps/1/events",
    .batch_path = "/apps/1/batch_events",
    .headers = "Content-Type: application/json\r\n",
    .message = "{\"name\":\"bench\",\"channel\":\"$channel\",\"data\":\"$quoted\"}",
    .batch_open = "{\"batch\":[",
    .batch_between = ",",
    .batch_close = "]}",
    .refused = "\"error\"",
    .signs = true,
    .read = answer_read,
};
