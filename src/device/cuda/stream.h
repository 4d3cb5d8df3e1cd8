/* SPDX-License-Identifier: MIT */
/* Streams, events, copies and fills: the device table's entries of the same names. */
#ifndef DEVICE_CUDA_STREAM_H
#define DEVICE_CUDA_STREAM_H

#include "device/cuda/state.h"

struct device_stream {
    device_stream_base base;
    CUstream handle;
    bool owned;
    atomic_bool exported; /* somebody else has the handle and may have it capture a graph */
};

gpumm_status gpumm__cuda_stream_open(device *d, void *native, device_stream **out);
void gpumm__cuda_stream_close(device *d, device_stream *s);
gpumm_status gpumm__cuda_stream_synchronize(device *d, device_stream *s);
gpumm_status gpumm__cuda_stream_query(device *d, device_stream *s, bool *idle);
gpumm_status gpumm__cuda_event_open(device *d, event_purpose purpose, device_event **out);
void gpumm__cuda_event_close(device *d, device_event *e);
gpumm_status gpumm__cuda_event_record(device *d, device_event *e, device_stream *s);
gpumm_status gpumm__cuda_event_query(device *d, device_event *e, bool *done);
gpumm_status gpumm__cuda_event_synchronize(device *d, device_event *e);
gpumm_status gpumm__cuda_event_elapsed(device *d, device_event *from, device_event *to, double *seconds);
gpumm_status gpumm__cuda_stream_wait(device *d, device_stream *s, device_event *e);
gpumm_status gpumm__cuda_copy(device *d, device_stream *s, copy_kind kind, gpumm_address to, gpumm_address from,
                              uint64_t bytes);
gpumm_status gpumm__cuda_copy_from(device *d, device_stream *s, gpumm_address to, const device_foreign *from,
                                   uint64_t bytes);
gpumm_status gpumm__cuda_fill(device *d, device_stream *s, gpumm_address to, uint32_t pattern, unsigned width,
                              uint64_t count);
gpumm_status gpumm__cuda_call(device *d, device_stream *s, void (*function)(void *user), void *user);
void *gpumm__cuda_native_stream(device_stream *s);
gpumm_status gpumm__cuda_stream_capturing(device *d, device_stream *s, bool *capturing);
gpumm_status gpumm__cuda_not_capturing(cuda *c, device_stream *s); /* BUSY where it captures; within enter */

#endif
