/* SPDX-License-Identifier: MIT */
/* A kernel of the fake driver's, which does nothing. */
#ifndef FAKE_KERNEL_H
#define FAKE_KERNEL_H

#include <stdlib.h>
#include <unistd.h>

#include "check.h"

/* k(float *p, int n), a thread for each of n, in blocks of so many; the caller's. */
static inline gpumm_kernel *open_fake_kernel(gpumm_manager *m, uint32_t block) {
    char path[] = "/tmp/gpumm-fake-XXXXXX.cubin";
    int file = mkstemps(path, 6);
    gpumm_kernel *k;
    gpumm_kernel_options o = {.file = path,
                              .name = "k",
                              .threads = "n",
                              .block = block,
                              .signature = "extern \"C\" __global__ void k(float *p, int n)"};
    CHECK(file >= 0 && write(file, "fake", 4) == 4 && close(file) == 0);
    CHECK_OK(gpumm_kernel_open(m, &o, &k));
    unlink(path);
    return k;
}

#endif
