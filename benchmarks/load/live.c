/* Which clients are live, ended or waiting to be opened, and what that counts for. */
#include "load.h"

/* A server that refuses is not asked again at once. */
#define REFUSED_PAUSE_NS (50 * NS_PER_MS)

void fleet_queue(struct fleet *fleet, uint32_t index)
{
    fleet->queue[(fleet->queue_first + fleet->queue_count++) % fleet->count] = index;
}

void fleet_live(struct load *load, struct conn *conn)
{
    uint64_t now = now_ns();

    conn->state = CONN_LIVE;
    load->fleet.inflight--;
    load->fleet.live++;
    load->publisher.joins++;
    hist_add(load->fleet.resuming ? &load->returning : &load->connecting, now - conn->opened_ns);
    for (uint32_t i = 0; i < load->heard.count; i++)
        load->channels.at[conn->subs[i].channel].subscribers++;
}

static bool has_all(const struct load *load, const struct conn *conn)
{
    if (load->options.dialect->offset.text == NULL)
        return conn->seen >= load->options.missed * load->heard.count;
    for (uint32_t i = 0; i < load->heard.count; i++)
        if (conn->subs[i].offset < load->channels.at[conn->subs[i].channel].target)
            return false;
    return true;
}

void fleet_check_caught_up(struct load *load, struct conn *conn)
{
    if (conn->state != CONN_LIVE || conn->caught_up)
        return;
    if (!has_all(load, conn))
        return;
    conn->caught_up = true;
    load->fleet.caught_up++;
}

static void refused(struct load *load, struct conn *conn)
{
    struct fleet *fleet = &load->fleet;

    load->count.refused++;
    fleet->inflight--;
    fleet->pause_until_ns = now_ns() + REFUSED_PAUSE_NS;
    fleet_queue(fleet, conn->index);
}

void conn_drop(struct conn *conn)
{
    if (conn->fd >= 0)
        socket_cut(conn->fd);
    conn->fd = -1;
    conn->state = CONN_CLOSED;
    text_free(&conn->rest);
    text_free(&conn->out);
    text_free(&conn->part);
}

void conn_ended(struct load *load, struct conn *conn)
{
    bool was_live = conn->state == CONN_LIVE;

    conn_drop(conn);
    if (!was_live) {
        refused(load, conn);
        return;
    }
    load->count.lost++;
    load->fleet.live--;
    for (uint32_t i = 0; i < load->heard.count; i++)
        load->channels.at[conn->subs[i].channel].subscribers--;
}
