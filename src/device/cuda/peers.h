/* SPDX-License-Identifier: MIT */
/* Several GPUs of one process: an entry of the device table. */
#ifndef DEVICE_CUDA_PEERS_H
#define DEVICE_CUDA_PEERS_H

#include "device/cuda/state.h"

gpumm_status gpumm__cuda_stripe_check(device *d, device_stripe *stripe);

#endif
