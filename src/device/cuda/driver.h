/* SPDX-License-Identifier: MIT */
/*
 * The CUDA driver as loaded at run time: one list of its entries, each pinned to the version of the
 * symbol whose signature is used here, and one table of them for the whole process.
 *
 * The oldest driver is 12.0: it has every entry marked NEEDED. One marked OPTIONAL may be missing, and
 * then what needs it is off (growth in place, stream-ordered blocks, checks, semaphores).
 */
#ifndef DEVICE_CUDA_DRIVER_H
#define DEVICE_CUDA_DRIVER_H

#include <cuda.h>
#include <cudaTypedefs.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "gpumm.h"

#if CUDA_VERSION < 12000
#error "gpumm needs the headers of CUDA Toolkit 12.0 or newer"
#endif

enum { DRIVER_OLDEST = 12000 };

/* cuda.h renames entries to their newest version by macros; the list below pins versions itself. */
#undef cuCtxPopCurrent
#undef cuCtxPushCurrent
#undef cuDeviceGetUuid
#undef cuDevicePrimaryCtxRelease
#undef cuDeviceTotalMem
#undef cuEventDestroy
#undef cuEventElapsedTime
#undef cuGetProcAddress
#undef cuGraphAddKernelNode
#undef cuGraphExecKernelNodeSetParams
#undef cuMemAlloc
#undef cuMemFree
#undef cuMemHostGetDevicePointer
#undef cuMemcpyDtoDAsync
#undef cuMemcpyDtoHAsync
#undef cuMemcpyHtoDAsync
#undef cuStreamDestroy

#if CUDA_VERSION < 12040
typedef CUresult(CUDAAPI *PFN_cuFuncGetParamInfo_v12040)(CUfunction function, size_t index, size_t *offset,
                                                         size_t *size);
#endif

