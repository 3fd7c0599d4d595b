/* The clients of the limit server, brought to the point where each has subscribed. */
#ifndef CROWD_H
#define CROWD_H

#include <stdint.h>

#include "text.h"

struct guest {
    int fd;
    struct text in;
    uint32_t subscriptions;
    char upgraded;
};

struct crowd {
    int listener;
    int epoll;
    uint16_t port;
    struct guest *guests;
    uint32_t count;
    uint32_t wanted;
    uint32_t subscribed;
    char channel[168]; /* the one that the first guest subscribed to */
};

/* Listen on 127.0.0.1; port 0: any. Ends the program when it cannot. */
void crowd_listen(struct crowd *crowd, uint16_t port, uint32_t wanted);

/* Serve handshakes, tokens and subscriptions until all have one; 0, or -1 when the time is over. */
int crowd_gather(struct crowd *crowd, uint64_t until_ns);

/* Wait until all have left, or the time is over. */
void crowd_see_off(struct crowd *crowd, uint64_t until_ns);

#endif
