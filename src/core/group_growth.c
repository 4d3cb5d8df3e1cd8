/* SPDX-License-Identifier: MIT */
/* One transaction for every change of size. */
#include "core/group_growth.h"

#include <string.h>

#include "core/stream.h"
#include "core/transfer.h"

/* In debug mode there is always room for a canary. */
uint64_t gpumm__member_bytes(const gpumm_buffer *b, uint64_t capacity) {
    return capacity * b->size + (b->group->object.manager->debug ? SLAB_ALIGN : 0);
}

/* ---- Taking memory -------------------------------------------------------------------------- */

static gpumm_status prepare(plan *p, size_t i) {
    gpumm_group *g = p->group;
    gpumm_buffer *b = &g->members[i];
    uint64_t bytes = gpumm__member_bytes(b, p->capacity);
    if (!b->extent || !gpumm__extent_can_grow(b->extent, bytes))
        return gpumm__extent_open(g->object.manager, bytes, gpumm__member_bytes(b, g->max_length), &p->fresh[i]);
    p->before[i] = b->extent->usable;
    return gpumm__extent_grow(b->extent, bytes);
}

gpumm_status gpumm__plan_open(plan *p, gpumm_group *g, uint64_t capacity) {
    memset(p, 0, sizeof *p);
    p->group = g;
    p->capacity = capacity;
    uint64_t row;
    if (!size_add(g->row_bytes, g->staging_row, &row) || !size_mul(capacity - g->capacity, row, &p->taken))
        return fail(GPUMM_OVER_LIMIT, "%llu elements are more bytes than can be counted", (unsigned long long)capacity);
    TRY(gpumm__manager_charge(g->object.manager, p->taken));
    for (; p->prepared < g->count; p->prepared++) {
        gpumm_status status = prepare(p, p->prepared);
        if (status == GPUMM_OK) continue;
        gpumm__plan_undo(p);
        return status;
    }
    return GPUMM_OK;
}

/* Segments that queued work may touch are memory committed ahead, until that work is through. */
static void unprepare(plan *p, size_t i) {
    gpumm_buffer *b = &p->group->members[i];
    if (p->fresh[i]) gpumm__extent_release(p->fresh[i], false);
    else if (p->touched) gpumm__extent_book(b->extent, b->full_name, p->group->tag, p->group->capacity * b->size);
    else gpumm__extent_shrink(b->extent, p->before[i]);
}

void gpumm__plan_undo(plan *p) {
    gpumm_group *g = p->group;
    while (p->prepared > 0) unprepare(p, --p->prepared);
    gpumm__manager_uncharge(g->object.manager, p->taken);
    if (!p->touched || !g->members[0].extent) return;
    gpumm__canary_write(g); /* the members that were written lost theirs */
    if (g->tail_posted) g->tail_again = true;
    else gpumm__group_tail_retire(g);
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

gpumm_status gpumm__plan_write(plan *p, gpumm_stream *s, uint64_t length, const void *const *columns) {
    for (size_t i = 0; i < p->group->count; i++) {
        p->touched = true;
        TRY(write_member(p, i, s, length, columns ? columns[i] : NULL));
    }
    return GPUMM_OK;
}

/* ---- Publishing ----------------------------------------------------------------------------- */

/* What was there goes along. Submit lock held. */
static gpumm_status move(gpumm_stream *s, extent *from, extent *to, uint64_t bytes) {
    device *d = s->object.manager->device;
    TRY(gpumm__order_use(&from->order, s, GPUMM_READ));
    TRY(gpumm__order_use(&to->order, s, GPUMM_WRITE));
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
        moved = moved || old;
    }
    if (moved) g->generation++;
    g->capacity = p->capacity;
    g->length = length;
}

/* Moving and swapping stand under one submit lock: nobody else's write falls between them. */
gpumm_status gpumm__plan_publish(plan *p, gpumm_stream *s, uint64_t length) {
    gpumm_group *g = p->group;
    pthread_mutex_lock(&g->object.manager->submit);
    gpumm_status status = move_all(p, s);
    if (status == GPUMM_OK) publish_sizes(p, length);
    pthread_mutex_unlock(&g->object.manager->submit);
    if (status != GPUMM_OK) return status;
    for (size_t i = 0; i < g->count; i++) {
        gpumm_buffer *b = &g->members[i];
        if (p->fresh[i]) gpumm__extent_succeed(b->extent, p->fresh[i]);
        gpumm__extent_book(b->extent, b->full_name, g->tag, g->capacity * b->size);
        if (p->fresh[i]) gpumm__extent_release(p->fresh[i], true);
    }
    return GPUMM_OK;
}

/* ---- Canaries ------------------------------------------------------------------------------- */

enum { CANARY = 0xC5, CANARY_CHUNK = 4096 };

static void write_one(gpumm_buffer *b) {
    gpumm_group *g = b->group;
    uint64_t from = g->capacity * b->size, bytes = b->extent->usable > from ? b->extent->usable - from : 0;
    b->canary_end = 0;
    if (bytes && gpumm__transfer_fill(b->extent, g->object.manager->main, from, CANARY, bytes) == GPUMM_OK)
        b->canary_end = from + bytes;
}

void gpumm__canary_write(gpumm_group *g) {
    if (!g->object.manager->debug) return;
    for (size_t i = 0; i < g->count; i++)
        if (g->members[i].extent) write_one(&g->members[i]);
}

/* The first damaged byte at or after `from`, or `end`. */
static gpumm_status find_damage(extent *e, uint64_t from, uint64_t end, uint64_t *at) {
    unsigned char chunk[CANARY_CHUNK];
    for (*at = from; *at < end;) {
        uint64_t bytes = size_min(sizeof chunk, end - *at);
        TRY(gpumm__transfer_down(e, e->manager->main, *at, chunk, bytes));
        for (uint64_t i = 0; i < bytes; i++, ++*at)
            if (chunk[i] != CANARY) return GPUMM_OK;
    }
    return GPUMM_OK;
}

gpumm_status gpumm__canary_check(gpumm_group *g) {
    for (size_t i = 0; i < g->count; i++) {
        const gpumm_buffer *b = &g->members[i];
        uint64_t end = g->capacity * b->size, canary_end = size_min(b->canary_end, b->extent->usable), at;
        TRY(find_damage(b->extent, end, canary_end, &at));
        char text[TITLE_BYTES];
        if (at < canary_end)
            return fail(GPUMM_DRIVER, "%s was written past its capacity of %llu elements (%llu bytes): byte %llu",
                        gpumm__buffer_title(b, text), (unsigned long long)g->capacity, (unsigned long long)end,
                        (unsigned long long)at);
    }
    return GPUMM_OK;
}
