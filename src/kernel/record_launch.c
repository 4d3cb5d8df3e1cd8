/* SPDX-License-Identifier: MIT */
/* Launches on their way into a recording: checked as any launch, compared with the one that was recorded in that place,
   and kept with what their arguments come from. */
#include "kernel/record_launch.h"

#include <string.h>

#include "base/abi.h"
#include "core/element.h"
#include "kernel/arguments.h"
#include "kernel/geometry.h"

enum { PLACEHOLDER_BYTES = 4096 };

static const char placeholder[PLACEHOLDER_BYTES]; /* stands for the value of a named argument until a replay gives it */

typedef struct launching {
    gpumm_recording *recording;
    gpumm_kernel *kernel;
    uint32_t kernel_at;
    recorded_request request;
    device_launch shape; /* threads and geometry, not the arguments */
    size_t counting;     /* the argument that says how many threads at each replay; SIZE_MAX: they stay */
    size_t count;
    gpumm_argument arguments[GPUMM_PARAMETERS_MAX];
    recorded_link links[GPUMM_PARAMETERS_MAX];
} launching;

/* ---- Arguments ----------------------------------------------------------------------------------------------- */

static gpumm_status check_binding(const launching *l, const gpumm_parameter *p, const gpumm_binding *b) {
    const char *kernel = l->kernel->prototype->name;
    if (b->reserved) return fail(GPUMM_INVALID_ARGUMENT, "reserved of a binding is not NULL");
    if (!b->name && !b->length) return GPUMM_OK;
    if (b->name && b->length)
        return fail(GPUMM_INVALID_ARGUMENT,
                    "kernel '%s', parameter '%s': it is bound to a value or to a length, not to both", kernel, p->name);
    if (p->kind == GPUMM_PARAMETER_POINTER)
        return fail(GPUMM_INVALID_ARGUMENT, "kernel '%s', parameter '%s': a pointer is no value that a replay can give",
                    kernel, p->name);
    bool integer = p->element && !p->boolean && gpumm_type_kind(p->element) == GPUMM_KIND_SCALAR &&
                   gpumm_type_scalar(p->element) <= GPUMM_TYPE_U64;
    if (b->length && !integer)
        return fail(GPUMM_TYPE_MISMATCH, "kernel '%s', parameter '%s': a length needs an integer, not %s", kernel,
                    p->name, p->type);
    if (p->size > PLACEHOLDER_BYTES)
        return fail(GPUMM_INVALID_ARGUMENT, "kernel '%s', parameter '%s': a named value has at most %d bytes", kernel,
                    p->name, PLACEHOLDER_BYTES);
    return GPUMM_OK;
}

static size_t value_size(const gpumm_parameter *p) { return p->element ? gpumm_type_size(p->element) : p->size; }

/* With something in the place of what only replays give, so that the rest can be checked as in any launch. */
static gpumm_status take_arguments(launching *l, const gpumm_argument *given, const gpumm_binding *bindings) {
    const prototype *p = l->kernel->prototype;
    for (size_t i = 0; i < l->count && i < p->count; i++) {
        l->arguments[i] = given[i];
        if (given[i].scratch)
            return fail(GPUMM_INVALID_ARGUMENT,
                        "kernel '%s', parameter '%s': scratch is for one step and cannot be recorded: use a buffer",
                        p->name, p->parameters[i].name);
        if (given[i].buffer && given[i].buffer->group->object.context != l->kernel->object.context)
            return fail(GPUMM_INVALID_ARGUMENT,
                        "kernel '%s', parameter '%s': a buffer that belongs to another manager cannot be recorded",
                        p->name, p->parameters[i].name);
        if (given[i].frame)
            return fail(GPUMM_INVALID_ARGUMENT,
                        "kernel '%s', parameter '%s': a frame is one moment's and cannot be recorded: use a buffer",
                        p->name, p->parameters[i].name);
        if (!bindings) continue;
        TRY(check_binding(l, &p->parameters[i], &bindings[i]));
        if (!bindings[i].name && !bindings[i].length) continue;
        l->arguments[i].value = placeholder;
        l->arguments[i].size = value_size(&p->parameters[i]);
    }
    return gpumm__arguments_check(l->kernel, l->arguments, l->count);
}

static gpumm_status take_shape(launching *l, const gpumm_launch_options *o, const gpumm_binding *bindings) {
    size_t counting = l->kernel->threads;
    bool bound = counting < l->count && bindings && (bindings[counting].name || bindings[counting].length);
    l->shape = (device_launch){.count = l->count};
    TRY(gpumm__geometry_choose(l->kernel, o, &l->shape));
    bool counted = !l->shape.threads && !gpumm__geometry_is_given(l->shape.grid);
    l->counting = counted && bound ? counting : SIZE_MAX;
    return counted && !bound ? gpumm__arguments_threads(l->kernel, l->arguments, &l->shape.threads) : GPUMM_OK;
}

