/* Finding what stands behind a key in JSON text without parsing it. */
#ifndef KEY_H
#define KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * Messages of one kind have their keys in the same place, so the place where a key
 * was last is tried first: then finding it costs one comparison, not a search.
 */
struct key {
    const char *text; /* as it stands in the message, quotes and colon included */
    size_t len;
    bool from_end; /* the last occurrence is meant, and the hint counts from the end */
    size_t hint;
};

#define KEY(string) {.text = (string), .len = sizeof(string) - 1}
#define KEY_AT_END(string) {.text = (string), .len = sizeof(string) - 1, .from_end = true}

/* The long way, which also sets the hint. */
const char *key_search(struct key *key, const char *at, size_t len);

/* The byte behind the key, or NULL. */
static inline const char *key_find(struct key *key, const char *at, size_t len)
{
    size_t place = key->from_end ? len - key->hint : key->hint;

    if (place < len && key->len < len - place && memcmp(at + place, key->text, key->len) == 0)
        return at + place + key->len;
    return key_search(key, at, len);
}

/* The unsigned number behind the key; false when there is none. */
bool key_number(struct key *key, const char *at, size_t len, uint64_t *number);

/* The string behind the key (which must include the opening quote) up to the next quote. */
const char *key_string(struct key *key, const char *at, size_t len, size_t *string_len);

/* Whether `part` occurs in the text. */
static inline bool has(const char *at, size_t len, const char *part)
{
    return memmem(at, len, part, strlen(part)) != NULL;
}

static inline bool starts(const char *at, size_t len, const char *part)
{
    size_t part_len = strlen(part);

    return len >= part_len && memcmp(at, part, part_len) == 0;
}

#endif
