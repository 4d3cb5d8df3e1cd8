/* SPDX-License-Identifier: MIT */
/* How long operations take, learned from those that are timed; and where those that are not lie between two that are. */
#ifndef DEVICE_LENGTHS_H
#define DEVICE_LENGTHS_H

#include "device/operation.h"

enum { LENGTHS_KNOWN = 512 };

typedef struct lengths {
    struct {
        uint64_t key, ns;
    } known[LENGTHS_KNOWN]; /* by key; of two in one place the last */
    uint64_t mean;          /* of all, where one is not known */
} lengths;

void gpumm__lengths_learn(lengths *l, const operation *o, uint64_t ns);
uint64_t gpumm__lengths_of(const lengths *l, const operation *o);

/* Operations one behind the other, none before it was enqueued, all between `from` and `to`, but for `least` each. */
typedef struct stretch {
    uint64_t from, to;
    uint64_t first;   /* where the first begins */
    uint64_t lengths; /* of all */
    uint64_t wanted;  /* where the last would end */
    uint64_t at;      /* where the last one that was placed ends */
    uint64_t least;   /* of each, so that none is drawn in another */
    bool scaled;
} stretch;

void gpumm__stretch_begin(stretch *s, uint64_t from, uint64_t to, uint64_t least);
void gpumm__stretch_add(stretch *s, const operation *o); /* each, in their order, with its `length` */
void gpumm__stretch_fill(stretch *s, bool busy);         /* `busy`: the stream had work up to `to` */
void gpumm__stretch_place(stretch *s, const operation *o, uint64_t *begin, uint64_t *end); /* each again */

#endif