static gpumm_status use_buffer(launching *l, gpumm_buffer *b, gpumm_access access, uint32_t *index) {
    if (!atomic_load_explicit(&b->group->object.alive, memory_order_relaxed)) return gpumm__buffer_gone(b);
    return gpumm__recording_use(l->recording, b, access, index);
}

static gpumm_status link_argument(launching *l, size_t i, const gpumm_binding *binding) {
    const gpumm_parameter *p = &l->kernel->prototype->parameters[i];
    recorded_link *k = &l->links[i];
    *k = (recorded_link){RECORDED_NONE, RECORDED_NONE, RECORDED_NONE, GPUMM_TYPE_I8};
    if (l->arguments[i].buffer) return use_buffer(l, l->arguments[i].buffer, p->access, &k->use);
    if (!binding) return GPUMM_OK;
    if (binding->name) return gpumm__recording_value(l->recording, binding->name, p->element, value_size(p), &k->value);
    if (!binding->length) return GPUMM_OK;
    if (binding->length->group->object.context != l->recording->object.context)
        return fail(GPUMM_INVALID_ARGUMENT, "a length is of a buffer of another manager");
    k->scalar = gpumm_type_scalar(p->element);
    return use_buffer(l, binding->length, GPUMM_ACCESS_READ, &k->length);
}

/* ---- Its node ------------------------------------------------------------------------------------------------- */

static size_t size_of(const launching *l, size_t i) {
    bool pointer = l->kernel->prototype->parameters[i].kind == GPUMM_PARAMETER_POINTER;
    return pointer ? sizeof(gpumm_address) : l->arguments[i].size;
}

static uint64_t rounded(uint64_t bytes) { /* sizes are of arguments that somebody has: they are far from the largest */
    const uint64_t unit = _Alignof(max_align_t);
    return (bytes + unit - 1) / unit * unit;
}

static size_t head_bytes(const launching *l) {
    return rounded(l->count * (sizeof(recorded_link) + sizeof(void *) + sizeof(size_t)));
}

static size_t node_bytes(const launching *l) {
    size_t bytes = head_bytes(l);
    for (size_t i = 0; i < l->count; i++) bytes += rounded(size_of(l, i));
    return bytes;
}

static bool same_shape(const launching *l, const recorded_node *n) {
    if (n->as.launch.kernel != l->kernel->object.serial || n->as.launch.count != l->count) return false;
    for (size_t i = 0; i < l->count; i++)
        if (n->as.launch.sizes[i] != size_of(l, i)) return false;
    return true;
}

static void lay_out(const launching *l, recorded_node *n, device_node *d) {
    char *block = (char *)n->block;
    n->as.launch.kernel = l->kernel->object.serial;
    n->as.launch.count = l->count;
    n->as.launch.arguments = (void **)(void *)block;
    n->as.launch.sizes = (size_t *)(void *)(block + l->count * sizeof(void *));
    n->as.launch.links = (recorded_link *)(void *)(block + l->count * (sizeof(void *) + sizeof(size_t)));
    char *value = block + head_bytes(l);
    memset(value, 0, node_bytes(l) - head_bytes(l));
    for (size_t i = 0; i < l->count; i++) {
        n->as.launch.sizes[i] = size_of(l, i);
        n->as.launch.arguments[i] = value;
        n->as.launch.links[i] = (recorded_link){RECORDED_NONE, RECORDED_NONE, RECORDED_NONE, GPUMM_TYPE_I8};
        value += rounded(size_of(l, i));
    }
    *d = (device_node){.kind = NODE_LAUNCH};
    d->as.launch.function = l->kernel->function;
    d->as.launch.what = l->shape;
    d->as.launch.what.arguments = n->as.launch.arguments;
    d->as.launch.what.sizes = n->as.launch.sizes;
    d->as.launch.what.count = l->count;
}

static bool same_link(const recorded_link *a, const recorded_link *b) {
    return a->use == b->use && a->value == b->value && a->length == b->length && a->scalar == b->scalar;
}

