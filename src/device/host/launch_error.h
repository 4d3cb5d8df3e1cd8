/* SPDX-License-Identifier: MIT */
/* What went wrong in a kernel while it ran: told by what waits for it, until somebody has synchronized its stream. */
#ifndef DEVICE_HOST_LAUNCH_ERROR_H
#define DEVICE_HOST_LAUNCH_ERROR_H

#include "device/host/state.h"

/* A number for it, never 0; the oldest are forgotten. */
uint64_t gpumm__launch_error_note(host_device *h, const char *message);
/* DRIVER with the message, where it is still to be told; `last`: and then no more. 0: OK. */
gpumm_status gpumm__launch_error_tell(host_device *h, uint64_t number, bool last);

#endif
