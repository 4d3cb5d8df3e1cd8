/* SPDX-License-Identifier: MIT */
/* Which other GPUs may use which of this one's memory. Each is let in before its first large copy of a range: without that, the
   driver takes a copy between the two through the host. */
#ifndef DEVICE_CUDA_ADMISSION_H
#define DEVICE_CUDA_ADMISSION_H

#include "device/cuda/state.h"

/* What the device table's entry says. Calls the driver where the range is new, or grew, or where anything of the device was
   unmapped since: some 50 us. */
void gpumm__cuda_admit(device *owner, gpumm_address range, uint64_t committed, int user);
/* Was it let in where those bytes are, and is that still the same memory? Calls nobody. */
bool gpumm__cuda_admits(cuda *owner, gpumm_address at, uint64_t bytes, int user);
/* Something of the owner's was unmapped: what is mapped there next lets nobody in. */
void gpumm__cuda_admissions_end(cuda *owner);

#endif
