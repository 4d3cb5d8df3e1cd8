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

/* Are the group's users of now through in so many microseconds? Group lock held, gate shut. */
bool gpumm__move_users_end(gpumm_group *g, uint64_t patience_us);

#endif
