/* SPDX-License-Identifier: MIT */
/* What every device shares: the names of the calls, and the check of a launch's arguments. */
#include "device/device.h"

#include <string.h>

#include "base/status.h"

static const char *const call_names[] = {
#define NAME(name, parameters, arguments, before, after) #name,
    DEVICE_CALL_MAP(NAME, NAME, NAME)
#undef NAME
};

device_call gpumm__device_call_named(const char *name) {
    unsigned i = 0;
    while (i < CALL_COUNT && strcmp(call_names[i], name) != 0) i++;
    return (device_call)i;
}

const char *gpumm__device_call_name(device_call call) {
    return (unsigned)call < CALL_COUNT ? call_names[call] : "unknown";
}

gpumm_status gpumm__device_check_arguments(const char *name, const size_t *sizes, size_t count,
                                           const device_launch *launch) {
    if (!sizes) return GPUMM_OK;
    if (launch->count != count)
        return fail(GPUMM_INVALID_ARGUMENT, "kernel '%s' was compiled with %zu parameters, %zu arguments were given",
                    name, count, launch->count);
    for (size_t i = 0; i < count; i++)
        if (launch->sizes[i] != sizes[i])
            return fail(GPUMM_INVALID_ARGUMENT,
                        "parameter %zu of kernel '%s' was compiled with %zu bytes, %zu were given", i + 1, name,
                        sizes[i], launch->sizes[i]);
    return GPUMM_OK;
}

void gpumm__device_close(device *d) {
    if (d) d->call->close(d);
}
