/* What one run is told to do: reading the command line. */
#include "options.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

static const char USAGE[] =
    "load: put a publish/subscribe server under load and say what it did, as JSON\n\n"
    "clients\n"
    "  --url URL             ws://host:port/path; again for more, taken in turn\n"
    "  --connections N       how many clients (0: only publish)\n"
    "  --rate R              new connections a second (0: as fast as it goes)\n"
    "  --inflight N          handshakes under way at once (256)\n"
    "  --connect-s S         all must be live after this (60)\n"
    "  --dialect NAME        native, plain, centrifugo, nchan, socketio2, socketio4, nats, pusher,\n"
    "                        or over Server-Sent Events: native-sse, centrifugo-sse, nchan-sse\n"
    "  --auth HOW            message, header (with the upgrade), none\n"
    "  --token T, --token-file F   one for all, or one a line, taken in turn\n"
    "  --channels A,B-%d     of every client; %d: its number modulo --spread\n"
    "  --spread N            how many channels %d stands for (as many as clients)\n"
    "measuring\n"
    "  --settle-s S --duration-s S --drain-s S   rest, window, wait for the last (0.2, 5, 10)\n"
    "  --no-stamps           do not read the delay out of each delivery\n"
    "  --offsets             check that offsets rise by one\n"
    "  --comeback            cut everybody at the end and let them resume\n"
    "  --missed N            publications to each channel while they are away (1)\n"
    "  --comeback-url URL    where they come back; again for more (where they were)\n"
    "  --comeback-inflight N, --comeback-s S     (1000, 60)\n"
    "  --away-s S            they come back together after so long (when all is published)\n"
    "publishing\n"
    "  --publish-url URL     http://host:port; none: nothing is published\n"
    "  --api NAME            native, centrifugo, nchan, nats, jetstream, pusher (of --publish-url)\n"
    "  --api-key KEY --publish-channels A,B-%d   (pusher: NAME:SECRET)\n"
    "  --publishers K --batch B --size BYTES     (4, 1, 64)\n"
    "  --publish-rate R      publications a second (default: as fast as answers come)\n"
    "  --one-at-a-time       the next one when every client has the last one; --gap-s S between\n"
    "  --publish-joins       one for each client that becomes live\n"
    "  --publish-count N     stop after so many\n"
    "run\n"
    "  --timeout-s S         end by then, whatever (600)\n"
    "  --progress            a line a second on stderr\n";

static void wrong(const char *format, ...)
{
    va_list values;

    va_start(values, format);
    fputs("load: ", stderr);
    vfprintf(stderr, format, values);
    fputc('\n', stderr);
    va_end(values);
    exit(2);
}

static double number(const char *name, const char *value)
{
    char *end;
    double result = strtod(value, &end);

    if (end == value || *end != '\0' || result < 0 || result > 1e15)
        wrong("--%s wants a number, not \"%s\"", name, value);
    return result;
}

static void read_target(struct target *target, const char *name, const char *url)
{
    const char *problem = target_parse(target, url);

    if (problem != NULL)
        wrong("--%s %s: %s", name, url, problem);
}

static void add_token(struct options *options, const char *token)
{
    options->tokens = realloc(options->tokens, (options->token_count + 1) * sizeof(char *));
    if (options->tokens != NULL)
        options->tokens[options->token_count] = strdup(token);
    if (options->tokens == NULL || options->tokens[options->token_count] == NULL)
        wrong("out of memory");
    options->token_count++;
}

static void read_tokens(struct options *options, const char *path)
{
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t room = 0;
    ssize_t len;

    if (file == NULL)
        wrong("--token-file %s cannot be read", path);
    while ((len = getline(&line, &room, file)) > 0) {
        line[strcspn(line, "\r\n")] = '\0';
        if (*line != '\0')
            add_token(options, line);
    }
    free(line);
    fclose(file);
}

enum type { REAL, COUNT, LONG_COUNT, STRING, FLAG, NO_FLAG, SPECIAL };

