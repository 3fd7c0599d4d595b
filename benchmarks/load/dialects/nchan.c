/* Nchan: the URL names the channels, a message is the bare payload behind a head with its id. */
#include "../dialect.h"
#include "../events.h"

static enum kind classify(const char *at, size_t len)
{
    (void)at;
    (void)len;
    return KIND_EVENT;
}

/* The first line of the head, without its name: "id: 1700000000:0". */
static const char *cursor(const char *at, size_t len, size_t *cursor_len)
{
    const char *end;

    if (!starts(at, len, "id: "))
        return NULL;
    end = memchr(at, '\n', len);
    *cursor_len = end != NULL ? (size_t)(end - at) - 4 : 0;
    return at + 4;
}

struct dialect nchan_dialect = {
    .name = "nchan",
    .path = "/sub/$channels?$token",
    .path_resume = "/sub/$channels?$token&last_event_id=$cursor",
    .protocol = "ws+meta.nchan",
    .classify = classify,
    .cursor = cursor,
    .stamp = STAMP,
};

static enum kind events_classify(const char *at, size_t len)
{
    size_t data_len;

    return events_data(at, len, &data_len) != NULL ? KIND_EVENT : KIND_OTHER;
}

struct dialect nchan_events_dialect = {
    .name = "nchan-sse",
    .path = "/sub/$channels?$token",
    .path_resume = "/sub/$channels?$token&last_event_id=$cursor",
    .events = true,
    .streams = true,
    .classify = events_classify,
    .first = events_first,
    .cursor = events_id,
    .stamp = STAMP,
};

struct api nchan_api = {
    .name = "nchan",
    .path = "/pub/$channel",
    .headers = "x-api-key: $key\r\nContent-Type: application/json\r\n",
    .message = "$data",
    .batch_max = 1,
    .read = answer_read,
};
