/* SPDX-License-Identifier: MIT */
/* Grids and blocks of launches: three numbers each, 0 where nobody says. */
#ifndef KERNEL_GEOMETRY_H
#define KERNEL_GEOMETRY_H

#include "kernel/state.h"

bool gpumm__geometry_is_given(const unsigned *dimensions);
/* Where any is given the others are at least 1. */
void gpumm__geometry_set(unsigned *out, unsigned x, unsigned y, unsigned z);
/* Threads, grid, block and shared memory as the launch says, or else the kernel. 0 threads and no grid: they are to be
   counted. */
gpumm_status gpumm__geometry_choose(const gpumm_kernel *k, const gpumm_launch_options *o, device_launch *shape);

#endif
