/* SPDX-License-Identifier: MIT */
/* A purse that work fills, and what is known of each kind where it is enqueued. */
#include "device/trace/sampling.h"

#include <stdatomic.h>

#include "base/size.h"

enum { WAIT_MOST = 16 };

static uint32_t some(sampling *s) {
    s->seed = s->seed * 1664525u + 1013904223u;
    return (s->seed >> 16) % WAIT_MOST;
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

static void save(sampling *s, uint64_t work, int64_t price) {
    int64_t most = SAMPLING_AT_ONCE * price;
    uint64_t done = work > s->since ? work - s->since : 0;
    if (!s->since) s->saved = most; /* the purse is full at the start */
    s->saved = least(s->saved + (int64_t)size_min(done, SAMPLING_IN_ADVANCE * (uint64_t)price), most);
    s->since = size_max(s->since, work);
}

bool gpumm__sampling_takes(sampling *s, uint64_t work, uint64_t cost, bool urgent) {
    int64_t price = (int64_t)(cost * SAMPLING_PART);
    save(s, work, price);
    if (urgent && s->saved > -SAMPLING_IN_ADVANCE * price) return s->saved -= price, true;
    if (s->saved < price) return false;
    if (s->wait) return s->wait--, false;
    s->saved -= price;
    if (s->saved < price) s->wait = some(s);
    return true;
}

/* Of the size the power of two counts, as where lengths are learned. */
static uintptr_t key_of(const char *name, uint64_t size) {
    unsigned power = size ? 64 - (unsigned)__builtin_clzll(size) : 0;
    return ((uintptr_t)name + power * 0x9e3779b9u) | 1;
}

operation_kind *gpumm__sampling_kind(operation_kinds *k, const char *name, uint64_t size) {
    uintptr_t key = key_of(name, size);
    operation_kind *kind = &k->all[(key * UINT64_C(0x9e3779b97f4a7c15) >> 48) % SAMPLING_KINDS];
    if (kind->key == key) return kind;
    /* Two that share a place would both be new each time: the second goes by what is known of the first. */
    kind->timed = kind->key ? SAMPLING_FIRST : 0;
    kind->key = key;
    return kind;
}

void gpumm__sampling_learn(operation_kind *k, uint64_t ns) {
    atomic_store_explicit(&k->ns, (uint32_t)size_min(ns, UINT32_MAX), memory_order_relaxed);
}
