/* SPDX-License-Identifier: MIT */
/* Buffers: finding them, and what is done with their contents. */
#include "core/buffer.h"

#include <stdio.h>
#include <string.h>

#include "core/element.h"
#include "core/gate.h"
#include "core/peers.h"
#include "core/transfer.h"

/* ---- Handles --------------------------------------------------------------------------------------------- */

gpumm_buffer *gpumm_buffer_retain(gpumm_buffer *b) {
    if (!b) return NULL;
    gpumm_group_retain(b->group);
    return b;
}

void gpumm_buffer_release(gpumm_buffer *b) {
    if (b) gpumm_group_release(b->group);
}

const char *gpumm_buffer_name(const gpumm_buffer *b) { return b ? b->name : NULL; }

const gpumm_type *gpumm_buffer_type(const gpumm_buffer *b) { return b ? b->type : NULL; }

gpumm_manager *gpumm_buffer_manager(const gpumm_buffer *b) { return b ? manager_of(b->group->object.context) : NULL; }

gpumm_group *gpumm_buffer_group(const gpumm_buffer *b) { return b && !b->group->alone ? b->group : NULL; }

/* ---- By name --------------------------------------------------------------------------------------------- */

/* The group of a named buffer, held; NULL: there is none. */
static gpumm_group *named_group(context *ctx, const char *name) {
    pthread_mutex_lock(&ctx->lock);
    name_entry *entry = gpumm__names_find(&ctx->names, name);
    gpumm_group *g = entry ? (gpumm_group *)(void *)((char *)entry - offsetof(gpumm_group, named)) : NULL;
    if (g) gpumm__object_hold(&g->object);
    pthread_mutex_unlock(&ctx->lock);
    return g;
}

static gpumm_status find(context *ctx, const char *name, const gpumm_type *type, gpumm_buffer **out) {
    gpumm_group *g = named_group(ctx, name);
    if (!g) return fail(GPUMM_NOT_FOUND, "there is no buffer named '%.255s'", name);
    gpumm_status status = GPUMM_OK;
    if (!type || gpumm_type_equal(type, g->members[0].type)) *out = gpumm_buffer_retain(&g->members[0]);
    else
        status = fail(GPUMM_TYPE_MISMATCH, "buffer '%s' holds %s, not %s", name, gpumm_type_name(g->members[0].type),
                      gpumm_type_name(type));
    gpumm__object_drop(&g->object);
    return status;
}

gpumm_status gpumm_manager_find(gpumm_manager *m, const char *name, const gpumm_type *type, gpumm_buffer **out) {
    NOT_NULL(m, "manager");
    NOT_NULL(name, "name");
    NOT_NULL(out, "out");
    context *ctx = context_of(m);
    TRY(gpumm__context_enter(ctx));
    gpumm_status status = find(ctx, name, type, out);
    gpumm__context_leave(ctx);
    return status;
}

typedef struct name_visit {
    gpumm_name_fn each;
    void *user;
    size_t count;
} name_visit;

static void visit_name(object *o, void *user) {
    name_visit *v = user;
    const gpumm_group *g = (gpumm_group *)o;
    if (!gpumm__group_is_named_buffer(g)) return;
    v->count++;
    if (v->each) v->each(v->user, g->named.name);
}

size_t gpumm_manager_names(gpumm_manager *m, gpumm_name_fn each, void *user) {
    if (!m) return 0;
    context *ctx = context_of(m);
    name_visit v = {each, user, 0};
    if (gpumm__context_enter(ctx) != GPUMM_OK) return 0;
    gpumm__object_each(ctx, RANK_GROUP, visit_name, &v);
    gpumm__context_leave(ctx);
    return v.count;
}

gpumm_status gpumm_manager_name(gpumm_manager *m, size_t index, char *text, size_t size) {
    NOT_NULL(m, "manager");
    context *ctx = context_of(m);
    TRY(gpumm__context_enter(ctx));
    pthread_mutex_lock(&ctx->lock);
    object *o = ctx->objects[RANK_GROUP].first;
    for (; o; o = o->next)
        if (gpumm__group_is_named_buffer((gpumm_group *)o) && index-- == 0) break;
    if (o) snprintf(text, size, "%s", ((gpumm_group *)o)->named.name);
    pthread_mutex_unlock(&ctx->lock);
    gpumm__context_leave(ctx);
    return o ? GPUMM_OK : fail(GPUMM_NOT_FOUND, "there are fewer named buffers");
}

