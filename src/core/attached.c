/* SPDX-License-Identifier: MIT */
/* Nothing that the owner says is believed: offsets, sizes and lengths are held against what there is. */
#include "core/attached.h"

/* What the owner says. */
typedef struct news {
    uint64_t offset, bytes, length;
    int descriptor;
} news;

static gpumm_status locked(gpumm_buffer *b, gpumm_status (*change)(gpumm_buffer *b, const news *n), news n) {
    pthread_mutex_lock(&b->group->lock);
    gpumm_status status = b->extent ? change(b, &n) : gpumm__buffer_gone(b);
    pthread_mutex_unlock(&b->group->lock);
    return status;
}

static gpumm_status import(gpumm_buffer *b, const news *n) {
    context *ctx = b->group->object.context;
    extent *e = b->extent;
    if (n->offset != e->range.committed)
        return fail(GPUMM_INVALID_ARGUMENT, "a segment at %llu does not follow the %llu bytes that are there",
                    (unsigned long long)n->offset, (unsigned long long)e->range.committed);
    TRY(gpumm__range_import(&e->range, n->bytes, n->descriptor));
    pthread_mutex_lock(&ctx->submit);
    e->usable = e->range.committed;
    pthread_mutex_unlock(&ctx->submit);
    return GPUMM_OK;
}

gpumm_status gpumm__attached_import(gpumm_buffer *b, uint64_t offset, uint64_t bytes, int descriptor) {
    return locked(b, import, (news){.offset = offset, .bytes = bytes, .descriptor = descriptor});
}

static void publish(gpumm_group *g, uint64_t length) {
    pthread_mutex_lock(&g->object.context->submit);
    g->length = g->capacity = length;
    pthread_mutex_unlock(&g->object.context->submit);
    gpumm__group_tell_followers(g);
}

static gpumm_status set_length(gpumm_buffer *b, uint64_t length) {
    gpumm_group *g = b->group;
    context *ctx = g->object.context;
    uint64_t bytes, more = length > g->length ? length - g->length : 0;
    if (length > g->max_length || !size_mul(length, b->size, &bytes) || bytes > b->extent->range.committed)
        return fail(GPUMM_INVALID_ARGUMENT, "a length of %llu has no memory", (unsigned long long)length);
    if (more) TRY(gpumm__context_charge(ctx, more * g->followers_row));
    else gpumm__context_uncharge(ctx, (g->length - length) * g->followers_row);
    publish(g, length);
    return GPUMM_OK;
}

static gpumm_status change_length(gpumm_buffer *b, const news *n) { return set_length(b, n->length); }

gpumm_status gpumm__attached_length(gpumm_buffer *b, uint64_t length) {
    return locked(b, change_length, (news){.length = length});
}

static gpumm_status unmap(gpumm_buffer *b, const news *n) {
    context *ctx = b->group->object.context;
    extent *e = b->extent;
    if (b->group->length * b->size > n->offset) TRY(set_length(b, n->offset / b->size));
    pthread_mutex_lock(&ctx->submit);
    order users = gpumm__order_take(&e->order);
    pthread_mutex_unlock(&ctx->submit);
    gpumm__order_drain(&users, ctx);
    gpumm__extent_shrink(e, n->offset, true);
    return GPUMM_OK;
}

gpumm_status gpumm__attached_unmap(gpumm_buffer *b, uint64_t offset) {
    return locked(b, unmap, (news){.offset = offset});
}
