/* The little of HTTP/1.1 that a publisher needs: is the answer whole, and what does it say? */
#ifndef HTTP_H
#define HTTP_H

#include <stdbool.h>
#include <stddef.h>

struct answer {
    unsigned status;
    const char *body;
    size_t body_len; /* of a chunked body: with its chunk headers */
    size_t size;
    bool closes;
};

enum { ANSWER_BAD = -1, ANSWER_PART = 0, ANSWER_WHOLE = 1 };

/* Read one answer, to a request of so many messages, from the bytes that arrived so far. */
int answer_read(const char *at, size_t len, unsigned messages, struct answer *answer);

#endif
