/* SPDX-License-Identifier: MIT */
/* Prototypes: what kernels a piece of CUDA C has, and what each takes. */
#ifndef KERNEL_SOURCE_PROTOTYPES_H
#define KERNEL_SOURCE_PROTOTYPES_H

#include "base/alloc.h"
#include "base/limits.h"
#include "gpumm.h"

typedef struct prototype {
    char *name, *scope; /* "outer::inner::", the namespaces that it is in */
    char *file;
    unsigned line;
    bool taken;                  /* something else has this name too, in another file */
    gpumm_parameter *parameters; /* strings and element types are the list's */
    size_t count;
    size_t threads; /* the first integer value; SIZE_MAX: there is none */
    uint32_t needs; /* DEVICE_NEEDS_ bits; see needs.h */
    uint64_t enums; /* bit n: parameter n is an enum, which counts nothing unless it is asked to */
} prototype;

typedef struct prototype_list {
    const gpumm_allocator *from;
    prototype *items;
    size_t count, capacity;
    char **types; /* of the known structs' names, those that the text declares itself */
    size_t type_count, type_capacity;
    char *refused; /* why the first kernel that cannot be had cannot; NULL: there is none such */
} prototype_list;

typedef struct prototype_source {
    const char *text;               /* preprocessed */
    const char *file;               /* in messages */
    const gpumm_type *const *types; /* known structs, */
    const char *const *type_names;  /* under these names (NULL, or a NULL entry: their own) */
    size_t type_count;
    bool signature; /* the text is prototypes alone: needs no __global__, body or extern "C" */
} prototype_source;

/* Every kernel, in the order of the text. COMPILE_FAILED names file and line: a name twice, a parameter that no
   kernel can take; of a signature also a kernel without extern "C", which a text's list has as `refused`. */
gpumm_status gpumm__prototype_read(const gpumm_allocator *from, const prototype_source *source, prototype_list *out);
void gpumm__prototype_free(prototype_list *list);
/* Can it say how many threads there are? An integer value can. */
bool gpumm__prototype_counts(const gpumm_parameter *p);
/* The first that can; SIZE_MAX: there is none. */
size_t gpumm__prototype_threads(const prototype *k);
/* NULL where there is none of that name. */
prototype *gpumm__prototype_named(const prototype_list *list, const char *name);

#endif
