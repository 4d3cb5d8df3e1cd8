/* SPDX-License-Identifier: MIT */
/* Counts by bin: bins are cleared in scratch, counted there, and put to the result. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/abi.h"
#include "primitives/work.h"

typedef struct bins { /* as histogram.cu takes them */
    uint64_t count, low, high, step;
} bins;

static uint64_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static gpumm_status float_bins(const gpumm_histogram_options *o, bins *b) {
    float low = (float)o->low, high = (float)o->high;
    float step = (float)((double)b->count / ((double)high - (double)low));
    if (!(low < high) || !isfinite(low) || !isfinite(high) || !isfinite(step))
        return fail(GPUMM_INVALID_ARGUMENT,
                    "histogram: %g to %g: for f32, 'low' and 'high' are finite, and low is less than high", o->low,
                    o->high);
    b->low = bits_of(low);
    b->high = bits_of(high);
    b->step = bits_of(step);
    return GPUMM_OK;
}

/* Whole numbers from low on, as many to each bin; what is not said is one to each. */
static gpumm_status whole_bins(const gpumm_histogram_options *o, bins *b) {
    double high = o->low == 0 && o->high == 0 ? (double)b->count : o->high, most = (double)(UINT64_C(1) << 53);
    if (o->low != floor(o->low) || high != floor(high) || fabs(o->low) > most || fabs(high) > most || high <= o->low)
        return fail(GPUMM_INVALID_ARGUMENT,
                    "histogram: %g to %g: for whole numbers, 'low' and 'high' are whole numbers up to 2^53, and low is "
                    "less than high",
                    o->low, o->high);
    uint64_t span = (uint64_t)((int64_t)high - (int64_t)o->low);
    if (span % b->count)
        return fail(GPUMM_INVALID_ARGUMENT, "histogram: %llu numbers from %g to %g do not go evenly into %llu bins",
                    (unsigned long long)span, o->low, high, (unsigned long long)b->count);
    b->low = (uint64_t)(int64_t)o->low;
    b->high = b->low + span;
    b->step = span / b->count;
    return GPUMM_OK;
}

static gpumm_status check(work *w, uint64_t n, const gpumm_histogram_options *o, element *e, bins *b, uint32_t *wide) {
    gpumm_buffer_info info;
    TRY(gpumm__work_operand(w, "from", o->from, n));
    TRY(gpumm__work_element(w, "from", o->from, e));
    TRY(gpumm__work_operand(w, "to", o->to, 1));
    TRY(gpumm__work_counts(w, "to", o->to, wide));
    TRY(gpumm__work_apart(w, "to", o->to, "from", o->from));
    TRY(gpumm_buffer_get_info(o->to, &info));
    b->count = info.length;
    if (b->count > INT32_MAX)
        return fail(GPUMM_INVALID_ARGUMENT, "histogram: %llu bins are more than %d", (unsigned long long)b->count,
                    INT32_MAX);
    return *e == ELEMENT_F32 ? float_bins(o, b) : whole_bins(o, b);
}

static gpumm_status histogram(work *w, uint64_t n, const gpumm_histogram_options *o) {
    static const variant variants[ELEMENTS] = {BINS_u32, BINS_u64, BINS_i32, BINS_f32};
    gpumm_scratch *sums;
    element e;
    bins b = {0};
    uint32_t wide;
    w->most = 3;
    TRY(check(w, n, o, &e, &b, &wide));
    chunks c = gpumm__work_chunks(w, n, false);
    uint64_t blocks = (b.count + THREADS_A_BLOCK - 1) / THREADS_A_BLOCK;
    w->variant = variants[e];
    TRY(gpumm__work_scratch(w, b.count, sizeof(uint64_t), &sums));
    TRY(LAUNCH(w, CLEAR_BINS, blocks, SCRATCH(sums), COUNT_OF(b.count)));
    if (n > 0)
        TRY(LAUNCH(w, COUNT_BINS, c.count, BUFFER(o->from), SCRATCH(sums), COUNT_OF(n), COUNT_OF(c.size),
                   COUNT_OF(b.low), COUNT_OF(b.high), COUNT_OF(b.step), WORD_OF((uint32_t)b.count)));
    return LAUNCH(w, PUT_BINS, blocks, SCRATCH(sums), BUFFER(o->to), COUNT_OF(b.count), COUNT_OF(wide));
}

static gpumm_status plan_histogram(work *w, uint64_t n, const void *options) {
    gpumm_histogram_options o;
    memcpy(&o, options, sizeof o);
    return histogram(w, n, &o);
}

static const primitive counting = {"histogram", sizeof(gpumm_histogram_options), plan_histogram};

gpumm_status gpumm_histogram(gpumm_manager *m, gpumm_stream *stream, uint64_t count,
                             const gpumm_histogram_options *options) {
    NOT_NULL(m, "manager");
    NOT_NULL(options, "options");
    gpumm_histogram_options o;
    TRY(ABI_READ(&o, options, "gpumm_histogram_options"));
    return gpumm__work_run(&counting, m, stream, count, &o);
}

gpumm_status gpumm_recording_histogram(gpumm_recording *r, uint64_t count, const gpumm_histogram_options *options) {
    NOT_NULL(r, "recording");
    NOT_NULL(options, "options");
    gpumm_histogram_options o;
    TRY(ABI_READ(&o, options, "gpumm_histogram_options"));
    return gpumm__work_record(&counting, r, count, &o, (gpumm_buffer *[]){o.from, o.to}, 2);
}
