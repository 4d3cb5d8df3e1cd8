/* SPDX-License-Identifier: MIT */
/* Delivery of snapshots: what the by-name pair needs of it. */
#ifndef CORE_DELIVERY_H
#define CORE_DELIVERY_H

#include "core/ring.h"

/* Readback lock not held. TIMEOUT after `seconds`; negative: never. */
gpumm_status gpumm__readback_wait(gpumm_readback *r, gpumm_ticket ticket, double seconds, gpumm_frame **out);

#endif
