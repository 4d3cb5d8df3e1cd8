/* SPDX-License-Identifier: MIT */
/* A clock that costs a few instructions to look at, where the processor has one that goes on evenly; its ticks become
   nanoseconds of gpumm__clock_ns later, by who has time. Where there is none, its ticks are those nanoseconds. */
#ifndef BASE_TICKS_H
#define BASE_TICKS_H

#include "base/thread.h"

typedef struct ticks_scale {
    bool counted;       /* by the processor */
    uint64_t ticks, ns; /* one moment of both clocks */
    uint64_t ticks_before, ns_before;
} ticks_scale;

static inline uint64_t ticks_now(bool counted) {
#if defined __x86_64__
    if (counted) return __builtin_ia32_rdtsc();
#endif
    (void)counted;
    return gpumm__clock_ns();
}

void gpumm__ticks_open(ticks_scale *s);
void gpumm__ticks_look(ticks_scale *s); /* at both clocks: now and then, by one at a time */
uint64_t gpumm__ticks_ns(const ticks_scale *s, uint64_t ticks);

#endif
