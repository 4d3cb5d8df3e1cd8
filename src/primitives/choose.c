/* SPDX-License-Identifier: MIT */
/* What is kept of many: by flags, or the first of equal ones in a row. */
#include <string.h>

#include "base/abi.h"
#include "primitives/work.h"

typedef struct choice {
    gpumm_buffer *from, *flags, *to, *count;
    uint32_t flag_bytes, positions, wide;
} choice;

static gpumm_status choose(work *w, uint64_t n, const choice *x) {
    gpumm_scratch *kept;
    w->most = 2;
    chunks c = gpumm__work_chunks(w, n, false);
    if (n == 0 && !x->count) return GPUMM_OK;
    TRY(gpumm__work_scratch(w, c.count, sizeof(uint64_t), &kept));
    TRY(LAUNCH(w, CHUNK_KEPT, c.count, gpumm__work_maybe(x->from), gpumm__work_maybe(x->flags), SCRATCH(kept),
               COUNT_OF(n), COUNT_OF(c.size), WORD_OF(x->flag_bytes)));
    return LAUNCH(w, CHUNK_CHOOSE, c.count, gpumm__work_maybe(x->from), gpumm__work_maybe(x->flags), SCRATCH(kept),
                  BUFFER(x->to), gpumm__work_maybe(x->count), COUNT_OF(n), COUNT_OF(c.size), WORD_OF(x->flag_bytes),
                  WORD_OF(x->positions), WORD_OF(x->wide));
}

/* Both have a buffer for the elements, which nobody else reads or writes, and may have one for how many there are. */
static gpumm_status check_results(const work *w, uint64_t n, choice *x) {
    TRY(gpumm__work_operand(w, "to", x->to, n));
    TRY(gpumm__work_apart(w, "to", x->to, "from", x->from));
    TRY(gpumm__work_apart(w, "to", x->to, "flags", x->flags));
    if (!x->count) return GPUMM_OK;
    TRY(gpumm__work_operand(w, "count", x->count, 1));
    TRY(gpumm__work_apart(w, "count", x->count, "to", x->to));
    TRY(gpumm__work_apart(w, "count", x->count, "from", x->from));
    TRY(gpumm__work_apart(w, "count", x->count, "flags", x->flags));
    return gpumm__work_counts(w, "count", x->count, &x->wide);
}

static size_t bytes_of(const gpumm_buffer *b) { return gpumm_type_size(gpumm_buffer_type(b)); }

/* ---- Unique ------------------------------------------------------------------------------------------- */

static gpumm_status unique(work *w, uint64_t n, const gpumm_unique_options *o) {
    choice x = {.from = o->from, .to = o->to, .count = o->count};
    element e;
    TRY(gpumm__work_operand(w, "from", o->from, n));
    TRY(gpumm__work_element(w, "from", o->from, &e));
    TRY(check_results(w, n, &x));
    TRY(gpumm__work_same(w, "to", o->to, "from", o->from));
    w->variant = e == ELEMENT_U64 ? UNIQUE_u64 : UNIQUE_u32;
    return choose(w, n, &x);
}

static gpumm_status plan_unique(work *w, uint64_t n, const void *options) {
    gpumm_unique_options o;
    memcpy(&o, options, sizeof o);
    return unique(w, n, &o);
}

static const primitive unique_ones = {"unique", sizeof(gpumm_unique_options), plan_unique};

gpumm_status gpumm_unique(gpumm_manager *m, gpumm_stream *stream, uint64_t count, const gpumm_unique_options *options) {
    NOT_NULL(m, "manager");
    NOT_NULL(options, "options");
    gpumm_unique_options o;
    TRY(ABI_READ(&o, options, "gpumm_unique_options"));
    return gpumm__work_run(&unique_ones, m, stream, count, &o);
}

gpumm_status gpumm_recording_unique(gpumm_recording *r, uint64_t count, const gpumm_unique_options *options) {
    NOT_NULL(r, "recording");
    NOT_NULL(options, "options");
    gpumm_unique_options o;
    TRY(ABI_READ(&o, options, "gpumm_unique_options"));
    return gpumm__work_record(&unique_ones, r, count, &o, (gpumm_buffer *[]){o.from, o.to, o.count}, 3);
}

/* ---- Select ------------------------------------------------------------------------------------------- */

static gpumm_status check_flags(const work *w, gpumm_buffer *flags) {
    const gpumm_type *t = gpumm_buffer_type(flags);
    if (gpumm_type_kind(t) == GPUMM_KIND_SCALAR && gpumm_type_scalar(t) == GPUMM_TYPE_U8) return GPUMM_OK;
    if (gpumm_type_kind(t) == GPUMM_KIND_SCALAR && gpumm_type_scalar(t) <= GPUMM_TYPE_U32 && gpumm_type_size(t) != 2)
        return GPUMM_OK;
    return fail(GPUMM_TYPE_MISMATCH, "%s, 'flags': elements of %s: flags are u8, i8, u32 or i32", w->name,
                gpumm_type_name(t));
}

static gpumm_status check_elements(const work *w, const choice *x, uint64_t n) {
    TRY(gpumm__work_operand(w, "from", x->from, n));
    TRY(gpumm__work_same(w, "to", x->to, "from", x->from));
    if (bytes_of(x->from) == 4 || bytes_of(x->from) == 8) return GPUMM_OK;
    return fail(GPUMM_TYPE_MISMATCH, "%s, 'from': elements of %zu bytes: they have 4 or 8", w->name, bytes_of(x->from));
}

static gpumm_status select(work *w, uint64_t n, const gpumm_select_options *o) {
    choice x = {.from = o->from, .flags = o->flags, .to = o->to, .count = o->count, .positions = !o->from};
    uint32_t wide;
    TRY(gpumm__work_operand(w, "flags", o->flags, n));
    TRY(check_flags(w, o->flags));
    TRY(check_results(w, n, &x));
    TRY(o->from ? check_elements(w, &x, n) : gpumm__work_counts(w, "to", o->to, &wide));
    x.flag_bytes = (uint32_t)bytes_of(o->flags);
    w->variant = bytes_of(o->to) == 8 ? SELECT_u64 : SELECT_u32;
    return choose(w, n, &x);
}

static gpumm_status plan_select(work *w, uint64_t n, const void *options) {
    gpumm_select_options o;
    memcpy(&o, options, sizeof o);
    return select(w, n, &o);
}

static const primitive selecting = {"select", sizeof(gpumm_select_options), plan_select};

gpumm_status gpumm_select(gpumm_manager *m, gpumm_stream *stream, uint64_t count, const gpumm_select_options *options) {
    NOT_NULL(m, "manager");
    NOT_NULL(options, "options");
    gpumm_select_options o;
    TRY(ABI_READ(&o, options, "gpumm_select_options"));
    return gpumm__work_run(&selecting, m, stream, count, &o);
}

gpumm_status gpumm_recording_select(gpumm_recording *r, uint64_t count, const gpumm_select_options *options) {
    NOT_NULL(r, "recording");
    NOT_NULL(options, "options");
    gpumm_select_options o;
    TRY(ABI_READ(&o, options, "gpumm_select_options"));
    return gpumm__work_record(&selecting, r, count, &o, (gpumm_buffer *[]){o.flags, o.from, o.to, o.count}, 4);
}
