/* SPDX-License-Identifier: MIT */
/* Injecting faults: what gpumm.h offers of the fault device. */
#include "base/abi.h"
#include "core/manager.h"
#include "device/fault.h"

static gpumm_status enter_injecting(gpumm_manager *m) {
    if (!m->context.inject_faults) return fail(GPUMM_INVALID_ARGUMENT, "the manager was opened without faults");
    return gpumm__context_enter(&m->context);
}

gpumm_status gpumm_fault_plan(gpumm_manager *m, const gpumm_fault *plan) {
    NOT_NULL(m, "manager");
    if (plan && (plan->reserved[0] || plan->reserved[1]))
        return fail(GPUMM_INVALID_ARGUMENT, "a fault's reserved is not 0");
    TRY(enter_injecting(m));
    gpumm_status status = gpumm__fault_plan(m->context.device, plan);
    gpumm__context_leave(&m->context);
    return status;
}

gpumm_status gpumm_fault_hold(gpumm_manager *m, const char *kind) {
    NOT_NULL(m, "manager");
    NOT_NULL(kind, "kind");
    TRY(enter_injecting(m));
    gpumm_status status = gpumm__fault_hold(m->context.device, kind);
    gpumm__context_leave(&m->context);
    return status;
}

gpumm_status gpumm_fault_resume(gpumm_manager *m, const char *kind) {
    NOT_NULL(m, "manager");
    TRY(enter_injecting(m));
    gpumm_status status = gpumm__fault_release(m->context.device, kind);
    gpumm__context_leave(&m->context);
    return status;
}

gpumm_status gpumm_fault_calls(gpumm_manager *m, const char *call, uint64_t *count) {
    NOT_NULL(m, "manager");
    NOT_NULL(count, "count");
    TRY(enter_injecting(m));
    gpumm_status status = gpumm__fault_calls(m->context.device, call, count);
    gpumm__context_leave(&m->context);
    return status;
}

/* After close, what was left then. */
static void read_live(gpumm_manager *m, gpumm_live *out) {
    if (gpumm__context_enter(&m->context) != GPUMM_OK) {
        while (!atomic_load(&m->context.closed)) gpumm__clock_sleep_ns(50000);
        *out = m->live;
        return;
    }
    gpumm__fault_live(m->context.device, out);
    gpumm__context_leave(&m->context);
}

gpumm_status gpumm_fault_get_live_sized(gpumm_manager *m, gpumm_live *out, size_t size) {
    NOT_NULL(m, "manager");
    NOT_NULL(out, "out");
    if (!m->context.inject_faults) return fail(GPUMM_INVALID_ARGUMENT, "the manager was opened without faults");
    gpumm_live live;
    read_live(m, &live);
    return gpumm__abi_fill(out, size, &live, sizeof live);
}
