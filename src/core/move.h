/* SPDX-License-Identifier: MIT */
/* Moves: memory that is used in part is exchanged for less, under the same address where the device can. Behind the
   group's users, with its gate shut meanwhile, in the background. */
#ifndef CORE_MOVE_H
#define CORE_MOVE_H

#include "core/group.h"

/* What a move has to gain. */
typedef enum move_gain {
    MOVE_WORTH, /* what goes back is at least an eighth of what must be copied for it */
    MOVE_ALL    /* every commit step that no capacity needs */
} move_gain;

void gpumm__move_post(gpumm_group *g, move_gain gain); /* where there is so much to gain; group lock held */
/* Of every group. `moving`: also where its address changes by it. */
void gpumm__move_post_all(context *ctx, bool moving);

#endif
