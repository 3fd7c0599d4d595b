/* What a client says next: token, subscriptions, and what it makes of the answers. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "load.h"
#include "ws.h"

void conn_flush(struct load *load, struct conn *conn)
{
    ssize_t sent;

    if (conn->out.len == 0)
        return;
    sent = send(conn->fd, conn->out.at, conn->out.len, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR && errno != ENOTCONN) {
        conn_ended(load, conn);
        return;
    }
    if (sent > 0) {
        memmove(conn->out.at, conn->out.at + sent, conn->out.len - (size_t)sent);
        conn->out.len -= (size_t)sent;
    }
}

void conn_send(struct load *load, struct conn *conn, unsigned opcode, const char *at, size_t len)
{
    frame_add_client(&conn->out, opcode, at, len);
    conn_flush(load, conn);
}

static void add_subscribe(struct load *load, struct conn *conn, uint32_t place)
{
    const struct sub *sub = &conn->subs[place];
    const struct channel *channel = &load->channels.at[sub->channel];
    const struct dialect *dialect = load->options.dialect;
    struct text text = {0};
    char id[16];
    char offset[24];
    const struct field fields[] = {{"id", id},
                                   {"channel", channel->name},
                                   {"epoch", channel->epoch},
                                   {"offset", offset},
                                   {NULL, NULL}};

    snprintf(id, sizeof(id), "%u", place + 2);
    snprintf(offset, sizeof(offset), "%llu", (unsigned long long)sub->offset);
    text_expand(&text, load->fleet.resuming ? dialect->resume : dialect->subscribe, fields);
    frame_add_client(&conn->out, OP_TEXT, text.at, text.len);
    text_free(&text);
}

static void subscribe(struct load *load, struct conn *conn)
{
    if (load->options.dialect->subscribe == NULL || conn->subs_left == 0) {
        fleet_live(load, conn);
        return;
    }
    conn->state = CONN_SUBSCRIBING;
    for (uint32_t i = 0; i < load->heard.count; i++)
        add_subscribe(load, conn, i);
    conn_flush(load, conn);
}

static void authenticate(struct load *load, struct conn *conn)
{
    const struct options *options = &load->options;
    struct text text = {0};

    if (options->auth == AUTH_NONE) {
        subscribe(load, conn);
        return;
    }
    conn->state = CONN_AUTH;
    if (options->auth == AUTH_HEADER)
        return;
    text_expand(&text, options->dialect->auth,
                (const struct field[]){
                    {"token", options->tokens[conn->index % options->token_count]}, {NULL, NULL}});
    conn_send(load, conn, OP_TEXT, text.at, text.len);
    text_free(&text);
}

void conn_upgraded(struct load *load, struct conn *conn)
{
    conn->state = CONN_GREETING;
    if (!load->options.dialect->waits_for_greeting)
        authenticate(load, conn);
}

struct sub *conn_sub(struct load *load, struct conn *conn, const char *at, size_t len)
{
    size_t name_len;
    const char *name;

    if (load->heard.count == 1)
        return conn->subs;
    name = key_string(&load->options.dialect->channel, at, len, &name_len);
    for (uint32_t i = 0; name != NULL && i < load->heard.count; i++) {
        const char *own = load->channels.at[conn->subs[i].channel].name;

        if (strncmp(own, name, name_len) == 0 && own[name_len] == '\0')
            return &conn->subs[i];
    }
    return NULL;
}

static void learn_epoch(struct load *load, struct channel *channel, const char *at, size_t len)
{
    size_t epoch_len;
    const char *epoch = key_string(&load->options.dialect->epoch, at, len, &epoch_len);

    if (epoch == NULL || epoch_len >= sizeof(channel->epoch))
        return;
    memcpy(channel->epoch, epoch, epoch_len);
    channel->epoch[epoch_len] = '\0';
}

/* After a resume that recovered all, what was missed follows: the own position stays. */
static void subscribed(struct load *load, struct conn *conn, const char *at, size_t len)
{
    const struct dialect *dialect = load->options.dialect;
    struct sub *sub = conn_sub(load, conn, at, len);
    bool recovered = load->fleet.resuming && has(at, len, dialect->recovered);

    if (sub == NULL || sub->on)
        return;
    sub->on = true;
    if (load->fleet.resuming && recovered)
        load->fleet.recovered++;
    else if (load->fleet.resuming)
        load->fleet.unrecovered++;
    if (!recovered) {
        key_number(&load->options.dialect->offset, at, len, &sub->offset);
        learn_epoch(load, &load->channels.at[sub->channel], at, len);
    }
    if (--conn->subs_left == 0)
        fleet_live(load, conn);
}

static void gap(struct load *load, struct conn *conn, const char *at, size_t len)
{
    struct sub *sub = conn_sub(load, conn, at, len);

    load->count.gaps_told++;
    if (sub == NULL)
        return;
    key_number(&load->options.dialect->offset, at, len, &sub->offset);
    learn_epoch(load, &load->channels.at[sub->channel], at, len);
}

void conn_reply(struct load *load, struct conn *conn, enum kind kind, const char *at, size_t len)
{
    const char *pong = load->options.dialect->pong;

    if (kind == KIND_GREETING && conn->state == CONN_GREETING) {
        authenticate(load, conn);
    } else if (kind == KIND_AUTHENTICATED && conn->state == CONN_AUTH) {
        subscribe(load, conn);
    } else if (kind == KIND_SUBSCRIBED) {
        subscribed(load, conn, at, len);
    } else if (kind == KIND_PRESENCE) {
        load->count.presence++;
    } else if (kind == KIND_GAP) {
        gap(load, conn, at, len);
    } else if (kind == KIND_PING && pong != NULL) {
        load->count.pings++;
        conn_send(load, conn, OP_TEXT, pong, strlen(pong));
    } else if (kind == KIND_ERROR) {
        load->count.errors++;
        load_word(load->words, &load->word_count, at, len);
    }
}