struct rule {
    const char *name;
    enum type type;
    size_t place;
};

#define AT(member) offsetof(struct options, member)

static const struct rule RULES[] = {
    {"url", SPECIAL, 0},
    {"comeback-url", SPECIAL, 0},
    {"token", SPECIAL, 0},
    {"token-file", SPECIAL, 0},
    {"dialect", SPECIAL, 0},
    {"api", SPECIAL, 0},
    {"auth", SPECIAL, 0},
    {"publish-url", SPECIAL, 0},
    {"connections", COUNT, AT(connections)},
    {"rate", REAL, AT(connect_rate)},
    {"inflight", COUNT, AT(inflight)},
    {"connect-s", REAL, AT(connect_s)},
    {"channels", STRING, AT(channels)},
    {"spread", COUNT, AT(spread)},
    {"settle-s", REAL, AT(settle_s)},
    {"duration-s", REAL, AT(duration_s)},
    {"drain-s", REAL, AT(drain_s)},
    {"no-stamps", NO_FLAG, AT(stamps)},
    {"offsets", FLAG, AT(offsets)},
    {"comeback", FLAG, AT(comeback)},
    {"missed", COUNT, AT(missed)},
    {"comeback-inflight", COUNT, AT(comeback_inflight)},
    {"comeback-s", REAL, AT(comeback_s)},
    {"away-s", REAL, AT(away_s)},
    {"api-key", STRING, AT(api_key)},
    {"publish-channels", STRING, AT(publish_channels)},
    {"publishers", COUNT, AT(publishers)},
    {"batch", COUNT, AT(batch)},
    {"size", COUNT, AT(size)},
    {"publish-rate", REAL, AT(publish_rate)},
    {"one-at-a-time", SPECIAL, 0},
    {"publish-joins", SPECIAL, 0},
    {"gap-s", REAL, AT(gap_s)},
    {"publish-count", LONG_COUNT, AT(publish_count)},
    {"timeout-s", REAL, AT(timeout_s)},
    {"progress", FLAG, AT(progress)},
    {"help", SPECIAL, 0},
};
#define RULE_COUNT (sizeof(RULES) / sizeof(RULES[0]))

static enum auth auth_named(const char *name)
{
    if (strcmp(name, "header") == 0)
        return AUTH_HEADER;
    if (strcmp(name, "none") == 0)
        return AUTH_NONE;
    if (strcmp(name, "message") != 0)
        wrong("--auth is message, header or none");
    return AUTH_MESSAGE;
}

static void special(struct options *options, const char *name, const char *value)
{
    if (strcmp(name, "url") == 0) {
        if (options->target_count == TARGETS_MAX)
            wrong("at most %d --url", TARGETS_MAX);
        read_target(&options->targets[options->target_count++], name, value);
    } else if (strcmp(name, "comeback-url") == 0) {
        if (options->back_count == TARGETS_MAX)
            wrong("at most %d --comeback-url", TARGETS_MAX);
        read_target(&options->back[options->back_count++], name, value);
    } else if (strcmp(name, "publish-url") == 0) {
        read_target(&options->publish_target, name, value);
        options->publishes = true;
    } else if (strcmp(name, "token") == 0) {
        add_token(options, value);
    } else if (strcmp(name, "token-file") == 0) {
        read_tokens(options, value);
    } else if (strcmp(name, "auth") == 0) {
        options->auth = auth_named(value);
    } else if (strcmp(name, "one-at-a-time") == 0) {
        options->pace = PACE_ONE;
    } else if (strcmp(name, "publish-joins") == 0) {
        options->pace = PACE_JOINS;
    } else if (strcmp(name, "dialect") == 0) {
        if ((options->dialect = dialect_named(value)) == NULL)
            wrong("--dialect %s is not known", value);
    } else if (strcmp(name, "api") == 0) {
        if ((options->api = api_named(value)) == NULL)
            wrong("--api %s is not known", value);
    } else {
        fputs(USAGE, stdout);
        exit(0);
    }
}

