/* SPDX-License-Identifier: MIT */
/* Calls that plan several operations: recorded, planned again for other lengths, and their scratch. */
#include "core/record_call.h"

#include <string.h>

#include "core/scratch.h"

/* ---- Scratch ------------------------------------------------------------------------------------------------ */

static void give(gpumm_scratch **x) {
    gpumm_scratch_release(*x);
    *x = NULL;
}

/* One that is too small goes: what used it is being planned again. */
gpumm_status gpumm__recording_scratch(gpumm_recording *r, recorded_call *c, uint64_t bytes, gpumm_scratch **out) {
    gpumm_scratch **x = &c->scratch[c->pieces];
    if (*x && gpumm_scratch_bytes(*x) < bytes) give(x);
    if (!*x) TRY(gpumm_scratch_open(manager_of(r->object.context), NULL, bytes, x));
    c->pieces++;
    *out = *x;
    return GPUMM_OK;
}

gpumm_status gpumm__recording_use_scratch(gpumm_recording *r, gpumm_stream *s) {
    for (size_t i = 0; i < r->call_count; i++)
        for (unsigned j = 0; j < r->calls[i].pieces; j++)
            TRY(gpumm__scratch_use(r->calls[i].scratch[j], s, GPUMM_ACCESS_WRITE));
    return GPUMM_OK;
}

void gpumm__recording_trim_calls(gpumm_recording *r) {
    for (; r->calls_made > r->call_count; r->calls_made--)
        for (unsigned j = 0; j < CALL_PIECES; j++) give(&r->calls[r->calls_made - 1].scratch[j]);
}

/* ---- Planning ----------------------------------------------------------------------------------------------- */

static gpumm_status add_nothing(gpumm_recording *r) {
    recorded_node *n;
    bool known;
    TRY(gpumm__recording_next(r, RECORDED_NOTHING, 0, &known, &n));
    if (!known) r->device[r->count] = (device_node){.kind = NODE_FILL, .skipped = true};
    gpumm__recording_added(r, known);
    return GPUMM_OK;
}

gpumm_status gpumm__recording_room(gpumm_recording *r, size_t first, size_t count) {
    while (r->count < first + count) TRY(add_nothing(r));
    return GPUMM_OK;
}

static uint64_t length_of(const gpumm_buffer *b) {
    context *ctx = b->group->object.context;
    pthread_mutex_lock(&ctx->submit);
    uint64_t length = b->group->length;
    pthread_mutex_unlock(&ctx->submit);
    return length;
}

static gpumm_status plan(gpumm_recording *r, recorded_call *c) {
    c->pieces = 0;
    c->fits = false;
    TRY(c->plan(r, c));
    c->fits = true;
    return GPUMM_OK;
}

static gpumm_status reserve_call(gpumm_recording *r) {
    if (!gpumm__mem_reserve(&r->object.context->memory, (void **)&r->calls, sizeof *r->calls, r->call_count,
                            &r->call_room))
        return fail_host_memory(sizeof *r->calls);
    if (r->call_count < r->calls_made) return GPUMM_OK;
    memset(&r->calls[r->call_count], 0, sizeof *r->calls);
    r->calls_made++;
    return GPUMM_OK;
}

/* Lengths are read before the plan reads them: what changes between is seen at the replay. */
static gpumm_status plan_new(gpumm_recording *r, recorded_call *c, gpumm_buffer *const *buffers, size_t count) {
    const gpumm_buffer *seen[CALL_BUFFERS];
    c->buffers = 0;
    for (size_t i = 0; i < count; i++) {
        if (!buffers[i]) continue;
        seen[c->buffers] = buffers[i];
        c->lengths[c->buffers++] = length_of(buffers[i]);
    }
    c->first = r->count;
    TRY(plan(r, c));
    for (unsigned i = 0; i < c->buffers; i++)
        TRY(gpumm__recording_use(r, (gpumm_buffer *)(uintptr_t)seen[i], GPUMM_ACCESS_READ, &c->uses[i]));
    c->count = r->count - c->first;
    return GPUMM_OK;
}

gpumm_status gpumm__recording_call(gpumm_recording *r, recorded_plan planned, const void *what, size_t size,
                                   gpumm_buffer *const *buffers, size_t count) {
    size_t before = r->count;
    TRY(reserve_call(r));
    recorded_call *c = &r->calls[r->call_count];
    c->plan = planned;
    memcpy(c->what, what, size);
    gpumm_status status = plan_new(r, c, buffers, count);
    if (status == GPUMM_OK) r->call_count++;
    else r->count = before;
    return status;
}

/* ---- At a replay -------------------------------------------------------------------------------------------- */

static bool fits(const gpumm_recording *r, const recorded_call *c) {
    for (unsigned i = 0; i < c->buffers; i++)
        if (r->uses[c->uses[i]].buffer->group->length != c->lengths[i]) return false;
    return c->fits;
}

bool gpumm__recording_calls_fit(const gpumm_recording *r) {
    for (size_t i = 0; i < r->call_count; i++)
        if (!fits(r, &r->calls[i])) return false;
    return true;
}

static bool fits_now(gpumm_recording *r, const recorded_call *c) {
    context *ctx = r->object.context;
    pthread_mutex_lock(&ctx->submit);
    bool fit = fits(r, c);
    pthread_mutex_unlock(&ctx->submit);
    return fit;
}

/* Its nodes are compared with what they were, so that those which stay the same operation are changed in place. */
static gpumm_status plan_in_place(gpumm_recording *r, recorded_call *c) {
    size_t all = r->count;
    bool differs = r->differs || r->count != r->known;
    for (unsigned i = 0; i < c->buffers; i++) c->lengths[i] = length_of(r->uses[c->uses[i]].buffer);
    r->known = all;
    r->differs = false;
    r->count = c->first;
    gpumm_status status = plan(r, c);
    r->count = all;
    r->differs = r->differs || differs;
    return status;
}

gpumm_status gpumm__recording_plan_again(gpumm_recording *r) {
    for (size_t i = 0; i < r->call_count; i++)
        if (!fits_now(r, &r->calls[i])) TRY(plan_in_place(r, &r->calls[i]));
    return GPUMM_OK;
}
