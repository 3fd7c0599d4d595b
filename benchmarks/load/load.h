/* One run: everything that its parts share. One thread, one epoll, no locks. */
#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "channels.h"
#include "clock.h"
#include "flights.h"
#include "key.h"
#include "options.h"
#include "stats.h"
#include "text.h"

#define READ_BYTES (256u * 1024u)
#define REST_BYTES_MAX (4u * 1024u * 1024u) /* the largest frame that may arrive in parts */
#define SERIES_MAX 3600u
#define WORDS_MAX 4u
#define CODES_MAX 8u

struct load;

/* What epoll points to. */
struct source {
    void (*on_ready)(struct load *load, struct source *source, uint32_t events);
};

struct counters {
    uint64_t deliveries;
    uint64_t presence;
    uint64_t payload_bytes;
    uint64_t reads;
    uint64_t read_bytes;
    uint64_t pings;
    uint64_t gaps_told;   /* the server said that something cannot be had */
    uint64_t missing;     /* offsets that were jumped over without a word */
    uint64_t duplicates;  /* offsets that had been there before */
    uint64_t unexpected;  /* events on channels that the client is not subscribed to */
    uint64_t errors;      /* error replies */
    uint64_t client_pings; /* what clients had to say of their own */
    uint64_t refused;     /* connections that ended before they were live */
    uint64_t lost;        /* connections that ended afterwards */
    uint64_t cpu_ns;      /* of this process */
    uint64_t at_ns;
};

struct sub {
    uint32_t channel;
    bool on;
    uint64_t offset;
};

enum conn_state { CONN_CLOSED, CONN_UPGRADING, CONN_GREETING, CONN_AUTH, CONN_SUBSCRIBING, CONN_LIVE };

/* One client. */
struct conn {
    struct source source;
    int fd;
    uint32_t index;
    enum conn_state state;
    uint32_t subs_left;
    struct sub *subs;
    struct text rest; /* a frame that has not arrived whole */
    struct text out;  /* what the socket did not take yet */
    struct text part; /* a message that goes on in the next frame */
    char session[64]; /* what the server calls this client */
    char cursor[96];  /* the last event's own word for where to resume */
    uint32_t seen;    /* events since it came back */
    uint64_t opened_ns;
    bool caught_up;
    bool chunked; /* how the body of Server-Sent Events comes */
};

/* All clients. */
struct fleet {
    struct conn *conns;
    uint32_t count;
    uint32_t *queue; /* a ring of those to be opened */
    uint32_t queue_first;
    uint32_t queue_count;
    uint32_t inflight;
    uint32_t inflight_max;
    uint32_t live;
    uint32_t caught_up;
    uint64_t started;
    double rate;
    uint64_t start_ns;
    uint64_t pause_until_ns;
    bool resuming;
    uint64_t recovered;
    uint64_t unrecovered;
    uint32_t pinged; /* of this turn of client pings */
    uint64_t ping_ns;
};

enum pub_state { PUB_CLOSED, PUB_CONNECTING, PUB_IDLE, PUB_BUSY };

/* One keep-alive connection of a publisher, one request at a time. */
struct pub {
    struct source source;
    int fd;
    enum pub_state state;
    struct text in;
    struct text out;
    size_t out_at;
    uint64_t sent_ns;
    uint32_t messages;
    uint32_t channel;  /* of the last message of the request */
    uint64_t expected; /* deliveries that it must cause */
    bool greeted;      /* the other wire's hello has been sent */
};

struct publisher {
    void (*on_free)(struct load *load, uint64_t now); /* a connection may take its next request */
    struct pub *pubs;
    uint32_t count;
    bool running;
    enum pace pace;
    uint32_t batch;
    uint64_t left; /* publications still to be sent; UINT64_MAX: no end */
    uint64_t next_ns;
    uint64_t pause_until_ns;
    uint64_t joins; /* clients that became live and were not told of yet */
    uint64_t sent;
    uint64_t accepted;
    uint64_t expected; /* deliveries that the accepted ones must cause */
    uint64_t answers_ok;
    uint64_t answers_other;
    uint64_t failures; /* connections that broke under a request or could not be made */
    uint64_t late_max_ns;
    uint64_t last_stamp;
    uint32_t busy;
    struct text body;
    struct text data;
    struct text head;
    char words[WORDS_MAX][200];
    uint32_t word_count;
};

