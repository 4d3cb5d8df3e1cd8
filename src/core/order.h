/* SPDX-License-Identifier: MIT */
/* Stream order: who wrote a piece of memory last, and who read it since. From it follows everything about
   time: a call on another stream waits for them, on the device, by an event recorded then; work
   on one stream costs no event; memory is given back behind all of them.
   The functions that make streams wait are called with the manager's submit lock held. */
#ifndef CORE_ORDER_H
#define CORE_ORDER_H

#include "core/stream.h"

enum { ORDER_READERS = 6 };

typedef struct order {
    gpumm_stream *writer; /* each held; NULL: none yet */
    gpumm_stream *reader[ORDER_READERS];
    unsigned readers;
} order;

/* `stream` is about to use the memory: it waits for whom it must. The submit lock is held from before this
   call until the use itself is enqueued. A failure leaves the order as it was. */
gpumm_status gpumm__order_use(order *o, gpumm_stream *stream, gpumm_access access);
/* The users of `from` become users of `into` too. */
gpumm_status gpumm__order_merge(order *into, const order *from);
void gpumm__order_clear(order *o); /* forgets its streams */
order gpumm__order_take(order *o); /* moves it out, leaving an empty one */
/* `run` once every user that the order now has is through, in the background; at once where none is under way. Takes
   the order's streams, clears it. Never fails: where no event can be had it waits. Called without locks, but for a
   readback's or a group's. */
void gpumm__order_defer(order *o, context *ctx, deferred *d, void (*run)(deferred *self));
/* The same, and never at once: for what may itself wait for work that has nothing to do with it. */
void gpumm__order_defer_later(order *o, context *ctx, deferred *d, void (*run)(deferred *self));
/* Gives `d` an event behind each of its users, for gpumm__deferred_reached; both stay the caller's. Called as the above. */
void gpumm__order_watch(const order *o, deferred *d);
/* Are all that it has through until `deadline` (gpumm__clock_ns)? Called without the locks that the above are. */
bool gpumm__order_ends(const order *o, context *ctx, uint64_t deadline);
/* Waits until its streams have done what they have now, and clears it. Called without the submit lock. */
void gpumm__order_drain(order *o, context *ctx);
bool gpumm__order_only(const order *o, const gpumm_stream *stream); /* no user but that one */

#endif
