/* SPDX-License-Identifier: MIT */
/* CUDA C compiled by the system's C++ compiler to a shared object: the device table's entries of the same names. */
#ifndef DEVICE_HOST_COMPILE_H
#define DEVICE_HOST_COMPILE_H

#include "device/device.h"

gpumm_status gpumm__host_compiler(device *d, char *text, size_t size);
gpumm_status gpumm__host_preprocess(device *d, const device_source *source);
gpumm_status gpumm__host_compile(device *d, const device_source *source, const char *out_path);

#endif
