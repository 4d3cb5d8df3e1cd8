/* SPDX-License-Identifier: MIT */
/* What stands behind a binary in the cache: the files that its compiler read, as they were, and what its kernels and
   their parameters are called. */
#ifndef KERNEL_RECORD_H
#define KERNEL_RECORD_H

#include <time.h>

#include "kernel/source/prototypes.h"
#include "kernel/source/text.h"

typedef struct record_source {
    const char *read;        /* the file that lists what was read, a line each */
    const char *file;        /* the source's name */
    const char *flags;       /* may be NULL */
    const char *text;        /* the source's */
    bool includes;           /* it includes something, by its text or its flags */
    struct timespec started; /* before anything was read */
} record_source;

/* COMPILE_FAILED where a header that the text names would be found as what is no plain file in a folder of the flags or the
   environment: as a pipe the compiler would wait for it. */
gpumm_status gpumm__record_check_headers(const gpumm_allocator *from, const record_source *source);
/* Lines behind `out`. `keeps`: the binary may be kept, for it is known when it is stale. */
gpumm_status gpumm__record_make(const record_source *source, const prototype_list *list, grown_text *out, bool *keeps);
/* Is everything as the record has it? */
bool gpumm__record_holds(const char *record);
/* The names again: kernels, parameters, their types' texts; nothing else of them is known. */
gpumm_status gpumm__record_read(const gpumm_allocator *from, const char *record, prototype_list *out);

#endif
