/* What a run found, as one JSON object on stdout. */
#include <stdarg.h>
#include <stdio.h>

#include "load.h"

static void out(const char *format, ...)
{
    va_list values;

    va_start(values, format);
    vprintf(format, values);
    va_end(values);
}

static double rate(uint64_t count, double over_s)
{
    return over_s > 0 ? (double)count / over_s : 0.0;
}

static void print_hist(const char *name, const struct hist *hist)
{
    out("\"%s\":{\"count\":%llu,\"mean\":%.3f,\"p50\":%.3f,\"p90\":%.3f,\"p99\":%.3f,\"max\":%.3f}", name,
        (unsigned long long)hist->count, hist_mean(hist) / 1e6, (double)hist_at(hist, 0.5) / 1e6,
        (double)hist_at(hist, 0.9) / 1e6, (double)hist_at(hist, 0.99) / 1e6, (double)hist->max / 1e6);
}

static void print_words(const char *name, char words[WORDS_MAX][200], uint32_t count)
{
    out("\"%s\":[", name);
    for (uint32_t i = 0; i < count; i++)
        out("%s\"%s\"", i > 0 ? "," : "", words[i]);
    out("]");
}

static void print_settings(const struct load *load)
{
    const struct options *options = &load->options;

    out("\"settings\":{\"dialect\":\"%s\",\"connections\":%u,\"channels\":%u,\"channels_each\":%u,"
        "\"inflight\":%u,\"publishers\":%u,\"batch\":%u,\"size\":%u,\"publish_rate\":%.1f},",
        options->dialect->name, options->connections, load->channels.count, load->heard.count,
        options->inflight, load->publisher.count, options->batch, options->size, options->publish_rate);
    out("\"notes\":[%.*s],", (int)load->notes.len, load->notes.len > 0 ? load->notes.at : "");
}

static void print_connect(const struct load *load)
{
    double took = seconds(load->connect_ns);

    out("\"connect\":{\"live\":%llu,\"seconds\":%.4f,\"per_s\":%.1f,\"refused\":%llu,",
        (unsigned long long)load->connecting.count, took, rate(load->connecting.count, took),
        (unsigned long long)load->count.refused);
    print_hist("ms", &load->connecting);
    out("},");
}

static void print_window(const struct load *load)
{
    const struct counters *from = &load->window_start;
    const struct counters *to = &load->window_end;
    double took = seconds(to->at_ns - from->at_ns);
    uint64_t deliveries = to->deliveries - from->deliveries;
    uint64_t reads = to->reads - from->reads;

    out("\"window\":{\"seconds\":%.4f,\"deliveries\":%llu,\"deliveries_per_s\":%.1f,"
        "\"presence\":%llu,\"bytes_per_s\":%.1f,\"reads\":%llu,\"reads_per_s\":%.1f,"
        "\"messages_a_read\":%.2f,\"load_cpu\":%.3f,\"drain_s\":%.3f},",
        took, (unsigned long long)deliveries, rate(deliveries, took),
        (unsigned long long)(to->presence - from->presence), rate(to->read_bytes - from->read_bytes, took),
        (unsigned long long)reads, rate(reads, took), rate(deliveries, (double)reads),
        rate(to->cpu_ns - from->cpu_ns, took * 1e9), load->drain_s);
}

static void print_publish(struct load *load)
{
    struct publisher *publisher = &load->publisher;
    double took = seconds(load->window_end.at_ns - load->window_start.at_ns);

    out("\"publish\":{\"accepted\":%llu,\"accepted_in_window\":%llu,\"per_s\":%.1f,\"ok\":%llu,\"other\":%llu,"
        "\"failures\":%llu,\"expected_deliveries\":%llu,\"late_max_ms\":%.3f,",
        (unsigned long long)publisher->accepted, (unsigned long long)load->accepted_window,
        rate(load->accepted_window, took), (unsigned long long)publisher->answers_ok,
        (unsigned long long)publisher->answers_other, (unsigned long long)publisher->failures,
        (unsigned long long)publisher->expected, (double)publisher->late_max_ns / 1e6);
    print_words("words", publisher->words, publisher->word_count);
    out(",");
    print_hist("ms", &load->answering);
    out("},");
}

/* Deliveries that accepted publications must have caused and that never came, whatever the system says of it. */
static uint64_t undelivered(const struct load *load)
{
    uint64_t expected = load->publisher.expected;

    return !load->options.comeback && expected > load->count.deliveries ? expected - load->count.deliveries : 0;
}

static void print_check(struct load *load)
{
    const struct counters *count = &load->count;

    out("\"total\":{\"deliveries\":%llu,\"presence\":%llu,\"payload_bytes\":%llu,\"reads\":%llu,\"pings\":%llu,"
        "\"gaps_told\":%llu,\"missing\":%llu,\"duplicates\":%llu,\"unexpected\":%llu,\"errors\":%llu,"
        "\"lost\":%llu,\"client_pings\":%llu,\"undelivered\":%llu,\"codes\":{",
        (unsigned long long)count->deliveries, (unsigned long long)count->presence,
        (unsigned long long)count->payload_bytes, (unsigned long long)count->reads,
        (unsigned long long)count->pings, (unsigned long long)count->gaps_told,
        (unsigned long long)count->missing, (unsigned long long)count->duplicates,
        (unsigned long long)count->unexpected, (unsigned long long)count->errors,
        (unsigned long long)count->lost, (unsigned long long)count->client_pings,
        (unsigned long long)undelivered(load));
    for (size_t i = 0; i < CODES_MAX && load->codes[i].count > 0; i++)
        out("%s\"%u\":%llu", i > 0 ? "," : "", load->codes[i].code, (unsigned long long)load->codes[i].count);
    out("},");
    print_words("words", load->words, load->word_count);
    out("},");
}

/* What never came to pass took no time: null, not 0. */
static void print_moment(const char *name, uint64_t ns)
{
    if (ns > 0)
        out("\"%s\":%.4f,", name, seconds(ns));
    else
        out("\"%s\":null,", name);
}

static void print_comeback(const struct load *load)
{
    if (!load->options.comeback)
        return;
    out("\"comeback\":{\"clients\":%u,\"caught_up\":%u,", load->fleet.count, load->fleet.caught_up);
    print_moment("away_s", load->away_ns);
    print_moment("subscribed_s", load->subscribed_ns);
    print_moment("seconds", load->comeback_ns);
    out("\"recovered\":%llu,\"unrecovered\":%llu,", (unsigned long long)load->fleet.recovered,
        (unsigned long long)load->fleet.unrecovered);
    print_hist("ms", &load->returning);
    out(",");
    print_hist("greeting_ms", &load->greeting);
    out("},");
}

/* What happened in each second of the run: live at its end, deliveries and presence messages in it. */
static void print_series(const struct load *load)
{
    struct second before = {0};

    out("\"series\":[");
    for (uint32_t i = 0; i < load->series_count; i++) {
        const struct second *now = &load->series[i];

        out("%s[%u,%llu,%llu]", i > 0 ? "," : "", now->live,
            (unsigned long long)(now->deliveries - before.deliveries),
            (unsigned long long)(now->presence - before.presence));
        before = *now;
    }
    out("]");
}

void report_print(struct load *load)
{
    out("{");
    print_settings(load);
    print_connect(load);
    print_window(load);
    print_hist("delay_ms", &load->delay);
    out(",");
    print_hist("last_ms", &load->last);
    out(",");
    if (load->options.publishes)
        print_publish(load);
    print_check(load);
    print_comeback(load);
    print_series(load);
    out("}\n");
}
