/* SPDX-License-Identifier: MIT */
/*
 * The names of the Rust manager that gpumm descends from: BufferConfig with its presets, and the pair
 * start_async_download and wait_for_download. A program that knows no Rust manager needs none of this: it fills
 * gpumm_buffer_options, and opens a gpumm_readback.
 */
#ifndef GPUMM_COMPAT_H
#define GPUMM_COMPAT_H

#include "gpumm.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The ancestor's BufferConfig. A field that is 0 has its default, 4 B, 1.5 and 1 GiB, except min_size_bytes: 0 is no
   minimum. So `(gpumm_config){.growth_factor = 2}` is a config. These five fields never change. */
typedef struct gpumm_config {
    uint64_t bytes_per_element; /* of a buffer made without a type; beside a type, the type says it */
    double growth_factor;       /* 1 to 4000 */
    uint64_t max_size_bytes;
    uint64_t min_size_bytes;
    bool enable_async; /* gates start_async_download alone */
} gpumm_config;

GPUMM_API gpumm_config gpumm_config_default(void);        /* 4 B, 1.5, 1 GiB, 4096, off */
GPUMM_API gpumm_config gpumm_config_for_positions(void);  /* 12 B, 1.3, 512 MiB, 4096, on */
GPUMM_API gpumm_config gpumm_config_for_velocities(void); /* the same */
GPUMM_API gpumm_config gpumm_config_for_edges(void);      /* 32 B, 2.0, 2 GiB, 8192, off */
GPUMM_API gpumm_config gpumm_config_for_grid_cells(void); /* 8 B, 1.5, 256 MiB, 2048, off */

/* The options that a config stands for; `out` is written whole. A maximum below the default minimum of 4096 bytes is
   the minimum too. INVALID_ARGUMENT for a bad growth factor (below 1, NaN, over 4000). bytes_per_element makes a type:
   release it. */
GPUMM_API gpumm_status gpumm_config_options_sized(const gpumm_config *config, gpumm_buffer_options *out, size_t size);
static inline gpumm_status gpumm_config_options(const gpumm_config *config, gpumm_buffer_options *out) {
    return gpumm_config_options_sized(config, out, sizeof *out);
}
/* The ancestor's allocate: gpumm_manager_allocate with a config, NULL: the default one. A NULL type is
   bytes_per_element opaque bytes. `out` may be NULL, as the buffer has a name. Statuses as gpumm_manager_allocate. */
GPUMM_API gpumm_status gpumm_manager_allocate_config(gpumm_manager *manager, const char *name, const gpumm_type *type,
                                                     uint64_t length, const gpumm_config *config, gpumm_buffer **out);
/* By name: gpumm_buffer_ensure_capacity. NOT_FOUND, and as that. */
GPUMM_API gpumm_status gpumm_manager_ensure_capacity(gpumm_manager *manager, const char *name, uint64_t capacity);

/* By name: a snapshot of the buffer is on its way. NOT_FOUND, ASYNC_DISABLED, ALREADY_PENDING,
   OUT_OF_MEMORY. */
GPUMM_API gpumm_status gpumm_start_async_download(gpumm_manager *manager, const char *name);
/* Delivers it: the frame is the caller's, and ends with the next wait for that name. NOT_FOUND, ASYNC_DISABLED,
   NOT_PENDING, TIMEOUT after `seconds` (negative: no bound). */
GPUMM_API gpumm_status gpumm_wait_for_download(gpumm_manager *manager, const char *name, double seconds,
                                               gpumm_frame **out);

#ifdef __cplusplus
}
#endif
#endif
