/* SPDX-License-Identifier: MIT */
/* Striped buffers from C: where their memory is, what the books say, and what they are refused for. On the host device, and with
   GPUMM_TEST_FAKE on CUDA with a driver that is none, of two devices, which may not be able to use each other's memory. */
#include "check.h"
#include "device/open.h"

enum { STRIPE = 2 << 20 };

static bool on_fake;

static gpumm_manager *open_manager(void) {
    gpumm_manager *m;
    gpumm_options o = {.size = sizeof o, .device = on_fake ? "cuda" : "host", .inject_faults = true};
    CHECK_OK(gpumm_manager_open(&o, &m));
    return m;
}

static gpumm_buffer_options options_for(const unsigned *devices, size_t count, uint64_t length) {
    gpumm_buffer_options o = {.size = sizeof o,
                              .length = length,
                              .max_size_bytes = 64 << 20,
                              .ahead = GPUMM_AHEAD_NONE,
                              .growth = {.kind = GPUMM_GROWTH_EXACT},
                              .devices = devices,
                              .device_count = count,
                              .stripe = STRIPE};
    return o;
}

static gpumm_buffer *open_striped(gpumm_manager *m, uint64_t bytes) {
    const unsigned devices[] = {0, 1};
    gpumm_buffer_options o = options_for(devices, 2, bytes / 4);
    gpumm_buffer *b;
    CHECK_OK(gpumm_manager_allocate(m, &o, &b));
    return b;
}

static void check_held(gpumm_manager *m, uint64_t first, uint64_t second) {
    gpumm_stats s;
    CHECK_OK(gpumm_manager_get_stats(m, &s));
    CHECK(s.striped_bytes[0] == first && s.striped_bytes[1] == second && s.striped_bytes[2] == 0);
}

static void lies_in_turn(gpumm_manager *m) {
    gpumm_buffer *b = open_striped(m, 3 * STRIPE);
    gpumm_residency pieces[4];
    size_t count = 0;
    CHECK_OK(gpumm_buffer_residency(b, pieces, 4, &count));
    CHECK(count == 3);
    for (size_t i = 0; i < count; i++)
        CHECK(pieces[i].offset == i * STRIPE && pieces[i].bytes == STRIPE && pieces[i].device == (int)(i % 2) &&
              pieces[i].tier == GPUMM_TIER_DEVICE);
    check_held(m, 2 * STRIPE, STRIPE);
    CHECK_OK(gpumm_buffer_close(b));
    gpumm_buffer_release(b);
    CHECK_OK(gpumm_manager_trim(m, NULL));
    check_held(m, 0, 0);
}

/* What is not striped says -1. */
static void plain_ones_say_nothing(gpumm_manager *m) {
    gpumm_residency piece;
    size_t count = 0;
    gpumm_buffer_options o = options_for(NULL, 0, STRIPE);
    gpumm_buffer *b;
    o.stripe = 0;
    CHECK_OK(gpumm_manager_allocate(m, &o, &b));
    CHECK_OK(gpumm_buffer_residency(b, &piece, 1, &count));
    CHECK(count == 1 && piece.device == -1);
    gpumm_buffer_release(b);
}

static void refuse(gpumm_manager *m, const unsigned *devices, size_t count, gpumm_status status, const char *words) {
    gpumm_buffer_options o = options_for(devices, count, 0);
    gpumm_buffer *b;
    CHECK_STATUS(gpumm_manager_allocate(m, &o, &b), status);
    CHECK_SAYS(words);
}

static void is_refused(gpumm_manager *m) {
    const unsigned many[17] = {0}, others[] = {1}, far[] = {0, 16};
    refuse(m, NULL, 2, GPUMM_INVALID_ARGUMENT, "gpumm_buffer_options.devices is NULL");
    refuse(m, many, 17, GPUMM_INVALID_ARGUMENT, "a buffer is on at most 16");
    refuse(m, many, 2, GPUMM_INVALID_ARGUMENT, "device 0 is there twice");
    refuse(m, others, 1, GPUMM_INVALID_ARGUMENT, "the manager's own device, number 0");
    refuse(m, far, 2, GPUMM_INVALID_ARGUMENT, "numbered 0 to 15");
    refuse(m, many, 0, GPUMM_INVALID_ARGUMENT, "name them by the option devices");
}

/* The fake driver reads its environment at each call. */
static void depends_on_the_driver(gpumm_manager *m) {
    const unsigned two[] = {0, 1}, three[] = {0, 2};
    refuse(m, three, 2, GPUMM_NO_DEVICE, "there is no device cuda:2: there are 2, numbered from 0");
    setenv("FAKE_CUDA_PEERS", "0", 1);
    refuse(m, two, 2, GPUMM_NO_DEVICE, "cuda:0 cannot use the memory of cuda:1");
    setenv("FAKE_CUDA_PEERS", "1", 1);
    for (uint64_t nth = 1; nth <= 3; nth++) {
        static const char *const calls[] = {"cuDeviceCanAccessPeer", "cuDeviceGetCount",
                                            "cuMemGetAllocationGranularity"};
        gpumm_fault plan = {.call = calls[nth - 1], .nth = 1, .status = GPUMM_DRIVER};
        CHECK_OK(gpumm_fault_plan(m, &plan));
        refuse(m, two, 2, GPUMM_DRIVER, calls[nth - 1]);
    }
    CHECK_OK(gpumm_fault_plan(m, &(gpumm_fault){0}));
}

/* What another GPU shares is attached where this one can use it. */
static void reaches_what_it_can_use(void) {
    device *d = NULL;
    const char *second = "GPU-abababab-abab-abab-abab-ababababab01";
    CHECK_OK(gpumm__device_open(&(gpumm_options){.device = on_fake ? "cuda" : "host"}, NULL, &d));
    CHECK_STATUS(d->call->reach(d, "GPU-none"), GPUMM_INVALID_ARGUMENT);
    CHECK_SAYS(on_fake ? "this process does not see that device" : "the host device cannot use the memory of GPU-none");
    if (on_fake) {
        CHECK_OK(d->call->reach(d, d->info.uuid));
        CHECK_OK(d->call->reach(d, second));
        setenv("FAKE_CUDA_PEERS", "0", 1);
        CHECK_STATUS(d->call->reach(d, second), GPUMM_INVALID_ARGUMENT);
        CHECK_SAYS("the driver reports no peer access between them");
        setenv("FAKE_CUDA_PEERS", "1", 1);
    }
    gpumm__device_close(d);
}

int main(void) {
    on_fake = getenv("GPUMM_TEST_FAKE") != NULL;
    if (on_fake) setenv("FAKE_CUDA_DEVICES", "2", 1);
    gpumm_manager *m = open_manager();
    if (on_fake) depends_on_the_driver(m);
    is_refused(m);
    lies_in_turn(m);
    plain_ones_say_nothing(m);
    CHECK_OK(gpumm_manager_check(m));
    gpumm_manager_release(m);
    reaches_what_it_can_use();
    return 0;
}
