/* SPDX-License-Identifier: MIT */
/* A few errors a device, the newest; streams and events' records hold their numbers. */
#include "device/host/launch_error.h"

#include <stdio.h>

#include "base/status.h"

uint64_t gpumm__launch_error_note(host_device *h, const char *message) {
    pthread_mutex_lock(&h->lock);
    uint64_t number = ++h->error_count;
    launch_error *e = &h->errors[number % LAUNCH_ERRORS];
    *e = (launch_error){.number = number};
    snprintf(e->message, sizeof e->message, "%s", message);
    pthread_mutex_unlock(&h->lock);
    return number;
}

gpumm_status gpumm__launch_error_tell(host_device *h, uint64_t number, bool last) {
    if (!number) return GPUMM_OK;
    pthread_mutex_lock(&h->lock);
    launch_error *slot = &h->errors[number % LAUNCH_ERRORS], e = *slot;
    if (last && e.number == number) slot->told = true;
    pthread_mutex_unlock(&h->lock);
    return e.number == number && !e.told ? fail(GPUMM_DRIVER, "%s", e.message) : GPUMM_OK;
}
