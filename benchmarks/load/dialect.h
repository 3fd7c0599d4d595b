/* What differs between the systems under load: a few templates and one function each. */
#ifndef DIALECT_H
#define DIALECT_H

#include <stdbool.h>
#include <stddef.h>

#include "http.h"
#include "key.h"
#include "text.h"

enum kind {
    KIND_OTHER,
    KIND_EVENT,
    KIND_PRESENCE,
    KIND_GREETING,
    KIND_AUTHENTICATED,
    KIND_SUBSCRIBED,
    KIND_DONE, /* whatever was asked last is done */
    KIND_GAP,
    KIND_PING,
    KIND_ERROR,
};

/*
 * How clients speak. Templates know $token, $id, $channel, $channels, $user, $epoch, $offset,
 * $session, $cursor and $signature; NULL: there is no such step.
 */
struct dialect {
    const char *name;
    const char *path;        /* of the upgrade; NULL: the URL's */
    const char *path_resume; /* of those who come back; NULL: as before */
    const char *protocol;    /* Sec-WebSocket-Protocol; NULL: none */
    bool events;             /* no WebSocket, but an answer of Server-Sent Events (then `streams` too) */
    const char *head;        /* more lines of the request, each with its CR LF; NULL: none */
    const char *between;     /* what stands between two names in $channels; NULL: a comma */
    bool waits_for_greeting; /* the client must not speak before the server did */
    bool binary;             /* what clients send goes in binary frames */
    bool hurries;            /* subscribes right behind its token, as its own client library does */
    const char *joint;       /* what stands between several messages in one frame; NULL: a frame each */
    bool streams;            /* frames are pieces of one stream: a message may end in the next frame */
    const char *auth;
    const char *auth_resume; /* of those who come back; NULL: as before */
    const char *subscribe;
    const char *resume;
    const char *pong;      /* answers KIND_PING */
    const char *ping;      /* what clients must say of their own */
    double ping_every_s;
    const char *recovered; /* what an answer to `resume` contains when nothing was lost */
    const char *missed;    /* what opens the list of missed messages in an answer to `resume` */
    enum kind (*classify)(const char *at, size_t len);
    /* Size of the first message; 0: not whole yet (`streams` alone). NULL: the frame is one message. */
    size_t (*first)(const char *at, size_t len);
    /* The opaque place to resume from, as an event says it. */
    const char *(*cursor)(const char *at, size_t len, size_t *cursor_len);
    struct key channel;
    struct key id; /* answers name the request instead of the channel */
    struct key epoch;
    struct key offset;
    struct key session; /* what a greeting or an answer to `auth` calls this client */
    struct key stamp;
};

/* How back ends publish. Templates know $channel, $data, $quoted, $size, $key and $me. */
struct api {
    const char *name;
    const char *path; /* of HTTP; NULL: the API has a wire of its own */
    const char *batch_path;
    const char *headers; /* whole lines, each with its CR LF */
    const char *hello;   /* opens a connection of another wire than HTTP */
    const char *message;
    const char *batch_open;
    const char *batch_between;
    const char *batch_close;
    const char *refused;     /* occurs once in an answer for each message that was not taken */
    bool signs;              /* each request is signed: `$key` is "name:secret" */
    unsigned batch_max;      /* messages a request; 0: no limit, 1: no batches */
    struct key offset;       /* where the answer says the position */
    int (*read)(const char *at, size_t len, unsigned messages, struct answer *answer);
};

#define STAMP KEY("\"t\":")

/* By name, NULL when there is none. Keys keep hints, so each run has one object of each. */
struct dialect *dialect_named(const char *name);
struct api *api_named(const char *name);

/* Each system's own file in dialects/. */
extern struct dialect native_dialect, plain_dialect, centrifugo_dialect, nchan_dialect;
extern struct dialect socketio2_dialect, socketio4_dialect, nats_dialect, pusher_dialect;
extern struct dialect native_events_dialect, centrifugo_events_dialect, nchan_events_dialect;
extern struct api native_api, centrifugo_api, nchan_api, nats_api, jetstream_api, pusher_api;

/* The "name:secret" of a signing key, split. */
const char *secret_of(const char *key, size_t *name_len);

#endif
