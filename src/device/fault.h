/* SPDX-License-Identifier: MIT */
/* The fault device: wraps any device, fails and delays on demand, and counts by itself what lives. */
#ifndef DEVICE_FAULT_H
#define DEVICE_FAULT_H

#include "device/device.h"

/* Takes `inner` over, also when it fails. */
gpumm_status gpumm__fault_open(device *inner, const gpumm_fault *plan, device **out);
bool gpumm__fault_is(const device *d); /* is this a fault device? */
gpumm_status gpumm__fault_plan(device *d, const gpumm_fault *plan);
gpumm_status gpumm__fault_hold(device *d, const char *kind);
gpumm_status gpumm__fault_release(device *d, const char *kind);
bool gpumm__fault_holds(device *d); /* is a kind of operation held back now? */
gpumm_status gpumm__fault_calls(device *d, const char *call, uint64_t *count);
void gpumm__fault_live(device *d, gpumm_live *out);

#endif
