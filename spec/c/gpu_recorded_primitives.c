/* SPDX-License-Identifier: MIT */
/* Primitives in recordings on a GPU: recorded_primitives.c, against the host. */
#define RECORDING_DEVICE "cuda"
#include "recorded_primitives.c"