/* X(entry, CUDA version of the signature, exported symbol, is it needed) */
#define CUDA_DRIVER_MAP(X) \
    X(cuInit, 2000, "cuInit", NEEDED) \
    X(cuDriverGetVersion, 2020, "cuDriverGetVersion", NEEDED) \
    X(cuGetErrorName, 6000, "cuGetErrorName", NEEDED) \
    X(cuGetErrorString, 6000, "cuGetErrorString", NEEDED) \
    X(cuDeviceGetCount, 2000, "cuDeviceGetCount", NEEDED) \
    X(cuDeviceGet, 2000, "cuDeviceGet", NEEDED) \
    X(cuDeviceGetName, 2000, "cuDeviceGetName", NEEDED) \
    X(cuDeviceGetUuid, 11040, "cuDeviceGetUuid_v2", NEEDED) \
    X(cuDeviceTotalMem, 3020, "cuDeviceTotalMem_v2", NEEDED) \
    X(cuDeviceGetAttribute, 2000, "cuDeviceGetAttribute", NEEDED) \
    X(cuDeviceCanAccessPeer, 4000, "cuDeviceCanAccessPeer", NEEDED) \
    X(cuDevicePrimaryCtxRetain, 7000, "cuDevicePrimaryCtxRetain", NEEDED) \
    X(cuDevicePrimaryCtxRelease, 11000, "cuDevicePrimaryCtxRelease_v2", NEEDED) \
    X(cuCtxPushCurrent, 4000, "cuCtxPushCurrent_v2", NEEDED) \
    X(cuCtxPopCurrent, 4000, "cuCtxPopCurrent_v2", NEEDED) \
    X(cuCtxGetCurrent, 4000, "cuCtxGetCurrent", NEEDED) \
    X(cuCtxGetDevice, 2000, "cuCtxGetDevice", NEEDED) \
    X(cuThreadExchangeStreamCaptureMode, 10010, "cuThreadExchangeStreamCaptureMode", NEEDED) \
    X(cuMemAddressReserve, 10020, "cuMemAddressReserve", OPTIONAL) \
    X(cuMemAddressFree, 10020, "cuMemAddressFree", OPTIONAL) \
    X(cuMemCreate, 10020, "cuMemCreate", OPTIONAL) \
    X(cuMemRelease, 10020, "cuMemRelease", OPTIONAL) \
    X(cuMemMap, 10020, "cuMemMap", OPTIONAL) \
    X(cuMemUnmap, 10020, "cuMemUnmap", OPTIONAL) \
    X(cuMemSetAccess, 10020, "cuMemSetAccess", OPTIONAL) \
    X(cuMemRetainAllocationHandle, 11000, "cuMemRetainAllocationHandle", OPTIONAL) \
    X(cuMemExportToShareableHandle, 10020, "cuMemExportToShareableHandle", OPTIONAL) \
    X(cuMemImportFromShareableHandle, 10020, "cuMemImportFromShareableHandle", OPTIONAL) \
    X(cuMemGetAllocationGranularity, 10020, "cuMemGetAllocationGranularity", OPTIONAL) \
    X(cuMemAlloc, 3020, "cuMemAlloc_v2", NEEDED) \
    X(cuMemFree, 3020, "cuMemFree_v2", NEEDED) \
    X(cuMemAllocAsync, 11020, "cuMemAllocAsync", OPTIONAL) \
    X(cuMemFreeAsync, 11020, "cuMemFreeAsync", OPTIONAL) \
    X(cuMemHostAlloc, 2020, "cuMemHostAlloc", NEEDED) \
    X(cuMemFreeHost, 2000, "cuMemFreeHost", NEEDED) \
    X(cuMemHostGetDevicePointer, 3020, "cuMemHostGetDevicePointer_v2", NEEDED) \
    X(cuMemcpyHtoDAsync, 3020, "cuMemcpyHtoDAsync_v2", NEEDED) \
    X(cuMemcpyDtoHAsync, 3020, "cuMemcpyDtoHAsync_v2", NEEDED) \
    X(cuMemcpyDtoDAsync, 3020, "cuMemcpyDtoDAsync_v2", NEEDED) \
    X(cuMemcpyPeerAsync, 4000, "cuMemcpyPeerAsync", NEEDED) \
    X(cuMemsetD8Async, 3020, "cuMemsetD8Async", NEEDED) \
    X(cuMemsetD16Async, 3020, "cuMemsetD16Async", NEEDED) \
    X(cuMemsetD32Async, 3020, "cuMemsetD32Async", NEEDED) \
    X(cuStreamCreate, 2000, "cuStreamCreate", NEEDED) \
    X(cuStreamDestroy, 4000, "cuStreamDestroy_v2", NEEDED) \
    X(cuStreamSynchronize, 2000, "cuStreamSynchronize", NEEDED) \
    X(cuStreamQuery, 2000, "cuStreamQuery", NEEDED) \
    X(cuStreamWaitEvent, 3020, "cuStreamWaitEvent", NEEDED) \
    X(cuStreamIsCapturing, 10000, "cuStreamIsCapturing", NEEDED) \
    X(cuStreamGetCtx, 9020, "cuStreamGetCtx", OPTIONAL) \
    X(cuEventCreate, 2000, "cuEventCreate", NEEDED) \
    X(cuEventDestroy, 4000, "cuEventDestroy_v2", NEEDED) \
    X(cuEventRecord, 2000, "cuEventRecord", NEEDED) \
    X(cuEventQuery, 2000, "cuEventQuery", NEEDED) \
    X(cuEventSynchronize, 2000, "cuEventSynchronize", NEEDED) \
    X(cuEventElapsedTime, 2000, "cuEventElapsedTime", NEEDED) \
    X(cuLaunchHostFunc, 10000, "cuLaunchHostFunc", NEEDED) \
    X(cuModuleLoadDataEx, 2010, "cuModuleLoadDataEx", NEEDED) \
    X(cuModuleUnload, 2000, "cuModuleUnload", NEEDED) \
    X(cuModuleGetFunction, 2000, "cuModuleGetFunction", NEEDED) \
    X(cuFuncGetAttribute, 2020, "cuFuncGetAttribute", NEEDED) \
    X(cuFuncSetAttribute, 9000, "cuFuncSetAttribute", NEEDED) \
    X(cuFuncGetParamInfo, 12040, "cuFuncGetParamInfo", OPTIONAL) \
    X(cuOccupancyMaxPotentialBlockSize, 6050, "cuOccupancyMaxPotentialBlockSize", NEEDED) \
    X(cuLaunchKernel, 4000, "cuLaunchKernel", NEEDED) \
    X(cuLaunchKernelEx, 11060, "cuLaunchKernelEx", NEEDED) \
    X(cuGraphCreate, 10000, "cuGraphCreate", NEEDED) \
    X(cuGraphDestroy, 10000, "cuGraphDestroy", NEEDED) \
    X(cuGraphAddKernelNode, 12000, "cuGraphAddKernelNode_v2", NEEDED) \
    X(cuGraphAddMemcpyNode, 10000, "cuGraphAddMemcpyNode", NEEDED) \
    X(cuGraphAddMemsetNode, 10000, "cuGraphAddMemsetNode", NEEDED) \
    X(cuGraphAddEmptyNode, 10000, "cuGraphAddEmptyNode", NEEDED) \
    X(cuGraphInstantiateWithFlags, 11040, "cuGraphInstantiateWithFlags", NEEDED) \
    X(cuGraphExecDestroy, 10000, "cuGraphExecDestroy", NEEDED) \
    X(cuGraphExecKernelNodeSetParams, 12000, "cuGraphExecKernelNodeSetParams_v2", NEEDED) \
    X(cuGraphExecMemcpyNodeSetParams, 10020, "cuGraphExecMemcpyNodeSetParams", NEEDED) \
    X(cuGraphExecMemsetNodeSetParams, 10020, "cuGraphExecMemsetNodeSetParams", NEEDED) \
    X(cuGraphNodeSetEnabled, 11060, "cuGraphNodeSetEnabled", NEEDED) \
    X(cuGraphLaunch, 10000, "cuGraphLaunch", NEEDED) \
    X(cuImportExternalSemaphore, 10000, "cuImportExternalSemaphore", OPTIONAL) \
    X(cuDestroyExternalSemaphore, 10000, "cuDestroyExternalSemaphore", OPTIONAL) \
    X(cuSignalExternalSemaphoresAsync, 10000, "cuSignalExternalSemaphoresAsync", OPTIONAL) \
    X(cuWaitExternalSemaphoresAsync, 10000, "cuWaitExternalSemaphoresAsync", OPTIONAL)

