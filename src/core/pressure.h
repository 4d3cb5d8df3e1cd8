/* SPDX-License-Identifier: MIT */
/* Pressure: what is done about a request that memory was refused to, before it fails. In this order: what is
   precommitted and cached; what waits for its streams; what is used in part, which is moved; the calling state's collector, which is the binding's; the
   application's hook. Behind all of them comes spill. */
#ifndef CORE_PRESSURE_H
#define CORE_PRESSURE_H

#include "core/context.h"

/* What more can be done about a failure for memory, worse each time; false: nothing. `stage` counts up. */
bool gpumm__relieve(context *ctx, gpumm_status failed, uint64_t wanted, unsigned *stage);
/* When that has done all: may it be tried again with the host's memory for what the device lacks? */
bool gpumm__pressure_spills(const context *ctx, gpumm_status failed);
/* Calls what takes a lock that the application may hold or want, once or more often: its hook is asked between two calls,
   without it. Where it cannot be called `again` the hook is not asked. */
gpumm_status gpumm__pressure_outside(context *ctx, bool again, gpumm_status (*call)(void *user), void *user);
/* Gives back everything that no live buffer's capacity needs, and waits for whoever uses it. */
void gpumm__trim(context *ctx);

#endif
