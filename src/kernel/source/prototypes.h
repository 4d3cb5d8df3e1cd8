/* SPDX-License-Identifier: MIT */
/* Prototypes: what kernels a piece of CUDA C has, and what each takes. */
#ifndef KERNEL_SOURCE_PROTOTYPES_H
#define KERNEL_SOURCE_PROTOTYPES_H

#include "kernel/source/parameters.h"

typedef struct prototype_list {
    const gpumm_allocator *from;
    prototype *items;
    size_t count, capacity;
    char **types; /* of the known structs' names, those that the text declares itself */
    size_t type_count, type_capacity;
    char *refused; /* why the first kernel that cannot be had cannot; NULL: there is none such */
} prototype_list;

/* Every kernel, in the order of the text. COMPILE_FAILED names file and line: a name twice, a parameter that no
   kernel can take; of a signature also a kernel without extern "C", which a text's list has as `refused`. */
gpumm_status gpumm__prototype_read(const gpumm_allocator *from, const prototype_source *source, prototype_list *out);
void gpumm__prototype_free(prototype_list *list);
/* NULL where there is none of that name. */
prototype *gpumm__prototype_named(const prototype_list *list, const char *name);

#endif
