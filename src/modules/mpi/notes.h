/* SPDX-License-Identifier: MIT */
/* What ranks tell one another at the beginning of a call and when they leave, and how one is missed. */
#ifndef MODULES_MPI_NOTES_H
#define MODULES_MPI_NOTES_H

#include "modules/mpi/world.h"

/* Tells every rank `mine`, with counts[r] for rank r (NULL: mine->count for all), and hears what all have to say:
   peers[r].heard, its own too. What does not happen within the limit, or cannot any more, loses the world. */
gpumm_status gpumm_mpi__notes_tell(world *w, const note *mine, const uint64_t *counts);

/* Has somebody ended, or left within the call under way? Looks now and then; for loops that wait. */
gpumm_status gpumm_mpi__notes_look(world *w);

/* Leaves: tells the others, with a reason (may be NULL), and waits until they leave, too. True: all have, and none has
   ended. */
bool gpumm_mpi__notes_leave(world *w, const char *why);

/* What to do between two looks, after so many seconds of them: who waits long shall not keep a core from those it waits for. */
void gpumm_mpi__notes_pause(const world *w, double waited);

#endif
