/* SPDX-License-Identifier: MIT */
/* Two counts: public handles decide when an object is no longer wanted, references when its struct goes. */
#include "core/object.h"

#include "core/manager.h"

void gpumm__object_list_locked(object *o) {
    gpumm_manager *m = o->manager;
    gpumm__object_hold(o); /* the list's */
    o->previous = m->last[o->rank];
    if (o->previous) o->previous->next = o;
    else m->first[o->rank] = o;
    m->last[o->rank] = o;
    o->serial = ++m->serial;
    o->listed = true;
}

void gpumm__object_list(object *o) {
    pthread_mutex_lock(&o->manager->lock);
    gpumm__object_list_locked(o);
    pthread_mutex_unlock(&o->manager->lock);
}

static void list_remove(object *o) {
    gpumm_manager *m = o->manager;
    pthread_mutex_lock(&m->lock);
    if (o->previous) o->previous->next = o->next;
    else m->first[o->rank] = o->next;
    if (o->next) o->next->previous = o->previous;
    else m->last[o->rank] = o->previous;
    o->next = o->previous = NULL;
    o->listed = false;
    pthread_mutex_unlock(&m->lock);
}

void gpumm__object_init(object *o, gpumm_manager *m, rank r, void (*dispose)(object *), void (*destroy)(object *)) {
    o->manager = gpumm_manager_retain(m);
    o->rank = r;
    o->dispose = dispose;
    o->destroy = destroy;
    atomic_init(&o->handles, 1);
    atomic_init(&o->references, 1);
    atomic_init(&o->alive, true);
}

void gpumm__object_open(object *o, gpumm_manager *m, rank r, void (*dispose)(object *), void (*destroy)(object *)) {
    gpumm__object_init(o, m, r, dispose, destroy);
    gpumm__object_list(o);
}

void gpumm__object_abandon(object *o) {
    gpumm_manager *m = o->manager;
    atomic_store(&o->alive, false);
    gpumm__object_drop(o);
    gpumm_manager_release(m);
}

void gpumm__object_hold(object *o) { atomic_fetch_add(&o->references, 1); }

void gpumm__object_drop(object *o) {
    if (atomic_fetch_sub(&o->references, 1) == 1) o->destroy(o);
}

void gpumm__object_retain(object *o) {
    gpumm_manager_retain(o->manager);
    gpumm__object_hold(o);
    atomic_fetch_add(&o->handles, 1);
}

void gpumm__object_release(object *o, bool owned) {
    gpumm_manager *m = o->manager;
    bool last = atomic_fetch_sub(&o->handles, 1) == 1;
    if (last && !owned && gpumm__manager_enter(m) == GPUMM_OK) { /* else close disposes of it */
        gpumm__object_dispose(o);
        gpumm__manager_leave(m);
    }
    gpumm__object_drop(o);
    gpumm_manager_release(m);
}

void gpumm__object_dispose(object *o) {
    if (!atomic_exchange(&o->alive, false)) return;
    list_remove(o);
    o->dispose(o);
    gpumm__object_drop(o);
}

gpumm_status gpumm__object_enter(object *o, const char *what) {
    TRY(gpumm__manager_enter(o->manager));
    if (atomic_load(&o->alive)) return GPUMM_OK;
    gpumm__manager_leave(o->manager);
    return fail(GPUMM_STALE, "this %s was freed", what);
}

void gpumm__object_leave(object *o) { gpumm__manager_leave(o->manager); }

/* The first live object of a rank, held; NULL: none. */
static object *first_of(gpumm_manager *m, rank r) {
    pthread_mutex_lock(&m->lock);
    object *o = m->first[r];
    if (o) gpumm__object_hold(o);
    pthread_mutex_unlock(&m->lock);
    return o;
}

void gpumm__object_dispose_all(gpumm_manager *m) {
    for (int r = 0; r < RANK_COUNT; r++)
        for (object *o; (o = first_of(m, (rank)r));) {
            gpumm__object_dispose(o);
            gpumm__object_drop(o);
        }
}

/* The one after `o`, held; where `o` has left the list meanwhile, the first that is younger. */
static object *next_of(gpumm_manager *m, object *o) {
    pthread_mutex_lock(&m->lock);
    object *next = o->listed ? o->next : m->first[o->rank];
    while (!o->listed && next && next->serial < o->serial) next = next->next;
    if (next) gpumm__object_hold(next);
    pthread_mutex_unlock(&m->lock);
    return next;
}

static uint64_t newest(gpumm_manager *m) {
    pthread_mutex_lock(&m->lock);
    uint64_t serial = m->serial;
    pthread_mutex_unlock(&m->lock);
    return serial;
}

void gpumm__object_each(gpumm_manager *m, rank r, void (*each)(object *o, void *user), void *user) {
    uint64_t last = newest(m); /* what is made meanwhile is not walked, so that walking ends */
    object *next;
    for (object *o = first_of(m, r); o; o = next) {
        if (o->serial <= last && atomic_load(&o->alive)) each(o, user);
        next = next_of(m, o);
        gpumm__object_drop(o);
    }
}
