/* SPDX-License-Identifier: MIT */
/* Buffers: the public face of a group's members, and what is done with their contents. */
#include <string.h>

#include "core/group.h"
#include "core/readback.h"
#include "core/stream.h"
#include "core/transfer.h"

/* ---- Making --------------------------------------------------------------------------------- */

static gpumm_status lengths_of(const gpumm_buffer_options *o, uint64_t size, gpumm_group_options *g) {
    uint64_t max_bytes = o->max_size_bytes ? o->max_size_bytes : 1ull << 30;
    g->max_length = o->max_length ? o->max_length : max_bytes / size;
    if (!g->max_length)
        return fail(GPUMM_INVALID_ARGUMENT, "a maximum of %llu bytes holds no element of %llu bytes",
                    (unsigned long long)max_bytes, (unsigned long long)size);
    g->min_length = o->min_size_bytes / size + (o->min_size_bytes % size != 0);
    if (o->min_size_bytes > max_bytes && !o->max_length)
        return fail(GPUMM_INVALID_ARGUMENT, "min_size_bytes %llu is more than max_size_bytes %llu",
                    (unsigned long long)o->min_size_bytes, (unsigned long long)max_bytes);
    return GPUMM_OK;
}

static gpumm_status allocate(gpumm_manager *m, const gpumm_buffer_options *o, const gpumm_type *type,
                             gpumm_buffer **out) {
    gpumm_member member = {o->name, type};
    gpumm_group_options g = {.name = o->name,
                             .members = &member,
                             .member_count = 1,
                             .length = o->length,
                             .growth = o->growth,
                             .ahead = o->ahead,
                             .stream = o->stream,
                             .tag = o->tag};
    gpumm_group *group;
    TRY(lengths_of(o, gpumm_type_size(type), &g));
    TRY(gpumm__group_make(m, &g, true, o->enable_async, &group));
    *out = &group->members[0];
    return GPUMM_OK;
}

gpumm_status gpumm_allocate(gpumm_manager *m, const gpumm_buffer_options *o, gpumm_buffer **out) {
    size_t name = o->name ? strnlen(o->name, NAME_BYTES + 1) : 1;
    if (name < 1 || name > NAME_BYTES)
        return fail(GPUMM_INVALID_ARGUMENT, "a buffer's name has 1 to %d bytes; this one has %s", NAME_BYTES,
                    name ? "more" : "none");
    gpumm_type *type;
    if (o->type) type = gpumm_type_retain(o->type);
    else TRY(gpumm_type_bytes(4, &type));
    gpumm_status status = gpumm__manager_enter(m);
    if (status == GPUMM_OK) {
        status = allocate(m, o, type, out);
        gpumm__manager_leave(m);
    }
    gpumm_type_release(type);
    return status;
}

gpumm_buffer *gpumm_buffer_retain(gpumm_buffer *b) {
    gpumm_group_retain(b->group);
    return b;
}

void gpumm_buffer_release(gpumm_buffer *b) {
    if (b) gpumm_group_release(b->group);
}

gpumm_status gpumm_buffer_free(gpumm_buffer *b) {
    if (!b->group->alone)
        return fail(GPUMM_INVALID_ARGUMENT, "'%s' is a member of a group and is not freed alone: free the group",
                    b->full_name);
    return gpumm_group_free(b->group);
}

gpumm_status gpumm_free(gpumm_manager *m, const char *name) {
    gpumm_buffer *b;
    TRY(gpumm_find(m, name, NULL, &b));
    gpumm_status status = gpumm_buffer_free(b);
    gpumm_buffer_release(b);
    return status;
}

const char *gpumm_buffer_name(const gpumm_buffer *b) { return b->name; }

const gpumm_type *gpumm_buffer_type(const gpumm_buffer *b) { return b->type; }

gpumm_manager *gpumm_buffer_manager(const gpumm_buffer *b) { return b->group->object.manager; }

gpumm_group *gpumm_buffer_group(const gpumm_buffer *b) { return b->group->alone ? NULL : b->group; }

/* ---- Size ----------------------------------------------------------------------------------- */

gpumm_status gpumm_buffer_resize(gpumm_buffer *b, gpumm_stream *s, uint64_t length) {
    return gpumm_group_resize(b->group, s, length);
}

gpumm_status gpumm_buffer_ensure_capacity(gpumm_buffer *b, uint64_t capacity) {
    return gpumm_group_ensure_capacity(b->group, capacity);
}

gpumm_status gpumm_buffer_grow(gpumm_buffer *b, uint64_t required, uint64_t proposed) {
    return gpumm_group_grow(b->group, required, proposed);
}

