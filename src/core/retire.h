/* SPDX-License-Identifier: MIT */
/* Retiring: doing something once all present users of some memory are through, in the background. */
#ifndef CORE_RETIRE_H
#define CORE_RETIRE_H

#include "core/order.h"
#include "device/device.h"

enum { RETIRED_EVENTS = ORDER_READERS + 1 };

typedef struct retired {
    struct retired *next;
    device_event *events[RETIRED_EVENTS];
    unsigned count;
    void (*run)(struct retired *self); /* on the worker, or at once where nobody is under way; owns self */
} retired;

/* `r->run` once every user that `o` now has is through. Takes the order's streams, clears it. Never fails:
   where no event can be had it waits. Called without locks, but for a readback's or a group's. */
void gpumm__manager_retire(gpumm_manager *m, retired *r, order *o, void (*run)(retired *));
/* The same, and never at once: for what may itself wait for work that has nothing to do with it. */
void gpumm__manager_retire_later(gpumm_manager *m, retired *r, order *o, void (*run)(retired *));
/* Runs what is through; true while something waits. The worker's tick. */
bool gpumm__manager_retire_poll(void *manager);
void gpumm__manager_retire_wait(gpumm_manager *m); /* until nothing is retiring any more */
/* Device events to use again. */
gpumm_status gpumm__manager_event_take(gpumm_manager *m, device_event **out);
void gpumm__manager_event_give(gpumm_manager *m, device_event *e);
void gpumm__manager_events_close(gpumm_manager *m);

#endif
