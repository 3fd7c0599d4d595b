/* The channels of a run, made from the patterns of the command line. */
#ifndef CHANNELS_H
#define CHANNELS_H

#include <stdint.h>

#include "options.h"

struct channel {
    char *name;
    char epoch[64];
    uint64_t target;      /* the last position answered to a publisher while all were away */
    uint32_t subscribers; /* live ones */
};

/* A name, or one with a %d that stands for `width` channels from `first` on. */
struct pattern {
    char *text;
    uint32_t first;
    uint32_t width;
};

struct channels {
    struct channel *at;
    uint32_t count;
    struct pattern patterns[PATTERNS_MAX];
    uint32_t pattern_count;
};

/* Which patterns a client or a publisher uses. */
struct choice {
    const struct pattern *patterns[PATTERNS_MAX];
    uint32_t count;
};

/* Make the channels of a comma-separated list known; false when there are too many patterns. */
bool channels_add(struct channels *channels, const char *list, uint32_t spread, struct choice *choice);

/* The channel of the nth client (or publication) for one pattern. */
static inline uint32_t pattern_channel(const struct pattern *pattern, uint64_t nth)
{
    return pattern->first + (uint32_t)(nth % pattern->width);
}

/* How many channels the choice covers. */
uint32_t choice_width(const struct choice *choice);

/* The channel of the nth publication: they go round over all channels of the choice. */
uint32_t choice_channel(const struct choice *choice, uint64_t nth);

#endif
