/* SPDX-License-Identifier: MIT */
/* One value of many: every chunk's, then that of these. */
#include <string.h>

#include "base/abi.h"
#include "primitives/work.h"

static const uint64_t sizes[ELEMENTS] = {4, 8, 4, 4};

static gpumm_status sum(work *w, uint64_t n, const gpumm_reduce_options *o, element e) {
    static const variant sums[ELEMENTS] = {SUMS_u32, SUMS_u64, SUMS_u32, SUMS_f32};
    gpumm_scratch *parts;
    w->variant = sums[e];
    chunks c = gpumm__work_chunks(w, n, e == ELEMENT_F32);
    if (c.count == 1) return LAUNCH(w, CHUNK_SUMS, 1, BUFFER(o->from), BUFFER(o->to), COUNT_OF(n), COUNT_OF(c.size));
    TRY(gpumm__work_scratch(w, c.count, sizes[e], &parts));
    TRY(LAUNCH(w, CHUNK_SUMS, c.count, BUFFER(o->from), SCRATCH(parts), COUNT_OF(n), COUNT_OF(c.size)));
    return LAUNCH(w, CHUNK_SUMS, 1, SCRATCH(parts), BUFFER(o->to), COUNT_OF(c.count), COUNT_OF(c.count));
}

/* `wide`: of the position that is wanted, 0: the element is. */
static gpumm_status least(work *w, uint64_t n, const gpumm_reduce_options *o, element e, uint32_t wide) {
    gpumm_scratch *parts;
    bool greatest = o->op == GPUMM_REDUCE_MAX || o->op == GPUMM_REDUCE_ARGMAX;
    uint32_t by = gpumm__work_order(e, greatest);
    w->variant = sizes[e] == 8 ? LEAST_u64 : LEAST_u32;
    chunks c = gpumm__work_chunks(w, n, false);
    TRY(gpumm__work_scratch(w, c.count, sizes[e], &parts));
    TRY(LAUNCH(w, CHUNK_LEAST, c.count, BUFFER(o->from), SCRATCH(parts), COUNT_OF(n), COUNT_OF(c.size), WORD_OF(by)));
    return LAUNCH(w, LEAST_OF_ALL, 1, BUFFER(o->from), SCRATCH(parts), BUFFER(o->to), COUNT_OF(c.count), COUNT_OF(n),
                  COUNT_OF(c.size), WORD_OF(by), WORD_OF(wide));
}

static gpumm_status reduce(work *w, uint64_t n, const gpumm_reduce_options *o) {
    element e;
    uint32_t wide = 0;
    w->most = 2;
    if ((unsigned)o->op > GPUMM_REDUCE_ARGMAX) return fail(GPUMM_INVALID_ARGUMENT, "reduce: %d is no op", (int)o->op);
    TRY(gpumm__work_operand(w, "from", o->from, n));
    TRY(gpumm__work_element(w, "from", o->from, &e));
    TRY(gpumm__work_operand(w, "to", o->to, 1));
    bool position = o->op == GPUMM_REDUCE_ARGMIN || o->op == GPUMM_REDUCE_ARGMAX;
    TRY(position ? gpumm__work_counts(w, "to", o->to, &wide) : gpumm__work_same(w, "to", o->to, "from", o->from));
    return o->op == GPUMM_REDUCE_SUM ? sum(w, n, o, e) : least(w, n, o, e, wide);
}

static gpumm_status plan_reduce(work *w, uint64_t n, const void *options) {
    gpumm_reduce_options o;
    memcpy(&o, options, sizeof o);
    return reduce(w, n, &o);
}

static const primitive reducing = {"reduce", sizeof(gpumm_reduce_options), plan_reduce};

gpumm_status gpumm_reduce(gpumm_manager *m, gpumm_stream *stream, uint64_t count, const gpumm_reduce_options *options) {
    NOT_NULL(m, "manager");
    NOT_NULL(options, "options");
    gpumm_reduce_options o;
    TRY(ABI_READ(&o, options, "gpumm_reduce_options"));
    return gpumm__work_run(&reducing, m, stream, count, &o);
}

gpumm_status gpumm_recording_reduce(gpumm_recording *r, uint64_t count, const gpumm_reduce_options *options) {
    NOT_NULL(r, "recording");
    NOT_NULL(options, "options");
    gpumm_reduce_options o;
    TRY(ABI_READ(&o, options, "gpumm_reduce_options"));
    return gpumm__work_record(&reducing, r, count, &o, (gpumm_buffer *[]){o.from, o.to}, 2);
}
