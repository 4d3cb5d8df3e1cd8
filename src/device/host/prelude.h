/* SPDX-License-Identifier: MIT */
/* What stands before a user's CUDA C on the host: CUDA's words as C++, and what calls a kernel. */
#ifndef DEVICE_HOST_PRELUDE_H
#define DEVICE_HOST_PRELUDE_H

/* Pieces of C++, to be written one after the other; NULL ends them. */
extern const char *const gpumm__host_prelude[];

/* Names that the host cannot give a meaning to, and why; a name of NULL ends them. */
typedef struct refused_name {
    const char *name;
    int prefix; /* refuses every function whose name begins so */
    const char *what, *why;
} refused_name;

extern const refused_name gpumm__host_refused[];

#endif
