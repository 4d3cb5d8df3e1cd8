/* SPDX-License-Identifier: MIT */
/* FNV-1a: stamps of texts and names in tables, never a protection against anybody. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stdint.h>

static const uint64_t hash_start = 14695981039346656037u;

/* Goes on from `hash` (hash_start at first) over the text. */
static inline uint64_t hash_text(uint64_t hash, const char *text) {
    for (; *text; text++) hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    return hash;
}

#endif
