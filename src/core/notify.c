/* SPDX-License-Identifier: MIT */
/* The descriptor is an eventfd that is written and read by us alone; whoever polls it only looks. */
#include "core/notify.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* The next call would return more than that nothing has come. */
static bool has_news(gpumm_readback *r) { return r->shut || r->failed || gpumm__slot_oldest(r, SLOT_ARRIVED); }

static gpumm_ticket newest_arrived(const gpumm_readback *r) {
    gpumm_ticket newest = 0;
    for (unsigned i = 0; i < r->slot_count; i++)
        if (r->slots[i].state == SLOT_ARRIVED && r->slots[i].ticket > newest) newest = r->slots[i].ticket;
    return newest;
}

static void tell_watcher(gpumm_readback *r) {
    gpumm_ticket newest = newest_arrived(r);
    if (!r->watch || (newest <= r->watched && !r->shut && !r->failed)) return;
    if (newest > r->watched) r->watched = newest;
    r->watch(r->watch_user);
}

static void raise_or_clear(gpumm_readback *r) {
    tell_watcher(r);
    if (r->fd < 0) return;
    bool news = has_news(r);
    if (news == r->raised) return;
    uint64_t one = 1;
    r->raised = news;
    ssize_t moved = news ? write(r->fd, &one, sizeof one) : read(r->fd, &one, sizeof one);
    (void)moved; /* of an eventfd of our own, by nobody else */
}

static bool on_its_way(gpumm_readback *r) { return !r->shut && !r->failed && gpumm__slot_oldest(r, SLOT_FLYING); }

static gpumm_readback *readback_of(alert *x) {
    return (gpumm_readback *)(void *)((char *)x - offsetof(gpumm_readback, alert));
}

/* On the arrivals' thread. Whoever has the lock meanwhile notifies at its end. */
static bool look(alert *x) {
    gpumm_readback *r = readback_of(x);
    if (pthread_mutex_trylock(&r->lock) != 0) return true;
    if (!r->shut && gpumm__ring_refresh(r) != GPUMM_OK) r->failed = true;
    raise_or_clear(r);
    bool again = on_its_way(r);
    pthread_mutex_unlock(&r->lock);
    return again;
}

static void over(alert *x) { gpumm__object_drop(&readback_of(x)->object); }

static void look_after(gpumm_readback *r) {
    gpumm__object_hold(&r->object);
    if (!gpumm__arrivals_set(&r->object.context->arrivals, &r->alert)) gpumm__object_drop(&r->object);
}

void gpumm__notify(gpumm_readback *r, gpumm_status came_to) {
    if (!readback_is_watched(r)) return;
    r->failed = came_to == GPUMM_DEVICE_LOST || came_to == GPUMM_DRIVER;
    raise_or_clear(r);
    if (on_its_way(r)) look_after(r);
}

void gpumm__notify_close(gpumm_readback *r) {
    if (r->fd >= 0) close(r->fd);
}

static gpumm_status begin(gpumm_readback *r) {
    TRY(gpumm__arrivals_start(&r->object.context->arrivals));
    r->alert.look = look;
    r->alert.over = over;
    return GPUMM_OK;
}

gpumm_status gpumm__notify_watch(gpumm_readback *r, void (*watch)(void *user), void *user) {
    pthread_mutex_lock(&r->lock);
    gpumm_status status = GPUMM_OK;
    if (watch && r->watch) status = fail(GPUMM_ALREADY_EXISTS, "the readback is shared already");
    else if (watch) status = begin(r);
    if (status == GPUMM_OK) {
        r->watch = watch;
        r->watch_user = user;
        gpumm__notify(r, GPUMM_OK);
    }
    pthread_mutex_unlock(&r->lock);
    return status;
}

static gpumm_status open_fd(gpumm_readback *r) {
    if (r->remote) return fail(GPUMM_INVALID_ARGUMENT, "an attachment has one descriptor: gpumm_attachment_fd");
    TRY(begin(r));
    r->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (r->fd < 0) return fail(GPUMM_IO, "the system refused a descriptor: %s", strerror(errno));
    gpumm__notify(r, GPUMM_OK);
    return GPUMM_OK;
}

gpumm_status gpumm_readback_fd(gpumm_readback *r, int *fd) {
    NOT_NULL(r, "readback");
    NOT_NULL(fd, "fd");
    TRY(gpumm__context_enter(r->object.context));
    pthread_mutex_lock(&r->lock);
    gpumm_status status = r->fd < 0 ? open_fd(r) : GPUMM_OK;
    if (status == GPUMM_OK) *fd = r->fd;
    pthread_mutex_unlock(&r->lock);
    gpumm__context_leave(r->object.context);
    return status;
}
