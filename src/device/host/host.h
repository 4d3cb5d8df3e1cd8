/* SPDX-License-Identifier: MIT */
/* The host device: this machine's memory and cores. */
#ifndef DEVICE_HOST_HOST_H
#define DEVICE_HOST_HOST_H

#include "device/device.h"

gpumm_status gpumm__host_open(const gpumm_options *options, const gpumm_allocator *memory, device **out);

#endif
