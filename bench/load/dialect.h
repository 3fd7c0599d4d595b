/* What differs between the systems under load: a few templates and one function each. */
#ifndef DIALECT_H
#define DIALECT_H

#include <stdbool.h>
#include <stddef.h>

#include "key.h"

enum kind {
    KIND_OTHER,
    KIND_EVENT,
    KIND_PRESENCE,
    KIND_GREETING,
    KIND_AUTHENTICATED,
    KIND_SUBSCRIBED,
    KIND_GAP,
    KIND_PING,
    KIND_ERROR,
};

/* How clients speak. Templates know $token, $id, $channel, $epoch, $offset; NULL: there is no such step. */
struct dialect {
    const char *name;
    bool waits_for_greeting; /* the client must not speak before the server did */
    const char *auth;
    const char *subscribe;
    const char *resume;
    const char *pong;      /* answers KIND_PING */
    const char *recovered; /* what an answer to `resume` contains when nothing was lost */
    enum kind (*classify)(const char *at, size_t len);
    size_t (*first)(const char *at, size_t len); /* size of the first message of a frame; NULL: all of it */
    struct key channel;
    struct key epoch;
    struct key offset;
};

/* How back ends publish over HTTP. Templates know $channel, $data and $key. */
struct api {
    const char *name;
    const char *path;
    const char *batch_path;
    const char *headers; /* whole lines, each with its CR LF */
    const char *message;
    const char *batch_open;
    const char *batch_between;
    const char *batch_close;
    struct key offset; /* where the answer says the position */
};

/* By name, NULL when there is none. Keys keep hints, so each run has one object of each. */
struct dialect *dialect_named(const char *name);
struct api *api_named(const char *name);

#endif
