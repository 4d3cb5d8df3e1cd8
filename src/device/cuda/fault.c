/* SPDX-License-Identifier: MIT */
/* Failures on purpose at the driver table, by the driver's own entry names, and how often each was called. */
#include "device/cuda/fault.h"

#include <string.h>

#include "base/status.h"

bool gpumm__cuda_planned(cuda *c, driver_entry entry) {
    cuda_plan *plan = &c->plan;
    atomic_fetch_add_explicit(&plan->calls[entry], 1, memory_order_relaxed);
    pthread_mutex_lock(&plan->mutex);
    bool fires = plan->left > 0 && (plan->entry == entry || plan->entry == DRIVER_COUNT) && --plan->left == 0;
    pthread_mutex_unlock(&plan->mutex);
    return fires;
}

static bool names_driver(const char *call) { return call && strncmp(call, "cu", 2) == 0; }

static gpumm_status no_entry(const char *name) {
    return fail(GPUMM_INVALID_ARGUMENT,
                "'%.60s' is no driver entry that gpumm calls: write one such as 'cuMemSetAccess', "
                "or 'cu*' for any",
                name);
}

gpumm_status gpumm__cuda_fault(device *d, const gpumm_fault *plan) {
    cuda *c = cuda_of(d);
    driver_entry entry = DRIVER_COUNT;
    bool ours = plan && names_driver(plan->call);
    if (ours && strcmp(plan->call, "cu*") != 0) {
        entry = gpumm__driver_entry_named(plan->call);
        if (entry == DRIVER_COUNT) return no_entry(plan->call);
    }
    pthread_mutex_lock(&c->plan.mutex);
    c->plan.entry = entry;
    c->plan.left = ours ? plan->nth : 0;
    /* The end of a plan leaves its status: a call in another thread may have been chosen to fail, and not
       have read it yet. */
    if (ours) atomic_store(&c->plan.status, (int)plan->status);
    pthread_mutex_unlock(&c->plan.mutex);
    atomic_store(&c->watched, true);
    return GPUMM_OK;
}

gpumm_status gpumm__cuda_fault_calls(device *d, const char *entry, uint64_t *count) {
    cuda *c = cuda_of(d);
    driver_entry only = gpumm__driver_entry_named(entry);
    if (only == DRIVER_COUNT && (!entry || strcmp(entry, "cu*") != 0)) return no_entry(entry ? entry : "(null)");
    uint64_t sum = 0;
    for (unsigned i = 0; i < DRIVER_COUNT; i++)
        if (only == DRIVER_COUNT || only == i) sum += atomic_load_explicit(&c->plan.calls[i], memory_order_relaxed);
    *count = sum;
    return GPUMM_OK;
}
