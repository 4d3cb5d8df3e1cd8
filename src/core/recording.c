/* SPDX-License-Identifier: MIT */
/* Recording: what a recording is made of, and fills, copies and captures on their way into it. */
#include "core/recording.h"

#include <string.h>

#include "base/abi.h"
#include "core/buffer.h"
#include "core/element.h"

static gpumm_recording *recording_from(object *o) { return (gpumm_recording *)(void *)o; }

static const gpumm_allocator *memory_of(const gpumm_recording *r) { return &r->object.context->memory; }

/* ---- What it holds ------------------------------------------------------------------------------------------ */

void gpumm__recording_let_go(gpumm_recording *r) {
    for (size_t i = 0; i < r->use_count; i++) gpumm_buffer_release(r->uses[i].buffer);
    for (size_t i = 0; i < r->kernel_count; i++) gpumm__object_release(r->kernels[i].object, false);
    for (size_t i = 0; i < r->capture_count; i++) gpumm_readback_release(r->captures[i].readback);
    if (r->use_known < r->use_count) r->use_known = r->use_count;
    r->use_count = r->kernel_count = r->capture_count = 0;
}

static uint64_t generation_of(const gpumm_buffer *b) {
    context *ctx = b->group->object.context;
    pthread_mutex_lock(&ctx->submit);
    uint64_t generation = b->group->generation;
    pthread_mutex_unlock(&ctx->submit);
    return generation;
}

gpumm_status gpumm__recording_use(gpumm_recording *r, gpumm_buffer *b, gpumm_access access, uint32_t *index) {
    for (size_t i = 0; i < r->use_count; i++) {
        if (r->uses[i].buffer != b) continue;
        if (access == GPUMM_ACCESS_WRITE) r->uses[i].access = access;
        return *index = (uint32_t)i, GPUMM_OK;
    }
    if (!gpumm__mem_reserve(memory_of(r), (void **)&r->uses, sizeof *r->uses, r->use_count, &r->use_room))
        return fail_host_memory(sizeof *r->uses);
    recorded_use *u = &r->uses[r->use_count];
    if (r->use_count >= r->use_known) {
        u->address = 0;
        u->length = 0;
    }
    u->buffer = gpumm_buffer_retain(b);
    u->access = access;
    u->generation = generation_of(b);
    *index = (uint32_t)r->use_count++;
    return GPUMM_OK;
}

gpumm_status gpumm__recording_kernel(gpumm_recording *r, object *kernel, order *users, const char *name) {
    for (size_t i = 0; i < r->kernel_count; i++)
        if (r->kernels[i].object == kernel) return GPUMM_OK;
    if (!gpumm__mem_reserve(memory_of(r), (void **)&r->kernels, sizeof *r->kernels, r->kernel_count, &r->kernel_room))
        return fail_host_memory(sizeof *r->kernels);
    gpumm__object_retain(kernel);
    r->kernels[r->kernel_count++] = (recorded_kernel){kernel, users, name};
    return GPUMM_OK;
}

/* ---- Values that replays give ------------------------------------------------------------------------------- */

static gpumm_status value_fits(const recorded_value *v, const gpumm_type *type, size_t size) {
    bool same = v->size == size && (v->type && type ? gpumm_type_equal(v->type, type) : v->type == type);
    if (same) return GPUMM_OK;
    return fail(GPUMM_TYPE_MISMATCH, "the value '%s' is %s in one place and %s in another: give it two names", v->name,
                v->type ? gpumm_type_name(v->type) : "of a type that gpumm does not know",
                type ? gpumm_type_name(type) : "of a type that gpumm does not know");
}

gpumm_status gpumm__recording_value(gpumm_recording *r, const char *name, const gpumm_type *type, size_t size,
                                    uint32_t *index) {
    for (size_t i = 0; i < r->value_count; i++)
        if (strcmp(r->values[i].name, name) == 0) return *index = (uint32_t)i, value_fits(&r->values[i], type, size);
    TRY(gpumm__name_check("value", name));
    if (!gpumm__mem_reserve(memory_of(r), (void **)&r->values, sizeof *r->values, r->value_count, &r->value_room))
        return fail_host_memory(sizeof *r->values);
    uint64_t start = 0, bytes = 0;
    if (!size_round_up(strlen(name) + 1, _Alignof(max_align_t), &start) || !size_add(start, size, &bytes))
        return fail_host_memory(SIZE_MAX);
    char *block = gpumm__mem_new(memory_of(r), bytes);
    if (!block) return fail_host_memory(bytes);
    strcpy(block, name);
    r->values[r->value_count] = (recorded_value){
        .name = block, .type = type ? gpumm_type_retain(type) : NULL, .size = size, .bytes = block + start};
    *index = (uint32_t)r->value_count++;
    return GPUMM_OK;
}

