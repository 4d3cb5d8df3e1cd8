/* SPDX-License-Identifier: MIT */
/* Spill: how much of the device's memory a manager may replace by the host's, and how much it does. Lock-free. */
#ifndef MEMORY_SPILL_H
#define MEMORY_SPILL_H

#include <stdatomic.h>

#include "gpumm.h"

typedef struct spill {
    uint64_t limit; /* bytes; 0: nothing is spilled */
    _Atomic uint64_t used;
} spill;

gpumm_status gpumm__spill_take(spill *s, uint64_t bytes); /* OUT_OF_MEMORY says what is left */
void gpumm__spill_give(spill *s, uint64_t bytes);

#endif
