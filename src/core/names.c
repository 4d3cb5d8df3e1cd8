/* SPDX-License-Identifier: MIT */
/* A hash table with a fixed number of buckets: a manager has dozens of named buffers, rarely thousands. */
#include "core/names.h"

#include <string.h>

#include "base/status.h"

static name_entry **bucket_of(name_table *n, const char *name) {
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (; *name; name++) hash = (hash ^ (uint8_t)*name) * 16777619u;
    return &n->bucket[hash % NAME_BUCKETS];
}

gpumm_status gpumm__name_check(const char *what, const char *name) {
    size_t length = name ? strnlen(name, NAME_BYTES + 1) : 0;
    if (length >= 1 && length <= NAME_BYTES) return GPUMM_OK;
    return fail(GPUMM_INVALID_ARGUMENT, "a %s's name has 1 to %d bytes; this one has %s", what, NAME_BYTES,
                length ? "more" : "none");
}

name_entry *gpumm__names_find(name_table *n, const char *name) {
    name_entry *entry = *bucket_of(n, name);
    while (entry && strcmp(entry->name, name) != 0) entry = entry->next;
    return entry;
}

void gpumm__names_add(name_table *n, name_entry *entry) {
    name_entry **bucket = bucket_of(n, entry->name);
    entry->next = *bucket;
    *bucket = entry;
}

void gpumm__names_remove(name_table *n, name_entry *entry) {
    name_entry **at = bucket_of(n, entry->name);
    while (*at && *at != entry) at = &(*at)->next;
    if (*at) *at = entry->next;
}