enum phase {
    PHASE_CONNECT,
    PHASE_SETTLE,
    PHASE_WINDOW,
    PHASE_DRAIN,
    PHASE_AWAY,
    PHASE_COMEBACK,
    PHASE_DONE,
};

struct second {
    uint32_t live;
    uint64_t deliveries;
    uint64_t presence;
};

struct close_code {
    unsigned code;
    uint64_t count;
};

struct load {
    struct options options;
    struct channels channels;
    struct choice heard;
    struct choice told;
    struct fleet fleet;
    struct publisher publisher;
    struct flights flights;
    struct counters count;
    int epoll;
    char *buffer;
    uint64_t now_ns; /* when the bytes at hand were read */
    uint64_t last_delivery_ns;
    bool measuring; /* deliveries count in the delays */
    struct hist connecting;
    struct hist delay;
    struct hist last;
    struct hist answering;
    struct hist returning;
    struct hist greeting; /* until the server says the first word to one who comes back */
    enum phase phase;
    uint64_t phase_ns;
    uint64_t begin_ns;
    uint64_t connect_ns;
    uint64_t away_ns;
    uint64_t subscribed_ns; /* when all were back */
    uint64_t comeback_ns;   /* when all were back and had everything */
    double drain_s;
    bool failed;
    struct counters window_start;
    struct counters window_end;
    uint64_t sent_start;
    uint64_t accepted_window;
    uint64_t series_ns;
    struct second series[SERIES_MAX];
    uint32_t series_count;
    struct close_code codes[CODES_MAX];
    char words[WORDS_MAX][200]; /* the first error replies */
    uint32_t word_count;
    struct text notes; /* JSON strings, comma-separated */
};

/* From below: a file calls those of the files above it here. */

/* notes.c */
void load_note(struct load *load, const char *note);
void load_word(char words[WORDS_MAX][200], uint32_t *count, const char *at, size_t len);
struct counters load_counters(const struct load *load);

/* live.c: which clients are live, ended or waiting */
void fleet_queue(struct fleet *fleet, uint32_t index);
void fleet_live(struct load *load, struct conn *conn);
void fleet_check_caught_up(struct load *load, struct conn *conn);
void conn_drop(struct conn *conn);
void conn_ended(struct load *load, struct conn *conn);

/* output.c */
void conn_flush(struct load *load, struct conn *conn);
void conn_send(struct load *load, struct conn *conn, unsigned opcode, const char *at, size_t len);

/* steps.c: what a client says next */
void conn_upgraded(struct load *load, struct conn *conn);
void conn_reply(struct load *load, struct conn *conn, enum kind kind, const char *at, size_t len);
struct sub *conn_sub(struct load *load, struct conn *conn, const char *at, size_t len);
void conn_expand(struct load *load, struct conn *conn, const char *template, struct text *out);

/* receive.c, open.c */
void conn_ready(struct load *load, struct source *source, uint32_t events);
void conn_open(struct load *load, struct conn *conn);

/* fleet.c: all clients */
void fleet_make(struct load *load);
void fleet_start(struct load *load, double rate, uint32_t inflight_max);
void fleet_tick(struct load *load, uint64_t now);
uint64_t fleet_wake(const struct load *load);
void fleet_ping(struct load *load, uint64_t now);
void fleet_cut(struct load *load);

/* answers.c, request.c: one request of a publisher, and what comes back */
void publisher_failed(struct load *load);
void pub_answered(struct load *load, struct pub *pub, unsigned status, const char *body, size_t len);
void pub_open(struct load *load, struct pub *pub);
void pub_request(struct load *load, struct pub *pub, uint64_t due);

/* publisher.c */
void publisher_make(struct load *load);
void publisher_start(struct load *load, enum pace pace, uint32_t batch, uint64_t count);
void publisher_tick(struct load *load, uint64_t now);
uint64_t publisher_wake(const struct load *load);
void publisher_stop(struct load *load);

/* phases.c */
void phases_begin(struct load *load);
void phases_tick(struct load *load, uint64_t now);
uint64_t phases_wake(uint64_t now);

/* report.c */
void report_print(struct load *load);

#endif
