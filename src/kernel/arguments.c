/* SPDX-License-Identifier: MIT */
/* Arguments: whether they fit a kernel's parameters, and how they reach the device. Nothing here allocates:
   a launch costs as little as it can. */
#include "kernel/arguments.h"

#include <stdio.h>
#include <string.h>

#include "core/element.h"
#include "core/frame_device.h"
#include "core/gate.h"
#include "core/group.h"
#include "core/peers.h"
#include "core/scratch.h"
#include "core/stream.h"

enum { NAMES_SIZE = 512 };

/* ---- Words for messages ------------------------------------------------------------------- */

/* "kernel 'repel', parameter 'force'", or its number where it has no name. */
static const char *where(const gpumm_kernel *k, size_t index, char text[static NAMES_SIZE]) {
    const char *name = k->prototype->parameters[index].name;
    if (*name) snprintf(text, NAMES_SIZE, "kernel '%s', parameter '%s'", k->prototype->name, name);
    else snprintf(text, NAMES_SIZE, "kernel '%s', parameter %zu", k->prototype->name, index);
    return text;
}

static const char *parameter_names(const gpumm_kernel *k, char text[static NAMES_SIZE]) {
    size_t used = 0;
    *text = 0;
    for (size_t i = 0; i < k->prototype->count && used < NAMES_SIZE; i++)
        used +=
            (size_t)snprintf(text + used, NAMES_SIZE - used, "%s%s", i ? ", " : "", k->prototype->parameters[i].name);
    return text;
}

/* ---- Pointers ----------------------------------------------------------------------------- */

static bool is_opaque(const gpumm_type *t) {
    return gpumm_type_kind(t) == GPUMM_KIND_STRUCT && gpumm_type_field_count(t) == 0;
}

/* void * and bytes take anything, and so does a buffer without a type go anywhere. */
static bool takes_anything(const gpumm_parameter *p) {
    return p->any || (p->element && !p->boolean && gpumm_type_kind(p->element) == GPUMM_KIND_SCALAR &&
                      gpumm_type_scalar(p->element) == GPUMM_TYPE_U8);
}

/* The user's own struct, of which the compiler knows the layout: elements must be as large, and a struct aligned as it
   is. A signature says nothing of it. */
static bool fits_class(const gpumm_parameter *p, const gpumm_type *t) {
    bool is_struct = gpumm_type_kind(t) == GPUMM_KIND_STRUCT;
    if (!p->size) return is_struct;
    return gpumm_type_size(t) == p->size && (!is_struct || gpumm_type_align(t) == p->align);
}

static bool fits(const gpumm_parameter *p, const gpumm_type *t) {
    if (takes_anything(p) || is_opaque(t)) return true;
    if (!p->element) return fits_class(p, t);
    if (gpumm_type_equal(p->element, t)) return true;
    if (p->boolean) return gpumm_type_kind(t) == GPUMM_KIND_SCALAR && gpumm_type_size(t) == 1;
    return gpumm_type_kind(p->element) == GPUMM_KIND_SCALAR && gpumm_type_kind(t) == GPUMM_KIND_VECTOR &&
           gpumm_type_scalar(p->element) == gpumm_type_scalar(t);
}

static gpumm_status check_buffer(const gpumm_kernel *k, size_t index, const gpumm_buffer *b) {
    const gpumm_parameter *p = &k->prototype->parameters[index];
    char text[NAMES_SIZE], title[TITLE_BYTES];
    if (peers_is_foreign(k->object.context, b) && !gpumm__peers_may_use(k->object.context, b))
        return fail(GPUMM_INVALID_ARGUMENT, "%s: %s belongs to another manager%s", where(k, index, text),
                    gpumm__buffer_title(b, title), b->group->stripe ? " and is not on this one's device" : "");
    if (fits(p, b->type)) return GPUMM_OK;
    if (!p->element && p->size)
        return fail(GPUMM_TYPE_MISMATCH, "%s: wants %s%s *, a struct of %zu bytes aligned to %zu, got %s of %s",
                    where(k, index, text), p->access == GPUMM_ACCESS_READ ? "const " : "", p->type, p->size, p->align,
                    gpumm__buffer_title(b, title), gpumm_type_name(b->type));
    return fail(GPUMM_TYPE_MISMATCH, "%s: wants %s%s *%s%s%s, got %s of %s", where(k, index, text),
                p->access == GPUMM_ACCESS_READ ? "const " : "", p->type, p->element ? " (" : "",
                p->element ? gpumm_type_name(p->element) : "", p->element ? ")" : "", gpumm__buffer_title(b, title),
                gpumm_type_name(b->type));
}

