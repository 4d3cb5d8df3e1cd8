/* SPDX-License-Identifier: MIT */
/* Arenas: the memory of a stream's scratch, in slabs, attached to the stream. Taking a block and giving it back is
   scratch.c's. */
#ifndef CORE_ARENA_H
#define CORE_ARENA_H

#include "core/order.h"
#include "memory/slab.h"

typedef struct arena_slab {
    struct arena_slab *next;
    slab slab;                   /* blocks whose users are on the arena's stream */
    uint64_t held, held_spilled; /* bytes of the device's, and of those the ones that are the host's instead */
    bool retired;                /* without a block, and on its way back */
    bool retiring;               /* what is free at its end is */
    bool busy;                   /* its range is being changed, without the lock */
} arena_slab;

typedef struct piece {
    slab *slab;
    slab_block block;
} piece;

/* A stream's; attached to it. */
typedef struct arena {
    attachment attachment;
    context *context;
    atomic_uint references;
    deferred unused;
    /* All that follows is under the context's lock. */
    arena_slab *slabs; /* newest first */
    uint64_t committed, spilled;
    bool closed, retiring, passing; /* one return of unused memory at a time; passing: it is looking at the slabs */
    account account;
    gpumm_scratch *spare; /* structs to use again */
    piece kept;           /* the block that was given back last: the slab has it as used, for the next of its size */
} arena;

struct gpumm_scratch {
    gpumm_scratch *next;  /* among the spare ones */
    gpumm_stream *stream; /* stays, and with it the manager, while it lends blocks */
    arena *arena;         /* the stream's */
    piece piece;
    uint64_t bytes; /* asked for */
    order others;   /* users on other streams */
};

/* One account a stream: its logical bytes are what its blocks were asked for. Lock held. */
static inline void arena_book(arena *a, uint64_t logical) {
    ledger *l = &a->context->books;
    if (a->committed == a->account.committed) gpumm__ledger_set_logical(l, &a->account, logical);
    else gpumm__ledger_set(l, &a->account, logical, 0, a->committed);
    if (a->spilled != a->account.spilled) gpumm__ledger_set_spilled(l, &a->account, a->spilled);
}

/* Lock held. */
static inline bool arena_give_kept(arena *a) {
    if (!a->kept.slab) return false;
    gpumm__slab_give(a->kept.slab, a->kept.block.number);
    a->kept.slab = NULL;
    return true;
}

/* For gpumm__stream_attach. */
gpumm_status gpumm__arena_make(gpumm_stream *s, attachment **out);
/* One step, without locks; what it committed another thread may take, so ask again in a loop. */
gpumm_status gpumm__arena_grow(arena *a, uint64_t bytes, bool spills);

#endif