/* ---- Contents ------------------------------------------------------------------------------- */

/* A call on elements [first, first + count): entered, on its stream, with the extent that holds them. The
   group lock keeps the extent where it is until the call is done. */
typedef struct span {
    gpumm_buffer *buffer;
    gpumm_stream *stream;
    extent *extent;
    uint64_t offset, bytes;
} span;

gpumm_status gpumm__buffer_check_range(const gpumm_buffer *b, uint64_t first, uint64_t count) {
    uint64_t end;
    if (size_add(first, count, &end) && end <= b->group->length) return GPUMM_OK;
    if (!size_add(first, size_max(count, 1), &end)) end = UINT64_MAX;
    char text[TITLE_BYTES];
    return fail(GPUMM_INVALID_ARGUMENT, "%s has %llu elements; elements %llu to %llu lie outside",
                gpumm__buffer_label(b, text), (unsigned long long)b->group->length, (unsigned long long)first,
                (unsigned long long)end - 1);
}

static gpumm_status span_check(span *x, gpumm_stream *s, uint64_t first, uint64_t count) {
    gpumm_buffer *b = x->buffer;
    TRY(gpumm__stream_of(b->group->object.context, s, &x->stream));
    if (!b->extent) return gpumm__buffer_gone(b);
    TRY(gpumm__buffer_check_range(b, first, count));
    x->extent = b->extent;
    x->offset = first * b->size;
    x->bytes = count * b->size;
    return GPUMM_OK;
}

static void span_close(span *x) {
    pthread_mutex_unlock(&x->buffer->group->lock);
    gpumm__group_leave(x->buffer->group);
}

static gpumm_status span_open(span *x, gpumm_buffer *b, gpumm_stream *s, uint64_t first, uint64_t count) {
    TRY(gpumm__group_enter(b->group));
    pthread_mutex_lock(&b->group->lock);
    x->buffer = b;
    gpumm_status status = span_check(x, s, first, count);
    if (status != GPUMM_OK) span_close(x);
    return status;
}

gpumm_status gpumm_buffer_upload(gpumm_buffer *b, gpumm_stream *s, uint64_t first, uint64_t count, const void *data) {
    NOT_NULL(b, "buffer");
    if (count) NOT_NULL(data, "data");
    TRY(gpumm__group_own(b->group));
    span x;
    TRY(span_open(&x, b, s, first, count));
    gpumm_status status = x.bytes ? gpumm__transfer_up(x.extent, x.stream, x.offset, data, x.bytes) : GPUMM_OK;
    span_close(&x);
    return status;
}

gpumm_status gpumm_buffer_download(gpumm_buffer *b, gpumm_stream *s, uint64_t first, uint64_t count, void *data) {
    NOT_NULL(b, "buffer");
    if (count) NOT_NULL(data, "data");
    span x;
    TRY(span_open(&x, b, s, first, count));
    gpumm_status status = x.bytes ? gpumm__transfer_down(x.extent, x.stream, x.offset, data, x.bytes) : GPUMM_OK;
    span_close(&x);
    return status;
}

/* As many elements as one transfer takes, so that most fills are enqueued whole or not at all. */
static gpumm_status upload_first(span *x, const void *element, uint64_t *done) {
    const gpumm_allocator *memory = &x->extent->context->memory;
    uint64_t size = x->buffer->size, most = TRANSFER_HALF / size;
    *done = size_min(x->bytes, size_max(most, 1) * size);
    char *block = gpumm__mem_new(memory, *done);
    if (!block) return fail_host_memory(*done);
    for (uint64_t at = 0; at < *done; at += size) memcpy(block + at, element, size);
    gpumm_status status = gpumm__transfer_up(x->extent, x->stream, x->offset, block, *done);
    gpumm__mem_free(memory, block);
    return status;
}

/* What is there doubles until it is enough. Submit lock held. */
static gpumm_status spread(span *x, uint64_t done) {
    device *d = x->extent->context->device;
    gpumm_address at = x->extent->address + x->offset;
    while (done < x->bytes) {
        uint64_t n = size_min(done, x->bytes - done);
        TRY(d->call->copy(d, x->stream->device, COPY_D2D, at + done, at, n));
        done += n;
    }
    return GPUMM_OK;
}

