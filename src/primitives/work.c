/* SPDX-License-Identifier: MIT */
/* Operands, chunks, scratch and launches of the primitives. They stand on the public API, so that order, streams and the
   books are as for everybody's kernels. */
#include "primitives/work.h"

#include <stdio.h>
#include <string.h>

#include "core/group.h"
#include "core/pressure.h"
#include "core/stream.h"
#include "kernel/record_launch.h"
#include "primitives/library.h"

/* ---- A call ------------------------------------------------------------------------------------------- */

static gpumm_status check_stream(context *ctx, gpumm_stream *given) {
    gpumm_stream *s;
    TRY(gpumm__stream_of(ctx, given, &s));
    return gpumm__stream_not_capturing(s);
}

static gpumm_status run(work *w, const primitive *p, uint64_t count, const void *options) {
    TRY(check_stream(w->context, w->stream));
    return p->plan(w, count, options);
}

gpumm_status gpumm__work_run(const primitive *p, gpumm_manager *m, gpumm_stream *stream, uint64_t count,
                             const void *options) {
    work w = {.context = context_of(m), .stream = stream, .name = p->name};
    TRY(gpumm__context_enter(w.context));
    gpumm_status status = run(&w, p, count, options);
    for (unsigned i = 0; i < w.scratches; i++) gpumm_scratch_release(w.scratch[i]);
    gpumm__context_leave(w.context);
    return status;
}

/* ---- A recorded call ---------------------------------------------------------------------------------- */

typedef struct recorded_primitive { /* what a recorded call keeps */
    const primitive *primitive;
    uint64_t count;
    gpumm_buffer *first;
    char options[CALL_BYTES - 3 * sizeof(void *)];
} recorded_primitive;

_Static_assert(sizeof(recorded_primitive) <= CALL_BYTES, "a recorded call has room for a primitive");

static gpumm_status count_now(const recorded_primitive *p, uint64_t *count) {
    gpumm_buffer_info info = {.length = 0};
    if (p->count == GPUMM_TO_END && p->first) TRY(gpumm_buffer_get_info(p->first, &info));
    *count = p->count == GPUMM_TO_END ? info.length : p->count;
    return GPUMM_OK;
}

static gpumm_status plan_recorded(gpumm_recording *r, recorded_call *c) {
    recorded_primitive p;
    uint64_t count;
    size_t first = r->count;
    memcpy(&p, c->what, sizeof p);
    work w = {.context = r->object.context, .name = p.primitive->name, .recording = r, .call = c};
    TRY(count_now(&p, &count));
    TRY(p.primitive->plan(&w, count, p.options));
    return gpumm__recording_room(r, first, w.most);
}

typedef struct recording_of {
    gpumm_recording *recording;
    const recorded_primitive *what;
    gpumm_buffer *const *buffers;
    size_t count;
} recording_of;

static gpumm_status record_it(void *user) {
    const recording_of *of = user;
    gpumm_recording *r = of->recording;
    TRY(gpumm__recording_enter(r));
    gpumm_status status = gpumm__recording_call(r, plan_recorded, of->what, sizeof *of->what, of->buffers, of->count);
    gpumm__recording_leave(r);
    return status;
}

gpumm_status gpumm__work_record(const primitive *p, gpumm_recording *r, uint64_t count, const void *options,
                                gpumm_buffer *const *buffers, size_t buffer_count) {
    recorded_primitive what = {.primitive = p, .count = count, .first = buffers[0]};
    memcpy(what.options, options, p->size);
    recording_of of = {r, &what, buffers, buffer_count};
    return gpumm__pressure_outside(r->object.context, true, record_it, &of);
}

/* ---- Operands ----------------------------------------------------------------------------------------- */

gpumm_status gpumm__work_operand(const work *w, const char *what, gpumm_buffer *b, uint64_t length) {
    char title[TITLE_BYTES];
    gpumm_buffer_info info;
    if (!b) return fail(GPUMM_INVALID_ARGUMENT, "%s: '%s' is NULL, where a buffer is needed", w->name, what);
    if (b->group->object.context != w->context)
        return fail(GPUMM_INVALID_ARGUMENT, "%s, '%s': %s belongs to another manager", w->name, what,
                    gpumm__buffer_title(b, title));
    TRY(gpumm_buffer_get_info(b, &info));
    if (info.length >= length) return GPUMM_OK;
    return fail(GPUMM_INVALID_ARGUMENT, "%s, '%s': %s has a length of %llu, and %llu %s needed", w->name, what,
                gpumm__buffer_title(b, title), (unsigned long long)info.length, (unsigned long long)length,
                length == 1 ? "is" : "are");
}

static bool element_of(const gpumm_type *t, element *out) {
    static const gpumm_scalar scalars[ELEMENTS] = {GPUMM_TYPE_U32, GPUMM_TYPE_U64, GPUMM_TYPE_I32, GPUMM_TYPE_F32};
    for (unsigned i = 0; gpumm_type_kind(t) == GPUMM_KIND_SCALAR && i < ELEMENTS; i++)
        if (gpumm_type_scalar(t) == scalars[i]) return *out = (element)i, true;
    return false;
}

