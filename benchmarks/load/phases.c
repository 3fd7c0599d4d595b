/* The order of a run: connect, rest, window, wait for the last, away, back. */
#include <stdio.h>

#include "load.h"

#define TURN_MAX_NS (50 * NS_PER_MS)
#define QUIET_NS NS_PER_S /* nothing arrived for so long: nothing is on its way any more */

static const char *const NAMES[] = {"connect", "settle", "window", "drain", "away", "comeback", "done"};

static uint64_t in_phase(const struct load *load, double limit_s)
{
    return load->phase_ns + (uint64_t)(limit_s * 1e9);
}

/* Whoever watches the server from outside learns when to look. */
static void enter(struct load *load, enum phase phase)
{
    load->phase = phase;
    load->phase_ns = now_ns();
    fprintf(stderr, "{\"phase\":\"%s\",\"live\":%u}\n", NAMES[phase], load->fleet.live);
    fflush(stderr);
}

static void give_up(struct load *load, const char *why)
{
    load_note(load, why);
    load->failed = true;
    enter(load, PHASE_DONE);
}

void phases_begin(struct load *load)
{
    load->measuring = load->options.stamps;
    enter(load, PHASE_CONNECT);
    fleet_start(load, load->options.connect_rate, load->options.inflight);
    if (load->options.publishes && load->options.pace == PACE_JOINS)
        publisher_start(load, PACE_JOINS, 1, UINT64_MAX);
}

static void connect_tick(struct load *load, uint64_t now)
{
    if (load->fleet.live >= load->options.connections) {
        load->connect_ns = now - load->phase_ns;
        enter(load, PHASE_SETTLE);
    } else if (now > in_phase(load, load->options.connect_s)) {
        load->connect_ns = now - load->phase_ns;
        give_up(load, "not every client became live in time");
    }
}

static void settle_tick(struct load *load, uint64_t now)
{
    const struct options *options = &load->options;
    uint64_t count = options->publish_count > 0 ? options->publish_count : UINT64_MAX;

    if (now < in_phase(load, options->settle_s))
        return;
    enter(load, PHASE_WINDOW);
    load->window_start = load_counters(load);
    load->sent_start = load->publisher.accepted;
    if (options->publishes && options->pace != PACE_JOINS)
        publisher_start(load, options->pace, options->batch, count);
}

static void window_tick(struct load *load, uint64_t now)
{
    bool published = load->publisher.running && load->publisher.left == 0 && load->publisher.busy == 0;

    if (now < in_phase(load, load->options.duration_s) && !published)
        return;
    publisher_stop(load);
    load->window_end = load_counters(load);
    load->accepted_window = load->publisher.accepted - load->sent_start;
    enter(load, PHASE_DRAIN);
}

static void go_away(struct load *load)
{
    const struct options *options = &load->options;

    load->measuring = false;
    enter(load, PHASE_AWAY);
    fleet_cut(load);
    if (options->publishes)
        publisher_start(load, PACE_FAST, 1, (uint64_t)options->missed * choice_width(&load->told));
}

static void drain_tick(struct load *load, uint64_t now)
{
    const struct publisher *publisher = &load->publisher;
    uint64_t last = load->last_delivery_ns > load->phase_ns ? load->last_delivery_ns : load->phase_ns;
    bool all = publisher->busy == 0 && load->count.deliveries >= publisher->expected;
    bool quiet = publisher->busy == 0 && now > last + QUIET_NS;

    if (!all && !quiet && now < in_phase(load, load->options.drain_s))
        return;
    load->drain_s = seconds(now - load->phase_ns);
    if (load->options.comeback)
        go_away(load);
    else
        enter(load, PHASE_DONE);
}

static void away_tick(struct load *load, uint64_t now)
{
    const struct publisher *publisher = &load->publisher;

    if (publisher->running && (publisher->left > 0 || publisher->busy > 0)) {
        if (now > in_phase(load, load->options.comeback_s))
            give_up(load, "what should be missed could not be published in time");
        return;
    }
    if (now < in_phase(load, load->options.away_s))
        return;
    publisher_stop(load);
    load->away_ns = now - load->phase_ns;
    enter(load, PHASE_COMEBACK);
    load->fleet.resuming = true;
    fleet_start(load, load->options.connect_rate, load->options.comeback_inflight);
}

static void comeback_tick(struct load *load, uint64_t now)
{
    const struct fleet *fleet = &load->fleet;

    if (load->subscribed_ns == 0 && fleet->live == fleet->count)
        load->subscribed_ns = now - load->phase_ns;
    if (fleet->caught_up == fleet->count) {
        load->comeback_ns = now - load->phase_ns;
        enter(load, PHASE_DONE);
    } else if (now > in_phase(load, load->options.comeback_s)) {
        give_up(load, "not every client was back with what it missed in time");
    }
}

static void series_tick(struct load *load, uint64_t now)
{
    struct second *second;

    while (now >= load->series_ns + NS_PER_S && load->series_count < SERIES_MAX) {
        load->series_ns += NS_PER_S;
        second = &load->series[load->series_count++];
        *second = (struct second){load->fleet.live, load->count.deliveries, load->count.presence};
        if (load->options.progress)
            fprintf(stderr, "{\"second\":%u,\"live\":%u,\"deliveries\":%llu}\n", load->series_count,
                    load->fleet.live, (unsigned long long)load->count.deliveries);
    }
}

void phases_tick(struct load *load, uint64_t now)
{
    static void (*const TICKS[])(struct load *, uint64_t) = {
        connect_tick, settle_tick, window_tick, drain_tick, away_tick, comeback_tick};

    series_tick(load, now);
    if (load->phase == PHASE_DONE)
        return;
    if (now > load->begin_ns + (uint64_t)(load->options.timeout_s * 1e9))
        give_up(load, "the run took longer than --timeout-s");
    else
        TICKS[load->phase](load, now);
}

uint64_t phases_wake(uint64_t now)
{
    return now + TURN_MAX_NS;
}
