/* SPDX-License-Identifier: MIT */
/* Timeline semaphores that another API made. */
#ifndef DEVICE_CUDA_SEMAPHORE_H
#define DEVICE_CUDA_SEMAPHORE_H

#include "device/device.h"

gpumm_status gpumm__cuda_semaphore_import(device *d, int descriptor, device_semaphore **out);
void gpumm__cuda_semaphore_close(device *d, device_semaphore *x);
gpumm_status gpumm__cuda_semaphore_signal(device *d, device_stream *s, device_semaphore *x, uint64_t value);
gpumm_status gpumm__cuda_semaphore_wait(device *d, device_stream *s, device_semaphore *x, uint64_t value);

#endif
