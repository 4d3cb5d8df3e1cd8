/* SPDX-License-Identifier: MIT */
/* A buffer's new length is told behind those who write what entered it: events of its users at that moment are looked at until
   they have come. A length that became less is told at once. */
#include "share/items.h"

#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "core/notify.h"

enum { PATIENCE_NS = 20000, GROWTH_NS = 300000 };

void gpumm__item_wake(int wake) {
    uint64_t one = 1;
    ssize_t written = write(wake, &one, sizeof one); /* where it is full it is readable already */
    (void)written;
}

static share_item *item_of(follower *f) { return (share_item *)(void *)((char *)f - offsetof(share_item, follower)); }

/* Waking the share takes as long as the driver's calls of a small growth: it comes while these are made. */
static void growing(follower *f) {
    if (!atomic_exchange(&item_of(f)->growing, true)) gpumm__item_wake(item_of(f)->wake);
}

/* Once, until it is looked at. */
static void look(follower *f) {
    atomic_store(&item_of(f)->growing, false);
    if (!atomic_exchange(&item_of(f)->dirty, true)) gpumm__item_wake(item_of(f)->wake);
}

static void resized(follower *f, uint64_t capacity) {
    (void)capacity;
    look(f);
}

static void freed(follower *f) {
    share_item *x = item_of(f);
    gpumm__group_unfollow(x->buffer->group, f);
    atomic_store(&x->ended, true);
    gpumm__item_wake(x->wake);
}

static void arrived(void *user) {
    share_item *x = user;
    if (x->readback->shut) atomic_store(&x->ended, true);
    gpumm__item_wake(x->wake);
}

/* ---- Making ------------------------------------------------------------------------------------------------ */

static gpumm_status copy_name(share_item *x, const gpumm_allocator *memory, const char *name) {
    x->name = gpumm__mem_string(memory, name);
    return x->name ? GPUMM_OK : fail_host_memory(strlen(name) + 1);
}

gpumm_status gpumm__item_open_buffer(share_item *x, gpumm_buffer *b) {
    char text[TITLE_BYTES];
    TRY(gpumm__group_own(b->group));
    if (!b->group->shareable)
        return fail(GPUMM_INVALID_ARGUMENT, "%s cannot be shared: allocate it with shareable = true",
                    gpumm__buffer_label(b, text));
    if (!b->full_name[0])
        return fail(GPUMM_INVALID_ARGUMENT, "%s has no name to share it by", gpumm__buffer_label(b, text));
    TRY(copy_name(x, &b->group->object.context->memory, b->full_name));
    gpumm__object_hold(&b->group->object);
    x->buffer = b;
    x->follower =
        (follower){.object = x->share, .resized = resized, .growing = growing, .lengthened = look, .freed = freed};
    atomic_store(&x->dirty, true);
    gpumm__group_follow(b->group, &x->follower);
    if (!atomic_load(&b->group->object.alive)) atomic_store(&x->ended, true);
    return GPUMM_OK;
}

gpumm_status gpumm__item_open_frames(share_item *x, gpumm_readback *r, const char *name) {
    if (!r->shareable || r->remote)
        return fail(GPUMM_INVALID_ARGUMENT,
                    "readback '%.200s' cannot be shared: make it with where = \"device\", shareable = true", name);
    if (r->busy != GPUMM_BUSY_NEWEST)
        return fail(
            GPUMM_INVALID_ARGUMENT,
            "readback '%.200s' cannot be shared: make it with busy = \"newest\", so that nobody waits for readers",
            name);
    TRY(copy_name(x, &r->object.context->memory, name));
    gpumm__object_hold(&r->object);
    x->readback = r;
    return gpumm__notify_watch(r, arrived, x);
}

static void close_buffer(share_item *x) {
    context *ctx = x->buffer->group->object.context;
    gpumm__group_unfollow(x->buffer->group, &x->follower);
    gpumm__deferred_events_give(&ctx->deferred, &x->users);
    x->users.count = 0;
    gpumm__object_drop(&x->buffer->group->object);
    x->buffer = NULL;
}

void gpumm__item_close(share_item *x, const gpumm_allocator *memory) {
    if (x->buffer) close_buffer(x);
    if (x->readback) {
        if (x->readback->watch_user == x) (void)gpumm__notify_watch(x->readback, NULL, NULL);
        gpumm__object_drop(&x->readback->object);
    }
    x->readback = NULL;
    gpumm__mem_free(memory, x->name);
    x->name = NULL;
}

/* ---- Telling ----------------------------------------------------------------------------------------------- */

unsigned gpumm__item_parts(const share_item *x) { return x->buffer ? 1 : x->readback->slot_count; }

