/* Bytes that grow: what is built to be sent, and what arrived in part. */
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void out_of_memory(void)
{
    fputs("load: out of memory\n", stderr);
    exit(1);
}

void *must_calloc(size_t count, size_t size)
{
    void *memory = calloc(count > 0 ? count : 1, size);

    if (memory == NULL)
        out_of_memory();
    return memory;
}

char *text_room(struct text *text, size_t more)
{
    size_t room = text->room > 0 ? text->room : 256;

    if (text->len + more > text->room) {
        while (room < text->len + more)
            room *= 2;
        text->at = realloc(text->at, room);
        if (text->at == NULL)
            out_of_memory();
        text->room = room;
    }
    return text->at + text->len;
}

void text_add(struct text *text, const void *bytes, size_t len)
{
    char *end = text_room(text, len);

    if (len > 0)
        memcpy(end, bytes, len);
    text->len += len;
}

void text_puts(struct text *text, const char *string)
{
    text_add(text, string, strlen(string));
}

void text_number(struct text *text, uint64_t number)
{
    char digits[24];
    size_t start = sizeof(digits);

    do {
        digits[--start] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    text_add(text, digits + start, sizeof(digits) - start);
}

void text_fill(struct text *text, char byte, size_t len)
{
    char *end = text_room(text, len);

    memset(end, byte, len);
    text->len += len;
}

static const struct field *field_at(const char *name, const struct field *fields)
{
    for (; fields->name != NULL; fields++)
        if (strncmp(name, fields->name, strlen(fields->name)) == 0)
            return fields;
    return NULL;
}

void text_expand(struct text *text, const char *template, const struct field *fields)
{
    const struct field *field;
    const char *dollar;

    while ((dollar = strchr(template, '$')) != NULL) {
        text_add(text, template, (size_t)(dollar - template));
        field = field_at(dollar + 1, fields);
        text_puts(text, field != NULL ? field->value : "$");
        template = dollar + 1 + (field != NULL ? strlen(field->name) : 0);
    }
    text_puts(text, template);
}

void text_free(struct text *text)
{
    free(text->at);
    *text = (struct text){0};
}
