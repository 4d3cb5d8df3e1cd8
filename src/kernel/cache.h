/* SPDX-License-Identifier: MIT */
/* The cache of compiled kernels: binaries on disk, under a name made of everything they depend on and
   of their own contents, so that a damaged one is never opened. */
#ifndef KERNEL_CACHE_H
#define KERNEL_CACHE_H

#include "device/device.h"

/* The module of `source`: from the cache, or compiled now and kept there for the next time. `headers` are what
   it includes from elsewhere, which the compiler reads for itself. */
gpumm_status gpumm__cache_open(device *d, const device_source *source, const char *headers, size_t headers_length,
                               device_module **out);

#endif
