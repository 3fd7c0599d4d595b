/* One connection of a publisher: a request goes out, its answer comes back. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#include "digest.h"
#include "http.h"
#include "load.h"

#define ANSWER_READ_BYTES 16384u

static void pub_close(struct pub *pub)
{
    socket_cut(pub->fd);
    pub->fd = -1;
    pub->in.len = 0;
    pub->out.len = 0;
    pub->state = PUB_CLOSED;
    pub->greeted = false;
}

/* Some servers end a connection after so many requests: that is no failure unless a request was lost. */
static void pub_broken(struct load *load, struct pub *pub)
{
    if (pub->state != PUB_IDLE)
        publisher_failed(load);
    if (pub->state == PUB_BUSY)
        load->publisher.busy--;
    pub_close(pub);
}

static void pub_flush(struct load *load, struct pub *pub)
{
    ssize_t sent = send(pub->fd, pub->out.at + pub->out_at, pub->out.len - pub->out_at, MSG_NOSIGNAL);

    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        pub_broken(load, pub);
        return;
    }
    if (sent > 0)
        pub->out_at += (size_t)sent;
}

static void pub_take(struct load *load, struct pub *pub)
{
    struct answer answer;
    int whole = load->options.api->read(pub->in.at, pub->in.len, pub->messages, &answer);

    if (whole == ANSWER_BAD || (whole == ANSWER_WHOLE && pub->state != PUB_BUSY)) {
        pub_broken(load, pub);
        return;
    }
    if (whole == ANSWER_PART)
        return;
    hist_add(&load->answering, load->now_ns - pub->sent_ns);
    load->publisher.busy--;
    pub->state = PUB_IDLE;
    pub->in.len = 0;
    pub_answered(load, pub, answer.status, answer.body, answer.body_len);
    if (answer.closes)
        pub_close(pub);
}

static void pub_receive(struct load *load, struct pub *pub)
{
    char *end;
    ssize_t got;

    while (pub->fd >= 0) {
        end = text_room(&pub->in, ANSWER_READ_BYTES);
        got = recv(pub->fd, end, ANSWER_READ_BYTES, 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (got <= 0) {
            pub_broken(load, pub);
            return;
        }
        load->now_ns = now_ns();
        pub->in.len += (size_t)got;
        pub_take(load, pub);
        if (got < (ssize_t)ANSWER_READ_BYTES)
            return;
    }
}

static void pub_ready(struct load *load, struct source *source, uint32_t events)
{
    struct pub *pub = (struct pub *)source;

    if (pub->fd < 0)
        return;
    if ((events & (EPOLLOUT | EPOLLERR)) == EPOLLOUT && pub->state == PUB_CONNECTING)
        pub->state = PUB_IDLE;
    if ((events & EPOLLOUT) != 0 && pub->state == PUB_BUSY && pub->out_at < pub->out.len)
        pub_flush(load, pub);
    if (pub->fd >= 0 && (events & ~(uint32_t)EPOLLOUT) != 0)
        pub_receive(load, pub);
    load->publisher.on_free(load, now_ns());
}

void pub_open(struct load *load, struct pub *pub)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                                .data.ptr = &pub->source};

    pub->source.on_ready = pub_ready;
    pub->fd = target_connect(&load->options.publish_target, 0);
    if (pub->fd < 0) {
        publisher_failed(load);
        return;
    }
    pub->state = PUB_CONNECTING;
    epoll_ctl(load->epoll, EPOLL_CTL_ADD, pub->fd, &event);
}

/* JSON within a JSON string: the data has no other character that wants a backslash. */
static void quote(struct text *out, const char *data)
{
    for (; *data != '\0'; data++) {
        if (*data == '"')
            text_add(out, "\\", 1);
        text_add(out, data, 1);
    }
    text_add(out, "", 1);
}

static void add_template(struct load *load, const struct pub *pub, const char *template, const char *channel)
{
    struct publisher *publisher = &load->publisher;
    const char *data = publisher->data.len > 0 ? publisher->data.at : "";
    struct text quoted = {0};
    char size[24];
    char me[24];

    if (strstr(template, "$quoted") != NULL)
        quote(&quoted, data);
    snprintf(size, sizeof(size), "%zu", strlen(data));
    snprintf(me, sizeof(me), "%td", pub - publisher->pubs);
    text_expand(&publisher->body, template,
                (const struct field[]){{"channel", channel},
                                       {"data", data},
                                       {"quoted", quoted.len > 0 ? quoted.at : ""},
                                       {"size", size},
                                       {"key", load->options.api_key},
                                       {"me", me},
                                       {NULL, NULL}});
    text_free(&quoted);
}

