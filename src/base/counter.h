/* SPDX-License-Identifier: MIT */
/* A counter in a memory file, which threads and processes raise and wait for: what the host device has where a GPU has
   timeline semaphores. */
#ifndef BASE_COUNTER_H
#define BASE_COUNTER_H

#include <stdatomic.h>

#include "gpumm.h"

typedef struct counter counter; /* as it is mapped in this process */

gpumm_status gpumm__counter_make(int *descriptor); /* a new one, at 0; the descriptor is the caller's */
/* The descriptor stays the caller's. INVALID_ARGUMENT for a file that is no counter. */
gpumm_status gpumm__counter_map(int descriptor, counter **out);
void gpumm__counter_unmap(counter *c);
void gpumm__counter_raise(counter *c, uint64_t value); /* to `value`, unless it is there or beyond */
void gpumm__counter_wait(counter *c, uint64_t value);  /* until it is at least that */

#endif
