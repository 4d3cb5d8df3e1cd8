/* SPDX-License-Identifier: MIT */
/* What stands before a user's CUDA C on the host: CUDA's words as C++, and what calls a kernel. */
#ifndef DEVICE_HOST_PRELUDE_H
#define DEVICE_HOST_PRELUDE_H

/* Lists of pieces of C++, to be written one after the other; NULL ends the lists and each of them. */
extern const char *const *const gpumm__host_prelude[];

#endif
