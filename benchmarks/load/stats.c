/* A log histogram of durations: reading it. */
#include "stats.h"

/* The middle of a bucket, so that the error is at most half its width. */
static uint64_t slot_value(size_t slot)
{
    unsigned shift;
    uint64_t low;

    if (slot < HIST_SUB)
        return slot;
    shift = (unsigned)(slot / HIST_SUB) - 1;
    low = (uint64_t)(HIST_SUB + slot % HIST_SUB) << shift;
    return low + ((1ull << shift) >> 1);
}

uint64_t hist_at(const struct hist *hist, double q)
{
    uint64_t seen = 0;
    uint64_t value;

    for (size_t slot = 0; slot < HIST_SLOTS; slot++) {
        seen += hist->slots[slot];
        if (hist->slots[slot] > 0 && (double)seen >= q * (double)hist->count) {
            value = slot_value(slot);
            return value < hist->max ? value : hist->max;
        }
    }
    return hist->max;
}

double hist_mean(const struct hist *hist)
{
    return hist->count > 0 ? hist->sum / (double)hist->count : 0.0;
}
