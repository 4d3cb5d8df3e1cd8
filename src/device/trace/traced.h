/* SPDX-License-Identifier: MIT */
/* The traced device: wraps any device and writes what goes through it to a trace. Operations of streams with the device's
   times, calls that take memory or give it back with the host's. What core knows of them besides it says here. */
#ifndef DEVICE_TRACE_TRACED_H
#define DEVICE_TRACE_TRACED_H

#include "device/trace/timeline.h"

/* Takes `inner` over, also when it fails. Retains the trace. */
gpumm_status gpumm__traced_open(device *inner, gpumm_trace *trace, device **out);

/* What follows is given the traced device of a device: `d->traced`, which may lie below others. */
timeline *gpumm__traced_timeline(device *traced);

/* What operations are called from now on, until NULL: under the lock that they are enqueued under. */
typedef struct traced_label {
    const char *name, *of;
    gpumm_ticket ticket;
    int64_t step;
} traced_label;
void gpumm__traced_call(device *traced, const traced_label *label);

#endif
