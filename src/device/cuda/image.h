/* SPDX-License-Identifier: MIT */
/* What a binary's bytes say before a driver sees them: .cubin, .fatbin and .ptx. */
#ifndef DEVICE_CUDA_IMAGE_H
#define DEVICE_CUDA_IMAGE_H

#include "device/device.h"

/* Whole, with a zero behind it. IO where it cannot be read, is cut short or is none of the three. */
gpumm_status gpumm__image_read(device *d, const char *path, char **image, size_t *size);
/* The constant of that name as 32-bit words: a copy. NULL in *out where there is none. */
gpumm_status gpumm__image_words(device *d, const char *image, size_t size, const char *name, uint32_t **out,
                                size_t *count);

#endif
