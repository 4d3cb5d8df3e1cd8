/* SPDX-License-Identifier: MIT */
/* A stable sort by digits of eight bits, the least first. A pass counts the digits of every chunk, finds out where each of
   them goes, and puts the elements there: from the keys to one piece of scratch, to the other and back, and the last one
   to the results. */
#include <string.h>

#include "base/abi.h"
#include "primitives/work.h"

enum { DIGIT_BITS = 8 };

typedef struct pairs { /* where a pass reads, or writes */
    gpumm_argument keys, values;
} pairs;

typedef struct sorting {
    work *work;
    uint64_t n;
    uint32_t order;
    unsigned bits, passes;
    chunks chunks;
    pairs from, room[2], to;
    gpumm_scratch *counts, *starts, *totals;
} sorting;

/* ---- What was asked for ------------------------------------------------------------------------------- */

static gpumm_status wrong_values(const work *w, size_t size) {
    return fail(GPUMM_TYPE_MISMATCH, "%s, 'values': elements of %zu bytes: values have 4 or 8", w->name, size);
}

static gpumm_status check_values(work *w, uint64_t n, gpumm_sort_options *o, size_t *size) {
    *size = 0;
    if (!o->values && o->to_values)
        return fail(GPUMM_INVALID_ARGUMENT, "sort: 'to_values' without 'values' gets nothing");
    if (!o->values) return GPUMM_OK;
    if (!o->to_values) o->to_values = o->values;
    TRY(gpumm__work_operand(w, "values", o->values, n));
    TRY(gpumm__work_operand(w, "to_values", o->to_values, n));
    TRY(gpumm__work_same(w, "to_values", o->to_values, "values", o->values));
    TRY(gpumm__work_apart(w, "values", o->values, "keys", o->keys));
    TRY(gpumm__work_apart(w, "to_values", o->to_values, "keys", o->keys));
    TRY(gpumm__work_apart(w, "to_keys", o->to_keys, "values", o->values));
    TRY(gpumm__work_apart(w, "to_values", o->to_values, "to_keys", o->to_keys));
    *size = gpumm_type_size(gpumm_buffer_type(o->values));
    return *size == 4 || *size == 8 ? GPUMM_OK : wrong_values(w, *size);
}

static gpumm_status check_bits(const gpumm_sort_options *o, element e, unsigned *bits) {
    unsigned all = e == ELEMENT_U64 ? 64 : 32;
    *bits = o->bits ? o->bits : all;
    if (*bits > all) return fail(GPUMM_INVALID_ARGUMENT, "sort: 'bits' is %u, and the keys have %u", o->bits, all);
    if (*bits == all || e == ELEMENT_U32 || e == ELEMENT_U64) return GPUMM_OK;
    return fail(GPUMM_INVALID_ARGUMENT, "sort: 'bits' is %u: only keys of u32 and u64 can be sorted by a part of them",
                o->bits);
}

static gpumm_status check(sorting *s, gpumm_sort_options *o, element *e, size_t *size) {
    work *w = s->work;
    if (!o->to_keys) o->to_keys = o->keys;
    TRY(gpumm__work_operand(w, "keys", o->keys, s->n));
    TRY(gpumm__work_element(w, "keys", o->keys, e));
    TRY(gpumm__work_operand(w, "to_keys", o->to_keys, s->n));
    TRY(gpumm__work_same(w, "to_keys", o->to_keys, "keys", o->keys));
    TRY(check_bits(o, *e, &s->bits));
    return check_values(w, s->n, o, size);
}

/* ---- Passes ------------------------------------------------------------------------------------------- */

static gpumm_status pass(const sorting *s, unsigned shift, const pairs *from, const pairs *to) {
    const work *w = s->work;
    unsigned left = shift < s->bits ? s->bits - shift : 0;
    uint32_t mask = left < DIGIT_BITS ? (1u << left) - 1 : DIGIT_COUNT - 1;
    if (!left) shift = 0; /* a pass that moves, and sorts by nothing */
    TRY(LAUNCH(w, DIGIT_COUNTS, s->chunks.count, from->keys, SCRATCH(s->counts), COUNT_OF(s->n),
               COUNT_OF(s->chunks.size), WORD_OF(s->order), WORD_OF(shift), WORD_OF(mask)));
    TRY(LAUNCH(w, DIGIT_STARTS, DIGIT_COUNT, SCRATCH(s->counts), SCRATCH(s->starts), SCRATCH(s->totals),
               COUNT_OF(s->chunks.count)));
    return LAUNCH(w, SCATTER, s->chunks.count, from->keys, from->values, SCRATCH(s->starts), SCRATCH(s->totals),
                  to->keys, to->values, COUNT_OF(s->n), COUNT_OF(s->chunks.size), WORD_OF(s->order), WORD_OF(shift),
                  WORD_OF(mask));
}

