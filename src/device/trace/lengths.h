/* SPDX-License-Identifier: MIT */
/* How long operations take, learned from those that are timed; and where those that are not lie between two that
   are. */
#ifndef DEVICE_TRACE_LENGTHS_H
#define DEVICE_TRACE_LENGTHS_H

#include "device/trace/operation.h"

enum { LENGTHS_KNOWN = 512 };

typedef struct lengths {
    struct {
        uint64_t key, ns;
    } known[LENGTHS_KNOWN]; /* by key; of two in one place the last */
    uint64_t mean;          /* of all, where one is not known */
} lengths;

void gpumm__lengths_learn(lengths *l, const operation *o, uint64_t ns);
uint64_t gpumm__lengths_of(const lengths *l, const operation *o);

/* Operations one behind the other, none before it was enqueued, all between `from` and `to`. Where there is not even
   time for as long as each is at least, they end later: of no length, in one moment, they would be drawn in one
   another. */
typedef struct stretch {
    uint64_t at, to;      /* where the last one that was placed ends */
    uint64_t left, least; /* lengths of those to be placed, and what they are at least */
    bool busy;            /* the stream had work up to `to` */
} stretch;

void gpumm__stretch_begin(stretch *s, uint64_t from, uint64_t to, bool busy);
void gpumm__stretch_add(stretch *s, const operation *o); /* each, with its lengths */
void gpumm__stretch_place(stretch *s, const operation *o, uint64_t *begin,
                          uint64_t *end); /* each again, in their order */
/* Instead: its times are known, and come to lie within. */
void gpumm__stretch_put(stretch *s, const operation *o, uint64_t *begin, uint64_t *end);

#endif
