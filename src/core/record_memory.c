/* SPDX-License-Identifier: MIT */
/* Fills, copies and captures on their way into a recording. */
#include <string.h>

#include "core/buffer.h"
#include "core/element.h"
#include "core/recording.h"

static gpumm_status check_buffer(const gpumm_recording *r, const gpumm_buffer *b) {
    char text[TITLE_BYTES];
    if (b->group->object.context != r->object.context)
        return fail(GPUMM_INVALID_ARGUMENT, "%s belongs to another manager than the recording",
                    gpumm__buffer_label(b, text));
    return atomic_load(&b->group->object.alive) ? GPUMM_OK : gpumm__buffer_gone(b);
}

static gpumm_status check_range_now(gpumm_buffer *b, uint64_t first, uint64_t count) {
    context *ctx = b->group->object.context;
    pthread_mutex_lock(&ctx->submit);
    gpumm_status status = gpumm__buffer_check_range(b, first, count == GPUMM_TO_END ? 0 : count);
    pthread_mutex_unlock(&ctx->submit);
    return status;
}

/* ---- Fills and copies --------------------------------------------------------------------------------------- */

static bool same_range(const recorded_node *n, const device_node *then, const recorded_node *x,
                       const device_node *now) {
    return memcmp(&n->as.range, &x->as.range, sizeof n->as.range) == 0 && then->kind == now->kind &&
           (now->kind == NODE_COPY ||
            (then->as.fill.pattern == now->as.fill.pattern && then->as.fill.width == now->as.fill.width));
}

/* `wanted` is all of the node but its block; `blank` what the device's has beside lengths and addresses. */
static gpumm_status add_range(gpumm_recording *r, const recorded_node *wanted, const device_node *blank) {
    recorded_node *n;
    bool known;
    TRY(gpumm__recording_next(r, RECORDED_RANGE, 0, &known, &n));
    device_node *mine = &r->device[r->count];
    if (known && mine->kind != blank->kind) known = false;
    if (!known || !same_range(n, mine, wanted, blank)) {
        n->as = wanted->as;
        n->changed = RECORDED_CHANGED, r->stirred = true;
        if (!known) *mine = *blank;
        else if (blank->kind == NODE_FILL) {
            mine->as.fill.pattern = blank->as.fill.pattern;
            mine->as.fill.width = blank->as.fill.width;
        }
    }
    gpumm__recording_added(r, known);
    return GPUMM_OK;
}

static gpumm_status add_fill(gpumm_recording *r, const recorded_node *n, uint32_t pattern, unsigned width) {
    device_node d = {.kind = NODE_FILL, .as.fill = {.pattern = pattern, .width = width}};
    return add_range(r, n, &d);
}

/* The element's own bytes, a word at a time where it has whole ones. */
static gpumm_status add_element(gpumm_recording *r, recorded_node *n, const gpumm_buffer *b, const char *element) {
    unsigned width = b->size % 4 == 0 ? 4 : 1;
    n->as.range.most = width;
    for (uint64_t at = 0; at < b->size; at += width) {
        uint32_t pattern = 0;
        memcpy(&pattern, element + at, width);
        n->as.range.start = at;
        TRY(add_fill(r, n, pattern, width));
    }
    return GPUMM_OK;
}

/* What is there doubles until it is enough for the longest that there can be. */
static gpumm_status add_spread(gpumm_recording *r, recorded_node *n, const gpumm_buffer *b, uint64_t most) {
    device_node d = {.kind = NODE_COPY, .as.copy.way = COPY_D2D};
    uint64_t bytes = size_min(most, b->group->max_length) * b->size;
    n->as.range.from = n->as.range.to;
    n->as.range.from_first = n->as.range.to_first;
    for (uint64_t done = b->size; done < bytes; done *= 2) {
        n->as.range.start = n->as.range.most = done;
        TRY(add_range(r, n, &d));
    }
    return GPUMM_OK;
}

static gpumm_status add_long_fill(gpumm_recording *r, recorded_node *n, const gpumm_buffer *b, const char *element) {
    size_t before = r->count;
    gpumm_status status = add_element(r, n, b, element);
    if (status == GPUMM_OK) status = add_spread(r, n, b, n->as.range.count);
    if (status != GPUMM_OK) r->count = before;
    return status;
}

static gpumm_status record_fill(gpumm_recording *r, gpumm_buffer *b, uint64_t first, uint64_t count,
                                const void *element) {
    uint32_t use, pattern;
    recorded_node n;
    TRY(check_buffer(r, b));
    TRY(check_range_now(b, first, count));
    unsigned width = gpumm__element_repeats(element, b->size, &pattern);
    TRY(gpumm__recording_use(r, b, GPUMM_ACCESS_WRITE, &use));
    memset(&n, 0, sizeof n);
    n.as.range.to = use;
    n.as.range.from = RECORDED_NONE;
    n.as.range.to_first = first;
    n.as.range.count = count;
    n.as.range.most = UINT64_MAX;
    return width ? add_fill(r, &n, pattern, width) : add_long_fill(r, &n, b, element);
}

gpumm_status gpumm_recording_fill(gpumm_recording *r, gpumm_buffer *b, uint64_t first, uint64_t count,
                                  const void *element) {
    NOT_NULL(r, "recording");
    NOT_NULL(b, "buffer");
    if (count) NOT_NULL(element, "element");
    TRY(gpumm__recording_enter(r));
    gpumm_status status = count ? record_fill(r, b, first, count, element) : check_range_now(b, first, 0);
    gpumm__recording_leave(r);
    return status;
}