static bool describe_buffer(const gpumm_buffer *b, share_text *t, share_message *m) {
    m->kind = SHARE_BUFFER;
    m->length = b->group->max_length;
    m->bytes = gpumm__buffer_bytes(b, m->length);
    return gpumm__protocol_put_type(t, b->type);
}

static bool describe_frames(const gpumm_readback *r, share_text *t, share_message *m) {
    m->kind = SHARE_FRAMES;
    m->part = r->slot_count;
    m->length = r->group->max_length;
    m->bytes = gpumm__slot_offset(r, r->count, m->length);
    for (size_t i = 0; i < r->count; i++)
        if (!gpumm__protocol_put(t, r->buffers[i]->name) || !gpumm__protocol_put_type(t, r->buffers[i]->type))
            return false;
    return true;
}

bool gpumm__item_describe(const share_item *x, uint32_t number, share_packet *p) {
    share_text t = {p->text, sizeof p->text};
    p->message = (share_message){.item = number};
    bool fits = gpumm__protocol_put(&t, x->name) && (x->buffer ? describe_buffer(x->buffer, &t, &p->message)
                                                               : describe_frames(x->readback, &t, &p->message));
    p->message.text_bytes = (uint32_t)(sizeof p->text - t.left);
    return fits;
}

/* A growth has the lock for some microseconds more when it wakes us: sleeping would take longer. */
static bool lock_shortly(pthread_mutex_t *lock) {
    if (pthread_mutex_trylock(lock) == 0) return true;
    for (uint64_t until = gpumm__clock_ns() + PATIENCE_NS; gpumm__clock_ns() < until; sched_yield())
        if (pthread_mutex_trylock(lock) == 0) return true;
    return false;
}

/* ---- Its length -------------------------------------------------------------------------------------------- */

static bool users_are_through(share_item *x) {
    context *ctx = x->buffer->group->object.context;
    if (!gpumm__deferred_reached(&ctx->deferred, &x->users)) return false;
    gpumm__deferred_events_give(&ctx->deferred, &x->users);
    x->users.count = 0;
    x->length = x->waits_for;
    x->published = true;
    x->waiting = false;
    return true;
}

/* Group lock held. */
static void see_length(share_item *x) {
    gpumm_buffer *b = x->buffer;
    context *ctx = b->group->object.context;
    order users = {0};
    if (!b->extent) return;
    pthread_mutex_lock(&ctx->submit);
    uint64_t length = b->group->length;
    gpumm_status status = gpumm__order_merge(&users, &b->extent->order);
    pthread_mutex_unlock(&ctx->submit);
    if (status != GPUMM_OK) atomic_store(&x->dirty, true); /* again, soon */
    else if (length <= x->length) x->length = length, x->published = true;
    else {
        x->waiting = true;
        x->waits_for = length;
        gpumm__order_watch(&users, &x->users);
    }
    pthread_mutex_lock(&ctx->submit);
    gpumm__order_clear(&users);
    pthread_mutex_unlock(&ctx->submit);
}

bool gpumm__item_grows(share_item *x) { return atomic_load(&x->growing); }

/* One that takes longer wakes us at its end, and one that fails leaves nothing to be told. */
void gpumm__item_await(share_item *x) {
    for (uint64_t until = gpumm__clock_ns() + GROWTH_NS; gpumm__clock_ns() < until && atomic_load(&x->growing);)
        sched_yield();
    atomic_store(&x->growing, false);
}

bool gpumm__item_publish(share_item *x) {
    if (!x->buffer || atomic_load(&x->ended)) return false;
    if (x->waiting && !users_are_through(x)) return true;
    if (!atomic_load(&x->dirty)) return false;
    if (!lock_shortly(&x->buffer->group->lock)) return true;
    atomic_store(&x->dirty, false); /* whoever changes a length sets it with the lock */
    see_length(x);
    pthread_mutex_unlock(&x->buffer->group->lock);
    return x->waiting || atomic_load(&x->dirty);
}

/* ---- Its memory -------------------------------------------------------------------------------------------- */

static pthread_mutex_t *lock_of(share_item *x) { return x->buffer ? &x->buffer->group->lock : &x->readback->lock; }

static bool part_of(share_item *x, unsigned part, share_part *out) {
    if (x->buffer) {
        extent *e = x->buffer->extent;
        if (e) *out = (share_part){&e->range, &e->exports};
        return e != NULL;
    }
    slot *t = &x->readback->slots[part];
    if (x->readback->shut || t->given || t->fitting) return false;
    *out = (share_part){&t->device, &t->exports};
    return true;
}

bool gpumm__item_lock(share_item *x, unsigned part, share_part *out) {
    if (!lock_shortly(lock_of(x))) return false;
    if (part_of(x, part, out)) return true;
    pthread_mutex_unlock(lock_of(x));
    return false;
}

void gpumm__item_unlock(share_item *x) { pthread_mutex_unlock(lock_of(x)); }
