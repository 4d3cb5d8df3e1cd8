/* SPDX-License-Identifier: MIT */
/* The gate of a group: shut while the memory under its addresses is exchanged. A call that is about to enqueue work on
   the group waits at it, with the submit lock given up meanwhile, so that all other groups go on. Calls that hold the
   group's lock need not: whoever shuts the gate holds that. */
#ifndef CORE_GATE_H
#define CORE_GATE_H

#include "core/group.h"

/* Submit lock held. True: it waited, and what was looked at before may be different now. */
bool gpumm__gate_pass(gpumm_group *g);
void gpumm__gate_shut(gpumm_group *g); /* group lock held, submit lock not; whoever uses the group uses it still */
void gpumm__gate_open(gpumm_group *g);

#endif