typedef enum driver_entry {
#define DRIVER_ENTRY(name, version, symbol, need) DRIVER_##name,
    CUDA_DRIVER_MAP(DRIVER_ENTRY)
#undef DRIVER_ENTRY
        DRIVER_COUNT
} driver_entry;

/* A CUDA context, shared by every device of ours that works in it: a sticky error takes all of them. */
typedef struct cuda_context {
    struct cuda_context *next;
    CUcontext handle;
    size_t users;
    bool forever;     /* the driver itself lost it: the record stays until the process ends */
    atomic_bool lost; /* set last, after `cause` */
    char cause[320];
} cuda_context;

/* The driver table: process-wide, filled once. */
typedef struct driver_table {
    void *library;
    int version;            /* as the driver reports it */
    char why[320];          /* why there is no driver to use; "" where there is */
    atomic_uint forks;      /* how many forks this process is away from the one that loaded the driver */
    pthread_mutex_t mutex;  /* over what follows */
    bool started;           /* cuInit worked, */
    unsigned started_forks; /* at this count of forks */
    cuda_context *contexts;
#define DRIVER_FIELD(name, pinned, symbol, need) PFN_##name##_v##pinned name;
    CUDA_DRIVER_MAP(DRIVER_FIELD)
#undef DRIVER_FIELD
} driver_table;

extern driver_table gpumm__driver;

/* Loads the driver, once, and starts it. NO_DEVICE with the reason. */
gpumm_status gpumm__driver_start(void);
/* DRIVER_COUNT where there is none of that name. */
driver_entry gpumm__driver_entry_named(const char *name);
const char *gpumm__driver_entry_name(driver_entry entry);
bool gpumm__driver_grows(void); /* are all entries for growth in place there? */
/* "13.0" for 13000. */
const char *gpumm__driver_version_text(int version, char text[static 16]);

#endif
