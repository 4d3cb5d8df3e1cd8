/* SPDX-License-Identifier: MIT */
/* The table of named buffers: one name, one buffer, whatever its type. */
#include "core/names.h"

#include <stdio.h>
#include <string.h>

static gpumm_group **bucket(gpumm_manager *m, const char *name) {
    uint32_t hash = 2166136261u;
    for (; *name; name++) hash = (hash ^ (uint8_t)*name) * 16777619u;
    return &m->names[hash % NAME_BUCKETS];
}

/* Lock held. */
static gpumm_group *find(gpumm_manager *m, const char *name) {
    gpumm_group *g = *bucket(m, name);
    while (g && strcmp(g->name, name) != 0) g = g->next_name;
    return g;
}

static gpumm_status name_taken(const char *name) {
    return fail(GPUMM_ALREADY_EXISTS, "a buffer named '%s' exists already: free it first, or get it by its name", name);
}

gpumm_status gpumm__name_check(gpumm_manager *m, const char *name) {
    pthread_mutex_lock(&m->lock);
    bool taken = find(m, name) != NULL;
    pthread_mutex_unlock(&m->lock);
    return taken ? name_taken(name) : GPUMM_OK;
}

gpumm_status gpumm__name_enter(gpumm_group *g) {
    gpumm_manager *m = g->object.manager;
    pthread_mutex_lock(&m->lock);
    bool taken = find(m, g->name) != NULL;
    if (!taken) {
        g->next_name = *bucket(m, g->name);
        *bucket(m, g->name) = g;
        gpumm__object_list_locked(&g->object); /* at once: whoever finds it may free it */
    }
    pthread_mutex_unlock(&m->lock);
    return taken ? name_taken(g->name) : GPUMM_OK;
}

void gpumm__name_leave(gpumm_group *g) {
    gpumm_manager *m = g->object.manager;
    pthread_mutex_lock(&m->lock);
    gpumm_group **at = bucket(m, g->name);
    while (*at && *at != g) at = &(*at)->next_name;
    if (*at) *at = g->next_name;
    pthread_mutex_unlock(&m->lock);
}

gpumm_status gpumm_find(gpumm_manager *m, const char *name, const gpumm_type *type, gpumm_buffer **out) {
    TRY(gpumm__manager_enter(m));
    pthread_mutex_lock(&m->lock);
    gpumm_group *g = find(m, name);
    if (g) gpumm__object_hold(&g->object);
    pthread_mutex_unlock(&m->lock);
    gpumm_status status = GPUMM_OK;
    if (!g) status = fail(GPUMM_NOT_FOUND, "there is no buffer named '%.255s'", name);
    else if (type && !gpumm_type_equal(type, g->members[0].type))
        status = fail(GPUMM_TYPE_MISMATCH, "buffer '%s' holds %s, not %s", name, gpumm_type_name(g->members[0].type),
                      gpumm_type_name(type));
    else *out = gpumm_buffer_retain(&g->members[0]);
    if (g) gpumm__object_drop(&g->object);
    gpumm__manager_leave(m);
    return status;
}

gpumm_status gpumm_manager_name(gpumm_manager *m, size_t index, char *text, size_t size) {
    TRY(gpumm__manager_enter(m));
    pthread_mutex_lock(&m->lock);
    object *o = m->first[RANK_GROUP];
    for (; o; o = o->next)
        if (gpumm__group_is_named_buffer((gpumm_group *)o) && index-- == 0) break;
    if (o) snprintf(text, size, "%s", ((gpumm_group *)o)->name);
    pthread_mutex_unlock(&m->lock);
    gpumm__manager_leave(m);
    return o ? GPUMM_OK : fail(GPUMM_NOT_FOUND, "there are fewer named buffers");
}
