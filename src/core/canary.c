/* SPDX-License-Identifier: MIT */
/* Written and looked at by transfers on the main stream. While a test holds operations back nothing is looked at: that
   would wait for what the test releases behind the very call that looks. */
#include "core/canary.h"

#include "core/transfer.h"
#include "device/fault.h"

enum { CANARY = 0xC5, CANARY_CHUNK = 4096 };

static void write_one(gpumm_buffer *b) {
    gpumm_group *g = b->group;
    uint64_t from = g->capacity * b->size, bytes = b->extent->usable > from ? b->extent->usable - from : 0;
    b->canary_end = 0;
    if (bytes && gpumm__transfer_fill(b->extent, g->object.context->main, from, CANARY, bytes) == GPUMM_OK)
        b->canary_end = from + bytes;
}

void gpumm__canary_write(gpumm_group *g) {
    if (!g->object.context->debug) return;
    for (size_t i = 0; i < g->count; i++)
        if (g->members[i].extent) write_one(&g->members[i]);
    if (g->tail_posted) g->tail_again = true; /* what is on its way back is being written */
}

void gpumm__canary_shorten(gpumm_buffer *b) { b->canary_end = size_min(b->canary_end, b->extent->usable); }

/* The first damaged byte at or after `from`, or `end`. */
static gpumm_status find_damage(extent *e, uint64_t from, uint64_t end, uint64_t *at) {
    unsigned char chunk[CANARY_CHUNK];
    for (*at = from; *at < end;) {
        uint64_t bytes = size_min(sizeof chunk, end - *at);
        TRY(gpumm__transfer_down(e, e->context->main, *at, chunk, bytes));
        for (uint64_t i = 0; i < bytes; i++, ++*at)
            if (chunk[i] != CANARY) return GPUMM_OK;
    }
    return GPUMM_OK;
}

gpumm_status gpumm__canary_check(gpumm_group *g) {
    const context *ctx = g->object.context;
    if (!ctx->debug || (ctx->inject_faults && gpumm__fault_holds(ctx->device))) return GPUMM_OK;
    for (size_t i = 0; i < g->count; i++) {
        const gpumm_buffer *b = &g->members[i];
        uint64_t end = g->capacity * b->size, canary_end = size_min(b->canary_end, b->extent->usable), at;
        TRY(find_damage(b->extent, end, canary_end, &at));
        char text[TITLE_BYTES];
        if (at < canary_end)
            return fail(GPUMM_DRIVER, "%s was written past its capacity of %llu elements (%llu bytes): byte %llu",
                        gpumm__buffer_title(b, text), (unsigned long long)g->capacity, (unsigned long long)end,
                        (unsigned long long)at);
    }
    return GPUMM_OK;
}
