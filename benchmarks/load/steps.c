/* What a client says next: token, subscriptions, and what it makes of the answers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "load.h"
#include "ws.h"

/* Presence and private channels of some systems are signed for, per client and channel. */
static void sign(struct load *load, const struct conn *conn, const char *channel, char *out)
{
    size_t name_len;
    const char *secret = secret_of(load->options.api_key, &name_len);
    struct text text = {0};
    char digest[SHA256_HEX];

    text_puts(&text, conn->session);
    text_puts(&text, ":");
    text_puts(&text, channel);
    hmac_sha256_hex(secret, text.at, text.len, digest);
    sprintf(out, "%.*s:%s", (int)name_len, load->options.api_key, digest);
    text_free(&text);
}

static const char *token_of(const struct load *load, const struct conn *conn)
{
    const struct options *options = &load->options;

    return options->token_count > 0 ? options->tokens[conn->index % options->token_count] : "";
}

/* A template of the whole client; those of one channel are `add_subscribe`'s. */
void conn_expand(struct load *load, struct conn *conn, const char *template, struct text *out)
{
    struct text channels = {0};
    const struct field fields[] = {{"token", token_of(load, conn)},
                                   {"session", conn->session},
                                   {"cursor", conn->cursor},
                                   {"channels", NULL},
                                   {NULL, NULL}};
    struct field filled[5];
    const char *between = load->options.dialect->between;

    for (uint32_t i = 0; i < load->heard.count; i++) {
        if (i > 0)
            text_puts(&channels, between != NULL ? between : ",");
        text_puts(&channels, load->channels.at[conn->subs[i].channel].name);
    }
    text_add(&channels, "", 1);
    memcpy(filled, fields, sizeof(fields));
    filled[3].value = channels.at;
    text_expand(out, template, filled);
    text_free(&channels);
}

static unsigned opcode_of(const struct dialect *dialect)
{
    return dialect->binary ? OP_BINARY : OP_TEXT;
}

static void add_subscribe(struct load *load, const struct conn *conn, uint32_t place, struct text *out)
{
    const struct sub *sub = &conn->subs[place];
    const struct channel *channel = &load->channels.at[sub->channel];
    const struct dialect *dialect = load->options.dialect;
    char id[16];
    char offset[24];
    char signature[256] = "";
    const char *template = load->fleet.resuming && dialect->resume != NULL ? dialect->resume : dialect->subscribe;
    const struct field fields[] = {{"id", id},
                                   {"channel", channel->name},
                                   {"epoch", channel->epoch},
                                   {"offset", offset},
                                   {"signature", signature},
                                   {NULL, NULL}};

    if (strstr(template, "$signature") != NULL)
        sign(load, conn, channel->name, signature);
    snprintf(id, sizeof(id), "%u", place + 2);
    snprintf(offset, sizeof(offset), "%llu", (unsigned long long)sub->offset);
    text_expand(out, template, fields);
}

static void add_frame(struct load *load, struct conn *conn, struct text *text)
{
    frame_add_client(&conn->out, opcode_of(load->options.dialect), text->at, text->len);
    text->len = 0;
}

static void live_at_once(struct load *load, struct conn *conn)
{
    for (uint32_t i = 0; i < load->heard.count; i++)
        conn->subs[i].on = true;
    conn->subs_left = 0;
    fleet_live(load, conn);
}

/* Behind what `text` says already, in one frame or in several. */
static void add_subscribes(struct load *load, struct conn *conn, struct text *text)
{
    const char *joint = load->options.dialect->joint;

    for (uint32_t i = 0; i < load->heard.count; i++) {
        if (text->len > 0 && joint != NULL)
            text_puts(text, joint);
        else if (text->len > 0)
            add_frame(load, conn, text);
        add_subscribe(load, conn, i, text);
    }
    add_frame(load, conn, text);
}

static void subscribe(struct load *load, struct conn *conn)
{
    struct text text = {0};

    if (load->options.dialect->subscribe == NULL || conn->subs_left == 0) {
        live_at_once(load, conn);
        return;
    }
    conn->state = CONN_SUBSCRIBING;
    add_subscribes(load, conn, &text);
    text_free(&text);
    conn_flush(load, conn);
}

static void authenticate(struct load *load, struct conn *conn)
{
    const struct options *options = &load->options;
    const struct dialect *dialect = options->dialect;
    bool again = load->fleet.resuming && dialect->auth_resume != NULL && conn->cursor[0] != '\0';
    struct text text = {0};

    if (options->auth == AUTH_NONE) {
        subscribe(load, conn);
        return;
    }
    conn->state = CONN_AUTH;
    if (options->auth == AUTH_HEADER)
        return;
    conn_expand(load, conn, again ? dialect->auth_resume : dialect->auth, &text);
    if (dialect->hurries && conn->subs_left > 0) {
        conn->state = CONN_SUBSCRIBING;
        add_subscribes(load, conn, &text);
    } else {
        add_frame(load, conn, &text);
    }
    text_free(&text);
    conn_flush(load, conn);
}

void conn_upgraded(struct load *load, struct conn *conn)
{
    conn->state = CONN_GREETING;
    if (!load->options.dialect->waits_for_greeting)
        authenticate(load, conn);
}

