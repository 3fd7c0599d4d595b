/* What one run is told to do. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "address.h"
#include "dialect.h"

#define TARGETS_MAX 16
#define PATTERNS_MAX 16

enum auth { AUTH_MESSAGE, AUTH_HEADER, AUTH_NONE };

enum pace {
    PACE_FAST,  /* the next request as soon as the answer is there */
    PACE_RATE,  /* at fixed times, whatever the answers */
    PACE_ONE,   /* the next one when everybody has the last one */
    PACE_JOINS, /* one for each client that became live */
};

struct options {
    struct target targets[TARGETS_MAX];
    uint32_t target_count;
    struct target back[TARGETS_MAX]; /* where those who were cut come back; none: where they were */
    uint32_t back_count;
    uint32_t connections;
    double connect_rate; /* a second; 0: as fast as `inflight` allows */
    uint32_t inflight;   /* handshakes under way at once */
    double connect_s;    /* all must be live after this */
    struct dialect *dialect;
    enum auth auth;
    char **tokens;
    uint32_t token_count;
    const char *channels; /* comma-separated, each may contain one %d */
    uint32_t spread;      /* %d runs from 0 to spread - 1; 0: to connections - 1 */
    double settle_s;
    double duration_s;
    double drain_s;
    bool stamps;
    bool offsets;
    bool comeback;
    uint32_t missed; /* publications a channel while everybody is away */
    uint32_t comeback_inflight;
    double comeback_s;
    double away_s;
    struct target publish_target;
    bool publishes;
    struct api *api;
    const char *api_key;
    const char *publish_channels;
    uint32_t publishers;
    uint32_t batch;
    uint32_t size; /* bytes of `data` */
    enum pace pace;
    double publish_rate; /* publications a second */
    double gap_s;        /* between publications that wait for each other */
    uint64_t publish_count;
    double timeout_s;
    bool progress;
};

/* Fill the options from the command line; ends the program with 2 and one line when they are wrong. */
void options_read(struct options *options, int argc, char **argv);

#endif
