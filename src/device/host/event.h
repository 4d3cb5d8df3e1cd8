/* SPDX-License-Identifier: MIT */
/* Events: each recording is an object of its own, so that a wait binds the one it saw. */
#ifndef DEVICE_HOST_EVENT_H
#define DEVICE_HOST_EVENT_H

#include "device/device.h"

gpumm_status gpumm__host_event_open(device *d, event_purpose purpose, device_event **out);
void gpumm__host_event_close(device *d, device_event *e);
gpumm_status gpumm__host_event_record(device *d, device_event *e, device_stream *s);
gpumm_status gpumm__host_event_query(device *d, device_event *e, bool *done);
gpumm_status gpumm__host_event_synchronize(device *d, device_event *e);
gpumm_status gpumm__host_event_elapsed(device *d, device_event *from, device_event *to, double *seconds);
uint64_t gpumm__host_event_time(device_event *e); /* of one that has come */
gpumm_status gpumm__host_stream_wait(device *d, device_stream *s, device_event *e);

#endif
