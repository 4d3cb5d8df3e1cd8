/* SPDX-License-Identifier: MIT */
/* Frames: delivered snapshots. A frame is valid until the next delivery of its readback, unless it is kept;
   then until it is ended or its last handle goes. The slot behind it is free again the moment it ends. */
#include "core/frame.h"

#include "base/abi.h"

void gpumm__frame_drop(gpumm_frame *f) {
    if (atomic_fetch_sub(&f->references, 1) != 1) return;
    gpumm_readback *r = f->readback;
    gpumm__mem_free(&r->object.context->memory, f);
    gpumm__object_drop(&r->object);
}

/* False: it had ended before. */
static bool end_as(gpumm_frame *f, frame_end how) {
    int valid = FRAME_VALID;
    return atomic_compare_exchange_strong(&f->end, &valid, (int)how);
}

gpumm_frame *gpumm_frame_retain(gpumm_frame *f) {
    if (!f) return NULL;
    gpumm__object_retain(&f->readback->object);
    atomic_fetch_add(&f->references, 1);
    atomic_fetch_add(&f->handles, 1);
    return f;
}

/* Readback lock held. */
static void end_locked(gpumm_frame *f) {
    gpumm_readback *r = f->readback;
    if (!end_as(f, FRAME_RELEASED)) return;
    gpumm__slot_end(r, f->slot);
    gpumm__waiter_wake(&r->object.context->waiter);
    if (r->current != f) return;
    r->current = NULL;
    gpumm__frame_drop(f);
}

static bool holds(const slot *t) {
    return t->frame && atomic_load(&t->frame->kept) && atomic_load(&t->frame->handles) > 0;
}

bool gpumm__frame_give_slots(gpumm_readback *r, bool also_kept) {
    for (unsigned i = 0; i < r->slot_count; i++) {
        slot *t = &r->slots[i];
        if (t->given || (holds(t) && !also_kept)) continue;
        if (t->frame) end_as(t->frame, FRAME_CLOSED);
        t->frame = NULL;
        gpumm__ring_give(r, t);
    }
    return gpumm__ring_is_given(r);
}

/* A kept frame holds its slot also where the readback is shut; with the last one the readback goes. */
static void end(gpumm_frame *f, bool also_held) {
    gpumm_readback *r = f->readback;
    bool open = gpumm__context_enter(r->object.context) == GPUMM_OK; /* else close gives the memory back */
    pthread_mutex_lock(&r->lock);
    if (also_held || atomic_load(&f->handles) == 0) end_locked(f);
    bool over = open && r->shut && gpumm__frame_give_slots(r, false);
    pthread_mutex_unlock(&r->lock);
    if (over) gpumm__object_dispose(&r->object);
    if (open) gpumm__context_leave(r->object.context);
}

void gpumm_frame_close(gpumm_frame *f) {
    if (f) end(f, true);
}

/* Another thread may have been given the current frame again meanwhile: then it is that thread's to end. */
void gpumm_frame_release(gpumm_frame *f) {
    if (!f) return;
    gpumm_readback *r = f->readback;
    if (atomic_fetch_sub(&f->handles, 1) == 1 && atomic_load(&f->kept)) end(f, false);
    gpumm__frame_drop(f);
    gpumm__object_release(&r->object, r->internal);
}

static gpumm_frame *frame_new(gpumm_readback *r, slot *t) {
    gpumm_frame *f = gpumm__mem_new(&r->object.context->memory, sizeof *f);
    if (!f) return NULL;
    atomic_init(&f->references, 1); /* the readback's, as its current one */
    atomic_init(&f->end, FRAME_VALID);
    gpumm__object_hold(&r->object);
    f->readback = r;
    f->slot = t;
    f->info = t->info;
    return f;
}

static void replace_current(gpumm_readback *r, gpumm_frame *f) {
    gpumm_frame *before = r->current;
    r->current = f;
    if (!before) return;
    if (!atomic_load(&before->kept) && end_as(before, FRAME_REPLACED)) {
        gpumm__slot_end(r, before->slot);
        gpumm__waiter_wake(&r->object.context->waiter);
    }
    gpumm__frame_drop(before);
}

static void tell_delivered(const gpumm_readback *r, const slot *t) {
    const tracing *to = &r->object.context->tracing;
    if (to->traced) gpumm__tracing_frame(to, r->buffers[0]->full_name, &t->info);
}

gpumm_status gpumm__frame_deliver(gpumm_readback *r, slot *t, gpumm_frame **out) {
    if (t->state != SLOT_HELD) {
        gpumm_frame *f = frame_new(r, t);
        if (!f) return fail_host_memory(sizeof *f);
        replace_current(r, f);
        t->frame = f;
        t->state = SLOT_HELD;
        tell_delivered(r, t);
    }
    *out = gpumm_frame_retain(t->frame);
    return GPUMM_OK;
}

/* STALE, with why, and what would have helped. */
static gpumm_status fail_ended(const gpumm_frame *f) {
    static const char *const why[] = {
        [FRAME_VALID] = "",
        [FRAME_REPLACED] = "a later one was delivered: keep() it, or copy what is needed before",
        [FRAME_RELEASED] = "it was released",
        [FRAME_CLOSED] = "its readback was closed, or what that reads was freed: copy what is needed before"};
    bool run_over = atomic_load(&f->readback->object.context->closing);
    return fail(GPUMM_STALE, "the frame of step %lld has ended: %s", (long long)f->info.step,
                run_over ? "its manager was closed: copy what is needed before" : why[atomic_load(&f->end)]);
}

gpumm_status gpumm__frame_ended(const gpumm_frame *f) { return gpumm_frame_valid(f) ? GPUMM_OK : fail_ended(f); }

gpumm_status gpumm_frame_keep(gpumm_frame *f) {
    NOT_NULL(f, "frame");
    gpumm_readback *r = f->readback;
    TRY(gpumm__context_enter(r->object.context));
    pthread_mutex_lock(&r->lock);
    gpumm_status status = GPUMM_OK;
    if (gpumm_frame_valid(f)) atomic_store(&f->kept, true);
    else status = fail_ended(f);
    pthread_mutex_unlock(&r->lock);
    gpumm__context_leave(r->object.context);
    return status;
}

bool gpumm_frame_valid(const gpumm_frame *f) { return f && atomic_load(&f->end) == FRAME_VALID; }

gpumm_status gpumm_frame_get_info_sized(const gpumm_frame *f, gpumm_frame_info *out, size_t size) {
    NOT_NULL(f, "frame");
    NOT_NULL(out, "out");
    return gpumm__abi_fill(out, size, &f->info, sizeof f->info);
}

gpumm_readback *gpumm_frame_readback(const gpumm_frame *f) { return f ? f->readback : NULL; }

gpumm_status gpumm_frame_data(const gpumm_frame *f, size_t index, const void **data) {
    NOT_NULL(f, "frame");
    NOT_NULL(data, "data");
    const gpumm_readback *r = f->readback;
    if (index >= r->count) return fail(GPUMM_INVALID_ARGUMENT, "the frame has %zu members", r->count);
    if (!gpumm_frame_valid(f)) return fail_ended(f);
    if (r->on_device)
        return fail(GPUMM_INVALID_ARGUMENT, "the frame is on the device: gpumm_frame_device, or a kernel");
    /* As a number: a slot that never held an element has no address to add to. */
    *data = (const void *)(uintptr_t)(f->slot->host.address + gpumm__slot_offset(r, index, f->info.length));
    return GPUMM_OK;
}
