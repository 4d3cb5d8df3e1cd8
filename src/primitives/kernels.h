/* SPDX-License-Identifier: MIT */
/* Which kernels there are. A variant is a text with its types; it has up to three kernels. */
#ifndef PRIMITIVES_KERNELS_H
#define PRIMITIVES_KERNELS_H

#include "device/device.h"

enum { THREADS_A_BLOCK = 256, TILE_ELEMENTS = 4096, DIGIT_COUNT = 256, LOCAL_BINS_MOST = 4096 };

typedef enum variant {
    SUMS_u32, /* of i32 too */
    SUMS_u64,
    SUMS_f32,
    LEAST_u32, /* keys of 4 and 8 bytes */
    LEAST_u64,
    SORT_u32, /* keys alone */
    SORT_u32_u32,
    SORT_u32_u64,
    SORT_u64,
    SORT_u64_u32,
    SORT_u64_u64,
    SELECT_u32, /* elements of 4 and 8 bytes */
    SELECT_u64,
    UNIQUE_u32,
    UNIQUE_u64,
    BINS_u32,
    BINS_u64,
    BINS_i32,
    BINS_f32,
    VARIANTS
} variant;

/* Kernels of a variant, by number. */
enum { CHUNK_SUMS, CHUNK_SCAN, CLEAR_CHAIN, CHAIN_SCAN }; /* the last two: of u32, and of u64 on the host */
enum { CHUNK_LEAST, LEAST_OF_ALL };
enum { DIGIT_COUNTS, DIGIT_STARTS, SCATTER };
enum { CHUNK_KEPT, CHUNK_CHOOSE };
enum { CLEAR_BINS, COUNT_BINS, PUT_BINS };
enum { KERNELS_A_VARIANT = 4 };

#endif
