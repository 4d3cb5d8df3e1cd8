/* SPDX-License-Identifier: MIT */
/* Sums, least and greatest of elements of two ranks, on the host. */
#ifndef MODULES_MPI_REDUCE_H
#define MODULES_MPI_REDUCE_H

#include <stdbool.h>
#include <stdint.h>

#include "gpumm_lua.h"

typedef enum reduction { REDUCE_SUM, REDUCE_MIN, REDUCE_MAX, REDUCTIONS } reduction;

/* Structs are not reduced: TYPE_MISMATCH. */
gpumm_status gpumm_mpi__reduce_check(const gpumm_type *type);
/* to[i] = to[i] and from[i] together, lane by lane. Whole numbers wrap around; floats are compared as gpumm.h has it for
   primitives. */
void gpumm_mpi__reduce(const gpumm_type *type, reduction op, void *to, const void *from, uint64_t count);

#endif
