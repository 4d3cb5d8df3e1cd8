/* SPDX-License-Identifier: MIT */
/* On which node gpumm's spilled memory lies: said by its device alone, whose headers name the driver's entries otherwise. */
#include "core/manager.h"
#include "device/cuda/state.h"

#include "bench_spill.h"

int node_of(const gpumm_manager *m) {
    const cuda *c = (const cuda *)m->context.device->bare;
    return c->memory[PLACE_SPILLED].location.id;
}
