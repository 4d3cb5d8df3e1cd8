/* SPDX-License-Identifier: MIT */
/* Where a buffer's memory lies: on the device, or on one of several, or in the host's memory that stands for it. It is pinned there. */
#include "core/group.h"

typedef struct listing {
    gpumm_residency *pieces;
    size_t room, count;
    gpumm_residency last; /* not written yet, where it has bytes */
} listing;

static void put(listing *l) {
    if (!l->last.bytes) return;
    if (l->count < l->room) l->pieces[l->count] = l->last;
    l->count++;
}

/* What is alike and side by side is one piece. */
static void add(listing *l, uint64_t offset, uint64_t bytes, bool spilled, int number) {
    gpumm_tier tier = spilled ? GPUMM_TIER_HOST : GPUMM_TIER_DEVICE;
    if (l->last.bytes && l->last.tier == tier && l->last.device == number) {
        l->last.bytes += bytes;
        return;
    }
    put(l);
    l->last = (gpumm_residency){.offset = offset, .bytes = bytes, .tier = tier, .device = number};
}

static int device_of(const range *r, size_t segment) {
    return r->stripe ? r->stripe->devices[segment % r->stripe->count] : -1;
}

static void walk(extent *e, listing *l) {
    const range *r = &e->range;
    if (e->small.slab) add(l, 0, e->usable, gpumm__extent_in_spilled_slab(e), -1);
    else if (!r->in_place) add(l, 0, r->committed, r->spilled > 0, -1);
    for (size_t i = 0; !e->small.slab && r->in_place && i < r->segments; i++)
        add(l, range_segment_begin(r, i), r->list[i].end - range_segment_begin(r, i), r->list[i].spilled,
            device_of(r, i));
    put(l);
}

gpumm_status gpumm_buffer_residency(gpumm_buffer *b, gpumm_residency *pieces, size_t room, size_t *count) {
    NOT_NULL(b, "buffer");
    NOT_NULL(count, "count");
    if (room) NOT_NULL(pieces, "pieces");
    TRY(gpumm__group_enter(b->group));
    listing l = {.pieces = pieces, .room = room};
    pthread_mutex_lock(&b->group->lock);
    gpumm_status status = b->extent ? GPUMM_OK : gpumm__buffer_gone(b);
    if (status == GPUMM_OK) walk(b->extent, &l);
    pthread_mutex_unlock(&b->group->lock);
    if (status == GPUMM_OK) *count = l.count;
    gpumm__group_leave(b->group);
    return status;
}

gpumm_status gpumm_buffer_pin(gpumm_buffer *b) {
    NOT_NULL(b, "buffer");
    gpumm_group *g = b->group;
    TRY(gpumm__group_enter(g));
    pthread_mutex_lock(&g->lock);
    gpumm_status status = b->extent ? GPUMM_OK : gpumm__buffer_gone(b);
    if (status == GPUMM_OK) g->lent++, g->pins++;
    pthread_mutex_unlock(&g->lock);
    gpumm__group_leave(g);
    return status;
}

gpumm_status gpumm_buffer_unpin(gpumm_buffer *b) {
    NOT_NULL(b, "buffer");
    gpumm_group *g = b->group;
    pthread_mutex_lock(&g->lock);
    bool pinned = g->pins > 0;
    if (pinned) g->lent--, g->pins--;
    pthread_mutex_unlock(&g->lock);
    char text[TITLE_BYTES];
    return pinned ? GPUMM_OK : fail(GPUMM_INVALID_ARGUMENT, "%s is not pinned", gpumm__buffer_label(b, text));
}
