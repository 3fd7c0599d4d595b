/* The systems that can be put under load. */
#include "dialect.h"

#include <string.h>

static struct dialect *const DIALECTS[] = {
    &native_dialect,        &plain_dialect,     &centrifugo_dialect,        &nchan_dialect,
    &socketio2_dialect,     &socketio4_dialect, &nats_dialect,              &pusher_dialect,
    &native_events_dialect, &nchan_events_dialect, &centrifugo_events_dialect,
};

static struct api *const APIS[] = {
    &native_api, &centrifugo_api, &nchan_api, &nats_api, &jetstream_api, &pusher_api,
};

struct dialect *dialect_named(const char *name)
{
    for (size_t i = 0; i < sizeof(DIALECTS) / sizeof(DIALECTS[0]); i++)
        if (strcmp(DIALECTS[i]->name, name) == 0)
            return DIALECTS[i];
    return NULL;
}

struct api *api_named(const char *name)
{
    for (size_t i = 0; i < sizeof(APIS) / sizeof(APIS[0]); i++)
        if (strcmp(APIS[i]->name, name) == 0)
            return APIS[i];
    return NULL;
}

const char *secret_of(const char *key, size_t *name_len)
{
    const char *colon = strchr(key, ':');

    *name_len = colon != NULL ? (size_t)(colon - key) : strlen(key);
    return colon != NULL ? colon + 1 : "";
}