static void put_argument(const launching *l, recorded_node *n, size_t i) {
    const recorded_link *k = &l->links[i];
    bool stays = k->use == RECORDED_NONE && k->value == RECORDED_NONE && k->length == RECORDED_NONE;
    if (!same_link(&n->as.launch.links[i], k)) {
        n->as.launch.links[i] = *k;
        l->recording->stirred = true;
    }
    if (!stays || memcmp(n->as.launch.arguments[i], l->arguments[i].value, n->as.launch.sizes[i]) == 0) return;
    memcpy(n->as.launch.arguments[i], l->arguments[i].value, n->as.launch.sizes[i]);
    n->changed = RECORDED_CHANGED;
}

static bool same_geometry(const device_launch *a, const device_launch *b) {
    return memcmp(a->block, b->block, sizeof a->block) == 0 && memcmp(a->grid, b->grid, sizeof a->grid) == 0 &&
           a->shared_bytes == b->shared_bytes;
}

/* Threads that an argument counts are for the replay to say. */
static void put_shape(const launching *l, recorded_node *n, device_launch *mine) {
    bool counted = l->counting != SIZE_MAX;
    if (counted) n->as.launch.scalar = gpumm_type_scalar(l->kernel->prototype->parameters[l->counting].element);
    if (counted) l->recording->stirred = true;
    n->as.launch.counting = l->counting;
    if (same_geometry(mine, &l->shape) && (counted || mine->threads == l->shape.threads)) return;
    device_launch shape = l->shape;
    shape.arguments = mine->arguments;
    shape.sizes = mine->sizes;
    shape.count = mine->count;
    *mine = shape;
    n->changed = RECORDED_CHANGED;
}

static gpumm_status add(launching *l) {
    recorded_node *n;
    bool known;
    gpumm_recording *r = l->recording;
    TRY(gpumm__recording_next(r, RECORDED_LAUNCH, node_bytes(l), &known, &n));
    known = known && same_shape(l, n);
    if (!known) lay_out(l, n, &r->device[r->count]);
    n->as.launch.kernel_at = l->kernel_at;
    n->as.launch.request = l->request;
    for (size_t i = 0; i < l->count; i++) put_argument(l, n, i);
    put_shape(l, n, &r->device[r->count].as.launch.what);
    gpumm__recording_added(r, known);
    return GPUMM_OK;
}

static gpumm_status record(launching *l, const gpumm_launch_options *o, const gpumm_argument *given,
                           const gpumm_binding *bindings) {
    gpumm_kernel *k = l->kernel;
    if (o->stream)
        return fail(GPUMM_INVALID_ARGUMENT, "a recorded launch has no stream: the replay says on which it runs");
    if (k->object.context != l->recording->object.context)
        return fail(GPUMM_INVALID_ARGUMENT, "kernel '%s' belongs to another manager than the recording",
                    k->prototype->name);
    TRY(take_arguments(l, given, bindings));
    TRY(take_shape(l, o, bindings));
    TRY(gpumm__recording_kernel(l->recording, &k->object, &k->order, k->prototype->name, &l->kernel_at));
    for (size_t i = 0; i < l->count; i++) TRY(link_argument(l, i, bindings ? &bindings[i] : NULL));
    return add(l);
}

/* ---- The call of the recording before ------------------------------------------------------------------------ */

/* A step that is recorded anew mostly makes the calls of the step before. Such a call is known by what it names: the same
   kernel, shape and buffers, each by its serial, and values that the same types have passed. It needs no check but that
   all are alive, and no place to be looked for. */
static recorded_node *node_before(const launching *l) {
    const gpumm_recording *r = l->recording;
    if (!r->anew || r->differs || r->count >= r->known) return NULL;
    recorded_node *n = r->nodes[r->count];
    bool same = n->kind == RECORDED_LAUNCH && n->as.launch.kernel == l->kernel->object.serial &&
                n->as.launch.count == l->count && l->kernel->object.context == r->object.context &&
                memcmp(&n->as.launch.request, &l->request, sizeof l->request) == 0;
    return same ? n : NULL;
}

/* Values may be others, but for one that says how many threads there are. */
static bool is_value_again(const launching *l, const recorded_node *n, size_t i, const gpumm_argument *a) {
    const recorded_link *k = &n->as.launch.links[i];
    if (k->value != RECORDED_NONE || k->length != RECORDED_NONE) return false;
    if (a->buffer || a->scratch || a->frame || !a->value || a->size != n->as.launch.sizes[i]) return false;
    return i != l->kernel->threads || memcmp(n->as.launch.arguments[i], a->value, a->size) == 0;
}

static bool is_buffer_again(const launching *l, uint32_t use, const gpumm_argument *a, size_t *uses) {
    if (!a->buffer || a->scratch || a->frame || a->value) return false;
    return gpumm__recording_used(l->recording, use, a->buffer, uses) &&
           atomic_load_explicit(&a->buffer->group->object.alive, memory_order_relaxed);
}

