/* SPDX-License-Identifier: MIT */
/* A budget: a limit on logical bytes, charged at the call that asks for them. Lock-free, because managers share it. One
   that is not shared is charged under its owner's lock. */
#ifndef MEMORY_BUDGET_H
#define MEMORY_BUDGET_H

#include <stdatomic.h>

#include "gpumm.h"

struct gpumm_budget {
    atomic_uint references;
    _Atomic uint64_t limit, used;
    gpumm_allocator from; /* its own memory's */
};

gpumm_status gpumm__budget_open(const gpumm_allocator *from, uint64_t limit, gpumm_budget **out);
bool gpumm__budget_charge(gpumm_budget *b, uint64_t bytes); /* false: over the limit, nothing was charged */
void gpumm__budget_uncharge(gpumm_budget *b, uint64_t bytes);
/* The same for one that nobody else charges meanwhile, by plain reads and writes. */
bool gpumm__budget_charge_own(gpumm_budget *b, uint64_t bytes);
void gpumm__budget_uncharge_own(gpumm_budget *b, uint64_t bytes);
uint64_t gpumm__budget_left(const gpumm_budget *b); /* bytes until the limit */

#endif
