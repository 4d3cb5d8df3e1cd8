/* SPDX-License-Identifier: MIT */
/* A private directory to compile in, and a program run there. */
#ifndef DEVICE_HOST_BUILD_FOLDER_H
#define DEVICE_HOST_BUILD_FOLDER_H

#include "base/alloc.h"
#include "gpumm.h"

typedef struct build_folder {
    char directory[1024];
    char unit[1100];   /* the C++ file */
    char errors[1100]; /* what the program said */
} build_folder;

/* Under $TMPDIR, for this user alone. */
gpumm_status gpumm__build_open(build_folder *w);
void gpumm__build_close(build_folder *w); /* and everything in it */
/* Runs a program (a path and its arguments, ended by NULL) to its end; `result` is as waitpid gives it. */
gpumm_status gpumm__build_run(const gpumm_allocator *from, const build_folder *w, char *const *words, int *result);
/* What it said, cut at a line's end where it is too long; returns the length. */
size_t gpumm__build_errors(const build_folder *w, char *text, size_t size);

#endif
