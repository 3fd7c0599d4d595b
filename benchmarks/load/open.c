/* One client's socket, opened with its request. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "events.h"
#include "load.h"
#include "ws.h"

/* With edges no call is needed to change what is waited for; a short read says that there is no more. */
static bool watch(struct load *load, struct conn *conn)
{
    struct epoll_event event = {
        .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
        .data.ptr = &conn->source,
    };

    return epoll_ctl(load->epoll, EPOLL_CTL_ADD, conn->fd, &event) == 0;
}

static const char *path_of(const struct load *load, const struct conn *conn)
{
    const struct dialect *dialect = load->options.dialect;
    bool again = load->fleet.resuming && dialect->path_resume != NULL && conn->cursor[0] != '\0';

    return again ? dialect->path_resume : dialect->path;
}

static void ask(struct load *load, struct conn *conn, const struct target *target)
{
    const struct options *options = &load->options;
    const char *template = path_of(load, conn);
    struct text extra = {0};
    struct text path = {0};

    if (template != NULL)
        conn_expand(load, conn, template, &path);
    else
        text_puts(&path, target->path);
    text_add(&path, "", 1);
    if (options->dialect->protocol != NULL) {
        text_puts(&extra, "Sec-WebSocket-Protocol: ");
        text_puts(&extra, options->dialect->protocol);
        text_puts(&extra, "\r\n");
    }
    if (options->auth == AUTH_HEADER) {
        text_puts(&extra, "Authorization: Bearer ");
        text_puts(&extra, options->tokens[conn->index % options->token_count]);
        text_puts(&extra, "\r\n");
    }
    if (options->dialect->head != NULL)
        conn_expand(load, conn, options->dialect->head, &extra);
    text_add(&extra, "", 1);
    if (options->dialect->events)
        events_request(&conn->out, target->host, path.at, extra.at);
    else
        ws_request(&conn->out, target->host, path.at, extra.at);
    text_free(&extra);
    text_free(&path);
}

void conn_open(struct load *load, struct conn *conn)
{
    const struct options *options = &load->options;
    bool elsewhere = load->fleet.resuming && options->back_count > 0;
    uint32_t targets = elsewhere ? options->back_count : options->target_count;
    const struct target *target = &(elsewhere ? options->back : options->targets)[conn->index % targets];

    conn->opened_ns = now_ns();
    conn->state = CONN_UPGRADING;
    conn->rest.len = 0;
    conn->out.len = 0;
    conn->subs_left = load->heard.count;
    conn->caught_up = false;
    conn->seen = 0;
    conn->part.len = 0;
    conn->fd = target_connect(target, conn->index / targets);
    if (conn->fd < 0 || !watch(load, conn)) {
        load_word(load->words, &load->word_count, strerror(errno), strlen(strerror(errno)));
        conn_ended(load, conn);
        return;
    }
    ask(load, conn, target);
}
