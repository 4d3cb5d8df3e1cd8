/* SPDX-License-Identifier: MIT */
/* Running sums: every chunk's sum, then every chunk's running sums behind those of the chunks before it; of whole
   numbers both at once. */
#include <string.h>

#include "base/abi.h"
#include "primitives/work.h"

static const variant sums[ELEMENTS] = {SUMS_u32, SUMS_u64, SUMS_u32, SUMS_f32};
static const uint64_t sizes[ELEMENTS] = {4, 8, 4, 4};

static gpumm_status check(work *w, uint64_t count, gpumm_scan_options *o, element *e) {
    if (!o->to) o->to = o->from;
    if (count == UINT64_MAX) return fail(GPUMM_INVALID_ARGUMENT, "scan: %llu elements", (unsigned long long)count);
    TRY(gpumm__work_operand(w, "from", o->from, count));
    TRY(gpumm__work_element(w, "from", o->from, e));
    TRY(gpumm__work_operand(w, "to", o->to, count + o->total));
    return gpumm__work_same(w, "to", o->to, "from", o->from);
}

enum { CHAIN_CHUNK = 32768 };       /* elements that a core's cache holds */
enum { CHAIN_TWO_TILES = 1 << 22 }; /* elements from which on a GPU's blocks are busy with two tiles each */

/* Of whole numbers, in one turn over the memory: see sums.cu. */
static bool can_chain(const work *w, uint64_t n, element e) {
    bool host = w->context->device->runs_builtins;
    return e != ELEMENT_F32 && (host || e != ELEMENT_U64) && n > (host ? CHAIN_CHUNK : TILE_ELEMENTS);
}

static gpumm_status chain(work *w, uint64_t n, const gpumm_scan_options *o) {
    gpumm_scratch *states;
    bool host = w->context->device->runs_builtins;
    uint64_t tiles = n < CHAIN_TWO_TILES ? 1 : 2, chunk = host ? CHAIN_CHUNK : tiles * TILE_ELEMENTS,
             count = n / chunk + (n % chunk != 0);
    uint64_t words = 1 + 2 * (count + 1), clears = host ? 1 : (words + THREADS_A_BLOCK - 1) / THREADS_A_BLOCK;
    TRY(gpumm__work_scratch(w, words, sizeof(uint64_t), &states));
    TRY(LAUNCH(w, CLEAR_CHAIN, clears, SCRATCH(states), COUNT_OF(words)));
    return LAUNCH(w, CHAIN_SCAN, host ? w->context->info.units : count, BUFFER(o->from), BUFFER(o->to), SCRATCH(states),
                  COUNT_OF(n), COUNT_OF(chunk), WORD_OF(o->exclusive), WORD_OF(o->total));
}

static gpumm_status scan(work *w, uint64_t n, gpumm_scan_options *o) {
    element e;
    gpumm_scratch *before = NULL;
    w->most = 2;
    TRY(check(w, n, o, &e));
    if (n == 0 && !o->total) return GPUMM_OK;
    w->variant = sums[e];
    if (can_chain(w, n, e)) return chain(w, n, o);
    chunks c = gpumm__work_chunks(w, n, e == ELEMENT_F32);
    if (c.count > 1) {
        TRY(gpumm__work_scratch(w, c.count, sizes[e], &before));
        TRY(LAUNCH(w, CHUNK_SUMS, c.count, BUFFER(o->from), SCRATCH(before), COUNT_OF(n), COUNT_OF(c.size)));
    }
    return LAUNCH(w, CHUNK_SCAN, c.count, BUFFER(o->from), gpumm__work_scratch_maybe(before), BUFFER(o->to),
                  COUNT_OF(n), COUNT_OF(c.size), WORD_OF(o->exclusive), WORD_OF(o->total));
}

static gpumm_status plan_scan(work *w, uint64_t n, const void *options) {
    gpumm_scan_options o;
    memcpy(&o, options, sizeof o);
    return scan(w, n, &o);
}

static const primitive scanning = {"scan", sizeof(gpumm_scan_options), plan_scan};

gpumm_status gpumm_scan(gpumm_manager *m, gpumm_stream *stream, uint64_t count, const gpumm_scan_options *options) {
    NOT_NULL(m, "manager");
    NOT_NULL(options, "options");
    gpumm_scan_options o;
    TRY(ABI_READ(&o, options, "gpumm_scan_options"));
    return gpumm__work_run(&scanning, m, stream, count, &o);
}

gpumm_status gpumm_recording_scan(gpumm_recording *r, uint64_t count, const gpumm_scan_options *options) {
    NOT_NULL(r, "recording");
    NOT_NULL(options, "options");
    gpumm_scan_options o;
    TRY(ABI_READ(&o, options, "gpumm_scan_options"));
    return gpumm__work_record(&scanning, r, count, &o, (gpumm_buffer *[]){o.from, o.to}, 2);
}
