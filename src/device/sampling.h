/* SPDX-License-Identifier: MIT */
/* Which operations of a stream are timed, where not all are: as many as keep their events' cost within a small part of the time
   that passes. What has passed without events may be made up for by a few at once. */
#ifndef DEVICE_SAMPLING_H
#define DEVICE_SAMPLING_H

#include <stdbool.h>
#include <stdint.h>

typedef struct sampling {
    uint64_t since; /* until when time was counted; 0: never */
    uint64_t saved; /* to be spent on events: nanoseconds, times SAMPLING_PART */
    uint32_t wait;  /* operations to let pass, so that not always the same one of a step is timed */
    uint32_t seed;
} sampling;

enum { SAMPLING_PART = 256, SAMPLING_AT_ONCE = 64 };

/* Is the operation that is enqueued now timed, at `cost` nanoseconds? Then that is spent. */
bool gpumm__sampling_takes(sampling *s, uint64_t now, uint64_t cost);

#endif