/* Of a frame on the device: who has it reads it, and so do others. */
static gpumm_status check_frame(const gpumm_kernel *k, size_t index, const gpumm_argument *a) {
    const gpumm_parameter *p = &k->prototype->parameters[index];
    const gpumm_readback *r = a->frame->readback;
    char text[NAMES_SIZE], title[TITLE_BYTES];
    gpumm_status status = gpumm__frame_device_check(a->frame, a->size);
    if (status != GPUMM_OK) return fail_in(status, "%s: ", where(k, index, text));
    if (p->access != GPUMM_ACCESS_READ)
        return fail(GPUMM_INVALID_ARGUMENT, "%s: a frame is read only: it goes to a pointer to const",
                    where(k, index, text));
    status = check_buffer(k, index, r->buffers[a->size]);
    return status == GPUMM_OK ? status
                              : fail_in(status, "a frame of %s: ", gpumm__buffer_label(r->buffers[a->size], title));
}

static gpumm_status check_pointer(const gpumm_kernel *k, size_t index, const gpumm_argument *a) {
    char text[NAMES_SIZE];
    if ((a->buffer != NULL) + (a->scratch != NULL) + (a->value != NULL) + (a->frame != NULL) != 1)
        return fail(GPUMM_INVALID_ARGUMENT, "%s: a pointer wants one of a buffer, scratch, a frame or an address",
                    where(k, index, text));
    if (a->frame) return check_frame(k, index, a);
    if (a->buffer) return check_buffer(k, index, a->buffer);
    if (a->scratch && gpumm__scratch_context(a->scratch) != k->object.context)
        return fail(GPUMM_INVALID_ARGUMENT, "%s: the scratch belongs to another manager", where(k, index, text));
    if (a->value && a->size != sizeof(gpumm_address))
        return fail(GPUMM_INVALID_ARGUMENT, "%s: an address has %zu bytes, got %zu", where(k, index, text),
                    sizeof(gpumm_address), a->size);
    return GPUMM_OK;
}

/* ---- Values ------------------------------------------------------------------------------- */

static gpumm_status check_value(const gpumm_kernel *k, size_t index, const gpumm_argument *a) {
    const gpumm_parameter *p = &k->prototype->parameters[index];
    char text[NAMES_SIZE];
    if (a->buffer || a->scratch || a->frame)
        return fail(GPUMM_TYPE_MISMATCH, "%s: wants a value of %s, got %s%s%s", where(k, index, text), p->type,
                    a->buffer  ? "buffer '"
                    : a->frame ? "a frame"
                               : "scratch",
                    a->buffer ? a->buffer->full_name : "", a->buffer ? "'" : "");
    if (!a->value || !a->size)
        return fail(GPUMM_INVALID_ARGUMENT, "%s: wants a value of %s, got none", where(k, index, text), p->type);
    if (p->element && gpumm_type_size(p->element) != a->size)
        return fail(GPUMM_TYPE_MISMATCH, "%s: %s has %zu bytes, got %zu", where(k, index, text), p->type,
                    gpumm_type_size(p->element), a->size);
    return GPUMM_OK;
}

gpumm_status gpumm__arguments_check(const gpumm_kernel *k, const gpumm_argument *given, size_t count) {
    const prototype *p = k->prototype;
    if (count != p->count) {
        char text[NAMES_SIZE];
        return fail(GPUMM_INVALID_ARGUMENT, "kernel '%s' takes %zu argument%s (%s), got %zu", p->name, p->count,
                    p->count == 1 ? "" : "s", parameter_names(k, text), count);
    }
    for (size_t i = 0; i < count; i++)
        TRY(p->parameters[i].kind == GPUMM_PARAMETER_POINTER ? check_pointer(k, i, &given[i])
                                                             : check_value(k, i, &given[i]));
    return GPUMM_OK;
}

gpumm_status gpumm__arguments_threads(const gpumm_kernel *k, const gpumm_argument *given, uint64_t *threads) {
    char text[NAMES_SIZE];
    if (k->threads == SIZE_MAX)
        return fail(GPUMM_INVALID_ARGUMENT, "kernel '%s' has no parameter that counts threads: say how many",
                    k->prototype->name);
    const gpumm_parameter *p = &k->prototype->parameters[k->threads];
    *threads = gpumm__scalar_integer(gpumm_type_scalar(p->element), given[k->threads].value);
    if (*threads <= INT64_MAX) return GPUMM_OK;
    return fail(GPUMM_INVALID_ARGUMENT, "%s: counts threads and is %lld: it cannot be negative",
                where(k, k->threads, text), (long long)*threads);
}

