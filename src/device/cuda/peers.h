/* SPDX-License-Identifier: MIT */
/* Several GPUs of one process: two entries of the device table. */
#ifndef DEVICE_CUDA_PEERS_H
#define DEVICE_CUDA_PEERS_H

#include "device/cuda/state.h"

void gpumm__cuda_uuid_text(const CUuuid *uuid, char text[static 48]); /* "GPU-…" */
gpumm_status gpumm__cuda_stripe_check(device *d, device_stripe *stripe);
gpumm_status gpumm__cuda_reach(device *d, const char *uuid);

#endif
