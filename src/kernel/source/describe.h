/* SPDX-License-Identifier: MIT */
/* C++ that makes a compiler say what a kernel's parameters are: traits that stand before a source, and one constant
   a kernel behind it. Both devices' compilers take it, from C++11 on. What it says is device_parameter's. */
#ifndef KERNEL_SOURCE_DESCRIBE_H
#define KERNEL_SOURCE_DESCRIBE_H

#include "kernel/source/prototypes.h"
#include "kernel/source/text.h"

extern const char *const gpumm__describe_traits[]; /* pieces, one behind the other; NULL ends them */

/* What stands behind the source, whose kernels and known structs these are. */
gpumm_status gpumm__describe_kernels(const prototype_list *list, const char *const *type_names, size_t type_count,
                                     text *out);

#endif
