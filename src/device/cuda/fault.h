/* SPDX-License-Identifier: MIT */
/* Failures on purpose, by the driver's entry names. */
#ifndef DEVICE_CUDA_FAULT_H
#define DEVICE_CUDA_FAULT_H

#include "device/cuda/state.h"

/* Counts the call; true where the plan replaces it, by what gpumm__cuda_instead then says. */
bool gpumm__cuda_planned(cuda *c, driver_entry entry);
/* The plan's `call` names an entry of the driver table ("cuMemSetAccess"); any other call, or NULL, or
   nth 0 ends the plan. INVALID_ARGUMENT for a name that begins with "cu" and is none. */
gpumm_status gpumm__cuda_fault(device *d, const gpumm_fault *plan);
/* Calls of that entry so far, from the first gpumm__cuda_fault on, or from open where the options ask for faults.
   "cu*": of every entry. */
gpumm_status gpumm__cuda_fault_calls(device *d, const char *entry, uint64_t *count);

#endif
