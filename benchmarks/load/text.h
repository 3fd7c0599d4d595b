/* Bytes that grow: what is built to be sent, and what arrived in part. */
#ifndef TEXT_H
#define TEXT_H

#include <stddef.h>
#include <stdint.h>

struct text {
    char *at;
    size_t len;
    size_t room;
};

/* A name written `$name` in a template and what stands in its place. */
struct field {
    const char *name;
    const char *value;
};

/* Room for `more` bytes behind the end; ends the program when there is no memory. */
char *text_room(struct text *text, size_t more);

void text_add(struct text *text, const void *bytes, size_t len);
void text_puts(struct text *text, const char *string);
void text_number(struct text *text, uint64_t number);
void text_fill(struct text *text, char byte, size_t len);

/* Appends `template` with each `$name` replaced; `fields` ends with a NULL name. */
void text_expand(struct text *text, const char *template, const struct field *fields);

void text_free(struct text *text);

/* Memory or the end of the program. */
void *must_calloc(size_t count, size_t size);

#endif
