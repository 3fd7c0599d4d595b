/* A log histogram of durations: 0.8% wide buckets, constant time and memory. */
#ifndef STATS_H
#define STATS_H

#include <stddef.h>
#include <stdint.h>

#define HIST_SUB_BITS 7
#define HIST_SUB (1u << HIST_SUB_BITS)
#define HIST_SLOTS ((64 - HIST_SUB_BITS + 1) * HIST_SUB)

struct hist {
    uint64_t count;
    uint64_t max;
    double sum;
    uint64_t slots[HIST_SLOTS];
};

static inline size_t hist_slot(uint64_t value)
{
    unsigned shift;

    if (value < HIST_SUB)
        return (size_t)value;
    shift = 63u - (unsigned)__builtin_clzll(value) - HIST_SUB_BITS;
    return (size_t)(shift + 1) * HIST_SUB + (size_t)((value >> shift) & (HIST_SUB - 1));
}

static inline void hist_add(struct hist *hist, uint64_t value)
{
    hist->count++;
    hist->sum += (double)value;
    if (value > hist->max)
        hist->max = value;
    hist->slots[hist_slot(value)]++;
}

/* The value below which the share `q` (0 to 1) of all lie; 0 when there are none. */
uint64_t hist_at(const struct hist *hist, double q);

double hist_mean(const struct hist *hist);

#endif