static gpumm_status fill(span *x, const void *element) {
    context *ctx = x->extent->context;
    uint64_t done = 0;
    uint32_t pattern;
    unsigned width = gpumm__element_repeats(element, x->buffer->size, &pattern);
    if (!width) TRY(upload_first(x, element, &done));
    if (done == x->bytes) return GPUMM_OK;
    pthread_mutex_lock(&ctx->submit);
    gpumm_status status = gpumm__order_use(&x->extent->order, x->stream, GPUMM_ACCESS_WRITE);
    if (status == GPUMM_OK && !width) status = spread(x, done);
    else if (status == GPUMM_OK)
        status = ctx->device->call->fill(ctx->device, x->stream->device, x->extent->address + x->offset, pattern, width,
                                         x->bytes / width);
    pthread_mutex_unlock(&ctx->submit);
    return status;
}

gpumm_status gpumm_buffer_fill(gpumm_buffer *b, gpumm_stream *s, uint64_t first, uint64_t count, const void *element) {
    NOT_NULL(b, "buffer");
    if (count) NOT_NULL(element, "element");
    TRY(gpumm__group_own(b->group));
    span x;
    TRY(span_open(&x, b, s, first, count));
    gpumm_status status = x.bytes ? fill(&x, element) : GPUMM_OK;
    span_close(&x);
    return status;
}

gpumm_status gpumm__buffer_check_copy(const gpumm_buffer *to, const gpumm_buffer *from, uint64_t to_first,
                                      uint64_t from_first, uint64_t count) {
    char text[TITLE_BYTES], other[TITLE_BYTES];
    if (!gpumm_type_equal(to->type, from->type))
        return fail(GPUMM_TYPE_MISMATCH, "%s holds %s, %s holds %s", gpumm__buffer_label(to, text),
                    gpumm_type_name(to->type), gpumm__buffer_label(from, other), gpumm_type_name(from->type));
    bool apart = to_first >= from_first ? to_first - from_first >= count : from_first - to_first >= count;
    if (to == from && !apart)
        return fail(GPUMM_INVALID_ARGUMENT, "the two ranges of %s overlap", gpumm__buffer_label(to, text));
    return GPUMM_OK;
}

/* Submit lock held, and given up while a gate is shut. */
static void pass_both(gpumm_buffer *a, gpumm_buffer *b) {
    while (gpumm__gate_pass(a->group) || gpumm__gate_pass(b->group)) continue;
}

/* Submit lock held, which keeps lengths and extents where they are. */
static gpumm_status copy_submit(gpumm_buffer *to, uint64_t to_first, gpumm_buffer *from, uint64_t from_first,
                                uint64_t count, gpumm_stream *s) {
    device *d = s->object.context->device;
    if (!from->extent) return gpumm__buffer_gone(from);
    TRY(gpumm__buffer_check_range(to, to_first, count));
    TRY(gpumm__buffer_check_range(from, from_first, count));
    if (!count) return GPUMM_OK;
    TRY(gpumm__buffer_use(from, s, GPUMM_ACCESS_READ));
    TRY(gpumm__buffer_use(to, s, GPUMM_ACCESS_WRITE));
    return d->call->copy(d, s->device, COPY_D2D, to->extent->address + to_first * to->size,
                         from->extent->address + from_first * from->size, count * to->size);
}

enum { ADMITTED_LEAST = 1 << 20 /* bytes of a copy that are worth it */ };

/* The address space of the buffer, if that is the device's own. Group lock held. */
static void admit(const gpumm_buffer *b, const device *user) {
    device *owner = b->group->object.context->device;
    const range *r = b->extent && !b->extent->small.slab ? &b->extent->range : NULL;
    if (r && r->in_place && r->where == PLACE_DEVICE)
        owner->call->admit(owner, r->address, r->committed, user->ordinal);
}

