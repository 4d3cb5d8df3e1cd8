/* SPDX-License-Identifier: MIT */
/* Bytes are taken before memory is, and given back where that fails. */
#include "memory/spill.h"

#include "base/size.h"
#include "base/status.h"

static gpumm_status fail_full(const spill *s, uint64_t bytes, uint64_t used) {
    char wanted[32], limit[32], now[32];
    return fail(GPUMM_OUT_OF_MEMORY,
                "the device has no more memory, and %s more are over the spill of %s, of which %s is used",
                gpumm__size_text(bytes, wanted), gpumm__size_text(s->limit, limit), gpumm__size_text(used, now));
}

gpumm_status gpumm__spill_take(spill *s, uint64_t bytes) {
    uint64_t used = atomic_load(&s->used);
    do {
        if (bytes > s->limit - used) return fail_full(s, bytes, used);
    } while (!atomic_compare_exchange_weak(&s->used, &used, used + bytes));
    return GPUMM_OK;
}

void gpumm__spill_give(spill *s, uint64_t bytes) { atomic_fetch_sub(&s->used, bytes); }
