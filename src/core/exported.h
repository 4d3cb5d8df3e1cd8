/* SPDX-License-Identifier: MIT */
/* Exported memory: which segments of shareable memory somebody else may have. Each has a record from its first export on.
   Where gpumm unmaps such a segment, the device still holds it for those who imported it: its bytes are booked as exported
   until the last of them is gone. Under the context's lock, which these functions take. */
#ifndef CORE_EXPORTED_H
#define CORE_EXPORTED_H

#include "core/context.h"

struct exported {
    struct exported *next_of_range, *next; /* of the same memory; of the manager */
    uint64_t begin, bytes;
    unsigned holders; /* importers that are known */
    bool raw;         /* a descriptor was given to the application, who says when it is over */
    bool leaving;     /* about to be unmapped: its address may be another's soon */
    bool gone;        /* unmapped here: then it is in the books */
    account account;
};

/* One holder more of the segment at `begin`; `of` is the memory's list. NULL: no memory for the record. */
exported *gpumm__exported_hold(context *ctx, exported **of, uint64_t begin, uint64_t bytes, bool raw);
void gpumm__exported_drop(context *ctx, exported *x); /* a holder less */
/* All of that memory is about to be unmapped, and its address space given back. */
void gpumm__exported_leave(context *ctx, exported *of);
bool gpumm__exported_is_there(context *ctx, const exported *x); /* mapped where it was, all the time since its hold */
/* What lies at or beyond `committed` was unmapped here. */
void gpumm__exported_beyond(context *ctx, exported **of, uint64_t committed);
void gpumm__exported_close(context *ctx); /* the manager's last: nobody counts any more */

#endif
