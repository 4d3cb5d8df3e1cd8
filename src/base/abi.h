/* SPDX-License-Identifier: MIT */
/* Structs that cross the library's border between a caller and a library that were not compiled together. doc/abi.md is
   the policy. */
#ifndef BASE_ABI_H
#define BASE_ABI_H

#include <stddef.h>

#include "base/status.h"

/* Writes `ours` bytes at `from` to a caller's struct of `size` bytes: never past it. What a newer caller has beyond
   ours is 0. */
gpumm_status gpumm__abi_fill(void *out, size_t size, const void *from, size_t ours);

/* Reads a caller's options, which begin with their size, into `ours` bytes at `to`. Shorter ones have zeros behind. A
   size of 0 stands for `first` bytes, those of 0.2. INVALID_ARGUMENT for longer ones that ask for something which this
   library does not have. */
gpumm_status gpumm__abi_read(void *to, size_t ours, size_t first, const void *given, const char *what);

/* Bytes of a struct up to the end of its member `last`. */
#define ABI_THROUGH(type, last) (offsetof(type, last) + sizeof(((type *)0)->last))

/* What a size of 0 stands for. Until 0.2 is released these are the whole structs; from then on ABI_THROUGH the fields
   that are the last ones now, whatever is added behind them. */
#define ABI_FIRST(type) sizeof(type)

#define ABI_READ(to, given, what) gpumm__abi_read((to), sizeof *(to), ABI_FIRST(*(to)), (given), (what))

#endif
