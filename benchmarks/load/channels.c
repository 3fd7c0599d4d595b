/* The channels of a run, made from the patterns of the command line. */
#include "channels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

static char *channel_name(const char *pattern, uint32_t number)
{
    const char *place = strstr(pattern, "%d");
    size_t room = strlen(pattern) + 12;
    char *name = must_calloc(room, 1);

    if (place == NULL)
        snprintf(name, room, "%s", pattern);
    else
        snprintf(name, room, "%.*s%u%s", (int)(place - pattern), pattern, number, place + 2);
    return name;
}

static struct pattern *pattern_add(struct channels *channels, const char *text, uint32_t spread)
{
    struct pattern *pattern;

    for (uint32_t i = 0; i < channels->pattern_count; i++)
        if (strcmp(channels->patterns[i].text, text) == 0)
            return &channels->patterns[i];
    if (channels->pattern_count == PATTERNS_MAX)
        return NULL;
    pattern = &channels->patterns[channels->pattern_count++];
    pattern->text = strdup(text);
    pattern->first = channels->count;
    pattern->width = strstr(text, "%d") != NULL ? spread : 1;
    channels->count += pattern->width;
    channels->at = realloc(channels->at, channels->count * sizeof(struct channel));
    if (pattern->text == NULL || channels->at == NULL)
        return NULL;
    for (uint32_t i = 0; i < pattern->width; i++)
        channels->at[pattern->first + i] = (struct channel){.name = channel_name(text, i)};
    return pattern;
}

bool channels_add(struct channels *channels, const char *list, uint32_t spread, struct choice *choice)
{
    char *copy = strdup(list);
    char *place = copy;
    bool fits = copy != NULL;
    const char *text;

    while (fits && (text = strsep(&place, ",")) != NULL) {
        const struct pattern *pattern = *text != '\0' ? pattern_add(channels, text, spread) : NULL;

        if (*text == '\0')
            continue;
        fits = pattern != NULL && choice->count < PATTERNS_MAX;
        if (fits)
            choice->patterns[choice->count++] = pattern;
    }
    free(copy);
    return fits;
}

uint32_t choice_width(const struct choice *choice)
{
    uint32_t width = 0;

    for (uint32_t i = 0; i < choice->count; i++)
        width += choice->patterns[i]->width;
    return width;
}

uint32_t choice_channel(const struct choice *choice, uint64_t nth)
{
    uint32_t place = (uint32_t)(nth % choice_width(choice));
    uint32_t i = 0;

    while (place >= choice->patterns[i]->width)
        place -= choice->patterns[i++]->width;
    return choice->patterns[i]->first + place;
}
