/* SPDX-License-Identifier: MIT */
/* A charge is one compare-and-swap, so that threads that charge at the same time cannot exceed the limit together. */
#include "memory/budget.h"

#include "base/alloc.h"
#include "base/status.h"

bool gpumm__budget_charge(gpumm_budget *b, uint64_t bytes) {
    uint64_t used = atomic_load(&b->used);
    do {
        uint64_t limit = atomic_load(&b->limit);
        if (used > limit || bytes > limit - used) return false;
    } while (!atomic_compare_exchange_weak(&b->used, &used, used + bytes));
    return true;
}

void gpumm__budget_uncharge(gpumm_budget *b, uint64_t bytes) { atomic_fetch_sub(&b->used, bytes); }

static uint64_t relaxed(const _Atomic uint64_t *value) { return atomic_load_explicit(value, memory_order_relaxed); }

bool gpumm__budget_charge_own(gpumm_budget *b, uint64_t bytes) {
    uint64_t used = relaxed(&b->used), limit = relaxed(&b->limit);
    if (used > limit || bytes > limit - used) return false;
    atomic_store_explicit(&b->used, used + bytes, memory_order_relaxed);
    return true;
}

void gpumm__budget_uncharge_own(gpumm_budget *b, uint64_t bytes) {
    atomic_store_explicit(&b->used, relaxed(&b->used) - bytes, memory_order_relaxed);
}

uint64_t gpumm__budget_left(const gpumm_budget *b) {
    uint64_t limit = atomic_load(&b->limit), used = atomic_load(&b->used);
    return limit > used ? limit - used : 0;
}

gpumm_status gpumm__budget_open(const gpumm_allocator *from, uint64_t limit, gpumm_budget **out) {
    gpumm_budget *b = gpumm__mem_new(from, sizeof *b);
    if (!b) return fail_host_memory(sizeof *b);
    b->from = *from;
    atomic_init(&b->references, 1);
    atomic_init(&b->limit, limit);
    *out = b;
    return GPUMM_OK;
}

gpumm_status gpumm_budget_open(uint64_t limit, gpumm_budget **out) {
    NOT_NULL(out, "out");
    return gpumm__budget_open(&gpumm__alloc_default, limit, out);
}

gpumm_budget *gpumm_budget_retain(gpumm_budget *b) {
    if (!b) return NULL;
    atomic_fetch_add(&b->references, 1);
    return b;
}

void gpumm_budget_release(gpumm_budget *b) {
    if (!b || atomic_fetch_sub(&b->references, 1) != 1) return;
    gpumm_allocator from = b->from;
    gpumm__mem_free(&from, b);
}

uint64_t gpumm_budget_limit(const gpumm_budget *b) { return b ? atomic_load(&b->limit) : 0; }

uint64_t gpumm_budget_used(const gpumm_budget *b) { return b ? atomic_load(&b->used) : 0; }

void gpumm_budget_set_limit(gpumm_budget *b, uint64_t limit) {
    if (!b) return;
    atomic_store(&b->limit, limit);
}
