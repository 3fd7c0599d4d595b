/* All clients: opened at a pace, live, cut, back again. */
#include <string.h>

#include "load.h"
#include "ws.h"

void fleet_make(struct load *load)
{
    struct fleet *fleet = &load->fleet;

    fleet->count = load->options.connections;
    fleet->conns = must_calloc(fleet->count, sizeof(struct conn));
    fleet->queue = must_calloc(fleet->count, sizeof(uint32_t));
    for (uint32_t i = 0; i < fleet->count; i++) {
        struct conn *conn = &fleet->conns[i];

        conn->source.on_ready = conn_ready;
        conn->fd = -1;
        conn->index = i;
        conn->subs = must_calloc(load->heard.count, sizeof(struct sub));
        for (uint32_t k = 0; k < load->heard.count; k++)
            conn->subs[k].channel = pattern_channel(load->heard.patterns[k], i);
    }
}

void fleet_start(struct load *load, double rate, uint32_t inflight_max)
{
    struct fleet *fleet = &load->fleet;

    fleet->rate = rate;
    fleet->inflight_max = inflight_max;
    fleet->started = 0;
    fleet->start_ns = now_ns();
    fleet->pause_until_ns = 0;
    fleet->caught_up = 0;
    fleet->queue_count = 0;
    for (uint32_t i = 0; i < fleet->count; i++)
        fleet_queue(fleet, i);
}

/* When the next connection may be opened as far as the rate says. */
static uint64_t due(const struct fleet *fleet)
{
    uint64_t at = fleet->start_ns;

    if (fleet->rate > 0)
        at += (uint64_t)((double)fleet->started * 1e9 / fleet->rate);
    return at > fleet->pause_until_ns ? at : fleet->pause_until_ns;
}

void fleet_tick(struct load *load, uint64_t now)
{
    struct fleet *fleet = &load->fleet;

    while (fleet->queue_count > 0 && fleet->inflight < fleet->inflight_max && due(fleet) <= now) {
        struct conn *conn = &fleet->conns[fleet->queue[fleet->queue_first]];

        fleet->queue_first = (fleet->queue_first + 1) % fleet->count;
        fleet->queue_count--;
        fleet->started++;
        fleet->inflight++;
        for (uint32_t i = 0; i < load->heard.count; i++)
            conn->subs[i].on = false;
        conn_open(load, conn);
    }
}

uint64_t fleet_wake(const struct load *load)
{
    const struct fleet *fleet = &load->fleet;

    if (fleet->queue_count == 0 || fleet->inflight >= fleet->inflight_max)
        return UINT64_MAX;
    return due(fleet);
}

/* Some clients must speak first: spread evenly over the time between two pings of one client. */
void fleet_ping(struct load *load, uint64_t now)
{
    const struct dialect *dialect = load->options.dialect;
    struct fleet *fleet = &load->fleet;
    uint64_t turn_ns = (uint64_t)(dialect->ping_every_s * 1e9);
    uint64_t due;

    if (dialect->ping == NULL || fleet->count == 0)
        return;
    if (fleet->ping_ns == 0 || now >= fleet->ping_ns + turn_ns) {
        fleet->ping_ns = now;
        fleet->pinged = 0;
    }
    due = fleet->count * (now - fleet->ping_ns) / turn_ns;
    for (; fleet->pinged < due && fleet->pinged < fleet->count; fleet->pinged++) {
        struct conn *conn = &fleet->conns[fleet->pinged];

        if (conn->state != CONN_LIVE)
            continue;
        load->count.client_pings++;
        conn_send(load, conn, OP_TEXT, dialect->ping, strlen(dialect->ping));
    }
}

void fleet_cut(struct load *load)
{
    struct fleet *fleet = &load->fleet;

    for (uint32_t i = 0; i < fleet->count; i++)
        conn_drop(&fleet->conns[i]);
    for (uint32_t i = 0; i < load->channels.count; i++)
        load->channels.at[i].subscribers = 0;
    fleet->live = 0;
    fleet->inflight = 0;
    fleet->queue_count = 0;
}
