/* SPDX-License-Identifier: MIT */
/* A purse that time fills. */
#include "device/sampling.h"

#include "base/size.h"

enum { WAIT_MOST = 16 };

static uint32_t some(sampling *s) {
    s->seed = s->seed * 1664525u + 1013904223u;
    return (s->seed >> 16) % WAIT_MOST;
}

static void save(sampling *s, uint64_t now, uint64_t price) {
    uint64_t most = SAMPLING_AT_ONCE * price;
    uint64_t passed = !s->since ? most : now > s->since ? now - s->since : 0; /* the purse is full at the start */
    s->saved = size_min(s->saved + size_min(passed, most), most);
    s->since = size_max(s->since, now);
}

bool gpumm__sampling_takes(sampling *s, uint64_t now, uint64_t cost) {
    uint64_t price = cost * SAMPLING_PART;
    save(s, now, price);
    if (s->saved < price) return false;
    if (s->wait) return s->wait--, false;
    s->saved -= price;
    if (s->saved < price) s->wait = some(s);
    return true;
}
