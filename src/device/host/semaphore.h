/* SPDX-License-Identifier: MIT */
/* Semaphores that others have too: counters in memory files. */
#ifndef DEVICE_HOST_SEMAPHORE_H
#define DEVICE_HOST_SEMAPHORE_H

#include "device/device.h"

gpumm_status gpumm__host_semaphore_import(device *d, int descriptor, device_semaphore **out);
void gpumm__host_semaphore_close(device *d, device_semaphore *x);
gpumm_status gpumm__host_semaphore_signal(device *d, device_stream *s, device_semaphore *x, uint64_t value);
gpumm_status gpumm__host_semaphore_wait(device *d, device_stream *s, device_semaphore *x, uint64_t value);

#endif
