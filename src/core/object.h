/* SPDX-License-Identifier: MIT */
/* Objects: what a handle refers to. A public handle keeps its manager's bookkeeping alive; an internal hold
   keeps only the struct. The context lists every live object, so that close can dispose of those that
   somebody still has handles of. Disposing gives back what the object holds of the device, once; the struct
   goes with its last reference. */
#ifndef CORE_OBJECT_H
#define CORE_OBJECT_H

#include "core/context.h"

struct object;

typedef struct object_class {
    rank rank;
    void (*dispose)(struct object *self);
    void (*destroy)(struct object *self); /* frees the struct; the manager may be closed */
    void (*reclaim)(struct object *self); /* gives back memory that it does not need now; NULL: it has none */
} object_class;

typedef struct object {
    struct object *next, *previous; /* the context's list of its rank, oldest first, under its lock */
    bool listed;
    uint64_t serial; /* increases along the list */
    context *context;
    atomic_uint handles, references;
    atomic_bool alive;
    const object_class *class;
} object;

/* One handle for the caller, not yet listed: nobody else can find it. */
void gpumm__object_init(object *o, context *ctx, const object_class *class);
void gpumm__object_list(object *o);
void gpumm__object_list_locked(object *o); /* with the context's lock held */
/* Takes object_init back: the struct goes with its last hold. */
void gpumm__object_abandon(object *o);
void gpumm__object_retain(object *o); /* a public handle more */
/* A public handle less; with the last one the object is disposed of, unless the manager owns it. */
void gpumm__object_release(object *o, bool owned);
void gpumm__object_hold(object *o);
void gpumm__object_drop(object *o);
bool gpumm__object_let_go(object *o);  /* the same; true: it was the last, and the caller destroys it */
void gpumm__object_dispose(object *o); /* once; later calls do nothing */
/* A public call on it begins (CLOSED, STALE) and ends. */
gpumm_status gpumm__object_enter(object *o, const char *what);
void gpumm__object_leave(object *o);
void gpumm__object_dispose_all(context *ctx);
/* Calls `each` for every object of a rank that is alive now, oldest first, without locks and without memory. */
void gpumm__object_each(context *ctx, rank r, void (*each)(object *o, void *user), void *user);

#endif
