/* SPDX-License-Identifier: MIT */
/* Recordings on a GPU: recording.c, whose graphs are CUDA's here, and a kernel that loses the device. */
#define RECORDING_DEVICE "cuda"
#define RECORDING_LOSES
#include "recording.c"
