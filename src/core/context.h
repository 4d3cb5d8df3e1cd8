/* SPDX-License-Identifier: MIT */
/* The context: what everything of a manager's shares. The device, gpumm's own memory and the log; locks, books and
   budgets; entering and leaving; waiting, the worker and deferred work. A manager begins with its context; the rest of
   a manager is known to manager.c alone. Lock order: recording, readback, group, submit, lock; each may be taken without the
   ones before it.
     lock    books and lists; short, never across a device call, callback, log line or wait
     submit  from order_use until the use is enqueued, and while sizes and addresses are published
   Every public call stands between enter and leave, so that close can wait for the last; what is one section under
   `lock` need not, where it looks at `closing` there. */
#ifndef CORE_CONTEXT_H
#define CORE_CONTEXT_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/size.h"
#include "base/status.h"
#include "base/thread.h"
#include "core/arrival.h"
#include "core/deferred.h"
#include "core/names.h"
#include "core/tracing.h"
#include "core/waiter.h"
#include "device/device.h"
#include "memory/budget.h"
#include "memory/ledger.h"
#include "memory/spill.h"

/* The order in which close disposes of objects: what uses something before what is used. */
typedef enum rank {
    RANK_SHARE,
    RANK_RECORDING,
    RANK_READBACK,
    RANK_KERNEL,
    RANK_GROUP,
    RANK_EVENT,
    RANK_STREAM,
    RANK_COUNT
} rank;

typedef struct exported exported;
typedef struct stripe_kept stripe_kept;

typedef struct context {
    atomic_uint references;
    unsigned lent;                      /* they count as references do, without an atomic operation; under the lock */
    void (*last)(struct context *self); /* the last reference went */
    atomic_long entered;                /* public calls under way */
    atomic_bool closing, closed;
    gpumm_allocator memory;
    log_sink log;
    gpumm_pressure_fn pressure;
    void *pressure_user;
    bool debug, inject_faults;
    uint64_t spin_ns; /* how long a wait looks before it sleeps */

    device *device;         /* NULL once closed */
    gpumm_device_info info; /* a copy that stays readable */
    tracing tracing;

    pthread_mutex_t lock, submit;
    pthread_cond_t gates; /* one was opened; with the submit lock */
    uint64_t gate_waits;  /* calls that found one shut; under the submit lock */
    ledger books;
    gpumm_budget *own, *shared; /* own: this manager's limit, charged under the lock */
    spill spill;
    uint64_t resizes, dropped;
    _Atomic uint64_t transfers; /* without the lock */

    struct object_list {
        struct object *first, *last; /* every live object of the rank, oldest first */
    } objects[RANK_COUNT];
    uint64_t serial;              /* of the youngest */
    name_table names;             /* of named buffers; under lock */
    gpumm_stream *main, *copies;  /* copies: D2H, for readbacks */
    _Atomic(gpumm_stream *) gone; /* closed ones of which the struct is left, to be freed without locks */
    stripe_kept *stripes;         /* of striped buffers, each once; they stay. Under lock */
    exported *exported;           /* segments that somebody else may have; under lock */
    struct extent_pool *pool;     /* small blocks and cached ranges */

    worker worker;
    bool working;
    deferred_queue deferred;
    waiter waiter;
    arrivals arrivals;              /* for those who poll a descriptor */
    pthread_mutex_t background;     /* the two below */
    gpumm_status background_status; /* the first failure that nobody has seen yet */
    char background_message[512];
} context;

/* A manager begins with its context. */
static inline context *context_of(const gpumm_manager *m) { return (context *)(uintptr_t)m; }
static inline gpumm_manager *manager_of(const context *ctx) { return (gpumm_manager *)(uintptr_t)ctx; }

/* What needs no device: allocator, log, hooks, locks. One reference. `ctx` is zeroed. */
void gpumm__context_init(context *ctx, const gpumm_options *o, void (*last)(context *self));
/* The device, the worker, deferred work, waiting. */
gpumm_status gpumm__context_open(context *ctx, const gpumm_options *o);
/* In this order; what is posted runs first, and nothing of the device's is left when it closes. */
void gpumm__context_close_worker(context *ctx);
void gpumm__context_close_events(context *ctx);
void gpumm__context_close_device(context *ctx);
void gpumm__context_free(context *ctx); /* what init and open took; not the struct */

void gpumm__context_retain(context *ctx);
void gpumm__context_release(context *ctx);
/* A reference for those who have the lock anyway; with the lock held. Returning says true where it was the last of all:
   then the caller calls `last`, without the lock. */
void gpumm__context_lend(context *ctx);
bool gpumm__context_return(context *ctx);

/* CLOSED once close has begun. */
gpumm_status gpumm__context_enter(context *ctx);
bool gpumm__context_try_enter(context *ctx); /* the same without a message, for those with a lock; prepares nothing */
void gpumm__context_leave(context *ctx);
/* Without locks, before more is enqueued under `submit` than a few operations: the device takes what memory it needs.
   Of a launch: its number of arguments, and their bytes. Entering does it once. */
void gpumm__context_prepare(context *ctx, size_t arguments, size_t bytes);

/* Charges both budgets or neither; OVER_LIMIT with a plain message. */
gpumm_status gpumm__context_charge(context *ctx, uint64_t bytes);
void gpumm__context_uncharge(context *ctx, uint64_t bytes);
/* The same with the lock held; without a message. */
bool gpumm__context_charge_locked(context *ctx, uint64_t bytes);
void gpumm__context_uncharge_locked(context *ctx, uint64_t bytes);
/* What both budgets would still grant, less what is precommitted for it already. */
uint64_t gpumm__context_spare(context *ctx);

/* What ranges on the device may spill of; NULL: nothing is spilled. */
static inline spill *context_spill(context *ctx) { return ctx->spill.limit ? &ctx->spill : NULL; }

/* Account changes, each under the lock. */
void gpumm__context_book_open(context *ctx, account *a, gpumm_category category, const char *name, const char *tag);
void gpumm__context_book(context *ctx, account *a, uint64_t logical, uint64_t precommitted, uint64_t committed);
void gpumm__context_book_close(context *ctx, account *a);

/* How a wait ended that did not fail. Running out of time is no status, since a device may return any of those. */
typedef enum wait_end { WAIT_REACHED, WAIT_TIMED_OUT } wait_end;

/* Waits for an event until `deadline` (gpumm__clock_ns): asks, spins shortly, then sleeps. CANCELLED where the manager
   closes meanwhile; otherwise a failure is the device's. */
gpumm_status gpumm__context_wait(context *ctx, device_event *e, uint64_t deadline, wait_end *end);
/* For those whose event lives only under a lock of theirs: the pause between two looks at it, which is begun under that
   lock and ended without it. `waited`: how long that took before, in ns. */
typedef struct wait_pause {
    bool sleeps;
    wait_entry entry;
} wait_pause;
void gpumm__context_pause_begin(context *ctx, wait_pause *p, device_event *e, uint64_t waited);
void gpumm__context_pause_end(context *ctx, wait_pause *p, uint64_t deadline);
/* Closes an event that somebody may be waiting for. */
void gpumm__context_close_event(context *ctx, device_event *e);

/* Keeps the first failure of background work, for gpumm_manager_poll. */
void gpumm__context_background_failed(context *ctx, gpumm_status status);
gpumm_status gpumm__context_take_background_failure(context *ctx); /* OK: there is none */

#endif