static void forget_values(gpumm_recording *r) {
    for (size_t i = 0; i < r->value_count; i++) {
        if (r->values[i].type) gpumm_type_release(r->values[i].type);
        gpumm__mem_free(memory_of(r), r->values[i].name);
    }
    r->value_count = 0;
}

/* ---- Nodes -------------------------------------------------------------------------------------------------- */

static bool resize_list(gpumm_recording *r, void **list, size_t item, size_t count) {
    void *made = gpumm__mem_resize(memory_of(r), *list, item * count);
    if (made) *list = made;
    return made != NULL;
}

static gpumm_status reserve_nodes(gpumm_recording *r) {
    if (r->count < r->room) return GPUMM_OK;
    size_t room = r->room ? 2 * r->room : 16;
    if (!resize_list(r, (void **)&r->nodes, sizeof *r->nodes, room) ||
        !resize_list(r, (void **)&r->device, sizeof *r->device, room) ||
        !resize_list(r, (void **)&r->patches, sizeof *r->patches, room))
        return fail_host_memory(room * sizeof *r->device);
    r->room = room;
    return GPUMM_OK;
}

/* Another node in that place, where the one that is there, if any, has too little room. */
static gpumm_status make_node(gpumm_recording *r, size_t bytes) {
    recorded_node *old = r->count < r->made ? r->nodes[r->count] : NULL;
    if (old && old->room >= bytes) return GPUMM_OK;
    recorded_node *n = gpumm__mem_new(memory_of(r), sizeof *n + bytes);
    if (!n) return fail_host_memory(sizeof *n + bytes);
    n->room = bytes;
    gpumm__mem_free(memory_of(r), old);
    r->nodes[r->count] = n;
    if (!old) r->made++;
    return GPUMM_OK;
}

gpumm_status gpumm__recording_next(gpumm_recording *r, recorded_kind kind, size_t bytes, bool *known,
                                   recorded_node **out) {
    TRY(reserve_nodes(r));
    const recorded_node *n = !r->differs && r->count < r->known ? r->nodes[r->count] : NULL;
    *known = n && n->kind == kind && n->room >= bytes;
    if (!*known) {
        r->differs = true, r->fits = false; /* whatever becomes of it: the node is about to be overwritten */
        TRY(make_node(r, bytes));
    }
    *out = r->nodes[r->count];
    (*out)->kind = kind;
    return GPUMM_OK;
}

void gpumm__recording_added(gpumm_recording *r, bool known) {
    if (!known) {
        r->differs = r->stirred = true;
        r->fits = false;
        r->nodes[r->count]->changed = true;
    }
    r->count++;
}

/* ---- Being in use ------------------------------------------------------------------------------------------- */

gpumm_status gpumm__recording_enter(gpumm_recording *r) {
    TRY(gpumm__object_enter(&r->object, "recording"));
    pthread_mutex_lock(&r->lock);
    return GPUMM_OK;
}

void gpumm__recording_leave(gpumm_recording *r) {
    pthread_mutex_unlock(&r->lock);
    gpumm__object_leave(&r->object);
}

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
        n->changed = r->stirred = true;
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
    if (!gpumm__mem_reserve(memory_of(r), (void **)&r->locking, sizeof *r->locking, at, &r->locking_room))
        return fail_host_memory(sizeof *r->locking);
    uintptr_t mine = (uintptr_t)r->captures[at].readback;
    for (; at > 0 && (uintptr_t)r->captures[r->locking[at - 1]].readback > mine; at--)
        r->locking[at] = r->locking[at - 1];
    r->locking[at] = (uint32_t)r->capture_count;
    return GPUMM_OK;
}

