/* SPDX-License-Identifier: MIT */
/* A hash table. A manager has dozens of named buffers, rarely thousands: for those its buckets become more, in memory
   that whoever adds a name takes before he has the lock. */
#include "core/names.h"

#include <string.h>

#include "base/status.h"

enum { CROWDED = 4, MORE = 8 }; /* names a bucket; how many times as many buckets there are then */

static uint32_t hash_of(const char *name) {
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (; *name; name++) hash = (hash ^ (uint8_t)*name) * 16777619u;
    return hash;
}

static size_t buckets_of(const name_table *n) { return n->many ? n->buckets : NAME_BUCKETS; }

static name_entry **bucket_of(name_table *n, const char *name) {
    return &(n->many ? n->many : n->few)[hash_of(name) % buckets_of(n)];
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
    n->count++;
}

void gpumm__names_remove(name_table *n, name_entry *entry) {
    name_entry **at = bucket_of(n, entry->name);
    while (*at && *at != entry) at = &(*at)->next;
    if (!*at) return;
    *at = entry->next;
    n->count--;
}

size_t gpumm__names_wanted(const name_table *n) {
    size_t buckets = buckets_of(n);
    return n->count > CROWDED * buckets ? MORE * buckets : 0;
}

name_entry **gpumm__names_spread(name_table *n, name_entry **fresh, size_t buckets) {
    name_entry **before = n->many ? n->many : n->few;
    if (!fresh || buckets <= buckets_of(n)) return fresh;
    for (size_t i = 0; i < buckets_of(n); i++)
        for (name_entry *e = before[i], *next; e; e = next) {
            next = e->next;
            name_entry **bucket = &fresh[hash_of(e->name) % buckets];
            e->next = *bucket;
            *bucket = e;
        }
    before = n->many;
    n->many = fresh;
    n->buckets = buckets;
    return before;
}
