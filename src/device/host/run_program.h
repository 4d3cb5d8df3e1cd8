/* SPDX-License-Identifier: MIT */
/* Running the compiler, in a folder of its own. */
#ifndef DEVICE_HOST_RUN_PROGRAM_H
#define DEVICE_HOST_RUN_PROGRAM_H

#include "base/alloc.h"
#include "gpumm.h"

/* Runs a program (a path and its arguments, ended by NULL) to its end; `result` is as waitpid gives it. It ends with
   this process, however that ends. */
gpumm_status gpumm__run_program(const gpumm_allocator *from, const char *folder, char *const *words, int *result);
/* What programs said in that folder, cut at a line's end where it is too long; returns the length. */
size_t gpumm__run_program_said(const char *folder, char *text, size_t size);

#endif