static bool is_again(const launching *l, const recorded_node *n, const gpumm_argument *given) {
    size_t uses = l->recording->use_count;
    for (size_t i = 0; i < l->count; i++) {
        uint32_t use = n->as.launch.links[i].use;
        if (use == RECORDED_NONE ? !is_value_again(l, n, i, &given[i]) : !is_buffer_again(l, use, &given[i], &uses))
            return false;
    }
    return true;
}

static void put_again(const launching *l, recorded_node *n, const gpumm_argument *given) {
    for (size_t i = 0; i < l->count; i++) {
        uint32_t use = n->as.launch.links[i].use;
        if (use != RECORDED_NONE) {
            gpumm__recording_use_again(l->recording, use, l->kernel->prototype->parameters[i].access);
        } else if (memcmp(n->as.launch.arguments[i], given[i].value, n->as.launch.sizes[i]) != 0) {
            memcpy(n->as.launch.arguments[i], given[i].value, n->as.launch.sizes[i]);
            n->changed = RECORDED_CHANGED;
        }
    }
}

/* False, and nothing was done: it is to be recorded as any call. */
static bool record_again(const launching *l, const gpumm_argument *given) {
    gpumm_kernel *k = l->kernel;
    recorded_node *n = node_before(l);
    if (!n || !atomic_load_explicit(&k->object.alive, memory_order_relaxed) || !is_again(l, n, given)) return false;
    if (gpumm__recording_kernel(l->recording, &k->object, &k->order, k->prototype->name, &n->as.launch.kernel_at) !=
        GPUMM_OK)
        return false;
    put_again(l, n, given);
    gpumm__recording_added(l->recording, true);
    return true;
}

/* ---- A call ---------------------------------------------------------------------------------------------------- */

static gpumm_status record_new(launching *l, const gpumm_launch_options *o, const gpumm_argument *arguments,
                               const gpumm_binding *bindings) {
    TRY(gpumm__object_enter(&l->kernel->object, "kernel"));
    gpumm_status status = record(l, o, arguments, bindings);
    gpumm__object_leave(&l->kernel->object);
    return status;
}

static recorded_request request_of(const gpumm_launch_options *o) {
    return (recorded_request){
        o->threads, {o->grid_x, o->grid_y, o->grid_z}, {o->block_x, o->block_y, o->block_z}, o->shared_bytes, 0};
}

static gpumm_status launch_locked(gpumm_recording *r, gpumm_kernel *k, const gpumm_launch_options *o,
                                  const gpumm_argument *arguments, const gpumm_binding *bindings, size_t count) {
    launching l;
    l.recording = r;
    l.kernel = k;
    l.kernel_at = 0;
    l.request = request_of(o);
    l.count = count;
    if (!bindings && !o->stream && record_again(&l, arguments)) return GPUMM_OK;
    return record_new(&l, o, arguments, bindings);
}

gpumm_status gpumm__record_launch(gpumm_recording *r, gpumm_kernel *k, uint64_t threads,
                                  const gpumm_argument *arguments, size_t count) {
    return launch_locked(r, k, &(gpumm_launch_options){.threads = threads}, arguments, NULL, count);
}

static gpumm_status launch_entered(gpumm_recording *r, gpumm_kernel *k, const gpumm_launch_options *o,
                                   const gpumm_argument *arguments, const gpumm_binding *bindings, size_t count) {
    if (count) NOT_NULL(arguments, "arguments");
    TRY(gpumm__recording_enter(r));
    gpumm_status status = launch_locked(r, k, o, arguments, bindings, count);
    gpumm__recording_leave(r);
    return status;
}

gpumm_status gpumm_recording_launch(gpumm_recording *r, gpumm_kernel *k, uint64_t threads,
                                    const gpumm_argument *arguments, const gpumm_binding *bindings, size_t count) {
    NOT_NULL(r, "recording");
    NOT_NULL(k, "kernel");
    return launch_entered(r, k, &(gpumm_launch_options){.threads = threads}, arguments, bindings, count);
}

gpumm_status gpumm_recording_launch_with(gpumm_recording *r, gpumm_kernel *k, const gpumm_launch_options *options,
                                         const gpumm_argument *arguments, const gpumm_binding *bindings, size_t count) {
    gpumm_launch_options o = {.size = 0};
    NOT_NULL(r, "recording");
    NOT_NULL(k, "kernel");
    if (options) TRY(ABI_READ(&o, options, "gpumm_launch_options"));
    return launch_entered(r, k, &o, arguments, bindings, count);
}
