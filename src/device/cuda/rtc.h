/* SPDX-License-Identifier: MIT */
/* NVRTC, the run-time compiler, as opened at run time: one table for the process, beside the driver's. */
#ifndef DEVICE_CUDA_RTC_H
#define DEVICE_CUDA_RTC_H

#include <nvrtc.h>

#include <stdbool.h>

#include "gpumm.h"

#define CUDA_RTC_MAP(X) \
    X(nvrtcVersion) \
    X(nvrtcGetErrorString) \
    X(nvrtcGetNumSupportedArchs) \
    X(nvrtcGetSupportedArchs) \
    X(nvrtcCreateProgram) \
    X(nvrtcDestroyProgram) \
    X(nvrtcCompileProgram) \
    X(nvrtcGetCUBINSize) \
    X(nvrtcGetCUBIN) X(nvrtcGetPTXSize) X(nvrtcGetPTX) X(nvrtcGetProgramLogSize) X(nvrtcGetProgramLog)

enum { RTC_ARCHITECTURES = 64 };

typedef struct rtc_table {
    void *library;
    char why[1536]; /* why there is none; "" where there is */
    int major, minor;
    int architectures[RTC_ARCHITECTURES]; /* 90 for sm_90, rising */
    int architecture_count;
    char include[1024]; /* where cuda_fp16.h lies; "" where it was not found */
#define RTC_FIELD(name) __typeof__(&(name)) name;
    CUDA_RTC_MAP(RTC_FIELD)
#undef RTC_FIELD
} rtc_table;

extern rtc_table gpumm__rtc;

/* Loads NVRTC, once, after the driver. COMPILE_FAILED names what was tried and what to install. */
gpumm_status gpumm__rtc_start(void);

#endif
