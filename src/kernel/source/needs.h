/* SPDX-License-Identifier: MIT */
/* What each kernel of a text needs of its device, told from what the kernel and the functions that it may call mention. */
#ifndef KERNEL_SOURCE_NEEDS_H
#define KERNEL_SOURCE_NEEDS_H

#include "kernel/source/prototypes.h"

/* Of how the text is read. Binaries that another reading had made are not used: increment it with any change of needs.c that
   gives a text other needs. */
enum { NEEDS_REVISION = 1 };

typedef struct needs {
    const gpumm_allocator *from;
    char **arrays; /* dynamic shared arrays, as the linker knows them */
    size_t array_count, array_capacity;
    bool blocks; /* something in the text, in a kernel or not, has to do with threads that run together */
} needs;

/* Fills each kernel's `needs`, of DEVICE_NEEDS_ bits. The text is preprocessed. */
gpumm_status gpumm__needs_read(const char *text, const char *file, prototype_list *list, needs *out);
void gpumm__needs_free(needs *n);

#endif
