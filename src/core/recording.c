/* SPDX-License-Identifier: MIT */
/* What a recording is made of: buffers, kernels, values and nodes; opened, recorded anew, closed. */
#include "core/recording.h"

#include <string.h>

#include "base/abi.h"

static gpumm_recording *recording_from(object *o) { return (gpumm_recording *)(void *)o; }

static const gpumm_allocator *memory_of(const gpumm_recording *r) { return &r->object.context->memory; }

/* ---- What it holds ------------------------------------------------------------------------------------------ */

static void let_go_kernel(const recorded_kernel *k) {
    if (k->own) gpumm__object_drop(k->object);
    else gpumm__object_release(k->object, false);
}

void gpumm__recording_let_go(gpumm_recording *r) {
    for (size_t i = 0; i < r->use_count; i++) gpumm_buffer_release(r->uses[i].buffer);
    for (size_t i = 0; i < r->kernel_count; i++) let_go_kernel(&r->kernels[i]);
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

/* In the place behind the last, which has room. */
static void use_next(gpumm_recording *r, gpumm_buffer *b, gpumm_access access) {
    recorded_use *u = &r->uses[r->use_count++];
    u->buffer = gpumm_buffer_retain(b);
    u->serial = b->group->object.serial;
    u->access = access;
    u->generation = r->anew ? 0 : generation_of(b); /* what is recorded anew is of now */
}

static void use_more(recorded_use *u, gpumm_access access) {
    if (access == GPUMM_ACCESS_WRITE) u->access = access;
}

gpumm_status gpumm__recording_use(gpumm_recording *r, gpumm_buffer *b, gpumm_access access, uint32_t *index) {
    for (size_t i = 0; i < r->use_count; i++) {
        if (r->uses[i].buffer != b) continue;
        use_more(&r->uses[i], access);
        return *index = (uint32_t)i, GPUMM_OK;
    }
    if (!gpumm__mem_reserve(memory_of(r), (void **)&r->uses, sizeof *r->uses, r->use_count, &r->use_room))
        return fail_host_memory(sizeof *r->uses);
    recorded_use *u = &r->uses[r->use_count];
    if (r->use_count >= r->use_known) {
        u->address = 0;
        u->length = 0;
    }
    *index = (uint32_t)r->use_count;
    use_next(r, b, access);
    return GPUMM_OK;
}

/* What let_go left behind the last is compared, and not looked into. */
bool gpumm__recording_used(const gpumm_recording *r, uint32_t index, const gpumm_buffer *b, size_t *count) {
    if (index > *count || index >= size_max(r->use_known, r->use_count)) return false;
    const recorded_use *u = &r->uses[index];
    if (u->buffer != b || u->serial != b->group->object.serial) return false;
    if (index == *count) ++*count;
    return true;
}

void gpumm__recording_use_again(gpumm_recording *r, uint32_t index, gpumm_access access) {
    if (index == r->use_count) use_next(r, r->uses[index].buffer, access);
    else use_more(&r->uses[index], access);
}

gpumm_status gpumm__recording_kernel(gpumm_recording *r, object *kernel, order *users, const char *name,
                                     uint32_t *index) {
    if (*index < r->kernel_count && r->kernels[*index].object == kernel) return GPUMM_OK;
    for (size_t i = 0; i < r->kernel_count; i++)
        if (r->kernels[i].object == kernel) return *index = (uint32_t)i, GPUMM_OK;
    if (!gpumm__mem_reserve(memory_of(r), (void **)&r->kernels, sizeof *r->kernels, r->kernel_count, &r->kernel_room))
        return fail_host_memory(sizeof *r->kernels);
    bool own = atomic_load(&kernel->handles) == 0; /* a handle that is the last would close it */
    if (own) gpumm__object_hold(kernel);
    else gpumm__object_retain(kernel);
    *index = (uint32_t)r->kernel_count;
    r->kernels[r->kernel_count++] = (recorded_kernel){kernel, own, users, name};
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

void gpumm__recording_misfit(gpumm_recording *r) {
    for (size_t i = 0; i < RECORDED_GRAPHS; i++) r->graphs[i].fits = false;
}

gpumm_status gpumm__recording_next(gpumm_recording *r, recorded_kind kind, size_t bytes, bool *known,
                                   recorded_node **out) {
    TRY(reserve_nodes(r));
    const recorded_node *n = !r->differs && r->count < r->known ? r->nodes[r->count] : NULL;
    *known = n && n->kind == kind && n->room >= bytes;
    if (!*known) {
        r->differs = true; /* whatever becomes of it: the node is about to be overwritten */
        gpumm__recording_misfit(r);
        TRY(make_node(r, bytes));
    }
    *out = r->nodes[r->count];
    (*out)->kind = kind;
    return GPUMM_OK;
}

void gpumm__recording_added(gpumm_recording *r, bool known) {
    if (!known) {
        r->differs = r->stirred = true;
        gpumm__recording_misfit(r);
        r->nodes[r->count]->changed = RECORDED_CHANGED;
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

/* ---- Opening and closing ------------------------------------------------------------------------------------- */

static void begin(gpumm_recording *r) {
    gpumm__recording_let_go(r);
    forget_values(r);
    r->known = r->count;
    r->count = r->call_count = 0;
    r->spent = r->differs = false;
}

gpumm_status gpumm_recording_begin(gpumm_recording *r) {
    NOT_NULL(r, "recording");
    TRY(gpumm__recording_enter(r));
    begin(r);
    gpumm__recording_leave(r);
    return GPUMM_OK;
}

static void give_scratch(gpumm_recording *r) {
    for (size_t i = 0; i < r->calls_made; i++)
        for (size_t j = 0; j < CALL_PIECES; j++) {
            gpumm_scratch_release(r->calls[i].scratch[j]);
            r->calls[i].scratch[j] = NULL;
        }
}

static void recording_dispose(object *o) {
    gpumm_recording *r = recording_from(o);
    device *d = o->context->device;
    device_graph *graphs[RECORDED_GRAPHS];
    pthread_mutex_lock(&o->context->submit); /* a replay enqueues under it */
    for (size_t i = 0; i < RECORDED_GRAPHS; i++) {
        graphs[i] = r->graphs[i].graph;
        r->graphs[i].graph = NULL;
    }
    pthread_mutex_unlock(&o->context->submit);
    for (size_t i = 0; i < RECORDED_GRAPHS; i++)
        if (graphs[i]) d->call->graph_close(d, graphs[i]);
    give_scratch(r);
    gpumm__recording_let_go(r);
}

static void recording_destroy(object *o) {
    gpumm_recording *r = recording_from(o);
    const gpumm_allocator *memory = memory_of(r);
    forget_values(r);
    for (size_t i = 0; i < r->made; i++) gpumm__mem_free(memory, r->nodes[i]);
    void *const lists[] = {r->uses,    r->kernels, r->values, r->captures, r->calls,
                           r->locking, r->nodes,   r->device, r->patches};
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
