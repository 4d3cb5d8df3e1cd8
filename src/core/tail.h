/* SPDX-License-Identifier: MIT */
/* The tail: segments that lie beyond a group's capacity, because it shrank, because they were precommitted, or because
   a growth failed after work was enqueued on them. They go back behind whoever still uses them. */
#ifndef CORE_TAIL_H
#define CORE_TAIL_H

#include "core/group.h"

/* Gives it back once its present users are through. Group lock held. */
void gpumm__tail_release(gpumm_group *g);
/* An object class's reclaim: gives back what nobody may be using, where no growth is under way. */
void gpumm__tail_reclaim(object *o);

#endif
