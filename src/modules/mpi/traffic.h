/* SPDX-License-Identifier: MIT */
/* Bytes between all ranks at once, in the memory of the host. */
#ifndef MODULES_MPI_TRAFFIC_H
#define MODULES_MPI_TRAFFIC_H

#include "modules/mpi/world.h"

typedef void traffic_arrived(void *user, int from, uint64_t offset, uint64_t bytes);

/* Sends w->out_bytes[r] bytes at w->out + w->out_at[r] to each rank r, and takes w->in_bytes[r] from each to w->in +
   w->in_at[r], as both ends have agreed; its own too. In pieces of whole elements of `size` bytes; `arrived` (may be NULL) is
   told of each piece that is there. What goes wrong loses the world. */
gpumm_status gpumm_mpi__traffic(world *w, uint64_t size, traffic_arrived *arrived, void *user);

#endif
