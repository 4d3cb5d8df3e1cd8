/* SPDX-License-Identifier: MIT */
/* The manager's inside, for core and kernel: its locks, its lists, and what the other files of core do
   through it. Lock order: readback, group, submit, lock; each may be taken without the ones before it.
     lock    books and lists; short, never across a device call, callback, log line or wait
     submit  from gpumm__order_use until the use is enqueued, and while sizes and addresses are published
   Every public call stands between gpumm__manager_enter and gpumm__manager_leave, so that close can wait for the last. */
#ifndef CORE_MANAGER_H
#define CORE_MANAGER_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/size.h"
#include "base/status.h"
#include "base/thread.h"
#include "core/extent.h"
#include "core/object.h"
#include "core/order.h"
#include "core/retire.h"
#include "device/device.h"
#include "memory/budget.h"
#include "memory/ledger.h"

enum { NAME_BUCKETS = 64 };

struct gpumm_manager {
    atomic_uint references;
    atomic_long entered; /* public calls under way */
    atomic_bool closing, closed;
    gpumm_allocator memory;
    log_sink log;
    gpumm_pressure_fn pressure;
    void *pressure_user;
    bool debug, inject_faults;

    device *device;         /* NULL once closed */
    gpumm_device_info info; /* a copy that stays readable */
    gpumm_live live;        /* what the fault device counted, as at close */

    pthread_mutex_t lock, submit;
    pthread_mutex_t background; /* the retired list; below every other lock */
    ledger books;
    gpumm_budget *own, *shared; /* own: this manager's limit */
    uint64_t resizes, transfers, dropped;

    object *first[RANK_COUNT], *last[RANK_COUNT]; /* every live object, oldest first */
    uint64_t serial;                              /* of the youngest */
    gpumm_group *names[NAME_BUCKETS];             /* chained by next_name */
    gpumm_stream *main, *copies;                  /* copies: device to host, for readbacks */
    gpumm_scratch *spare_scratch;                 /* structs to use again, under lock */
    extent_pool pool;                             /* small blocks and cached ranges */
    worker worker;
    bool working;
    retired *retired;      /* waiting for their events, under background */
    device_event **events; /* to use again, under background */
    size_t event_count, event_room;
    size_t retiring;                /* listed or being run */
    gpumm_status background_status; /* first failure nobody has seen yet */
    char background_message[512];
    account external; /* opened at the first declaration */
    bool has_external;
    struct leak *leaks; /* what close found */
    size_t leak_count;
};

/* CLOSED once close has begun. */
gpumm_status gpumm__manager_enter(gpumm_manager *m);
void gpumm__manager_leave(gpumm_manager *m);

/* Both budgets or neither; OVER_LIMIT with a plain message. */
gpumm_status gpumm__manager_charge(gpumm_manager *m, uint64_t bytes);
void gpumm__manager_uncharge(gpumm_manager *m, uint64_t bytes);
/* What both budgets would still grant, less what is committed ahead for it already. */
uint64_t gpumm__manager_spare(gpumm_manager *m);

/* Completes a memory error's message with the largest holders and what is free; returns status. */
gpumm_status gpumm__manager_explain(gpumm_manager *m, gpumm_status status);

/* Account changes, each under the lock. */
void gpumm__manager_book_open(gpumm_manager *m, account *a, gpumm_category category, const char *name, const char *tag);
void gpumm__manager_book(gpumm_manager *m, account *a, uint64_t logical, uint64_t ahead, uint64_t committed);
void gpumm__manager_book_close(gpumm_manager *m, account *a);

/* Waits for an event until `deadline` (gpumm__clock_ns): TIMEOUT; CANCELLED where the manager closes meanwhile. */
gpumm_status gpumm__manager_wait(gpumm_manager *m, device_event *e, uint64_t deadline);
/* Its two halves, for those whose event lives only under a lock: one look, and the pause before the next. */
gpumm_status gpumm__manager_look(gpumm_manager *m, device_event *e, uint64_t deadline, bool *done);
void gpumm__manager_pause(uint64_t since, uint64_t deadline); /* since: when waiting began */

/* Keeps the first failure of background work, for gpumm_manager_poll. */
void gpumm__manager_background_failed(gpumm_manager *m, gpumm_status status);

#endif
