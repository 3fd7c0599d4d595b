/* The publisher: which request goes out when, and what the answers say. */
#include "load.h"

#include <string.h>

/* A publication that somebody never gets must not stop the ones after it. */
#define ONE_AT_A_TIME_MAX_NS (2 * NS_PER_S)

/* The lines behind the request's first one, up to the value of the Content-Length. */
static void make_head(struct load *load)
{
    const struct options *options = &load->options;
    struct text *head = &load->publisher.head;
    const struct field key[] = {{"key", options->api_key}, {NULL, NULL}};

    head->len = 0;
    if (options->api->path == NULL)
        return;
    text_puts(head, " HTTP/1.1\r\nHost: ");
    text_puts(head, options->publish_target.host);
    text_puts(head, "\r\n");
    text_expand(head, options->api->headers, key);
    text_puts(head, "Content-Length: ");
}

void publisher_make(struct load *load)
{
    load->publisher.on_free = publisher_tick;
    struct publisher *publisher = &load->publisher;

    publisher->count = load->options.publishes ? load->options.publishers : 0;
    publisher->pubs = must_calloc(publisher->count, sizeof(struct pub));
    for (uint32_t i = 0; i < publisher->count; i++)
        publisher->pubs[i].fd = -1;
}

void publisher_start(struct load *load, enum pace pace, uint32_t batch, uint64_t count)
{
    struct publisher *publisher = &load->publisher;

    publisher->running = publisher->count > 0;
    publisher->pace = pace;
    publisher->batch = batch;
    publisher->left = count;
    publisher->next_ns = now_ns();
    publisher->joins = 0;
    make_head(load);
}

/* When the next request may leave as far as the pace says. */
static uint64_t due(const struct load *load)
{
    const struct publisher *publisher = &load->publisher;

    switch (publisher->pace) {
    case PACE_RATE:
        return publisher->next_ns;
    case PACE_JOINS:
        return publisher->joins > 0 ? 0 : UINT64_MAX;
    case PACE_ONE:
        if (publisher->busy > 0)
            return UINT64_MAX;
        if (load->flights.open > 0)
            return publisher->last_stamp + ONE_AT_A_TIME_MAX_NS;
        return publisher->next_ns;
    default:
        return 0;
    }
}

static void pace_next(struct load *load, uint64_t now)
{
    struct publisher *publisher = &load->publisher;
    const struct options *options = &load->options;

    if (publisher->pace == PACE_JOINS)
        publisher->joins--;
    if (publisher->pace == PACE_ONE) {
        publisher->next_ns = now + (uint64_t)(options->gap_s * 1e9);
        flights_forget(&load->flights);
    }
    if (publisher->pace != PACE_RATE)
        return;
    if (now - publisher->next_ns > publisher->late_max_ns)
        publisher->late_max_ns = now - publisher->next_ns;
    publisher->next_ns += (uint64_t)(publisher->batch * 1e9 / options->publish_rate);
}

/* At a fixed rate the stamp says when it should have left: waiting for a slow server counts. */
void publisher_tick(struct load *load, uint64_t now)
{
    struct publisher *publisher = &load->publisher;
    uint64_t stamp;

    if (!publisher->running || now < publisher->pause_until_ns)
        return;
    for (uint32_t i = 0; i < publisher->count; i++) {
        struct pub *pub = &publisher->pubs[i];

        if (publisher->left == 0 || due(load) > now)
            return;
        if (pub->state == PUB_CLOSED)
            pub_open(load, pub);
        if (pub->state != PUB_IDLE)
            continue;
        stamp = publisher->pace == PACE_RATE ? publisher->next_ns : now_ns();
        pace_next(load, now);
        pub_request(load, pub, stamp);
    }
}

uint64_t publisher_wake(const struct load *load)
{
    const struct publisher *publisher = &load->publisher;

    if (!publisher->running || publisher->left == 0)
        return UINT64_MAX;
    if (publisher->pace != PACE_RATE && publisher->pace != PACE_ONE)
        return UINT64_MAX;
    if (publisher->busy == publisher->count)
        return UINT64_MAX;
    return due(load) > publisher->pause_until_ns ? due(load) : publisher->pause_until_ns;
}

void publisher_stop(struct load *load)
{
    load->publisher.running = false;
}

/* A batch that was answered 200 may still hold refused messages. */
