/* What arrives at a client: the hot path, which looks only at headers and known places. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "events.h"
#include "load.h"
#include "ws.h"

static void check_offset(struct load *load, struct conn *conn, const char *at, size_t len)
{
    struct sub *sub = conn_sub(load, conn, at, len);
    uint64_t offset;

    if (sub == NULL || !key_number(&load->options.dialect->offset, at, len, &offset)) {
        load->count.unexpected++;
        return;
    }
    if (offset <= sub->offset) {
        load->count.duplicates++;
        return;
    }
    load->count.missing += offset - sub->offset - 1;
    sub->offset = offset;
}

/* Somebody else publishes: the first delivery is how a publication becomes known. */
static void meet(struct load *load, const struct conn *conn, uint64_t stamp)
{
    if (flight_find(&load->flights, stamp) == NULL)
        flight_begin(&load->flights, stamp, load->channels.at[conn->subs[0].channel].subscribers);
}

static void measure(struct load *load, const struct conn *conn, const char *at, size_t len)
{
    uint64_t stamp;
    uint64_t delay;

    if (!key_number(&load->options.dialect->stamp, at, len, &stamp))
        return;
    delay = load->now_ns > stamp ? load->now_ns - stamp : 0;
    hist_add(&load->delay, delay);
    if (!load->options.publishes && load->heard.count == 1)
        meet(load, conn, stamp);
    if (flight_seen(&load->flights, stamp))
        hist_add(&load->last, delay);
}

/* The server's own word for where to resume is kept; without numbers, events are only counted. */
static void check_cursor(struct load *load, struct conn *conn, const char *at, size_t len)
{
    size_t cursor_len = 0;
    const char *cursor = load->options.dialect->cursor(at, len, &cursor_len);

    conn->seen++;
    if (cursor == NULL || cursor_len >= sizeof(conn->cursor))
        return;
    memcpy(conn->cursor, cursor, cursor_len);
    conn->cursor[cursor_len] = '\0';
}

static void check(struct load *load, struct conn *conn, const char *at, size_t len)
{
    if (load->options.dialect->offset.text != NULL)
        check_offset(load, conn, at, len);
    if (load->options.dialect->cursor != NULL)
        check_cursor(load, conn, at, len);
}

static inline void take_message(struct load *load, struct conn *conn, const char *at, size_t len)
{
    enum kind kind = load->options.dialect->classify(at, len);

    if (__builtin_expect(kind != KIND_EVENT, 0)) {
        conn_reply(load, conn, kind, at, len);
        return;
    }
    load->count.deliveries++;
    load->count.payload_bytes += len;
    if (load->measuring)
        measure(load, conn, at, len);
    if (load->options.offsets)
        check(load, conn, at, len);
}

static void take_messages(struct load *load, struct conn *conn, const struct frame *frame)
{
    size_t (*first)(const char *, size_t) = load->options.dialect->first;
    const char *at = frame->payload;
    size_t left = frame->len;
    size_t size;

    if (first == NULL) {
        take_message(load, conn, at, left);
        return;
    }
    while (left > 0 && conn->fd >= 0) {
        size = first(at, left);
        take_message(load, conn, at, size - (at[size - 1] == '\n'));
        at += size;
        left -= size;
    }
}

/* Frames are pieces of a stream: a message begins where the last one ended, in whatever frame. */
static void take_piece(struct load *load, struct conn *conn, const struct frame *frame)
{
    struct text piece = conn->part;
    const char *at = frame->payload;
    size_t left = frame->len;
    size_t size;

    if (piece.len > 0) {
        text_add(&piece, frame->payload, frame->len);
        at = piece.at;
        left = piece.len;
    }
    conn->part = (struct text){0};
    while (left > 0 && conn->fd >= 0 && (size = load->options.dialect->first(at, left)) > 0) {
        take_message(load, conn, at, size);
        at += size;
        left -= size;
    }
    if (left > REST_BYTES_MAX && conn->fd >= 0)
        conn_ended(load, conn);
    else if (left > 0 && conn->fd >= 0)
        text_add(&conn->part, at, left);
    text_free(&piece);
}