/* The stamp names the publication, so no two are alike. */
static void add_message(struct load *load, struct pub *pub, uint64_t due)
{
    struct publisher *publisher = &load->publisher;
    struct text *data = &publisher->data;
    struct channel *channel;

    if (due <= publisher->last_stamp)
        due = publisher->last_stamp + 1;
    publisher->last_stamp = due;
    pub->channel = choice_channel(&load->told, publisher->sent);
    channel = &load->channels.at[pub->channel];
    data->len = 0;
    text_puts(data, "{\"t\":");
    text_number(data, due);
    text_puts(data, ",\"pad\":\"");
    text_fill(data, 'x', data->len + 2 < load->options.size ? load->options.size - data->len - 2 : 0);
    text_add(data, "\"}", 3);
    add_template(load, pub, load->options.api->message, channel->name);
    flight_begin(&load->flights, due, channel->subscribers);
    pub->expected += channel->subscribers;
    publisher->sent++;
}

static void add_body(struct load *load, struct pub *pub, uint64_t due)
{
    const struct api *api = load->options.api;
    struct text *body = &load->publisher.body;
    bool opened = load->publisher.batch > 1 || api->path == NULL;

    body->len = 0;
    pub->expected = 0;
    if (!pub->greeted && api->hello != NULL)
        add_template(load, pub, api->hello, "");
    pub->greeted = true;
    if (opened)
        text_puts(body, api->batch_open);
    for (uint32_t i = 0; i < pub->messages; i++) {
        if (i > 0)
            text_puts(body, api->batch_between);
        add_message(load, pub, due);
    }
    if (opened)
        text_puts(body, api->batch_close);
}

/* The Pusher protocol's signature: over method, path, and a query that names the body's MD5. */
static void add_signed_query(struct load *load, struct text *out, const char *path)
{
    const struct text *body = &load->publisher.body;
    size_t name_len;
    const char *secret = secret_of(load->options.api_key, &name_len);
    struct text text = {0};
    char digest[SHA256_HEX];
    char md5[MD5_HEX];
    size_t query;

    md5_hex(body->at, body->len, md5);
    text_puts(&text, "POST\n");
    text_puts(&text, path);
    text_puts(&text, "\n");
    query = text.len;
    text_puts(&text, "auth_key=");
    text_add(&text, load->options.api_key, name_len);
    text_puts(&text, "&auth_timestamp=");
    text_number(&text, (uint64_t)time(NULL));
    text_puts(&text, "&auth_version=1.0&body_md5=");
    text_puts(&text, md5);
    hmac_sha256_hex(secret, text.at, text.len, digest);
    text_puts(out, "?");
    text_add(out, text.at + query, text.len - query);
    text_puts(out, "&auth_signature=");
    text_puts(out, digest);
    text_free(&text);
}

static void add_head(struct load *load, struct pub *pub)
{
    const struct publisher *publisher = &load->publisher;
    const struct options *options = &load->options;
    const char *path = publisher->batch > 1 ? options->api->batch_path : options->api->path;
    size_t own = strlen(options->publish_target.path);
    bool slash = own > 0 && options->publish_target.path[own - 1] == '/';

    if (path == NULL)
        return;
    text_puts(&pub->out, "POST ");
    text_add(&pub->out, options->publish_target.path, slash ? own - 1 : own);
    text_expand(&pub->out, path,
                (const struct field[]){{"channel", load->channels.at[pub->channel].name}, {NULL, NULL}});
    if (options->api->signs)
        add_signed_query(load, &pub->out, path);
    text_add(&pub->out, publisher->head.at, publisher->head.len);
    text_number(&pub->out, publisher->body.len);
    text_puts(&pub->out, "\r\n\r\n");
}

void pub_request(struct load *load, struct pub *pub, uint64_t due)
{
    struct publisher *publisher = &load->publisher;

    pub->messages = publisher->batch;
    if (publisher->left < pub->messages)
        pub->messages = (uint32_t)publisher->left;
    if (publisher->left != UINT64_MAX)
        publisher->left -= pub->messages;
    add_body(load, pub, due);
    pub->out.len = 0;
    pub->out_at = 0;
    add_head(load, pub);
    text_add(&pub->out, publisher->body.at, publisher->body.len);
    pub->state = PUB_BUSY;
    pub->sent_ns = now_ns();
    publisher->busy++;
    pub_flush(load, pub);
}
