/* SPDX-License-Identifier: MIT */
/* A private directory to compile in, and a program run there. */
#ifndef DEVICE_HOST_WORK_H
#define DEVICE_HOST_WORK_H

#include "base/alloc.h"
#include "gpumm.h"

typedef struct work {
    char directory[1024];
    char unit[1100];   /* the C++ file */
    char errors[1100]; /* what the program said */
} work;

/* Under $TMPDIR, for this user alone. */
gpumm_status gpumm__work_open(work *w);
void gpumm__work_close(work *w); /* and everything in it */
/* Runs a program (a path and its arguments, ended by NULL) to its end; `result` is as waitpid gives it. */
gpumm_status gpumm__work_run(const gpumm_allocator *from, const work *w, char *const *words, int *result);
/* What it said, cut at a line's end where it is too long; returns the length. */
size_t gpumm__work_errors(const work *w, char *text, size_t size);

#endif
