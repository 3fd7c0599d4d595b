/* The run: one thread that waits, reads, writes, until the phases say that it is over. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "load.h"

#define READY_MAX 512
#define FILES_OWN 64u /* besides clients and publishers */

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

static void allow_files(struct load *load)
{
    struct options *options = &load->options;
    uint64_t more = FILES_OWN + options->publishers;
    uint64_t allowed = files_allow(options->connections + more);
    char note[160];

    if (allowed >= options->connections + more)
        return;
    snprintf(note, sizeof(note), "%llu open files are allowed: %llu clients instead of %u",
             (unsigned long long)allowed, (unsigned long long)(allowed - more), options->connections);
    load_note(load, note);
    options->connections = (uint32_t)(allowed - more);
}

static void make(struct load *load)
{
    struct options *options = &load->options;

    if (!channels_add(&load->channels, options->channels, options->spread, &load->heard) ||
        !channels_add(&load->channels, options->publish_channels, options->spread, &load->told)) {
        fprintf(stderr, "load: at most %d channel patterns\n", PATTERNS_MAX);
        exit(2);
    }
    load->buffer = must_calloc(1, REST_BYTES_MAX + READ_BYTES);
    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    allow_files(load);
    fleet_make(load);
    publisher_make(load);
}

static uint64_t earliest(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void wait_and_serve(struct load *load, uint64_t wake)
{
    static struct epoll_event ready[READY_MAX];
    uint64_t now = now_ns();
    uint64_t wait = wake > now ? wake - now : 0;
    struct timespec timeout = {(time_t)(wait / NS_PER_S), (long)(wait % NS_PER_S)};
    int count = epoll_pwait2(load->epoll, ready, READY_MAX, &timeout, NULL);

    for (int i = 0; i < count; i++) {
        struct source *source = ready[i].data.ptr;

        source->on_ready(load, source, ready[i].events);
    }
}

static void run(struct load *load)
{
    uint64_t now;
    uint64_t wake;

    load->begin_ns = now_ns();
    load->series_ns = load->begin_ns;
    phases_begin(load);
    while (load->phase != PHASE_DONE && !stopped) {
        now = now_ns();
        fleet_tick(load, now);
        fleet_ping(load, now);
        publisher_tick(load, now);
        phases_tick(load, now);
        wake = earliest(phases_wake(now), earliest(fleet_wake(load), publisher_wake(load)));
        if (load->phase != PHASE_DONE)
            wait_and_serve(load, wake);
    }
    if (stopped)
        load_note(load, "stopped by a signal");
}

int main(int argc, char **argv)
{
    struct load *load = must_calloc(1, sizeof(struct load));
    struct sigaction action = {.sa_handler = on_signal};

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    prctl(PR_SET_TIMERSLACK, 1);
    options_read(&load->options, argc, argv);
    make(load);
    run(load);
    fleet_cut(load);
    report_print(load);
    return load->failed || stopped ? 1 : 0;
}
