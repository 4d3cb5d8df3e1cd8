/* SPDX-License-Identifier: MIT */
/* A device's clock, laid on the host's: nothing begins before it was enqueued, and nothing ends after it was seen to
   have ended. */
#ifndef DEVICE_TRACE_DEVICE_CLOCK_H
#define DEVICE_TRACE_DEVICE_CLOCK_H

#include "device/trace/operation.h"

typedef struct device_clock {
    device *device;
    device_event *anchor; /* came at `anchor_ns`; NULL: the device's clock is the host's */
    uint64_t anchor_ns;
} device_clock;

gpumm_status gpumm__device_clock_align(device_clock *c, device_stream *s); /* once; the stream is idle */
/* The times of a pair of events, which have come. False: they cannot be had. The pair may get other events. */
bool gpumm__device_clock_read(device_clock *c, event_pair *pair, uint64_t enqueued, uint64_t *begin, uint64_t *end);
void gpumm__device_clock_close(device_clock *c);

#endif
