/* SPDX-License-Identifier: MIT */
/* Stripes: on which devices a buffer's segments take turns. Each that a manager was asked for is checked with the device once,
   and kept as long as the manager, so that ranges and the books just point to it. */
#ifndef CORE_STRIPE_H
#define CORE_STRIPE_H

#include "core/context.h"

/* What the options say of it; NULL where they say nothing. INVALID_ARGUMENT, NO_DEVICE. */
gpumm_status gpumm__stripe_of(context *ctx, const gpumm_buffer_options *o, const device_stripe **out);
void gpumm__stripes_free(context *ctx);

#endif
