/* Publications on their way: when has the last subscriber each one? */
#ifndef FLIGHTS_H
#define FLIGHTS_H

#include <stdbool.h>
#include <stdint.h>

#define FLIGHTS_BITS 14
#define FLIGHTS_SLOTS (1u << FLIGHTS_BITS)
#define FLIGHTS_PROBES 8u

struct flight {
    uint64_t stamp; /* when it was published, which is also its name; 0: free */
    uint32_t expected;
    uint32_t seen;
};

struct flights {
    struct flight slots[FLIGHTS_SLOTS];
    uint64_t forgotten; /* overwritten before everybody had them */
    uint32_t open;
};

static inline uint32_t flight_slot(uint64_t stamp)
{
    return (uint32_t)((stamp * 0x9E3779B97F4A7C15ull) >> (64 - FLIGHTS_BITS));
}

static inline struct flight *flight_find(struct flights *flights, uint64_t stamp)
{
    uint32_t slot = flight_slot(stamp);

    for (uint32_t i = 0; i < FLIGHTS_PROBES; i++) {
        struct flight *flight = &flights->slots[(slot + i) % FLIGHTS_SLOTS];

        if (flight->stamp == stamp)
            return flight;
    }
    return NULL;
}

/* A publication leaves for `expected` subscribers. The oldest gives way when there is no room. */
static inline void flight_begin(struct flights *flights, uint64_t stamp, uint32_t expected)
{
    uint32_t slot = flight_slot(stamp);
    struct flight *oldest = &flights->slots[slot];

    if (expected == 0)
        return;
    for (uint32_t i = 0; i < FLIGHTS_PROBES && oldest->stamp != 0; i++) {
        struct flight *flight = &flights->slots[(slot + i) % FLIGHTS_SLOTS];

        if (flight->stamp < oldest->stamp)
            oldest = flight;
    }
    if (oldest->stamp != 0)
        flights->forgotten++;
    else
        flights->open++;
    *oldest = (struct flight){.stamp = stamp, .expected = expected};
}

/* One subscriber has it; true when it was the last. */
static inline bool flight_seen(struct flights *flights, uint64_t stamp)
{
    struct flight *flight = flight_find(flights, stamp);

    if (flight == NULL || ++flight->seen < flight->expected)
        return false;
    flight->stamp = 0;
    flights->open--;
    return true;
}

/* What has not arrived by now is not waited for. */
static inline void flights_forget(struct flights *flights)
{
    for (uint32_t i = 0; i < FLIGHTS_SLOTS && flights->open > 0; i++) {
        if (flights->slots[i].stamp == 0)
            continue;
        flights->slots[i].stamp = 0;
        flights->forgotten++;
        flights->open--;
    }
}

#endif