static gpumm_status add_capture(gpumm_recording *r, gpumm_readback *rb, int64_t step, uint32_t value) {
    if (!gpumm__mem_reserve(memory_of(r), (void **)&r->captures, sizeof *r->captures, r->capture_count,
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
    if (!same) n->changed = r->stirred = true;
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
    TRY(gpumm_type_parse_with(memory_of(r), "i64", &i64));
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

/* ---- Opening and closing ------------------------------------------------------------------------------------- */

static void begin(gpumm_recording *r) {
    gpumm__recording_let_go(r);
    forget_values(r);
    r->known = r->count;
    r->count = 0;
    r->spent = r->differs = false;
}

gpumm_status gpumm_recording_begin(gpumm_recording *r) {
    NOT_NULL(r, "recording");
    TRY(gpumm__recording_enter(r));
    begin(r);
    gpumm__recording_leave(r);
    return GPUMM_OK;
}

static void recording_dispose(object *o) {
    gpumm_recording *r = recording_from(o);
    device *d = o->context->device;
    pthread_mutex_lock(&o->context->submit); /* a replay enqueues under it */
    device_graph *graph = r->graph;
    r->graph = NULL;
    pthread_mutex_unlock(&o->context->submit);
    if (graph) d->call->graph_close(d, graph);
    gpumm__recording_let_go(r);
}

static void recording_destroy(object *o) {
    gpumm_recording *r = recording_from(o);
    const gpumm_allocator *memory = memory_of(r);
    forget_values(r);
    for (size_t i = 0; i < r->made; i++) gpumm__mem_free(memory, r->nodes[i]);
    void *const lists[] = {r->uses, r->kernels, r->values, r->captures, r->locking, r->nodes, r->device, r->patches};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) gpumm__mem_free(memory, lists[i]);
    pthread_mutex_destroy(&r->lock);
    gpumm__mem_free(memory, r);
}

static const object_class recording_class = {RANK_RECORDING, recording_dispose, recording_destroy, NULL};

static gpumm_status recording_new(context *ctx, const gpumm_recording_options *o, gpumm_recording **out) {
    gpumm_recording *r = gpumm__mem_new(&ctx->memory, sizeof *r);
    if (!r) return fail_host_memory(sizeof *r);
    r->anew = o->anew;
    r->patience = o->anew ? 1 : 0;
    pthread_mutex_init(&r->lock, NULL);
    gpumm__object_init(&r->object, ctx, &recording_class);
    gpumm__object_list(&r->object);
    *out = r;
    return GPUMM_OK;
}

gpumm_status gpumm_recording_open(gpumm_manager *m, const gpumm_recording_options *given, gpumm_recording **out) {
    NOT_NULL(m, "manager");
    NOT_NULL(out, "out");
    gpumm_recording_options o = {0};
    if (given) TRY(ABI_READ(&o, given, "gpumm_recording_options"));
    context *ctx = context_of(m);
    TRY(gpumm__context_enter(ctx));
    gpumm_status status = recording_new(ctx, &o, out);
    gpumm__context_leave(ctx);
    return status;
}

gpumm_recording *gpumm_recording_retain(gpumm_recording *r) {
    if (!r) return NULL;
    gpumm__object_retain(&r->object);
    return r;
}

void gpumm_recording_release(gpumm_recording *r) {
    if (r) gpumm__object_release(&r->object, false);
}

void gpumm_recording_close(gpumm_recording *r) {
    if (!r || gpumm__object_enter(&r->object, "recording") != GPUMM_OK) return;
    gpumm__object_dispose(&r->object);
    gpumm__object_leave(&r->object);
}

gpumm_manager *gpumm_recording_manager(const gpumm_recording *r) { return r ? manager_of(r->object.context) : NULL; }

static size_t read_count(const gpumm_recording *r, const size_t *count) {
    gpumm_recording *self = (gpumm_recording *)(uintptr_t)r;
    pthread_mutex_lock(&self->lock);
    size_t now = *count;
    pthread_mutex_unlock(&self->lock);
    return now;
}

size_t gpumm_recording_count(const gpumm_recording *r) { return r ? read_count(r, &r->count) : 0; }

size_t gpumm_recording_captures(const gpumm_recording *r) { return r ? read_count(r, &r->capture_count) : 0; }
