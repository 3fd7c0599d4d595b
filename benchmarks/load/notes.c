/* What a run notes for its report: remarks, a server's refusals, counters at a moment. */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "load.h"

void load_note(struct load *load, const char *note)
{
    if (load->notes.len > 0)
        text_puts(&load->notes, ",");
    text_puts(&load->notes, "\"");
    text_puts(&load->notes, note);
    text_puts(&load->notes, "\"");
    fprintf(stderr, "load: %s\n", note);
}

/* Keep the first few words of a server that says no, fit to stand in a JSON string. */
void load_word(char words[WORDS_MAX][200], uint32_t *count, const char *at, size_t len)
{
    char *word;

    if (*count == WORDS_MAX || len == 0)
        return;
    word = words[(*count)++];
    if (len > 199)
        len = 199;
    memcpy(word, at, len);
    for (size_t i = 0; i < len; i++)
        if (word[i] < ' ' || word[i] > '~' || word[i] == '"' || word[i] == '\\')
            word[i] = word[i] == '"' ? '\'' : ' ';
}

struct counters load_counters(const struct load *load)
{
    struct counters counters = load->count;
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    counters.cpu_ns = (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * NS_PER_S +
                      (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000;
    counters.at_ns = now_ns();
    return counters;
}
