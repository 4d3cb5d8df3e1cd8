/* SPDX-License-Identifier: MIT */
/* The C names of element types, as kernels write them. */
#ifndef KERNEL_SOURCE_CTYPE_H
#define KERNEL_SOURCE_CTYPE_H

#include <stddef.h>

/* The gpumm name ("u32", "f32x3") of a C type name ("unsigned int", "float3", "uint32_t"), written into
   text; NULL where gpumm does not know it. Words are separated by one space. */
const char *gpumm__ctype_element(const char *name, char text[static 8]);

/* Is this one of the words that C's arithmetic types are made of? */
int gpumm__ctype_is_word(const char *text, size_t length);

#endif
