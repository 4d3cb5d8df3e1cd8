/* SPDX-License-Identifier: MIT */
/* What tests look up in a driver by themselves: in the real one, or the fake (fake_cuda.h). They end where it is not there. */
#ifndef DRIVER_ENTRIES_H
#define DRIVER_ENTRIES_H

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline void *library_open(const char *path) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) fprintf(stderr, "%s\n", dlerror()), exit(1);
    return library;
}

/* To `field`, a pointer to a function: C has no cast to one from a pointer to an object; POSIX has the same bits in both. */
static inline void library_entry(void *library, const char *name, void *field) {
    void *found = dlsym(library, name);
    if (!found) fprintf(stderr, "%s\n", dlerror()), exit(1);
    memcpy(field, &found, sizeof found);
}

#endif
