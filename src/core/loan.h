/* SPDX-License-Identifier: MIT */
/* Loans: slots of a readback that other processes have. Whoever captures leaves them alone; whoever takes frames in this
   process does not notice. */
#ifndef CORE_LOAN_H
#define CORE_LOAN_H

#include "core/ring.h"

enum { LOAN_NONE = READBACK_SLOTS };

/* The newest frame that has arrived and is newer than `than`: its slot, one loan more; LOAN_NONE: there is none. The device's
   word where it fails. */
gpumm_status gpumm__loan_take(gpumm_readback *r, gpumm_ticket than, unsigned *index, gpumm_frame_info *info);
void gpumm__loan_give(gpumm_readback *r, unsigned index);

#endif
