/* SPDX-License-Identifier: MIT */
/* The texts of this folder's kernels, for compilers at run time; the build makes them strings. */
#ifndef PRIMITIVES_EMBEDDED_H
#define PRIMITIVES_EMBEDDED_H

extern const char gpumm__text_cuda[], gpumm__text_key[], gpumm__text_sums[], gpumm__text_least[], gpumm__text_sort[],
    gpumm__text_choose[], gpumm__text_histogram[];

#endif
