/* SPDX-License-Identifier: MIT */
/* Moves: memory that is used in part is exchanged for less, under the same address where the device can. Behind the
   group's users, with its gate shut meanwhile: at once where there are none and little is copied, else in the background. */
#ifndef CORE_MOVE_H
#define CORE_MOVE_H

#include "core/group.h"

/* Where what goes back is at least an eighth of what must be copied for it; group lock held. */
void gpumm__move_start(gpumm_group *g);
/* Of every group, each commit step that no capacity needs; in the background. `moving`: also where its address changes by it. */
void gpumm__move_post_all(context *ctx, bool moving);

#endif
