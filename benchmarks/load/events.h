/* Server-Sent Events as a load needs them: the request, the answer's head, chunks, events. */
#ifndef EVENTS_H
#define EVENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "text.h"
#include "ws.h"

/* Append the request; `extra` are whole header lines, each with its CR LF, or "". */
void events_request(struct text *out, const char *host, const char *path, const char *extra);

/* The size of the answer's head if a stream begins, 0 while it is not whole, -1 when refused. */
long events_accepted(const char *at, size_t len, bool *chunked);

/* Fill `frame` with the next piece of the body: a chunk, or all that is here; the last chunk is a close. */
bool events_piece(const char *at, size_t len, bool chunked, struct frame *frame);

/* The size of the first event, its empty line included; 0: not whole yet. */
size_t events_first(const char *at, size_t len);

/* The one line of an event's data, NULL when it has none. */
const char *events_data(const char *at, size_t len, size_t *data_len);

/* The `id` of an event, NULL when it has none. */
const char *events_id(const char *at, size_t len, size_t *id_len);

#endif