static gpumm_status record_copy(gpumm_recording *r, gpumm_buffer *to, uint64_t to_first, gpumm_buffer *from,
                                uint64_t from_first, uint64_t count) {
    device_node d = {.kind = NODE_COPY, .as.copy.way = COPY_D2D};
    recorded_node n;
    memset(&n, 0, sizeof n);
    TRY(check_buffer(r, to));
    TRY(check_buffer(r, from));
    TRY(gpumm__buffer_check_copy(to, from, to_first, from_first, count));
    TRY(check_range_now(to, to_first, count));
    TRY(check_range_now(from, from_first, count));
    TRY(gpumm__recording_use(r, to, GPUMM_ACCESS_WRITE, &n.as.range.to));
    TRY(gpumm__recording_use(r, from, GPUMM_ACCESS_READ, &n.as.range.from));
    n.as.range.to_first = to_first;
    n.as.range.from_first = from_first;
    n.as.range.count = count;
    n.as.range.most = UINT64_MAX;
    return add_range(r, &n, &d);
}

gpumm_status gpumm_recording_copy(gpumm_recording *r, gpumm_buffer *to, uint64_t to_first, gpumm_buffer *from,
                                  uint64_t from_first, uint64_t count) {
    NOT_NULL(r, "recording");
    NOT_NULL(to, "to");
    NOT_NULL(from, "from");
    TRY(gpumm__recording_enter(r));
    gpumm_status status = record_copy(r, to, to_first, from, from_first, count);
    gpumm__recording_leave(r);
    return status;
}

/* ---- Captures ----------------------------------------------------------------------------------------------- */

/* Where to lock: readbacks in the order of their addresses, whoever replays. */
static gpumm_status add_locking(gpumm_recording *r) {
    size_t at = r->capture_count;
    if (!gpumm__mem_reserve(&r->object.context->memory, (void **)&r->locking, sizeof *r->locking, at, &r->locking_room))
        return fail_host_memory(sizeof *r->locking);
    uintptr_t mine = (uintptr_t)r->captures[at].readback;
    for (; at > 0 && (uintptr_t)r->captures[r->locking[at - 1]].readback > mine; at--)
        r->locking[at] = r->locking[at - 1];
    r->locking[at] = (uint32_t)r->capture_count;
    return GPUMM_OK;
}

static gpumm_status add_capture(gpumm_recording *r, gpumm_readback *rb, int64_t step, uint32_t value) {
    if (!gpumm__mem_reserve(&r->object.context->memory, (void **)&r->captures, sizeof *r->captures, r->capture_count,
                            &r->capture_room))
        return fail_host_memory(sizeof *r->captures);
    r->captures[r->capture_count] = (recorded_capture){.readback = rb, .step = step, .value = value};
    TRY(add_locking(r));
    gpumm_readback_retain(rb);
    r->capture_count++;
    return GPUMM_OK;
}

static gpumm_status add_snapshot(gpumm_recording *r, uint32_t capture, uint32_t member, uint32_t use) {
    recorded_node *n;
    bool known;
    TRY(gpumm__recording_next(r, RECORDED_SNAPSHOT, 0, &known, &n));
    bool same =
        known && n->as.snapshot.capture == capture && n->as.snapshot.member == member && n->as.snapshot.use == use;
    n->as.snapshot.capture = capture;
    n->as.snapshot.member = member;
    n->as.snapshot.use = use;
    if (!known) r->device[r->count] = (device_node){.kind = NODE_COPY, .skipped = true, .as.copy.way = COPY_D2D};
    if (!same) n->changed = RECORDED_CHANGED, r->stirred = true;
    gpumm__recording_added(r, known);
    return GPUMM_OK;
}

static gpumm_status check_capture(const gpumm_recording *r, const gpumm_readback *rb) {
    char text[TITLE_BYTES];
    if (rb->object.context != r->object.context)
        return fail(GPUMM_INVALID_ARGUMENT, "the readback belongs to another manager than the recording");
    for (size_t i = 0; i < r->capture_count; i++)
        if (r->captures[i].readback == rb)
            return fail(GPUMM_INVALID_ARGUMENT,
                        "the recording captures %s with this readback already: open another readback, or end the "
                        "recording before",
                        gpumm__buffer_label(rb->buffers[0], text));
    return check_buffer(r, rb->buffers[0]);
}

static gpumm_status step_value(gpumm_recording *r, const char *name, uint32_t *value) {
    gpumm_type *i64;
    *value = RECORDED_NONE;
    if (!name) return GPUMM_OK;
    TRY(gpumm_type_parse_with(&r->object.context->memory, "i64", &i64));
    gpumm_status status = gpumm__recording_value(r, name, i64, sizeof(int64_t), value);
    gpumm_type_release(i64);
    return status;
}

static gpumm_status record_capture(gpumm_recording *r, gpumm_readback *rb, int64_t step, const char *name) {
    uint32_t value, uses[GROUP_MEMBERS];
    size_t before = r->count;
    TRY(check_capture(r, rb));
    TRY(step_value(r, name, &value));
    for (size_t i = 0; i < rb->count; i++) TRY(gpumm__recording_use(r, rb->buffers[i], GPUMM_ACCESS_READ, &uses[i]));
    gpumm_status status = GPUMM_OK;
    for (uint32_t i = 0; i < rb->count && status == GPUMM_OK; i++)
        status = add_snapshot(r, (uint32_t)r->capture_count, i, uses[i]);
    if (status == GPUMM_OK) status = add_capture(r, rb, step, value);
    if (status != GPUMM_OK) r->count = before;
    return status;
}

gpumm_status gpumm_recording_capture(gpumm_recording *r, gpumm_readback *rb, int64_t step, const char *name) {
    NOT_NULL(r, "recording");
    NOT_NULL(rb, "readback");
    TRY(gpumm__recording_enter(r));
    gpumm_status status = record_capture(r, rb, step, name);
    gpumm__recording_leave(r);
    return status;
}
