/* SPDX-License-Identifier: MIT */
/* Facts on scalars beside gpumm.h, and values as integers. */
#ifndef CORE_SCALAR_H
#define CORE_SCALAR_H

#include "base/shared.h"
#include "gpumm.h"

struct scalar_info {
    const char *name;     /* "f32" */
    unsigned size;        /* bytes, and its alignment */
    const char *c_name;   /* in kernels, "float" */
    const char *c_vector; /* what CUDA's vector types of it begin with, "float"; NULL: it has none */
};

/* By gpumm_scalar. */
extern const struct scalar_info scalar_infos[GPUMM_TYPE_F64 + 1] SHARED(scalar_infos);

/* The integer in `value`; negative ones come out above INT64_MAX. */
uint64_t gpumm__scalar_integer(gpumm_scalar scalar, const void *value);
/* Writes it; false: the scalar is no integer, or too small for it. */
bool gpumm__scalar_set_integer(gpumm_scalar scalar, uint64_t number, void *value);
/* The width of the shortest repeated unit that a fill can write: 1, 2 or 4 bytes; 0: longer. */
unsigned gpumm__element_repeats(const void *element, uint64_t size, uint32_t *pattern);

#endif
