/* SPDX-License-Identifier: MIT */
/* What grows in place on this device. */
#ifndef DEVICE_CUDA_PROBE_H
#define DEVICE_CUDA_PROBE_H

#include "device/cuda/state.h"

/* Finds out what grows in place, by doing it. Within enter. Fails where memory is out or the device lost. */
gpumm_status gpumm__cuda_probe(cuda *c, bool relocate);

#endif
