/* What a publisher makes of answers, and of those that did not come. */
#include <string.h>

#include "http.h"
#include "load.h"

/* A server that is not there is not asked again at once. */
#define FAILED_PAUSE_NS (50 * NS_PER_MS)

static uint64_t refused_in(const char *body, size_t len, const char *sign)
{
    uint64_t count = 0;
    const char *end = body + len;

    while (sign != NULL && (body = memmem(body, (size_t)(end - body), sign, strlen(sign))) != NULL) {
        body += strlen(sign);
        count++;
    }
    return count;
}

void publisher_failed(struct load *load)
{
    load->publisher.failures++;
    load->publisher.pause_until_ns = now_ns() + FAILED_PAUSE_NS;
}

void pub_answered(struct load *load, struct pub *pub, unsigned status, const char *body, size_t len)
{
    struct publisher *publisher = &load->publisher;
    struct channel *channel = &load->channels.at[pub->channel];
    uint64_t refused = refused_in(body, len, load->options.api->refused);
    uint64_t offset;

    if (status < 200 || status > 299 || refused > pub->messages) {
        publisher->answers_other++;
        load_word(publisher->words, &publisher->word_count, body, len);
        return;
    }
    publisher->answers_ok++;
    publisher->accepted += pub->messages - refused;
    if (refused > 0)
        load_word(publisher->words, &publisher->word_count, body, len);
    publisher->expected += pub->expected - refused * (pub->expected / pub->messages);
    if (load->options.api->offset.text != NULL && key_number(&load->options.api->offset, body, len, &offset) &&
        offset > channel->target)
        channel->target = offset;
}