/* ---- Launching ---------------------------------------------------------------------------- */

static gpumm_status use_pointer(gpumm_stream *s, const gpumm_parameter *p, const gpumm_argument *a,
                                gpumm_address *address) {
    if (a->buffer) {
        if (!peers_is_foreign(s->object.context, a->buffer)) TRY(gpumm__buffer_use(a->buffer, s, p->access));
        *address = gpumm__buffer_address(a->buffer);
    } else if (a->scratch) {
        TRY(gpumm__scratch_use(a->scratch, s, p->access));
        *address = gpumm_scratch_address(a->scratch);
    } else if (a->frame) {
        TRY(gpumm__frame_device_use(a->frame, s));
        *address = gpumm__frame_device_address(a->frame, a->size);
    } else {
        memcpy(address, a->value, sizeof *address);
    }
    return GPUMM_OK;
}

/* The device's words, behind the kernel's name unless they have it. */
static gpumm_status launch_failed(const prototype *p, gpumm_status status) {
    char text[NAMES_SIZE];
    snprintf(text, sizeof text, "kernel '%s'", p->name);
    return strstr(gpumm_message(), text) ? status : fail_in(status, "%s: ", text);
}

/* Submit lock held, and given up while the gate of one of the buffers is shut; then all are looked at anew. */
static void pass_gates(const prototype *p, const gpumm_argument *given) {
    for (size_t i = 0; i < p->count;) {
        bool named = p->parameters[i].kind == GPUMM_PARAMETER_POINTER && given[i].buffer;
        i = named && gpumm__gate_pass(given[i].buffer->group) ? 0 : i + 1;
    }
}

static gpumm_status launch_locked(gpumm_kernel *k, gpumm_stream *s, const device_launch *shape,
                                  const gpumm_argument *given) {
    const prototype *p = k->prototype;
    pass_gates(p, given);
    gpumm_address addresses[GPUMM_PARAMETERS_MAX];
    void *values[GPUMM_PARAMETERS_MAX];
    size_t sizes[GPUMM_PARAMETERS_MAX];
    char text[NAMES_SIZE];
    for (size_t i = 0; i < p->count; i++) {
        bool pointer = p->parameters[i].kind == GPUMM_PARAMETER_POINTER;
        gpumm_status status = pointer ? use_pointer(s, &p->parameters[i], &given[i], &addresses[i]) : GPUMM_OK;
        if (status != GPUMM_OK) return fail_in(status, "%s: ", where(k, i, text));
        values[i] = pointer ? (void *)&addresses[i] : (void *)given[i].value;
        sizes[i] = pointer ? sizeof addresses[i] : given[i].size;
    }
    TRY(gpumm__order_use(&k->order, s, GPUMM_ACCESS_READ));
    device *d = k->object.context->device;
    device_launch launch = *shape;
    launch.arguments = values;
    launch.sizes = sizes;
    launch.count = p->count;
    gpumm_status status = d->call->launch(d, s->device, k->function, &launch);
    return status == GPUMM_OK ? status : launch_failed(p, status);
}

static bool any_foreign(const gpumm_kernel *k, const gpumm_argument *given) {
    const prototype *p = k->prototype;
    for (size_t i = 0; i < p->count; i++)
        if (p->parameters[i].kind == GPUMM_PARAMETER_POINTER && given[i].buffer &&
            peers_is_foreign(k->object.context, given[i].buffer))
            return true;
    return false;
}

static gpumm_status launch_foreign(gpumm_kernel *k, gpumm_stream *s, const device_launch *shape,
                                   const gpumm_argument *given) {
    gpumm_buffer *buffers[GPUMM_PARAMETERS_MAX];
    gpumm_access access[GPUMM_PARAMETERS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < k->prototype->count; i++) {
        if (k->prototype->parameters[i].kind != GPUMM_PARAMETER_POINTER || !given[i].buffer) continue;
        buffers[count] = given[i].buffer;
        access[count++] = k->prototype->parameters[i].access;
    }
    peers p;
    TRY(gpumm__peers_begin(&p, s, buffers, access, count));
    return gpumm__peers_end(&p, launch_locked(k, s, shape, given));
}

gpumm_status gpumm__arguments_launch(gpumm_kernel *k, gpumm_stream *s, const device_launch *shape,
                                     const gpumm_argument *given) {
    context *ctx = k->object.context;
    if (any_foreign(k, given)) return launch_foreign(k, s, shape, given);
    pthread_mutex_lock(&ctx->submit);
    gpumm_status status = launch_locked(k, s, shape, given);
    pthread_mutex_unlock(&ctx->submit);
    return status;
}
