/* SPDX-License-Identifier: MIT */
/* The two notes of a call: all ranks want the same, and all are ready. */
#ifndef MODULES_MPI_AGREE_H
#define MODULES_MPI_AGREE_H

#include "modules/mpi/world.h"

/* Begins a call: it has the next number. */
gpumm_status gpumm_mpi__agree_begin(world *w, call_kind kind);
/* Tells how it stands here: `own`, with this thread's message where it failed, and of `mine` first, count, direct and detail; `type`
   may be NULL. OK where every rank is OK and means the same; else one failure, the same on every rank. */
gpumm_status gpumm_mpi__agree(world *w, gpumm_status own, unsigned phase, const note *mine, const gpumm_type *type,
                              const uint64_t *counts);

#endif