gpumm_status gpumm_buffer_shrink_to_fit(gpumm_buffer *b) { return gpumm__group_shrink(b->group); }

gpumm_status gpumm_buffer_append(gpumm_buffer *b, gpumm_stream *s, uint64_t count, const void *data) {
    if (!b->group->alone)
        return fail(GPUMM_INVALID_ARGUMENT, "'%s' is a member of a group: append to the group", b->full_name);
    return gpumm_group_append(b->group, s, count, &data);
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

/* The message counts from 1, as it says, so that it reads the same in C and in Lua. */
static gpumm_status check_range(const gpumm_buffer *b, uint64_t first, uint64_t count) {
    uint64_t end, last;
    if (size_add(first, count, &end) && end <= b->group->length) return GPUMM_OK;
    if (!size_add(first, size_max(count, 1), &last)) last = UINT64_MAX;
    char text[TITLE_BYTES];
    return fail(GPUMM_INVALID_ARGUMENT, "%s has %llu elements; elements %llu to %llu, counted from 1, lie outside",
                gpumm__buffer_label(b, text), (unsigned long long)b->group->length, (unsigned long long)first + 1,
                (unsigned long long)last);
}

static gpumm_status span_check(span *x, gpumm_stream *s, uint64_t first, uint64_t count) {
    gpumm_buffer *b = x->buffer;
    TRY(gpumm__stream_of(b->group->object.manager, s, &x->stream));
    if (!b->extent) return gpumm__buffer_gone(b);
    TRY(check_range(b, first, count));
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
    span x;
    TRY(span_open(&x, b, s, first, count));
    gpumm_status status = x.bytes ? gpumm__transfer_up(x.extent, x.stream, x.offset, data, x.bytes) : GPUMM_OK;
    span_close(&x);
    return status;
}

gpumm_status gpumm_buffer_download(gpumm_buffer *b, gpumm_stream *s, uint64_t first, uint64_t count, void *data) {
    span x;
    TRY(span_open(&x, b, s, first, count));
    gpumm_status status = x.bytes ? gpumm__transfer_down(x.extent, x.stream, x.offset, data, x.bytes) : GPUMM_OK;
    span_close(&x);
    return status;
}

/* The width of the shortest repeated unit that a fill can write: 1, 2 or 4 bytes; 0: longer. */
static unsigned repeated(const unsigned char *element, uint64_t size, uint32_t *pattern) {
    for (unsigned width = 1; width <= 4; width *= 2) {
        if (size % width || memcmp(element, element + width, size - width) != 0) continue;
        *pattern = 0;
        memcpy(pattern, element, width);
        return width;
    }
    return 0;
}

/* As many elements as one transfer takes, so that most fills are enqueued whole or not at all. */
static gpumm_status upload_first(span *x, const void *element, uint64_t *done) {
    const gpumm_allocator *memory = &x->extent->manager->memory;
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
    device *d = x->extent->manager->device;
    gpumm_address at = x->extent->address + x->offset;
    while (done < x->bytes) {
        uint64_t n = size_min(done, x->bytes - done);
        TRY(d->call->copy(d, x->stream->device, COPY_D2D, at + done, at, n));
        done += n;
    }
    return GPUMM_OK;
}

static gpumm_status fill(span *x, const void *element) {
    gpumm_manager *m = x->extent->manager;
    uint64_t done = 0;
    uint32_t pattern;
    unsigned width = repeated(element, x->buffer->size, &pattern);
    if (!width) TRY(upload_first(x, element, &done));
    if (done == x->bytes) return GPUMM_OK;
    pthread_mutex_lock(&m->submit);
    gpumm_status status = gpumm__order_use(&x->extent->order, x->stream, GPUMM_WRITE);
    if (status == GPUMM_OK && !width) status = spread(x, done);
    else if (status == GPUMM_OK)
        status = m->device->call->fill(m->device, x->stream->device, x->extent->address + x->offset, pattern, width,
                                       x->bytes / width);
    pthread_mutex_unlock(&m->submit);
    return status;
}

gpumm_status gpumm_buffer_fill(gpumm_buffer *b, gpumm_stream *s, uint64_t first, uint64_t count, const void *element) {
    span x;
    TRY(span_open(&x, b, s, first, count));
    gpumm_status status = x.bytes ? fill(&x, element) : GPUMM_OK;
    span_close(&x);
    return status;
}

static gpumm_status copy_check(const gpumm_buffer *to, const gpumm_buffer *from, uint64_t to_first, uint64_t from_first,
                               uint64_t count) {
    char text[TITLE_BYTES], other[TITLE_BYTES];
    if (to->group->object.manager != from->group->object.manager)
        return fail(GPUMM_INVALID_ARGUMENT, "%s and %s belong to different managers", gpumm__buffer_label(to, text),
                    gpumm__buffer_label(from, other));
    if (!gpumm_type_equal(to->type, from->type))
        return fail(GPUMM_TYPE_MISMATCH, "%s holds %s, %s holds %s", gpumm__buffer_label(to, text),
                    gpumm_type_name(to->type), gpumm__buffer_label(from, other), gpumm_type_name(from->type));
    bool apart = to_first >= from_first ? to_first - from_first >= count : from_first - to_first >= count;
    if (to == from && !apart)
        return fail(GPUMM_INVALID_ARGUMENT, "the two ranges of %s overlap", gpumm__buffer_label(to, text));
    return GPUMM_OK;
}

/* Submit lock held, which keeps lengths and extents where they are. */
static gpumm_status copy_submit(gpumm_buffer *to, uint64_t to_first, gpumm_buffer *from, uint64_t from_first,
                                uint64_t count, gpumm_stream *s) {
    device *d = s->object.manager->device;
    if (!from->extent) return gpumm__buffer_gone(from);
    TRY(check_range(to, to_first, count));
    TRY(check_range(from, from_first, count));
    if (!count) return GPUMM_OK;
    TRY(gpumm__buffer_use(from, s, GPUMM_READ));
    TRY(gpumm__buffer_use(to, s, GPUMM_WRITE));
    return d->call->copy(d, s->device, COPY_D2D, to->extent->address + to_first * to->size,
                         from->extent->address + from_first * from->size, count * to->size);
}

gpumm_status gpumm_buffer_copy(gpumm_buffer *to, uint64_t to_first, gpumm_buffer *from, uint64_t from_first,
                               uint64_t count, gpumm_stream *given) {
    TRY(copy_check(to, from, to_first, from_first, count));
    TRY(gpumm__group_enter(to->group));
    gpumm_manager *m = to->group->object.manager;
    gpumm_stream *s;
    gpumm_status status = gpumm__stream_of(m, given, &s);
    pthread_mutex_lock(&m->submit);
    if (status == GPUMM_OK) status = copy_submit(to, to_first, from, from_first, count, s);
    pthread_mutex_unlock(&m->submit);
    gpumm__group_leave(to->group);
    return status;
}

gpumm_status gpumm_buffer_used(gpumm_buffer *b, gpumm_stream *given, gpumm_access access) {
    TRY(gpumm__group_enter(b->group));
    gpumm_manager *m = b->group->object.manager;
    gpumm_stream *s;
    gpumm_status status = gpumm__stream_of(m, given, &s);
    pthread_mutex_lock(&m->submit);
    if (status == GPUMM_OK) status = gpumm__buffer_use(b, s, access);
    pthread_mutex_unlock(&m->submit);
    gpumm__group_leave(b->group);
    return status;
}

/* ---- The by-name pair ----------------------------------------------------------------------- */

/* The pair's readback, held; memory stays safe also where the buffer is freed meanwhile. */
static gpumm_status async_of(gpumm_buffer *b, gpumm_readback **out) {
    gpumm_manager *m = b->group->object.manager;
    pthread_mutex_lock(&m->lock);
    *out = b->group->async;
    if (*out) gpumm__readback_hold(*out);
    pthread_mutex_unlock(&m->lock);
    if (*out) return GPUMM_OK;
    return fail(GPUMM_ASYNC_DISABLED, "buffer '%s' was made without enable_async", b->name);
}

gpumm_status gpumm_start_async_download(gpumm_manager *m, const char *name) {
    gpumm_buffer *b;
    TRY(gpumm_find(m, name, NULL, &b));
    gpumm_readback *r;
    gpumm_status status = async_of(b, &r);
    if (status == GPUMM_OK) {
        status = gpumm__readback_pair_start(r);
        gpumm__readback_drop(r);
    }
    gpumm_buffer_release(b);
    return status;
}

gpumm_status gpumm_wait_for_download(gpumm_manager *m, const char *name, double seconds, gpumm_frame **out) {
    gpumm_buffer *b;
    TRY(gpumm_find(m, name, NULL, &b));
    gpumm_readback *r;
    gpumm_status status = async_of(b, &r);
    if (status == GPUMM_OK) {
        status = gpumm__readback_pair_wait(r, seconds, out);
        gpumm__readback_drop(r);
    }
    gpumm_buffer_release(b);
    return status;
}
