/* SPDX-License-Identifier: MIT */
/* Choosing a device: by the options, by GPUMM_DEVICE, or whichever works. */
#ifndef DEVICE_OPEN_H
#define DEVICE_OPEN_H

#include "device/device.h"

/* Makes the device that the options name; "auto" is cuda where one works, else host, and info.why says
   which and why. Wraps it in the fault device where options ask for that. */
gpumm_status gpumm__device_open(const gpumm_options *options, const gpumm_allocator *memory, device **out);

#endif
