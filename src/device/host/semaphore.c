/* SPDX-License-Identifier: MIT */
/* A stream's thread raises the counter, or sleeps until somebody has. */
#include "device/host/semaphore.h"

#include "base/counter.h"
#include "base/status.h"
#include "device/host/stream.h"

struct device_semaphore {
    counter *counter;
};

gpumm_status gpumm__host_semaphore_import(device *d, int descriptor, device_semaphore **out) {
    device_semaphore *x = gpumm__mem_new(d->memory, sizeof *x);
    if (!x) return fail_host_memory(sizeof *x);
    gpumm_status status = gpumm__counter_map(descriptor, &x->counter);
    if (status == GPUMM_OK) *out = x;
    else gpumm__mem_free(d->memory, x);
    return status;
}

void gpumm__host_semaphore_close(device *d, device_semaphore *x) {
    gpumm__counter_unmap(x->counter);
    gpumm__mem_free(d->memory, x);
}

static void work_signal(op *o) { gpumm__counter_raise(o->as.semaphore.counter, o->as.semaphore.value); }
static void work_wait(op *o) { gpumm__counter_wait(o->as.semaphore.counter, o->as.semaphore.value); }

static gpumm_status enqueue(device_stream *s, void (*work)(op *o), device_semaphore *x, uint64_t value) {
    op *o = NULL;
    TRY(gpumm__host_op_new(s, work, &o));
    o->as.semaphore.counter = x->counter;
    o->as.semaphore.value = value;
    gpumm__host_op_post(o);
    return GPUMM_OK;
}

gpumm_status gpumm__host_semaphore_signal(device *d, device_stream *s, device_semaphore *x, uint64_t value) {
    (void)d;
    return enqueue(s, work_signal, x, value);
}

gpumm_status gpumm__host_semaphore_wait(device *d, device_stream *s, device_semaphore *x, uint64_t value) {
    (void)d;
    return enqueue(s, work_wait, x, value);
}
