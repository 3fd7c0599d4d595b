/* The machine's own bound: ready frames sent to each socket in a bare loop of send(). */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#include "address.h"
#include "clock.h"
#include "crowd.h"
#include "ws.h"

static const char USAGE[] =
    "limit: the machine's own bound of sending WebSocket frames to many sockets\n\n"
    "  --port P         of 127.0.0.1 (0: any; the first line of the output names it)\n"
    "  --connections N  begin when so many have subscribed (1000)\n"
    "  --batch B        frames a write (1)\n"
    "  --size BYTES     of each event's data (64)\n"
    "  --seconds S      how long to send (3), or\n"
    "  --rounds R       how many rounds; a round is one write to each\n"
    "  --rate R         rounds a second (0: as fast as it goes)\n"
    "  --wait-s S       rest before it begins (0.3)\n"
    "  --timeout-s S    end by then, whatever (120)\n";

struct job {
    double port;
    double connections;
    double batch;
    double size;
    double seconds;
    double rounds;
    double rate;
    double wait_s;
    double timeout_s;
    uint64_t offset;
    uint64_t writes;
    uint64_t frames;
    uint64_t bytes;
    uint64_t waits; /* how often a socket was full */
};

static void read_options(struct job *job, int argc, char **argv)
{
    static const struct option LONGS[] = {
        {"port", required_argument, 0, 0},    {"connections", required_argument, 0, 0},
        {"batch", required_argument, 0, 0},   {"size", required_argument, 0, 0},
        {"seconds", required_argument, 0, 0}, {"rounds", required_argument, 0, 0},
        {"rate", required_argument, 0, 0},    {"wait-s", required_argument, 0, 0},
        {"timeout-s", required_argument, 0, 0}, {"help", no_argument, 0, 0}, {0, 0, 0, 0}};
    double *values[] = {&job->port,   &job->connections, &job->batch,  &job->size,     &job->seconds,
                        &job->rounds, &job->rate,        &job->wait_s, &job->timeout_s};
    int found;
    int place;
    char *end;

    while ((found = getopt_long(argc, argv, "", LONGS, &place)) != -1) {
        if (found == '?')
            exit(2);
        if (strcmp(LONGS[place].name, "help") == 0) {
            fputs(USAGE, stdout);
            exit(0);
        }
        *values[place] = strtod(optarg, &end);
        if (end == optarg || *end != '\0' || *values[place] < 0 || *values[place] > 1e9) {
            fprintf(stderr, "limit: --%s wants a number\n", LONGS[place].name);
            exit(2);
        }
    }
}

/* What a round sends to everybody: each frame with the time of the round and its own offset. */
static void make_round(struct job *job, const struct crowd *crowd, struct text *out)
{
    struct text message = {0};
    uint64_t stamp = now_ns();

    out->len = 0;
    for (uint32_t i = 0; i < (uint32_t)job->batch; i++) {
        message.len = 0;
        text_puts(&message, "{\"type\":\"event\",\"channel\":\"");
        text_puts(&message, crowd->channel);
        text_puts(&message, "\",\"event\":\"bench\",\"data\":{\"t\":");
        text_number(&message, stamp + i);
        text_puts(&message, ",\"pad\":\"");
        text_fill(&message, 'x', job->size > 32 ? (size_t)job->size - 32 : 0);
        text_puts(&message, "\"},\"offset\":");
        text_number(&message, ++job->offset);
        text_puts(&message, "}");
        frame_add_server(out, OP_TEXT, message.at, message.len);
    }
    text_free(&message);
}

static void send_all(struct job *job, struct guest *guest, const struct text *out, uint64_t until_ns)
{
    size_t done = 0;
    ssize_t sent;

    while (done < out->len && guest->fd >= 0) {
        sent = send(guest->fd, out->at + done, out->len - done, MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) {
            struct pollfd full = {.fd = guest->fd, .events = POLLOUT};

            job->waits++;
            poll(&full, 1, 100);
            if (now_ns() > until_ns)
                return;
        } else if (sent < 0) {
            return;
        } else {
            done += (size_t)sent;
            job->writes++;
        }
    }
    job->frames += (uint64_t)job->batch;
    job->bytes += done;
}

static void rest_until(uint64_t at_ns)
{
    struct timespec at = {(time_t)(at_ns / NS_PER_S), (long)(at_ns % NS_PER_S)};

    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

static void send_rounds(struct job *job, struct crowd *crowd, uint64_t until_ns)
{
    struct text round = {0};
    uint64_t start = now_ns();
    uint64_t end = job->rounds > 0 ? until_ns : start + (uint64_t)(job->seconds * 1e9);
    uint64_t done = 0;
    uint64_t before;

    while (now_ns() < end && (job->rounds == 0 || done < (uint64_t)job->rounds)) {
        if (job->rate > 0)
            rest_until(start + (uint64_t)((double)done * 1e9 / job->rate));
        make_round(job, crowd, &round);
        before = job->frames;
        for (uint32_t i = 0; i < crowd->count; i++)
            send_all(job, &crowd->guests[i], &round, until_ns);
        if (job->frames == before)
            break; /* nobody is left */
        done++;
    }
    text_free(&round);
}

static double cpu_s(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv)
{
    struct job job = {.connections = 1000, .batch = 1, .size = 64, .seconds = 3, .wait_s = 0.3, .timeout_s = 120};
    struct crowd crowd;
    uint64_t until;
    uint64_t start;
    double took;
    double cpu;

    read_options(&job, argc, argv);
    until = now_ns() + (uint64_t)(job.timeout_s * 1e9);
    files_allow((uint64_t)job.connections + 32);
    crowd_listen(&crowd, (uint16_t)job.port, (uint32_t)job.connections);
    printf("{\"port\":%u}\n", crowd.port);
    fflush(stdout);
    if (crowd_gather(&crowd, until) < 0) {
        fprintf(stderr, "limit: only %u of %u came\n", crowd.subscribed, crowd.wanted);
        return 1;
    }
    rest_until(now_ns() + (uint64_t)(job.wait_s * 1e9));
    start = now_ns();
    cpu = cpu_s();
    send_rounds(&job, &crowd, until);
    took = seconds(now_ns() - start);
    printf("{\"seconds\":%.4f,\"offset\":%llu,\"frames\":%llu,\"frames_per_s\":%.1f,\"writes\":%llu,"
           "\"writes_per_s\":%.1f,\"bytes\":%llu,\"socket_full\":%llu,\"cpu\":%.3f}\n",
           took, (unsigned long long)job.offset, (unsigned long long)job.frames, (double)job.frames / took,
           (unsigned long long)job.writes, (double)job.writes / took, (unsigned long long)job.bytes,
           (unsigned long long)job.waits, (cpu_s() - cpu) / took);
    fflush(stdout);
    crowd_see_off(&crowd, until);
    return 0;
}
