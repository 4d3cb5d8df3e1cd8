/* SPDX-License-Identifier: MIT */
/* The choice of a device. */
#include "device/open.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "device/fault.h"
#include "device/host/host.h"
#include "device/trace/traced.h"

#ifdef GPUMM_HAVE_CUDA
#include "device/cuda/cuda.h"
#else
static gpumm_status gpumm__cuda_open(const gpumm_options *options, const gpumm_allocator *memory, device **out) {
    (void)options, (void)memory, (void)out;
    fail(GPUMM_NO_DEVICE, "this build has no CUDA device (built without the CUDA Toolkit)");
    return GPUMM_NO_DEVICE; /* a constant, so that compilers see that nobody goes on without a device */
}
#endif

static gpumm_status open_host(const gpumm_options *options, const gpumm_allocator *memory, const char *why,
                              device **out) {
    device *d = NULL;
    TRY(gpumm__host_open(options, memory, &d));
    snprintf(d->info.why, sizeof d->info.why, "host: %.*s", (int)strcspn(why, "\n"), why);
    *out = d;
    return GPUMM_OK;
}

static gpumm_status open_cuda(const gpumm_options *options, const gpumm_allocator *memory, const char *why,
                              device **out) {
    device *d = NULL;
    TRY(gpumm__cuda_open(options, memory, &d));
    char remarks[sizeof d->info.why]; /* what it could not do, if anything */
    memcpy(remarks, d->info.why, sizeof remarks);
    snprintf(d->info.why, sizeof d->info.why, "cuda: %.90s%s%.80s", d->info.name, why, remarks);
    *out = d;
    return GPUMM_OK;
}

/* An application that handed in a CUDA context wants that, not another device. */
static gpumm_status open_any(const gpumm_options *options, const gpumm_allocator *memory, device **out) {
    gpumm_options chosen = *options;
    chosen.device = "cuda";
    gpumm_status status = open_cuda(&chosen, memory, " found", out);
    if (status == GPUMM_OK || options->context) return status;
    char why[sizeof(((gpumm_device_info *)0)->why)];
    snprintf(why, sizeof why, "%s", gpumm_message());
    chosen.device = "host";
    return open_host(&chosen, memory, why, out);
}

static bool names_cuda(const char *name) {
    return strcmp(name, "cuda") == 0 || (strncmp(name, "cuda:", 5) == 0 && name[5] != '\0');
}

static gpumm_status open_named(const gpumm_options *options, const gpumm_allocator *memory, const char *name,
                               const char *asker, device **out) {
    gpumm_options chosen = *options;
    char why[64];
    chosen.device = name;
    if (strcmp(name, "auto") == 0) return open_any(&chosen, memory, out);
    snprintf(why, sizeof why, "%s '%.20s'", asker, name);
    if (strcmp(name, "host") == 0) return open_host(&chosen, memory, why, out);
    snprintf(why, sizeof why, ", %s '%.20s'", asker, name);
    if (names_cuda(name)) return open_cuda(&chosen, memory, why, out);
    return fail(GPUMM_INVALID_ARGUMENT,
                "%s '%.60s': there are 'auto', 'host', 'cuda', 'cuda:N' (N from 0) and 'cuda:GPU-uuid'", asker, name);
}

static gpumm_status open_chosen(const gpumm_options *options, const gpumm_allocator *memory, device **out) {
    const char *name = options->device ? options->device : "auto";
    const char *preset = strcmp(name, "auto") == 0 && !options->context ? getenv("GPUMM_DEVICE") : NULL;
    if (preset && *preset) return open_named(options, memory, preset, "GPUMM_DEVICE is", out);
    return open_named(options, memory, name, "the options ask for", out);
}

/* Whoever runs a program may have any device relocate. */
static bool told_to_relocate(void) {
    const char *off = getenv("GPUMM_NO_VMM");
    return off && *off && strcmp(off, "0") != 0;
}

gpumm_status gpumm__device_open(const gpumm_options *options, const gpumm_allocator *memory, device **out) {
    gpumm_options chosen = options ? *options : (gpumm_options){0};
    chosen.relocate = chosen.relocate || told_to_relocate();
    device *d = NULL;
    TRY(open_chosen(&chosen, memory ? memory : &gpumm__alloc_default, &d));
    d->bare = d;
    if (chosen.trace)
        TRY(gpumm__traced_open(d, chosen.trace, &d)); /* below faults: what they delay is traced as it is */
    if (chosen.inject_faults) return gpumm__fault_open(d, &chosen.fault, out);
    *out = d;
    return GPUMM_OK;
}
