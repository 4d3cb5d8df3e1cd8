/* SPDX-License-Identifier: MIT */
/* What a kernel takes: a prototype's parameters, read from the tokens between its brackets. */
#ifndef KERNEL_SOURCE_PARAMETERS_H
#define KERNEL_SOURCE_PARAMETERS_H

#include "base/alloc.h"
#include "base/limits.h"
#include "gpumm.h"
#include "kernel/source/tokens.h"

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

typedef struct prototype_source {
    const char *text;               /* preprocessed */
    const char *file;               /* in messages */
    const gpumm_type *const *types; /* known structs, */
    const char *const *type_names;  /* under these names (NULL, or a NULL entry: their own) */
    size_t type_count;
    bool signature; /* the text is prototypes alone: needs no __global__, body or extern "C" */
} prototype_source;

typedef struct span {
    const token *at, *end;
} span;

typedef struct reading { /* what parameters are read with */
    const gpumm_allocator *from;
    const prototype_source *source;
} reading;

/* Adds to the prototype what stands between its brackets; also where it fails, the half that was read is the prototype's. */
gpumm_status gpumm__parameters_read(const reading *with, prototype *k, span text);
/* Can it say how many threads there are? An integer value can. */
bool gpumm__prototype_counts(const gpumm_parameter *p);
/* The first that can; SIZE_MAX: there is none. */
size_t gpumm__prototype_threads(const prototype *k);

/* What the i-th known struct is called in the text. */
const char *gpumm__struct_name(const prototype_source *source, size_t i);

#endif
