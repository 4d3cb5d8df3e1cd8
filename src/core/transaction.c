/* SPDX-License-Identifier: MIT */
/* One transaction for every change of size. */
#include "core/transaction.h"

#include <string.h>

#include "core/canary.h"
#include "core/tail.h"
#include "core/transfer.h"

typedef struct plan {
    gpumm_group *group;
    uint64_t capacity;              /* the new one */
    uint64_t charged;               /* to the budget */
    extent *fresh[GROUP_MEMBERS];   /* a member's new memory, where the old could not grow in place */
    uint64_t before[GROUP_MEMBERS]; /* usable bytes before, where it could */
    size_t prepared;                /* members that have their memory */
    bool touched;                   /* work was enqueued on the new memory */
    bool spills;                    /* as in the change */
    bool surplus;                   /* new memory that was cached has segments that it does not need */
} plan;

/* ---- Taking memory -------------------------------------------------------------------------- */

static gpumm_status open_fresh(const plan *p, uint64_t bytes, uint64_t maximum, extent **out) {
    const gpumm_group *g = p->group;
    context *ctx = g->object.context;
    extent_kind kind = g->shareable ? EXTENT_SHAREABLE : p->spills ? EXTENT_SPILLING : EXTENT_PLAIN;
    if (g->stripe) return gpumm__extent_open_striped(ctx, bytes, maximum, g->stripe, out);
    return gpumm__extent_open(ctx, bytes, maximum, kind, out);
}

static gpumm_status prepare(plan *p, size_t i) {
    gpumm_group *g = p->group;
    gpumm_buffer *b = &g->members[i];
    uint64_t bytes = gpumm__buffer_bytes(b, p->capacity);
    if (!b->extent || !gpumm__extent_can_grow(b->extent, bytes)) {
        TRY(open_fresh(p, bytes, gpumm__buffer_bytes(b, g->max_length), &p->fresh[i]));
        p->surplus = p->surplus || gpumm__extent_has_surplus(p->fresh[i], bytes);
        return GPUMM_OK;
    }
    p->before[i] = b->extent->usable;
    gpumm_status status = gpumm__extent_grow(b->extent, bytes, p->spills);
    if (status != GPUMM_OK && b->extent->usable != p->before[i]) /* the device did not take all of it back */
        gpumm__extent_book(b->extent, b->full_name, g->tag, g->capacity * b->size);
    return status;
}

/* Segments that queued work may touch are memory committed ahead, until that work is through. */
static void unprepare(plan *p, size_t i) {
    gpumm_buffer *b = &p->group->members[i];
    if (p->fresh[i]) gpumm__extent_release(p->fresh[i], false);
    else if (p->touched) gpumm__extent_book(b->extent, b->full_name, p->group->tag, p->group->capacity * b->size);
    else gpumm__extent_shrink(b->extent, p->before[i], true);
}

static void plan_undo(plan *p) {
    gpumm_group *g = p->group;
    while (p->prepared > 0) unprepare(p, --p->prepared);
    gpumm__context_uncharge(g->object.context, p->charged);
    if (!p->touched || !g->members[0].extent) return;
    gpumm__canary_write(g); /* the members that were written lost theirs */
    gpumm__tail_release(g);
}

static gpumm_status plan_open(plan *p, gpumm_group *g, uint64_t capacity, bool spills) {
    memset(p, 0, sizeof *p);
    p->group = g;
    p->spills = spills;
    p->capacity = capacity;
    uint64_t row;
    if (!size_add(g->row_bytes, g->followers_row, &row) || !size_mul(capacity - g->capacity, row, &p->charged))
        return fail(GPUMM_OVER_LIMIT, "%llu elements are more bytes than can be counted", (unsigned long long)capacity);
    TRY(gpumm__context_charge(g->object.context, p->charged));
    for (; p->prepared < g->count; p->prepared++) {
        gpumm_status status = prepare(p, p->prepared);
        if (status == GPUMM_OK) continue;
        plan_undo(p);
        return status;
    }
    return GPUMM_OK;
}

