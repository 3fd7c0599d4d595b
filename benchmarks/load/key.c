/* Finding what stands behind a key in JSON text without parsing it. */
#include "key.h"

const char *key_search(struct key *key, const char *at, size_t len)
{
    const char *found = NULL;
    const char *next = at;
    const char *end = at + len;

    while ((next = memmem(next, (size_t)(end - next), key->text, key->len)) != NULL) {
        found = next++;
        if (!key->from_end)
            break;
    }
    if (found == NULL)
        return NULL;
    key->hint = key->from_end ? (size_t)(end - found) : (size_t)(found - at);
    return found + key->len;
}

bool key_number(struct key *key, const char *at, size_t len, uint64_t *number)
{
    const char *digit = key_find(key, at, len);
    const char *end = at + len;
    uint64_t value = 0;

    if (digit == NULL)
        return false;
    while (digit < end && *digit == ' ')
        digit++;
    if (digit == end || *digit < '0' || *digit > '9')
        return false;
    for (; digit < end && *digit >= '0' && *digit <= '9'; digit++)
        value = value * 10 + (uint64_t)(*digit - '0');
    *number = value;
    return true;
}

const char *key_string(struct key *key, const char *at, size_t len, size_t *string_len)
{
    const char *start = key_find(key, at, len);
    const char *quote;

    if (start == NULL)
        return NULL;
    quote = memchr(start, '"', (size_t)(at + len - start));
    if (quote == NULL)
        return NULL;
    *string_len = (size_t)(quote - start);
    return start;
}
