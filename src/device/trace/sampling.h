/* SPDX-License-Identifier: MIT */
/* Which operations of a stream are timed, where not all are: as many as keep their events' cost within a small part
   of the stream's work. What was not spent on events may be made up for by a few at once. The first ones of each kind
   are timed before it is saved for, and so are those that take so long that their events are nothing beside them. */
#ifndef DEVICE_TRACE_SAMPLING_H
#define DEVICE_TRACE_SAMPLING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct sampling {
    uint64_t since; /* until which work was counted; 0: never */
    int64_t saved;  /* to be spent on events: nanoseconds, times SAMPLING_PART; negative: what was spent before */
    uint32_t wait;  /* operations to let pass, so that not always the same one of a step is timed */
    uint32_t seed;
} sampling;

enum { SAMPLING_PART = 256, SAMPLING_AT_ONCE = 32, SAMPLING_IN_ADVANCE = 64, SAMPLING_KINDS = 512, SAMPLING_FIRST = 4 };

/* Is the operation that is enqueued now timed, at `cost` nanoseconds? Then that is spent. `work`: nanoseconds that the
   stream has worked so far. `urgent`: it need not be saved for, up to SAMPLING_IN_ADVANCE of them. */
bool gpumm__sampling_takes(sampling *s, uint64_t work, uint64_t cost, bool urgent);

/* Operations of one name, where that stands, and about one size. Two kinds in one place drive one another out. */
typedef struct operation_kind {
    uintptr_t key;
    _Atomic uint32_t ns; /* how long one takes; 0: not known. Set by who reads their times */
    uint32_t timed;      /* as yet, up to SAMPLING_FIRST */
} operation_kind;

typedef struct operation_kinds {
    operation_kind all[SAMPLING_KINDS];
} operation_kinds;

operation_kind *gpumm__sampling_kind(operation_kinds *k, const char *name, uint64_t size);
void gpumm__sampling_learn(operation_kind *k, uint64_t ns);

#endif
