/* River's own protocol, and the plain one of a server whose URL says everything. */
#include "../dialect.h"
#include "../events.h"

/* Replies are rare: they may be searched for; events are told by their first bytes. */
static enum kind native_classify(const char *at, size_t len)
{
    size_t head = len < 64 ? len : 64;

    if (starts(at, len, "{\"type\":\"event\""))
        return KIND_EVENT;
    if (has(at, head, "\"type\":\"joined\"") || has(at, head, "\"type\":\"left\""))
        return KIND_PRESENCE;
    if (has(at, head, "\"type\":\"subscribed\""))
        return KIND_SUBSCRIBED;
    if (has(at, head, "\"type\":\"authenticated\""))
        return KIND_AUTHENTICATED;
    if (has(at, head, "\"type\":\"welcome\""))
        return KIND_GREETING;
    if (has(at, head, "\"type\":\"gap\""))
        return KIND_GAP;
    if (has(at, head, "\"type\":\"error\""))
        return KIND_ERROR;
    return has(at, head, "\"type\":\"event\"") ? KIND_EVENT : KIND_OTHER;
}

static enum kind plain_classify(const char *at, size_t len)
{
    (void)at;
    (void)len;
    return KIND_EVENT;
}

struct dialect native_dialect = {
    .name = "native",
    .hurries = true,
    .auth = "{\"type\":\"auth\",\"id\":1,\"token\":\"$token\"}",
    .subscribe = "{\"type\":\"subscribe\",\"id\":$id,\"channel\":\"$channel\"}",
    .resume = "{\"type\":\"subscribe\",\"id\":$id,\"channel\":\"$channel\","
              "\"epoch\":\"$epoch\",\"offset\":$offset}",
    .recovered = "\"recovered\":true",
    .classify = native_classify,
    .channel = KEY("\"channel\":\""),
    .epoch = KEY("\"epoch\":\""),
    .offset = KEY_AT_END("\"offset\":"),
    .stamp = STAMP,
};

/* The same messages, each as an event with a cursor. */
static enum kind events_classify(const char *at, size_t len)
{
    size_t data_len;
    const char *data = events_data(at, len, &data_len);

    return data != NULL ? native_classify(data, data_len) : KIND_OTHER;
}

struct dialect native_events_dialect = {
    .name = "native-sse",
    .path = "/events?channel=$channels",
    .path_resume = "/events?channel=$channels&last-event-id=$cursor",
    .events = true,
    .streams = true,
    .head = "Authorization: Bearer $token\r\n",
    .between = "&channel=",
    .waits_for_greeting = true, /* each channel is answered */
    .recovered = "\"recovered\":true",
    .classify = events_classify,
    .first = events_first,
    .cursor = events_id,
    .channel = KEY("\"channel\":\""),
    .epoch = KEY("\"epoch\":\""),
    .offset = KEY_AT_END("\"offset\":"),
    .stamp = STAMP,
};

/* The URL says everything, each message is an event. */
struct dialect plain_dialect = {
    .name = "plain",
    .classify = plain_classify,
    .channel = KEY("\"channel\":\""),
    .epoch = KEY("\"epoch\":\""),
    .offset = KEY_AT_END("\"offset\":"),
    .stamp = STAMP,
};

struct api native_api = {
    .name = "native",
    .path = "/publish",
    .batch_path = "/publish/batch",
    .headers = "x-api-key: $key\r\nContent-Type: application/json\r\n",
    .message = "{\"channel\":\"$channel\",\"event\":\"bench\",\"data\":$data}",
    .batch_open = "{\"messages\":[",
    .batch_between = ",",
    .batch_close = "]}",
    .refused = "\"error\"",
    .offset = KEY_AT_END("\"offset\":"),
    .read = answer_read,
};
