/* SPDX-License-Identifier: MIT */
/* No torn frame. One stream writes two buffers of a group, step after step, while captures of both travel to
   the host, with every operation delayed at random, two kernel threads, and the group growing meanwhile.
   Every frame is uniform, both members agree, and it is of its own step. The same check finds the fault where
   the device is made to forget one stream wait: an expected failure, so that the check is known to see. */
#include <stdio.h>

#include "hard.h"

enum { MEMBERS = 2, TRIES = 400 };

static const char source[] =
    "extern \"C\" __global__ void write(int n, unsigned *a, unsigned *b, unsigned step) {"
    " int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) { a[i] = step; b[i] = step; } }";

typedef struct rig {
    gpumm_manager *m;
    gpumm_group *group;
    gpumm_buffer *members[MEMBERS];
    gpumm_readback *readback;
    gpumm_kernel *kernel;
    gpumm_stream *writer;
    gpumm_type *type;
} rig;

static rig rig_open(uint64_t length, uint64_t seed, bool direct, bool relocate, size_t read) {
    rig r;
    CHECK_OK(gpumm_type_parse("u32", &r.type));
    CHECK_OK(gpumm_manager_open(
        &(gpumm_options){
            .device = "host", .inject_faults = true, .workers = 2, .relocate = relocate, .fault = {.jitter = seed}},
        &r.m));
    gpumm_member members[MEMBERS] = {{.name = "a", .type = r.type}, {.name = "b", .type = r.type}};
    CHECK_OK(gpumm_group_open(
        r.m,
        &(gpumm_group_options){.members = members, .member_count = MEMBERS, .length = length, .max_length = 4 * length},
        &r.group));
    for (size_t i = 0; i < MEMBERS; i++) r.members[i] = gpumm_group_at(r.group, i);
    CHECK_OK(gpumm_stream_open(r.m, &r.writer));
    CHECK_OK(gpumm_kernel_open(r.m, &(gpumm_kernel_options){.source = source, .file = "tearing.cu"}, &r.kernel));
    CHECK_OK(gpumm_readback_open(
        &(gpumm_readback_options){.buffers = r.members, .buffer_count = read, .slots = 3, .direct = direct},
        &r.readback));
    return r;
}

static void rig_close(rig *r) {
    gpumm_kernel_release(r->kernel);
    gpumm_readback_release(r->readback);
    gpumm_stream_release(r->writer);
    CHECK_OK(gpumm_group_close(r->group));
    gpumm_group_release(r->group);
    close_and_check(r->m);
    gpumm_type_release(r->type);
}

static void write_step(rig *r, uint64_t length, uint32_t step) {
    int n = (int)length;
    gpumm_argument a[] = {
        {.value = &n, .size = 4}, {.buffer = r->members[0]}, {.buffer = r->members[1]}, {.value = &step, .size = 4}};
    CHECK_OK(gpumm_kernel_launch(r->kernel, r->writer, 0, a, 4));
}

/* Whether every element of every member is of the step at which the frame was captured. */
static bool frame_is_whole(gpumm_frame *f) {
    gpumm_frame_info info;
    gpumm_frame_get_info(f, &info);
    for (size_t i = 0; i < gpumm_readback_count(gpumm_frame_readback(f)); i++) {
        const void *data;
        CHECK_OK(gpumm_frame_data(f, i, &data));
        for (uint64_t j = 0; j < info.length; j++)
            if (((const uint32_t *)data)[j] != (uint32_t)info.step) return false;
    }
    return true;
}

/* Takes what has arrived; false: a frame was torn or stale. */
static bool take_frames(rig *r, uint64_t *taken, int64_t *last) {
    gpumm_frame *f;
    bool whole = true;
    for (;;) {
        CHECK_OK(gpumm_readback_next(r->readback, &f));
        if (!f) return whole;
        gpumm_frame_info info;
        gpumm_frame_get_info(f, &info);
        CHECK(info.step > *last);
        *last = info.step;
        whole = frame_is_whole(f) && whole;
        ++*taken;
        gpumm_frame_release(f);
    }
}

