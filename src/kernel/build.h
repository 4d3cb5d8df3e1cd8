/* SPDX-License-Identifier: MIT */
/* From CUDA C to a binary and its record: preprocessed, read, described, compiled. */
#ifndef KERNEL_BUILD_H
#define KERNEL_BUILD_H

#include "device/device.h"
#include "kernel/source/text.h"

typedef struct build_source {
    device *device;
    const char *text, *file, *flags;
    const char *declarations;       /* of the known structs, a line each */
    const gpumm_type *const *types; /* those structs, */
    const char *const *type_names;  /* under these names */
    size_t type_count;
} build_source;

/* Writes `out_path`, which is in the folder as all else is. `keeps`: whether it may be kept. */
gpumm_status gpumm__build(const build_source *b, const char *folder, const char *out_path, text *record, bool *keeps);

#endif
