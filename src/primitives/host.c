/* SPDX-License-Identifier: MIT */
/* Every kernel of this folder, compiled once for each of its types. */
#include "primitives/host.h"

#include "primitives/phases.h"

#define NAME_OF(name, variant) name##_##variant
#define NAME_IN(name, variant) NAME_OF(name, variant)
#define NAME(name) NAME_IN(name, VARIANT)
#define KERNEL_OF(kernel, variant) \
    { #kernel, kernel##_##variant, kernel##_takes_##variant }

/* clang-format off */
#define VARIANT SUMS_u32
#define T u32
#define FLOATING 0
#include "primitives/sums.cu"
#undef VARIANT
#undef T
#undef FLOATING

#define VARIANT SUMS_u64
#define T u64
#define FLOATING 0
#include "primitives/sums.cu"
#undef VARIANT
#undef T
#undef FLOATING

#define VARIANT SUMS_f32
#define T f32
#define FLOATING 1
#include "primitives/sums.cu"
#undef VARIANT
#undef T
#undef FLOATING

#define VARIANT LEAST_u32
#define K u32
#include "primitives/key.cu"
#include "primitives/least.cu"
#undef VARIANT
#undef K

#define VARIANT LEAST_u64
#define K u64
#include "primitives/key.cu"
#include "primitives/least.cu"
#undef VARIANT
#undef K

#define VARIANT SORT_u32
#define K u32
#define VALUED 0
#include "primitives/key.cu"
#include "primitives/sort.cu"
#undef VARIANT
#undef K
#undef VALUED

#define VARIANT SORT_u32_u32
#define K u32
#define V u32
#define VALUED 1
#include "primitives/key.cu"
#include "primitives/sort.cu"
#undef VARIANT
#undef K
#undef V
#undef VALUED

#define VARIANT SORT_u32_u64
#define K u32
#define V u64
#define VALUED 1
#include "primitives/key.cu"
#include "primitives/sort.cu"
#undef VARIANT
#undef K
#undef V
#undef VALUED

#define VARIANT SORT_u64
#define K u64
#define VALUED 0
#include "primitives/key.cu"
#include "primitives/sort.cu"
#undef VARIANT
#undef K
#undef VALUED

#define VARIANT SORT_u64_u32
#define K u64
#define V u32
#define VALUED 1
#include "primitives/key.cu"
#include "primitives/sort.cu"
#undef VARIANT
#undef K
#undef V
#undef VALUED

#define VARIANT SORT_u64_u64
#define K u64
#define V u64
#define VALUED 1
#include "primitives/key.cu"
#include "primitives/sort.cu"
#undef VARIANT
#undef K
#undef V
#undef VALUED

#define VARIANT SELECT_u32
#define V u32
#define UNIQUE 0
#include "primitives/choose.cu"
#undef VARIANT
#undef V
#undef UNIQUE

#define VARIANT SELECT_u64
#define V u64
#define UNIQUE 0
#include "primitives/choose.cu"
#undef VARIANT
#undef V
#undef UNIQUE

#define VARIANT UNIQUE_u32
#define V u32
#define UNIQUE 1
#include "primitives/choose.cu"
#undef VARIANT
#undef V
#undef UNIQUE

#define VARIANT UNIQUE_u64
#define V u64
#define UNIQUE 1
#include "primitives/choose.cu"
#undef VARIANT
#undef V
#undef UNIQUE

#define VARIANT BINS_u32
#define T u32
#define FLOATING 0
#include "primitives/histogram.cu"
#undef VARIANT
#undef T
#undef FLOATING

#define VARIANT BINS_u64
#define T u64
#define FLOATING 0
#include "primitives/histogram.cu"
#undef VARIANT
#undef T
#undef FLOATING

#define VARIANT BINS_i32
#define T i32
#define FLOATING 0
#include "primitives/histogram.cu"
#undef VARIANT
#undef T
#undef FLOATING

#define VARIANT BINS_f32
#define T f32
#define FLOATING 1
#include "primitives/histogram.cu"
#undef VARIANT
#undef T
#undef FLOATING

const host_kernel gpumm__primitive_host[VARIANTS][KERNELS_A_VARIANT] = {
    [SUMS_u32] = {KERNEL_OF(chunk_sums, SUMS_u32), KERNEL_OF(chunk_scan, SUMS_u32), KERNEL_OF(clear_chain, SUMS_u32),
                  KERNEL_OF(chain_scan, SUMS_u32)},
    [SUMS_u64] = {KERNEL_OF(chunk_sums, SUMS_u64), KERNEL_OF(chunk_scan, SUMS_u64), KERNEL_OF(clear_chain, SUMS_u64),
                  KERNEL_OF(chain_scan, SUMS_u64)},
    [SUMS_f32] = {KERNEL_OF(chunk_sums, SUMS_f32), KERNEL_OF(chunk_scan, SUMS_f32)},
    [LEAST_u32] = {KERNEL_OF(chunk_least, LEAST_u32), KERNEL_OF(least_of_all, LEAST_u32)},
    [LEAST_u64] = {KERNEL_OF(chunk_least, LEAST_u64), KERNEL_OF(least_of_all, LEAST_u64)},
    [SORT_u32] = {KERNEL_OF(digit_counts, SORT_u32), KERNEL_OF(digit_starts, SORT_u32), KERNEL_OF(scatter, SORT_u32)},
    [SORT_u32_u32] = {KERNEL_OF(digit_counts, SORT_u32_u32), KERNEL_OF(digit_starts, SORT_u32_u32), KERNEL_OF(scatter, SORT_u32_u32)},
    [SORT_u32_u64] = {KERNEL_OF(digit_counts, SORT_u32_u64), KERNEL_OF(digit_starts, SORT_u32_u64), KERNEL_OF(scatter, SORT_u32_u64)},
    [SORT_u64] = {KERNEL_OF(digit_counts, SORT_u64), KERNEL_OF(digit_starts, SORT_u64), KERNEL_OF(scatter, SORT_u64)},
    [SORT_u64_u32] = {KERNEL_OF(digit_counts, SORT_u64_u32), KERNEL_OF(digit_starts, SORT_u64_u32), KERNEL_OF(scatter, SORT_u64_u32)},
    [SORT_u64_u64] = {KERNEL_OF(digit_counts, SORT_u64_u64), KERNEL_OF(digit_starts, SORT_u64_u64), KERNEL_OF(scatter, SORT_u64_u64)},
    [SELECT_u32] = {KERNEL_OF(chunk_kept, SELECT_u32), KERNEL_OF(chunk_choose, SELECT_u32)},
    [SELECT_u64] = {KERNEL_OF(chunk_kept, SELECT_u64), KERNEL_OF(chunk_choose, SELECT_u64)},
    [UNIQUE_u32] = {KERNEL_OF(chunk_kept, UNIQUE_u32), KERNEL_OF(chunk_choose, UNIQUE_u32)},
    [UNIQUE_u64] = {KERNEL_OF(chunk_kept, UNIQUE_u64), KERNEL_OF(chunk_choose, UNIQUE_u64)},
    [BINS_u32] = {KERNEL_OF(clear_bins, BINS_u32), KERNEL_OF(count_bins, BINS_u32), KERNEL_OF(put_bins, BINS_u32)},
    [BINS_u64] = {KERNEL_OF(clear_bins, BINS_u64), KERNEL_OF(count_bins, BINS_u64), KERNEL_OF(put_bins, BINS_u64)},
    [BINS_i32] = {KERNEL_OF(clear_bins, BINS_i32), KERNEL_OF(count_bins, BINS_i32), KERNEL_OF(put_bins, BINS_i32)},
    [BINS_f32] = {KERNEL_OF(clear_bins, BINS_f32), KERNEL_OF(count_bins, BINS_f32), KERNEL_OF(put_bins, BINS_f32)},
};