/* Nobody waits for who has the lock: what was let in before still is, and else the driver finds another way. */
static gpumm_status admit_reader(const context *user, const gpumm_buffer *b, uint64_t bytes) {
    gpumm_group *g = b->group;
    if (bytes < ADMITTED_LEAST) return GPUMM_OK;
    TRY(gpumm__group_enter(g));
    if (pthread_mutex_trylock(&g->lock) == 0) {
        admit(b, user->device);
        pthread_mutex_unlock(&g->lock);
    }
    gpumm__group_leave(g);
    return GPUMM_OK;
}

/* Both managers' submit locks held. */
static gpumm_status copy_foreign_submit(gpumm_buffer *to, uint64_t to_first, gpumm_buffer *from, uint64_t from_first,
                                        uint64_t count, gpumm_stream *s) {
    device *d = s->object.context->device;
    TRY(gpumm__buffer_check_range(to, to_first, count));
    TRY(gpumm__buffer_check_range(from, from_first, count));
    TRY(gpumm__buffer_use(to, s, GPUMM_ACCESS_WRITE));
    if (!count) return GPUMM_OK;
    device_foreign memory = {.device = from->group->object.context->device->bare,
                             .at = from->extent->address + from_first * from->size,
                             .used = gpumm__peers_may_use(s->object.context, from)};
    return d->call->copy_from(d, s->device, to->extent->address + to_first * to->size, &memory, count * to->size);
}

/* Entered, with the manager of `to`. */
static gpumm_status copy_foreign(gpumm_buffer *to, uint64_t to_first, gpumm_buffer *from, uint64_t from_first,
                                 uint64_t count, gpumm_stream *s) {
    gpumm_buffer *const both[] = {to, from};
    static const gpumm_access access[] = {GPUMM_ACCESS_WRITE, GPUMM_ACCESS_READ};
    const char *kind = to->group->object.context->info.kind, *other = from->group->object.context->info.kind;
    char text[TITLE_BYTES], label[TITLE_BYTES];
    if (strcmp(kind, other) != 0)
        return fail(GPUMM_INVALID_ARGUMENT, "%s is on a %s device, %s on a %s device: download and upload it",
                    gpumm__buffer_label(to, text), kind, gpumm__buffer_label(from, label), other);
    peers p;
    TRY(admit_reader(s->object.context, from, count * from->size));
    TRY(gpumm__peers_begin(&p, s, both, access, 2));
    return gpumm__peers_end(&p, copy_foreign_submit(to, to_first, from, from_first, count, s));
}

static gpumm_status copy_own(gpumm_buffer *to, uint64_t to_first, gpumm_buffer *from, uint64_t from_first,
                             uint64_t count, gpumm_stream *s) {
    context *ctx = s->object.context;
    pthread_mutex_lock(&ctx->submit);
    pass_both(to, from);
    gpumm_status status = copy_submit(to, to_first, from, from_first, count, s);
    pthread_mutex_unlock(&ctx->submit);
    return status;
}

gpumm_status gpumm_buffer_copy(gpumm_buffer *to, gpumm_stream *given, uint64_t to_first, gpumm_buffer *from,
                               uint64_t from_first, uint64_t count) {
    NOT_NULL(to, "to");
    NOT_NULL(from, "from");
    TRY(gpumm__buffer_check_copy(to, from, to_first, from_first, count));
    TRY(gpumm__group_enter(to->group));
    context *ctx = to->group->object.context;
    gpumm_stream *s;
    gpumm_status status = gpumm__stream_of(ctx, given, &s);
    if (status == GPUMM_OK)
        status = peers_is_foreign(ctx, from) ? copy_foreign(to, to_first, from, from_first, count, s)
                                             : copy_own(to, to_first, from, from_first, count, s);
    gpumm__group_leave(to->group);
    return status;
}

gpumm_status gpumm_buffer_used(gpumm_buffer *b, gpumm_stream *given, gpumm_access access) {
    NOT_NULL(b, "buffer");
    TRY(gpumm__group_enter(b->group));
    context *ctx = b->group->object.context;
    gpumm_stream *s;
    gpumm_status status = gpumm__stream_of(ctx, given, &s);
    pthread_mutex_lock(&ctx->submit);
    gpumm__gate_pass(b->group);
    if (status == GPUMM_OK) status = gpumm__buffer_use(b, s, access);
    pthread_mutex_unlock(&ctx->submit);
    gpumm__group_leave(b->group);
    return status;
}
