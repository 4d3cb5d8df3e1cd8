/* SPDX-License-Identifier: MIT */
/* Readbacks: opening, closing and handles. Snapshots are taken in snapshot.c, their slots chosen in capture.c, delivered in
   delivery.c; the ring's memory is in ring.c, frames are in frame.c. */
#include "core/readback.h"

#include "base/abi.h"
#include "core/frame.h"
#include "core/notify.h"
#include "core/pressure.h"

static gpumm_readback *readback_from(object *o) { return (gpumm_readback *)o; }

/* ---- Making --------------------------------------------------------------------------------- */

static void drop_current(gpumm_readback *r) {
    gpumm_frame *f = r->current;
    r->current = NULL;
    if (f) gpumm__frame_drop(f);
}

/* A kept frame holds its slot, unless `also_kept`. True: no slot is left. */
static bool shut(gpumm_readback *r, bool also_kept) {
    pthread_mutex_lock(&r->lock);
    r->shut = true;
    if (r->remote) r->remote->closed(r->remote, r);
    gpumm__ring_wait_fitted(r);
    gpumm__ring_leave(r);
    bool all = gpumm__frame_give_slots(r, also_kept);
    if (r->current && !gpumm_frame_valid(r->current)) drop_current(r);
    gpumm__notify(r, GPUMM_CANCELLED);
    pthread_mutex_unlock(&r->lock);
    return all;
}

static void readback_dispose(object *o) { shut(readback_from(o), true); }

/* The readback stays listed until the last kept frame ends. */
static void readback_close(gpumm_readback *r) {
    if (shut(r, false)) gpumm__object_dispose(&r->object);
}

/* Its group is freed: what is pending is CANCELLED, memory returns behind its event. */
static void freed(follower *f) {
    readback_close((gpumm_readback *)(void *)((char *)f - offsetof(gpumm_readback, follower)));
}

static void readback_destroy(object *o) {
    gpumm_readback *r = readback_from(o);
    const gpumm_allocator *memory = &o->context->memory;
    gpumm_group *g = r->group;
    remote *from = r->remote;
    gpumm__notify_close(r);
    gpumm__mem_free(memory, r->tag);
    pthread_mutex_destroy(&r->lock);
    gpumm__mem_free(memory, r);
    gpumm__object_drop(&g->object);
    if (from) from->forgotten(from);
}

static const object_class readback_class = {RANK_READBACK, readback_dispose, readback_destroy, gpumm__ring_reclaim};

/* Where they are copied straight to the host, large ones are no better off in line. */
static uint64_t inline_bytes(const context *ctx, const gpumm_readback_options *o) {
    if (o->inline_bytes == GPUMM_INLINE_NEVER) return 0;
    if (o->inline_bytes) return o->inline_bytes;
    return ctx->device->inline_snapshots && !o->direct ? SNAPSHOT_INLINE_BYTES : 0;
}

static gpumm_readback *struct_new(gpumm_group *g, const size_t *members, const gpumm_readback_options *o) {
    context *ctx = g->object.context;
    unsigned slots = o->slots ? o->slots : 2; /* at most READBACK_SLOTS: this cannot overflow */
    gpumm_readback *r = gpumm__mem_new(&ctx->memory, sizeof *r + slots * sizeof r->slots[0]);
    char *tag = gpumm__mem_string(&ctx->memory, o->tag ? o->tag : "");
    if (!r || !tag) {
        gpumm__mem_free(&ctx->memory, r);
        gpumm__mem_free(&ctx->memory, tag);
        return NULL;
    }
    gpumm__object_init(&r->object, ctx, &readback_class);
    pthread_mutex_init(&r->lock, NULL);
    r->group = g;
    r->follower.freed = freed;
    r->tag = tag;
    r->count = o->buffer_count;
    r->slot_count = slots;
    r->direct = o->direct;
    r->on_device = o->where == GPUMM_FRAMES_ON_DEVICE;
    r->shareable = o->shareable;
    r->fd = -1;
    r->busy = o->busy;
    r->wait_seconds = o->wait_seconds;
    r->inline_bytes = inline_bytes(ctx, o);
    for (size_t i = 0; i < r->count; i++) r->buffers[i] = &g->members[members[i]];
    gpumm__object_hold(&g->object);
    return r;
}

/* Those that were closed may still wait for their copies, with all that they hold of pinned memory. */
static gpumm_readback *struct_patiently(gpumm_group *g, const size_t *members, const gpumm_readback_options *o) {
    gpumm_readback *r = struct_new(g, members, o);
    for (unsigned stage = 0; !r && gpumm__relieve(g->object.context, GPUMM_OUT_OF_MEMORY, sizeof *r, &stage);)
        r = struct_new(g, members, o);
    return r;
}

gpumm_status gpumm__readback_make(gpumm_group *g, const size_t *members, const gpumm_readback_options *o, bool internal,
                                  gpumm_readback **out) {
    gpumm_readback *r = struct_patiently(g, members, o);
    if (!r) return fail_host_memory(sizeof *r);
    gpumm_status status = gpumm__ring_open(r);
    if (status != GPUMM_OK) {
        gpumm__object_abandon(&r->object);
        return status;
    }
    if (internal) { /* the group's own is no handle: it must not keep the manager open */
        r->internal = true;
        atomic_fetch_sub(&r->object.handles, 1);
        gpumm__context_release(r->object.context);
    }
    *out = r;
    return GPUMM_OK;
}