static gpumm_status passes(const sorting *s) {
    const pairs *from = &s->from;
    for (unsigned i = 0; i < s->passes; i++) {
        const pairs *to = i + 1 == s->passes ? &s->to : &s->room[i % 2];
        TRY(pass(s, i * DIGIT_BITS, from, to));
        from = to;
    }
    return GPUMM_OK;
}

/* Three of one piece: counts, where chunks begin, and the sums of all. */
static gpumm_status take_room(sorting *s, size_t key, size_t value) {
    work *w = s->work;
    TRY(gpumm__work_scratch(w, s->chunks.count * DIGIT_COUNT, sizeof(uint32_t), &s->counts));
    TRY(gpumm__work_scratch(w, s->chunks.count * DIGIT_COUNT, sizeof(uint64_t), &s->starts));
    TRY(gpumm__work_scratch(w, DIGIT_COUNT, sizeof(uint64_t), &s->totals));
    for (unsigned i = 0; i < 2 && i + 1 < s->passes; i++) {
        gpumm_scratch *keys, *values = NULL;
        TRY(gpumm__work_scratch(w, s->n, key, &keys));
        if (value) TRY(gpumm__work_scratch(w, s->n, value, &values));
        s->room[i] = (pairs){SCRATCH(keys), gpumm__work_scratch_maybe(values)};
    }
    return GPUMM_OK;
}

static variant variant_of(size_t key, size_t value) {
    static const variant all[2][3] = {{SORT_u32, SORT_u32_u32, SORT_u32_u64}, {SORT_u64, SORT_u64_u32, SORT_u64_u64}};
    return all[key == 8][value / 4];
}

static gpumm_status sort(work *w, uint64_t n, gpumm_sort_options *o) {
    sorting s = {.work = w, .n = n};
    element e;
    size_t value;
    TRY(check(&s, o, &e, &value));
    size_t key = e == ELEMENT_U64 ? 8 : 4;
    bool in_place = o->to_keys == o->keys || (value && o->to_values == o->values);
    s.passes = (s.bits + DIGIT_BITS - 1) / DIGIT_BITS;
    if (in_place && s.passes == 1) s.passes = 2; /* no pass reads what it writes */
    w->most = 3 * (size_t)s.passes;
    if (n == 0) return GPUMM_OK;
    s.order = gpumm__work_order(e, o->descending);
    s.chunks = gpumm__work_chunks(w, n, false);
    s.from = (pairs){BUFFER(o->keys), gpumm__work_maybe(o->values)};
    s.to = (pairs){BUFFER(o->to_keys), gpumm__work_maybe(o->to_values)};
    w->variant = variant_of(key, value);
    TRY(take_room(&s, key, value));
    return passes(&s);
}

static gpumm_status plan_sort(work *w, uint64_t n, const void *options) {
    gpumm_sort_options o;
    memcpy(&o, options, sizeof o);
    return sort(w, n, &o);
}

static const primitive sorting_keys = {"sort", sizeof(gpumm_sort_options), plan_sort};

gpumm_status gpumm_sort(gpumm_manager *m, gpumm_stream *stream, uint64_t count, const gpumm_sort_options *options) {
    NOT_NULL(m, "manager");
    NOT_NULL(options, "options");
    gpumm_sort_options o;
    TRY(ABI_READ(&o, options, "gpumm_sort_options"));
    return gpumm__work_run(&sorting_keys, m, stream, count, &o);
}

gpumm_status gpumm_recording_sort(gpumm_recording *r, uint64_t count, const gpumm_sort_options *options) {
    NOT_NULL(r, "recording");
    NOT_NULL(options, "options");
    gpumm_sort_options o;
    TRY(ABI_READ(&o, options, "gpumm_sort_options"));
    return gpumm__work_record(&sorting_keys, r, count, &o, (gpumm_buffer *[]){o.keys, o.values, o.to_keys, o.to_values},
                              4);
}