static void grow(rig *r, uint64_t *length, uint32_t step) {
    gpumm_buffer_info before, after;
    CHECK_OK(gpumm_group_get_info(r->group, &before));
    *length += *length / 8;
    CHECK_OK(gpumm_group_resize(r->group, r->writer, *length));
    CHECK_OK(gpumm_group_get_info(r->group, &after));
    if (after.generation == 1) CHECK(before.address == after.address);
    write_step(r, *length, step);
}

static void no_frame_is_torn(uint64_t length, uint32_t steps, bool direct, bool relocate) {
    rig r = rig_open(length, 4711 + length, direct, relocate, MEMBERS);
    uint64_t taken = 0, dropped = 0;
    int64_t last = 0;
    uint32_t growths = 0;
    for (uint32_t step = 1; step <= steps; step++) {
        write_step(&r, length, step);
        if (step % (steps / 8 + 1) == 0 && growths++ < 8) grow(&r, &length, step);
        gpumm_status status = gpumm_readback_capture(r.readback, r.writer, step, NULL);
        if (status != GPUMM_OK) CHECK_STATUS(status, GPUMM_BUSY), dropped++;
        CHECK(take_frames(&r, &taken, &last));
        /* In step with the device: with the writer, and with the copies so often that frames arrive whatever the load. */
        if (status == GPUMM_BUSY)
            CHECK_OK(step % 2 ? gpumm_stream_synchronize(r.writer) : gpumm_manager_synchronize(r.m));
    }
    CHECK_OK(gpumm_manager_synchronize(r.m));
    CHECK(take_frames(&r, &taken, &last));
    CHECK(gpumm_readback_dropped(r.readback) == dropped);
    CHECK(taken == steps - dropped);
    CHECK(growths > 0);
    printf("tearing: %llu elements, %s%s: %llu frames, %llu dropped, %u growths\n", (unsigned long long)length,
           direct ? "direct" : "staged", relocate ? ", relocating" : "", (unsigned long long)taken,
           (unsigned long long)dropped, growths);
    CHECK(taken > steps / 10);
    rig_close(&r);
}

#ifndef __SANITIZE_THREAD__ /* a forgotten wait is a race, and would be reported as one */
/* One capture with one stream wait skipped: where it is staged, the copy stream's for the snapshot; where it
   is direct, the next writer's for the copy, after two by which the copy waits for the writer. */
static bool wait_forgotten_is_seen(rig *r, uint64_t length, uint32_t step, bool direct) {
    uint64_t taken = 0;
    int64_t last = step - 1;
    write_step(r, length, step);
    CHECK_OK(gpumm_fault_plan(
        r->m, &(gpumm_fault){.call = "stream_wait", .nth = direct ? 3 : 1, .status = GPUMM_OK, .jitter = step}));
    CHECK_OK(gpumm_readback_capture(r->readback, r->writer, step, NULL));
    if (direct) write_step(r, length, step + 1);
    CHECK_OK(gpumm_manager_synchronize(r->m));
    return !take_frames(r, &taken, &last);
}

static void forgetting_is_seen(uint64_t length, bool direct) {
    rig r = rig_open(length, 1, direct, false, direct ? 1 : MEMBERS);
    uint32_t step = 2;
    while (!wait_forgotten_is_seen(&r, length, step, direct)) {
        step += 2;
        CHECK(step < 2 * TRIES);
    }
    printf("tearing: a forgotten wait was seen at try %u (%s)\n", step / 2, direct ? "direct" : "staged");
    rig_close(&r);
}
#endif

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    const uint64_t many = 1 << 20;
    no_frame_is_torn(many / HARD_SLOW, 600 / HARD_SLOW, false, false);
    no_frame_is_torn(many / HARD_SLOW, 200 / HARD_SLOW, true, false);
    no_frame_is_torn(3000, 3000 / HARD_SLOW, false, false);
    no_frame_is_torn(3000, 1000 / HARD_SLOW, false, true);
#ifndef __SANITIZE_THREAD__
    forgetting_is_seen(many / 4, false);
    forgetting_is_seen(many / 4, true);
#endif
    return 0;
}