/* By the request's number, or just the first that waits: such servers answer in order. */
static struct sub *sub_answered(struct load *load, struct conn *conn, const char *at, size_t len)
{
    uint64_t id;

    if (load->options.dialect->id.text != NULL)
        return key_number(&load->options.dialect->id, at, len, &id) && id >= 2 && id < load->heard.count + 2
                   ? &conn->subs[id - 2]
                   : NULL;
    if (load->options.dialect->channel.text != NULL)
        return conn_sub(load, conn, at, len);
    for (uint32_t i = 0; i < load->heard.count; i++)
        if (!conn->subs[i].on)
            return &conn->subs[i];
    return NULL;
}

struct sub *conn_sub(struct load *load, struct conn *conn, const char *at, size_t len)
{
    size_t name_len;
    const char *name;

    if (load->heard.count == 1)
        return conn->subs;
    if (load->options.dialect->channel.text == NULL)
        return NULL;
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

/* What was missed may stand in the answer itself: each one's offset is that of a delivery. */
static void missed(struct load *load, struct conn *conn, struct sub *sub, const char *at, size_t len)
{
    const char *end = at + len;
    const char *next = memmem(at, len, load->options.dialect->missed, strlen(load->options.dialect->missed));
    const char *last = next != NULL ? memchr(next, ']', (size_t)(end - next)) : NULL;

    (void)conn;
    while (last != NULL && (next = memmem(next, (size_t)(last - next), "\"offset\":", 9)) != NULL) {
        uint64_t offset = strtoull(next += 9, NULL, 10);

        load->count.deliveries++;
        if (offset <= sub->offset) {
            load->count.duplicates++;
            continue;
        }
        load->count.missing += offset - sub->offset - 1;
        sub->offset = offset;
    }
}

/* After a resume that recovered all, what was missed follows: the own position stays. */
static void subscribed(struct load *load, struct conn *conn, const char *at, size_t len)
{
    const struct dialect *dialect = load->options.dialect;
    struct sub *sub = sub_answered(load, conn, at, len);
    bool recovered = load->fleet.resuming && dialect->recovered != NULL && has(at, len, dialect->recovered);

    if (sub == NULL || sub->on)
        return;
    sub->on = true;
    if (recovered && dialect->missed != NULL)
        missed(load, conn, sub, at, len);
    if (load->fleet.resuming && recovered)
        load->fleet.recovered++;
    else if (load->fleet.resuming)
        load->fleet.unrecovered++;
    if (!recovered && dialect->offset.text != NULL) {
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
    if (sub == NULL || load->options.dialect->offset.text == NULL)
        return;
    key_number(&load->options.dialect->offset, at, len, &sub->offset);
    learn_epoch(load, &load->channels.at[sub->channel], at, len);
}

/* True when it is the session that this client had before: then its channels are restored as well. */
static bool learn_session(struct load *load, struct conn *conn, const char *at, size_t len)
{
    struct key *key = &load->options.dialect->session;
    size_t session_len;
    const char *session = key->text != NULL ? key_string(key, at, len, &session_len) : NULL;
    char before[sizeof(conn->session)];

    if (session == NULL)
        return false;
    if (session_len > 0 && session[session_len - 1] == '\\')
        session_len--;
    if (session_len >= sizeof(conn->session))
        return false;
    memcpy(before, conn->session, sizeof(before));
    memcpy(conn->session, session, session_len);
    conn->session[session_len] = '\0';
    return strcmp(before, conn->session) == 0;
}

static void authenticated(struct load *load, struct conn *conn, const char *at, size_t len)
{
    bool restored = learn_session(load, conn, at, len) && load->fleet.resuming;

    if (!restored) {
        subscribe(load, conn);
        return;
    }
    load->fleet.recovered++;
    live_at_once(load, conn);
}

void conn_reply(struct load *load, struct conn *conn, enum kind kind, const char *at, size_t len)
{
    const char *pong = load->options.dialect->pong;

    if (kind == KIND_DONE)
        kind = conn->state == CONN_AUTH ? KIND_AUTHENTICATED : KIND_SUBSCRIBED;
    if (kind == KIND_GREETING && conn->state == CONN_GREETING) {
        learn_session(load, conn, at, len);
        if (load->fleet.resuming)
            hist_add(&load->greeting, now_ns() - conn->opened_ns);
        authenticate(load, conn);
    } else if (kind == KIND_AUTHENTICATED && conn->state == CONN_AUTH) {
        authenticated(load, conn, at, len);
    } else if (kind == KIND_AUTHENTICATED && conn->state == CONN_GREETING) {
        subscribe(load, conn);
    } else if (kind == KIND_SUBSCRIBED) {
        subscribed(load, conn, at, len);
    } else if (kind == KIND_PRESENCE) {
        load->count.presence++;
    } else if (kind == KIND_GAP) {
        gap(load, conn, at, len);
    } else if (kind == KIND_PING && pong != NULL) {
        load->count.pings++;
        conn_send(load, conn, opcode_of(load->options.dialect), pong, strlen(pong));
    } else if (kind == KIND_ERROR) {
        load->count.errors++;
        load_word(load->words, &load->word_count, at, len);
    }
}