gpumm_status gpumm__readback_attach(gpumm_group *g, unsigned slots, uint64_t slot_bytes, remote *from,
                                    gpumm_readback **out) {
    size_t members[GROUP_MEMBERS];
    for (size_t i = 0; i < g->count; i++) members[i] = i;
    gpumm_readback_options o = {.buffer_count = g->count, .slots = slots, .where = GPUMM_FRAMES_ON_DEVICE};
    gpumm_readback *r = struct_new(g, members, &o);
    if (!r) return fail_host_memory(sizeof *r);
    r->shareable = true;
    r->remote = from;
    gpumm_status status = gpumm__ring_attach(r, slot_bytes);
    if (status != GPUMM_OK) gpumm__object_abandon(&r->object);
    else *out = r;
    return status;
}

/* Which members of one group the buffers are. */
static gpumm_status members_of(const gpumm_readback_options *o, size_t *members) {
    if (o->buffer_count < 1 || o->buffer_count > GROUP_MEMBERS)
        return fail(GPUMM_INVALID_ARGUMENT, "a readback reads 1 to %d buffers, not %zu", GROUP_MEMBERS,
                    o->buffer_count);
    if (o->slots == 1 || o->slots > READBACK_SLOTS)
        return fail(GPUMM_INVALID_ARGUMENT, "a readback has 2 to %d slots, not %u", READBACK_SLOTS, o->slots);
    if ((unsigned)o->busy > GPUMM_BUSY_WAIT)
        return fail(GPUMM_INVALID_ARGUMENT, "%d is no policy for a busy readback", (int)o->busy);
    if ((unsigned)o->where > GPUMM_FRAMES_ON_DEVICE)
        return fail(GPUMM_INVALID_ARGUMENT, "%d is no place for frames", (int)o->where);
    if (o->where == GPUMM_FRAMES_ON_DEVICE && o->direct)
        return fail(GPUMM_INVALID_ARGUMENT, "frames on the device are what `direct` leaves out: choose one of them");
    NOT_NULL(o->buffers, "options.buffers");
    for (size_t i = 0; i < o->buffer_count; i++) NOT_NULL(o->buffers[i], "one of options.buffers");
    char text[TITLE_BYTES], other[TITLE_BYTES];
    gpumm_group *g = o->buffers[0]->group;
    for (size_t i = 0; i < o->buffer_count; i++) {
        if (o->buffers[i]->group != g)
            return fail(GPUMM_INVALID_ARGUMENT,
                        "%s and %s are not of one group: a readback takes snapshots of one group",
                        gpumm__buffer_label(o->buffers[0], text), gpumm__buffer_label(o->buffers[i], other));
        members[i] = (size_t)(o->buffers[i] - g->members);
        for (size_t j = 0; j < i; j++)
            if (members[j] == members[i])
                return fail(GPUMM_INVALID_ARGUMENT, "%s is named twice", gpumm__buffer_label(o->buffers[i], text));
    }
    return GPUMM_OK;
}

gpumm_status gpumm_readback_open(const gpumm_readback_options *given, gpumm_readback **out) {
    NOT_NULL(given, "options");
    NOT_NULL(out, "out");
    size_t members[GROUP_MEMBERS];
    gpumm_readback_options copy, *o = &copy;
    TRY(ABI_READ(o, given, "gpumm_readback_options"));
    TRY(members_of(o, members));
    gpumm_group *g = o->buffers[0]->group;
    if (o->shareable && (o->where != GPUMM_FRAMES_ON_DEVICE || !g->object.context->info.in_place))
        return fail(GPUMM_INVALID_ARGUMENT,
                    o->where == GPUMM_FRAMES_ON_DEVICE
                        ? "shareable memory is not to be had on a device that grows by copying"
                        : "frames in host memory are not shareable: choose frames on the device");
    TRY(gpumm__group_enter(g));
    gpumm_status status = gpumm__readback_make(g, members, o, false, out);
    gpumm__group_leave(g);
    return status;
}

/* ---- Handles -------------------------------------------------------------------------------- */

gpumm_readback *gpumm_readback_retain(gpumm_readback *r) {
    if (!r) return NULL;
    gpumm__object_retain(&r->object);
    return r;
}

/* The last handle and close do the same: what nobody holds goes now, kept frames when they end. */
void gpumm_readback_release(gpumm_readback *r) {
    if (!r) return;
    context *ctx = r->object.context;
    bool last = atomic_fetch_sub(&r->object.handles, 1) == 1 && !r->internal;
    if (last && gpumm__context_enter(ctx) == GPUMM_OK) { /* else the manager's close does it */
        readback_close(r);
        gpumm__context_leave(ctx);
    }
    gpumm__object_drop(&r->object);
    gpumm__context_release(ctx);
}

void gpumm_readback_close(gpumm_readback *r) {
    if (!r) return;
    if (gpumm__object_enter(&r->object, "readback") != GPUMM_OK) return;
    readback_close(r);
    gpumm__object_leave(&r->object);
}

gpumm_manager *gpumm_readback_manager(const gpumm_readback *r) { return r ? manager_of(r->object.context) : NULL; }

size_t gpumm_readback_count(const gpumm_readback *r) { return r ? r->count : 0; }

gpumm_buffer *gpumm_readback_buffer(gpumm_readback *r, size_t index) {
    if (!r) return NULL;
    return index < r->count ? r->buffers[index] : NULL;
}

uint64_t gpumm_readback_dropped(const gpumm_readback *r) {
    if (!r) return 0;
    gpumm_readback *self = (gpumm_readback *)(uintptr_t)r;
    pthread_mutex_lock(&self->lock);
    uint64_t dropped = r->dropped;
    pthread_mutex_unlock(&self->lock);
    return dropped;
}

gpumm_ticket gpumm_readback_newest(const gpumm_readback *r) {
    if (!r) return 0;
    gpumm_readback *self = (gpumm_readback *)(uintptr_t)r;
    pthread_mutex_lock(&self->lock);
    gpumm_ticket newest = r->newest;
    pthread_mutex_unlock(&self->lock);
    return newest;
}