static gpumm_status wrong_type(const work *w, const char *what, const gpumm_buffer *b, const char *wanted) {
    char title[TITLE_BYTES];
    return fail(GPUMM_TYPE_MISMATCH, "%s, '%s': %s has elements of %s: it takes %s", w->name, what,
                gpumm__buffer_title(b, title), gpumm_type_name(b->type), wanted);
}

gpumm_status gpumm__work_element(const work *w, const char *what, gpumm_buffer *b, element *out) {
    return element_of(b->type, out) ? GPUMM_OK : wrong_type(w, what, b, "u32, u64, i32 or f32");
}

gpumm_status gpumm__work_same(const work *w, const char *what, gpumm_buffer *b, const char *as, gpumm_buffer *other) {
    char wanted[256];
    if (gpumm_type_equal(b->type, other->type)) return GPUMM_OK;
    snprintf(wanted, sizeof wanted, "the type of '%s', %.200s", as, gpumm_type_name(other->type));
    return wrong_type(w, what, b, wanted);
}

gpumm_status gpumm__work_counts(const work *w, const char *what, gpumm_buffer *b, uint32_t *wide) {
    element e;
    if (!element_of(b->type, &e) || (e != ELEMENT_U32 && e != ELEMENT_U64)) return wrong_type(w, what, b, "u32 or u64");
    *wide = e == ELEMENT_U32 ? 4 : 8;
    return GPUMM_OK;
}

gpumm_status gpumm__work_apart(const work *w, const char *what, const gpumm_buffer *b, const char *from,
                               const gpumm_buffer *other) {
    char title[TITLE_BYTES];
    if (!b || b != other) return GPUMM_OK;
    return fail(GPUMM_INVALID_ARGUMENT, "%s: '%s' and '%s' are both %s, and must be two buffers", w->name, what, from,
                gpumm__buffer_title(b, title));
}

uint32_t gpumm__work_order(element e, bool descending) {
    static const uint32_t orders[ELEMENTS] = {[ELEMENT_I32] = 1, [ELEMENT_F32] = 3};
    return orders[e] | (descending ? 4 : 0);
}

/* ---- Chunks ------------------------------------------------------------------------------------------- */

enum { CHUNKS_MOST = 2048, CHUNKS_A_CORE = 8 };

chunks gpumm__work_chunks(const work *w, uint64_t n, bool fixed) {
    bool few = w->context->device->runs_builtins && !fixed;
    uint64_t most = few ? (uint64_t)w->context->info.units * CHUNKS_A_CORE : CHUNKS_MOST;
    uint64_t tiles = n / TILE_ELEMENTS + (n % TILE_ELEMENTS != 0), each = tiles / most + (tiles % most != 0);
    chunks c = {.size = size_max(each, 1) * TILE_ELEMENTS};
    c.count = size_max(n / c.size + (n % c.size != 0), 1);
    return c;
}

/* ---- Launches ----------------------------------------------------------------------------------------- */

gpumm_status gpumm__work_scratch(work *w, uint64_t count, uint64_t size, gpumm_scratch **out) {
    uint64_t bytes;
    if (!size_mul(count, size, &bytes))
        return fail(GPUMM_OUT_OF_MEMORY, "%s: scratch for %llu elements is more than can be addressed", w->name,
                    (unsigned long long)count);
    bytes = size_max(bytes, 1);
    gpumm_status status = w->recording ? gpumm__recording_scratch(w->recording, w->call, bytes, out)
                                       : gpumm_scratch_open(manager_of(w->context), w->stream, bytes, out);
    if (status != GPUMM_OK) return fail_in(status, "%s: ", w->name);
    if (!w->recording) w->scratch[w->scratches++] = *out;
    return GPUMM_OK;
}

gpumm_argument gpumm__work_maybe(gpumm_buffer *b) {
    static const gpumm_address nowhere = 0;
    return b ? (gpumm_argument){.buffer = b} : (gpumm_argument){.value = &nowhere, .size = sizeof nowhere};
}

gpumm_argument gpumm__work_scratch_maybe(gpumm_scratch *x) {
    return x ? (gpumm_argument){.scratch = x} : gpumm__work_maybe(NULL);
}

/* Scratch of a recording's stays where it is: it goes by its address. */
static gpumm_status record_launch(const work *w, gpumm_kernel *k, uint64_t threads, const gpumm_argument *given,
                                  size_t count) {
    gpumm_argument arguments[ARGUMENTS_MOST];
    gpumm_address addresses[ARGUMENTS_MOST];
    for (size_t i = 0; i < count; i++) {
        arguments[i] = given[i];
        if (!given[i].scratch) continue;
        addresses[i] = gpumm_scratch_address(given[i].scratch);
        arguments[i] = (gpumm_argument){.value = &addresses[i], .size = sizeof addresses[i]};
    }
    return gpumm__record_launch(w->recording, k, threads, arguments, count);
}

gpumm_status gpumm__work_launch(const work *w, unsigned kernel, uint64_t blocks, const gpumm_argument *arguments,
                                size_t count) {
    gpumm_kernel *k;
    TRY(gpumm__primitive_kernel(w->context, w->variant, kernel, &k));
    uint64_t threads = w->context->device->runs_builtins ? blocks : blocks * THREADS_A_BLOCK;
    if (w->recording) return record_launch(w, k, threads, arguments, count);
    return gpumm_kernel_launch(k, w->stream, threads, arguments, count);
}
