/* SPDX-License-Identifier: MIT */
/* CUDA C to a binary: the device table's entries of the same names. */
#ifndef DEVICE_CUDA_COMPILE_H
#define DEVICE_CUDA_COMPILE_H

#include "device/device.h"

gpumm_status gpumm__cuda_compiler(device *d, char *text, size_t size);
gpumm_status gpumm__cuda_preprocess(device *d, const device_source *source);
gpumm_status gpumm__cuda_compile(device *d, const device_source *source, const char *out_path);

#endif
