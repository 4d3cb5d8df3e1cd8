/* SPDX-License-Identifier: MIT */
/* The transaction of a change of size: charge the budget, commit every member, write what is new, then publish; or
   give everything back. */
#ifndef CORE_TRANSACTION_H
#define CORE_TRANSACTION_H

#include "core/group.h"

/* What a change of size is asked for. */
typedef struct change {
    gpumm_stream *stream;
    uint64_t capacity; /* at least this; 0: what the length needs */
    uint64_t proposed; /* a capacity to try first; 0: by the group's schedule */
    bool sized;        /* the length becomes `length` */
    bool spills;       /* what the device has no memory for may be spilled */
    uint64_t length;
    uint64_t append;            /* elements to add to the length */
    const void *const *columns; /* for appended ones: an array a member, or NULL for zeros */
} change;

/* Room for `capacity`, elements up to `length` written, all published; or nothing has changed. Group lock held. */
gpumm_status gpumm__transaction(gpumm_group *g, const change *c, uint64_t capacity, uint64_t length);

#endif
