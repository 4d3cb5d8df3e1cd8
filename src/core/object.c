/* SPDX-License-Identifier: MIT */
/* Two counts: public handles decide when an object is no longer wanted, references when its struct goes. */
#include "core/object.h"

void gpumm__object_list_locked(object *o) {
    context *ctx = o->context;
    gpumm__object_hold(o); /* the list's */
    struct object_list *list = &ctx->objects[o->class->rank];
    o->previous = list->last;
    if (o->previous) o->previous->next = o;
    else list->first = o;
    list->last = o;
    o->serial = ++ctx->serial;
    o->listed = true;
}

void gpumm__object_list(object *o) {
    pthread_mutex_lock(&o->context->lock);
    gpumm__object_list_locked(o);
    pthread_mutex_unlock(&o->context->lock);
}

static void list_remove(object *o) {
    context *ctx = o->context;
    struct object_list *list = &ctx->objects[o->class->rank];
    pthread_mutex_lock(&ctx->lock);
    if (o->previous) o->previous->next = o->next;
    else list->first = o->next;
    if (o->next) o->next->previous = o->previous;
    else list->last = o->previous;
    o->next = o->previous = NULL;
    o->listed = false;
    pthread_mutex_unlock(&ctx->lock);
}

void gpumm__object_init(object *o, context *ctx, const object_class *class) {
    gpumm__context_retain(ctx);
    o->context = ctx;
    o->class = class;
    atomic_init(&o->handles, 1);
    atomic_init(&o->references, 1);
    atomic_init(&o->alive, true);
}

void gpumm__object_abandon(object *o) {
    context *ctx = o->context;
    atomic_store(&o->alive, false);
    gpumm__object_drop(o);
    gpumm__context_release(ctx);
}

void gpumm__object_hold(object *o) { atomic_fetch_add(&o->references, 1); }

bool gpumm__object_let_go(object *o) { return atomic_fetch_sub(&o->references, 1) == 1; }

void gpumm__object_drop(object *o) {
    if (gpumm__object_let_go(o)) o->class->destroy(o);
}

void gpumm__object_retain(object *o) {
    gpumm__context_retain(o->context);
    gpumm__object_hold(o);
    atomic_fetch_add(&o->handles, 1);
}

void gpumm__object_release(object *o, bool owned) {
    context *ctx = o->context;
    bool last = atomic_fetch_sub(&o->handles, 1) == 1;
    if (last && !owned && gpumm__context_enter(ctx) == GPUMM_OK) { /* else close disposes of it */
        gpumm__object_dispose(o);
        gpumm__context_leave(ctx);
    }
    gpumm__object_drop(o);
    gpumm__context_release(ctx);
}

void gpumm__object_dispose(object *o) {
    if (!atomic_exchange(&o->alive, false)) return;
    list_remove(o);
    o->class->dispose(o);
    gpumm__object_drop(o);
}

gpumm_status gpumm__object_enter(object *o, const char *what) {
    TRY(gpumm__context_enter(o->context));
    if (atomic_load(&o->alive)) return GPUMM_OK;
    gpumm__context_leave(o->context);
    return fail(GPUMM_STALE, "this %s was freed", what);
}

void gpumm__object_leave(object *o) { gpumm__context_leave(o->context); }

/* The first live object of a rank, held; NULL: none. */
static object *first_of(context *ctx, rank r) {
    pthread_mutex_lock(&ctx->lock);
    object *o = ctx->objects[r].first;
    if (o) gpumm__object_hold(o);
    pthread_mutex_unlock(&ctx->lock);
    return o;
}

void gpumm__object_dispose_all(context *ctx) {
    for (int r = 0; r < RANK_COUNT; r++)
        for (object *o; (o = first_of(ctx, (rank)r));) {
            gpumm__object_dispose(o);
            gpumm__object_drop(o);
        }
}

/* The one after `o`, held; where `o` has left the list meanwhile, the first that is younger. */
static object *next_of(context *ctx, object *o) {
    pthread_mutex_lock(&ctx->lock);
    object *next = o->listed ? o->next : ctx->objects[o->class->rank].first;
    while (!o->listed && next && next->serial < o->serial) next = next->next;
    if (next) gpumm__object_hold(next);
    pthread_mutex_unlock(&ctx->lock);
    return next;
}

static uint64_t newest(context *ctx) {
    pthread_mutex_lock(&ctx->lock);
    uint64_t serial = ctx->serial;
    pthread_mutex_unlock(&ctx->lock);
    return serial;
}

void gpumm__object_each(context *ctx, rank r, void (*each)(object *o, void *user), void *user) {
    uint64_t last = newest(ctx); /* what is made meanwhile is not walked, so that walking ends */
    object *next;
    for (object *o = first_of(ctx, r); o; o = next) {
        if (o->serial <= last && atomic_load(&o->alive)) each(o, user);
        next = next_of(ctx, o);
        gpumm__object_drop(o);
    }
}