/* ---- Writing what is new -------------------------------------------------------------------- */

static gpumm_status write_member(plan *p, size_t i, gpumm_stream *s, uint64_t length, const void *column) {
    gpumm_group *g = p->group;
    gpumm_buffer *b = &g->members[i];
    extent *e = p->fresh[i] ? p->fresh[i] : b->extent;
    uint64_t from = g->length * b->size, bytes = length > g->length ? (length - g->length) * b->size : 0;
    if (!bytes) return GPUMM_OK;
    return column ? gpumm__transfer_up(e, s, from, column, bytes) : gpumm__transfer_fill(e, s, from, 0, bytes);
}

static gpumm_status plan_write(plan *p, gpumm_stream *s, uint64_t length, const void *const *columns) {
    for (size_t i = 0; i < p->group->count; i++) {
        p->touched = true;
        TRY(write_member(p, i, s, length, columns ? columns[i] : NULL));
    }
    return GPUMM_OK;
}

/* ---- Publishing ----------------------------------------------------------------------------- */

/* What was there goes along. Submit lock held. */
static gpumm_status move(gpumm_stream *s, extent *from, extent *to, uint64_t bytes) {
    device *d = s->object.context->device;
    TRY(gpumm__order_use(&from->order, s, GPUMM_ACCESS_READ));
    TRY(gpumm__order_use(&to->order, s, GPUMM_ACCESS_WRITE));
    return bytes ? d->call->copy(d, s->device, COPY_D2D, to->address, from->address, bytes) : GPUMM_OK;
}

static gpumm_status move_all(plan *p, gpumm_stream *s) {
    gpumm_group *g = p->group;
    for (size_t i = 0; i < g->count; i++) {
        gpumm_buffer *b = &g->members[i];
        if (p->fresh[i] && b->extent) TRY(move(s, b->extent, p->fresh[i], g->length * b->size));
    }
    return GPUMM_OK;
}

/* Swaps the new memory in; what was there before lands in `fresh`. */
static void publish_sizes(plan *p, uint64_t length) {
    gpumm_group *g = p->group;
    bool moved = false;
    for (size_t i = 0; i < g->count; i++) {
        if (!p->fresh[i]) continue;
        extent *old = g->members[i].extent;
        g->members[i].extent = p->fresh[i];
        p->fresh[i] = old;
        g->members[i].mapping += old != NULL;
        moved = moved || old;
    }
    if (moved) g->generation++;
    g->capacity = p->capacity;
    g->length = length;
}

/* Moving and swapping stand under one submit lock: nobody else's write falls between them. */
static gpumm_status plan_publish(plan *p, gpumm_stream *s, uint64_t length) {
    gpumm_group *g = p->group;
    pthread_mutex_lock(&g->object.context->submit);
    gpumm_status status = move_all(p, s);
    if (status == GPUMM_OK) publish_sizes(p, length);
    pthread_mutex_unlock(&g->object.context->submit);
    if (status != GPUMM_OK) return status;
    for (size_t i = 0; i < g->count; i++) {
        gpumm_buffer *b = &g->members[i];
        if (p->fresh[i]) gpumm__extent_succeed(b->extent, p->fresh[i]);
        gpumm__extent_book(b->extent, b->full_name, g->tag, g->capacity * b->size);
        if (p->fresh[i]) gpumm__extent_release(p->fresh[i], true);
    }
    return GPUMM_OK;
}

/* ---- The whole -------------------------------------------------------------------------------------------- */

gpumm_status gpumm__transaction(gpumm_group *g, const change *c, uint64_t capacity, uint64_t length) {
    plan p;
    TRY(plan_open(&p, g, capacity, c->spills));
    gpumm_status status = plan_write(&p, c->stream, length, c->columns);
    if (status == GPUMM_OK) status = plan_publish(&p, c->stream, length);
    if (status != GPUMM_OK) {
        plan_undo(&p);
        return status;
    }
    gpumm__canary_write(g);
    if (p.surplus) gpumm__tail_release(g);
    return GPUMM_OK;
}