static bool wants_value(const char *name, enum type type)
{
    return type < FLAG || (type == SPECIAL && strcmp(name, "help") != 0 &&
                           strcmp(name, "one-at-a-time") != 0 && strcmp(name, "publish-joins") != 0);
}

static void take(struct options *options, const struct rule *rule, const char *value)
{
    char *place = (char *)options + rule->place;

    switch (rule->type) {
    case REAL:
        *(double *)(void *)place = number(rule->name, value);
        break;
    case COUNT:
        if (number(rule->name, value) > 1e9)
            wrong("--%s %s is too much", rule->name, value);
        *(uint32_t *)(void *)place = (uint32_t)number(rule->name, value);
        break;
    case LONG_COUNT:
        *(uint64_t *)(void *)place = (uint64_t)number(rule->name, value);
        break;
    case STRING:
        *(const char **)(void *)place = value;
        break;
    case FLAG:
    case NO_FLAG:
        *(bool *)(void *)place = rule->type == FLAG;
        break;
    default:
        special(options, rule->name, value);
    }
}

static void check(struct options *options)
{
    if (options->connections > 0 && options->target_count == 0)
        wrong("--connections wants a --url");
    if (options->connections == 0 && !options->publishes)
        wrong("nothing to do: neither --connections nor --publish-url");
    if (options->connections > 0 && options->dialect->auth == NULL)
        options->auth = AUTH_NONE;
    if (options->connections > 0 && options->auth != AUTH_NONE && options->token_count == 0)
        wrong("--token or --token-file is missing (or --auth none)");
    if (options->publishes && (options->publishers == 0 || options->batch == 0))
        wrong("--publishers and --batch must be at least 1");
    if (options->publishes && *options->publish_channels == '\0')
        options->publish_channels = options->channels;
    if (options->publishes && *options->publish_channels == '\0')
        wrong("--publish-channels is missing");
    if (options->publishes && options->batch > 1 &&
        (options->api->batch_open == NULL || (options->api->batch_max > 0 && options->batch > options->api->batch_max)))
        wrong("--api %s takes no batches of %u", options->api->name, options->batch);
    if (options->inflight == 0 || options->comeback_inflight == 0)
        wrong("--inflight must be at least 1");
    if (options->comeback && options->missed > 0 && options->dialect->resume == NULL &&
        options->dialect->cursor == NULL)
        wrong("--dialect %s cannot resume", options->dialect->name);
    options->offsets = options->offsets || options->comeback;
    if (options->publish_rate > 0 && options->pace == PACE_FAST)
        options->pace = PACE_RATE;
    if (options->spread == 0)
        options->spread = options->connections > 0 ? options->connections : 1;
}

static void defaults(struct options *options)
{
    *options = (struct options){
        .inflight = 256,
        .connect_s = 60,
        .channels = "",
        .settle_s = 0.2,
        .duration_s = 5,
        .drain_s = 10,
        .stamps = true,
        .missed = 1,
        .comeback_inflight = 1000,
        .comeback_s = 60,
        .api_key = "",
        .publish_channels = "",
        .publishers = 4,
        .batch = 1,
        .size = 64,
        .timeout_s = 600,
    };
    options->dialect = dialect_named("native");
    options->api = api_named("native");
}

void options_read(struct options *options, int argc, char **argv)
{
    struct option longs[RULE_COUNT + 1] = {{0}};
    int found;
    int place;

    for (size_t i = 0; i < RULE_COUNT; i++) {
        longs[i].name = RULES[i].name;
        longs[i].has_arg = wants_value(RULES[i].name, RULES[i].type) ? required_argument : no_argument;
    }
    defaults(options);
    while ((found = getopt_long(argc, argv, "", longs, &place)) != -1) {
        if (found == '?')
            exit(2);
        take(options, &RULES[place], optarg);
    }
    if (optind < argc)
        wrong("\"%s\" is not an option (see --help)", argv[optind]);
    check(options);
}
