/* The clients of the limit server: just enough of the native dialect to let the load begin. */
#include "crowd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "key.h"
#include "ws.h"

#define READY_MAX 256
#define TURN_MS 50

static const char ACCEPTED[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                               "Connection: Upgrade\r\nSec-WebSocket-Accept: " WS_ACCEPT "\r\n\r\n";

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

void crowd_listen(struct crowd *crowd, uint16_t port, uint32_t wanted)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    socklen_t len = sizeof(address);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    int on = 1;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *crowd = (struct crowd){.wanted = wanted};
    crowd->guests = must_calloc(wanted, sizeof(struct guest));
    crowd->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(crowd->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(crowd->listener, (struct sockaddr *)&address, len) < 0 || listen(crowd->listener, 4096) < 0)
        fail("limit: listen");
    getsockname(crowd->listener, (struct sockaddr *)&address, &len);
    crowd->port = ntohs(address.sin_port);
    crowd->epoll = epoll_create1(EPOLL_CLOEXEC);
    epoll_ctl(crowd->epoll, EPOLL_CTL_ADD, crowd->listener, &event);
}

static void welcome(struct crowd *crowd)
{
    struct epoll_event event = {.events = EPOLLIN};
    struct guest *guest;
    int on = 1;
    int fd;

    while ((fd = accept4(crowd->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        if (crowd->count == crowd->wanted) {
            close(fd);
            continue;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        guest = &crowd->guests[crowd->count++];
        guest->fd = fd;
        event.data.ptr = guest;
        epoll_ctl(crowd->epoll, EPOLL_CTL_ADD, fd, &event);
    }
}

static void answer(struct guest *guest, const char *text)
{
    struct text out = {0};

    frame_add_server(&out, OP_TEXT, text, strlen(text));
    if (send(guest->fd, out.at, out.len, MSG_NOSIGNAL) < 0)
        fprintf(stderr, "limit: an answer was lost: %s\n", strerror(errno));
    text_free(&out);
}

static void subscribe(struct crowd *crowd, struct guest *guest, const struct text *message)
{
    struct key channel = KEY("\"channel\":\"");
    size_t len;
    const char *name = key_string(&channel, message->at, message->len, &len);
    char text[400];

    if (name == NULL || len >= sizeof(crowd->channel))
        return;
    if (crowd->channel[0] == '\0')
        memcpy(crowd->channel, name, len);
    snprintf(text, sizeof(text),
             "{\"type\":\"subscribed\",\"id\":2,\"channel\":\"%.*s\",\"epoch\":\"limit\",\"offset\":0,"
             "\"recovered\":false}",
             (int)len, name);
    answer(guest, text);
    if (guest->subscriptions++ == 0)
        crowd->subscribed++;
}

static void serve_frame(struct crowd *crowd, struct guest *guest, const struct frame *frame)
{
    struct text message = {0};

    frame_unmask(&message, frame);
    if (has(message.at, message.len, "\"type\":\"auth\""))
        answer(guest, "{\"type\":\"authenticated\",\"id\":1,\"user\":\"u\",\"expires_at\":null}");
    else if (has(message.at, message.len, "\"type\":\"subscribe\""))
        subscribe(crowd, guest, &message);
    text_free(&message);
}

static void serve_bytes(struct crowd *crowd, struct guest *guest)
{
    struct frame frame;
    size_t used = 0;

    if (!guest->upgraded) {
        const char *end = memmem(guest->in.at, guest->in.len, "\r\n\r\n", 4);

        if (end == NULL)
            return;
        used = (size_t)(end - guest->in.at) + 4;
        guest->upgraded = 1;
        if (send(guest->fd, ACCEPTED, sizeof(ACCEPTED) - 1, MSG_NOSIGNAL) < 0)
            fprintf(stderr, "limit: an upgrade was lost: %s\n", strerror(errno));
    }
    while (frame_read(guest->in.at + used, guest->in.len - used, &frame)) {
        serve_frame(crowd, guest, &frame);
        used += frame.size;
    }
    memmove(guest->in.at, guest->in.at + used, guest->in.len - used);
    guest->in.len -= used;
}

static void leave(struct crowd *crowd, struct guest *guest)
{
    close(guest->fd);
    guest->fd = -1;
    text_free(&guest->in);
    if (guest->subscriptions > 0)
        crowd->subscribed--;
    guest->subscriptions = 0;
}

static void serve(struct crowd *crowd, struct guest *guest)
{
    char *end = text_room(&guest->in, 4096);
    ssize_t got = recv(guest->fd, end, 4096, 0);

    if (got <= 0) {
        if (got == 0 || errno != EAGAIN)
            leave(crowd, guest);
        return;
    }
    guest->in.len += (size_t)got;
    serve_bytes(crowd, guest);
}

static void turn(struct crowd *crowd)
{
    struct epoll_event ready[READY_MAX];
    int count = epoll_wait(crowd->epoll, ready, READY_MAX, TURN_MS);

    for (int i = 0; i < count; i++) {
        if (ready[i].data.ptr == NULL)
            welcome(crowd);
        else
            serve(crowd, ready[i].data.ptr);
    }
}

int crowd_gather(struct crowd *crowd, uint64_t until_ns)
{
    while (crowd->subscribed < crowd->wanted) {
        if (now_ns() > until_ns)
            return -1;
        turn(crowd);
    }
    return 0;
}

void crowd_see_off(struct crowd *crowd, uint64_t until_ns)
{
    while (crowd->subscribed > 0 && now_ns() < until_ns)
        turn(crowd);
}