static void count_close(struct load *load, const struct frame *frame)
{
    const unsigned char *at = (const unsigned char *)frame->payload;
    unsigned code = frame->len >= 2 ? (unsigned)at[0] << 8 | at[1] : 1005;

    for (size_t i = 0; i < CODES_MAX; i++) {
        if (load->codes[i].count > 0 && load->codes[i].code != code)
            continue;
        load->codes[i].code = code;
        load->codes[i].count++;
        return;
    }
}

static void take_control(struct load *load, struct conn *conn, const struct frame *frame)
{
    if (frame->opcode == OP_PING) {
        load->count.pings++;
        conn_send(load, conn, OP_PONG, frame->payload, frame->len);
    } else if (frame->opcode == OP_CLOSE) {
        count_close(load, frame);
        conn_ended(load, conn);
    }
}

static inline bool next_frame(const struct load *load, const struct conn *conn, const char *at, size_t len,
                              struct frame *frame)
{
    return load->options.dialect->events ? events_piece(at, len, conn->chunked, frame)
                                         : frame_read(at, len, frame);
}

/* Of a message in several frames the first one says what it is; the others only pass. */
static size_t take_frames(struct load *load, struct conn *conn, const char *at, size_t len)
{
    struct frame frame;
    size_t used = 0;

    while (conn->fd >= 0 && next_frame(load, conn, at + used, len - used, &frame)) {
        if (frame.opcode <= OP_BINARY && load->options.dialect->streams)
            take_piece(load, conn, &frame);
        else if (frame.opcode == OP_TEXT || frame.opcode == OP_BINARY)
            take_messages(load, conn, &frame);
        else if (frame.opcode != OP_CONTINUATION)
            take_control(load, conn, &frame);
        used += frame.size;
    }
    return used;
}

static size_t take(struct load *load, struct conn *conn, const char *at, size_t len)
{
    uint64_t before = load->count.deliveries;
    size_t used = 0;
    long head;

    if (conn->state == CONN_UPGRADING) {
        head = load->options.dialect->events ? events_accepted(at, len, &conn->chunked) : ws_accepted(at, len);
        if (head < 0) {
            load_word(load->words, &load->word_count, at, len);
            conn_ended(load, conn);
        }
        if (head <= 0)
            return 0;
        used = (size_t)head;
        conn_upgraded(load, conn);
    }
    used += take_frames(load, conn, at + used, len - used);
    if (load->count.deliveries > before)
        load->last_delivery_ns = load->now_ns;
    if (load->phase == PHASE_COMEBACK && conn->fd >= 0)
        fleet_check_caught_up(load, conn);
    return used;
}

static void keep_rest(struct load *load, struct conn *conn, const char *at, size_t len)
{
    conn->rest.len = 0;
    if (len > REST_BYTES_MAX)
        conn_ended(load, conn);
    else if (len > 0)
        text_add(&conn->rest, at, len);
}

static void receive(struct load *load, struct conn *conn, bool ended)
{
    size_t held;
    size_t used;
    ssize_t got;

    do {
        held = conn->rest.len;
        if (held > 0)
            memcpy(load->buffer, conn->rest.at, held);
        got = recv(conn->fd, load->buffer + held, READ_BYTES, 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (got <= 0) {
            conn_ended(load, conn);
            return;
        }
        load->now_ns = now_ns();
        load->count.reads++;
        load->count.read_bytes += (uint64_t)got;
        used = take(load, conn, load->buffer, held + (size_t)got);
        if (conn->fd < 0)
            return;
        keep_rest(load, conn, load->buffer + used, held + (size_t)got - used);
    } while (conn->fd >= 0 && (got == READ_BYTES || ended));
}

void conn_ready(struct load *load, struct source *source, uint32_t events)
{
    struct conn *conn = (struct conn *)source;

    if (conn->fd < 0)
        return;
    if ((events & EPOLLOUT) != 0 && conn->out.len > 0)
        conn_flush(load, conn);
    if (conn->fd >= 0 && (events & ~(uint32_t)EPOLLOUT) != 0)
        receive(load, conn, (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0);
}
