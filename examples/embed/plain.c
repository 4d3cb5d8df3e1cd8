/* SPDX-License-Identifier: MIT */
/*
 * gpumm without Lua: particles that fall onto a floor. A manager with a budget, a group whose growth the
 * application decides, a kernel, snapshots that arrive while the steps go on, and the books at the end.
 *
 *     cc plain.c $(pkg-config --cflags --libs gpumm) -o plain
 */
#include <gpumm.h>

#include <stdio.h>
#include <stdlib.h>

enum { STEPS = 300, BORN = 10 }; /* BORN: particles a step */

static const char source[] = "extern \"C\" __global__ void fall(int n, float2 *place, float *speed, float dt) {\n"
                             "    int i = blockIdx.x * blockDim.x + threadIdx.x;\n"
                             "    if (i >= n) return;\n"
                             "    speed[i] += 10 * dt;\n"
                             "    float y = place[i].y - speed[i] * dt;\n"
                             "    place[i].y = y > 0 ? y : 0;\n"
                             "}\n";

static void check(gpumm_status status, const char *what) {
    if (status == GPUMM_OK) return;
    fprintf(stderr, "%s: %s: %s\n", what, gpumm_status_name(status), gpumm_message());
    exit(EXIT_FAILURE);
}

static void say(void *user, gpumm_log_level level, const char *line) {
    (void)user;
    if (level >= GPUMM_LOG_WARNING) fprintf(stderr, "gpumm: %s\n", line);
}

/* The application's own schedule: half as much again, in whole thousands. Counts how often it was asked. */
static uint64_t next_capacity(void *user, const gpumm_growth_request *request) {
    ++*(int *)user;
    uint64_t wanted = request->capacity + request->capacity / 2;
    if (wanted < request->required) wanted = request->required;
    return (wanted + 999) / 1000 * 1000;
}

/* `type` and the group take references of their own. */
static gpumm_group *open_particles(gpumm_manager *manager, int *asked) {
    gpumm_type *place, *speed;
    gpumm_group *particles;
    check(gpumm_type_parse("f32x2", &place), "type");
    check(gpumm_type_parse("f32", &speed), "type");
    gpumm_member members[] = {{.name = "place", .type = place}, {.name = "speed", .type = speed}};
    gpumm_group_options options = {
        .name = "particles",
        .members = members,
        .member_count = 2,
        .max_length = 1000000,
        .tag = "plain.c",
        .growth = {.kind = GPUMM_GROWTH_CALLBACK, .callback = next_capacity, .user = asked},
    };
    check(gpumm_group_open(manager, &options, &particles), "group");
    gpumm_type_release(place);
    gpumm_type_release(speed);
    return particles;
}

/* New particles start at a height of their own; a NULL column is zeros. */
static void add_particles(gpumm_group *particles, int step) {
    float place[BORN][2];
    for (int i = 0; i < BORN; i++) {
        place[i][0] = (float)i;
        place[i][1] = (float)(1 + (step * BORN + i) % 7);
    }
    const void *columns[] = {place, NULL};
    check(gpumm_group_append(particles, NULL, BORN, columns), "append");
}

static void run_step(gpumm_kernel *fall, gpumm_group *particles) {
    gpumm_buffer_info info;
    check(gpumm_group_get_info(particles, &info), "info");
    int32_t n = (int32_t)info.length;
    float dt = 0.01f;
    gpumm_argument arguments[] = {
        {.value = &n, .size = sizeof n},
        {.buffer = gpumm_group_member(particles, "place")},
        {.buffer = gpumm_group_member(particles, "speed")},
        {.value = &dt, .size = sizeof dt},
    };
    check(gpumm_kernel_launch(fall, NULL, 0, arguments, 4), "launch");
}

/* What an application would draw: how many particles lie on the floor in the newest snapshot. */
static int count_fallen(gpumm_frame *frame, gpumm_frame_info *info) {
    const void *data;
    int fallen = 0;
    gpumm_frame_get_info(frame, info);
    check(gpumm_frame_data(frame, 0, &data), "frame");
    const float *place = data; /* x, y, x, y, … */
    for (uint64_t i = 0; i < info->length; i++) fallen += place[2 * i + 1] <= 0;
    return fallen;
}

static void show_block(void *user, const gpumm_block *block) {
    (void)user;
    printf("  %-8s %8llu bytes  %s\n", gpumm_category_name(block->category), (unsigned long long)block->bytes,
           block->name);
}

static int run(gpumm_manager *manager) {
    int asked = 0, fallen = 0;
    gpumm_frame_info info = {0};
    gpumm_kernel *fall;
    gpumm_readback *watch;
    gpumm_group *particles = open_particles(manager, &asked);
    gpumm_buffer *place = gpumm_group_member(particles, "place");
    gpumm_kernel_options kernel = {.source = source, .file = "fall.cu"};
    check(gpumm_kernel_open(manager, &kernel, &fall), "kernel");
    gpumm_readback_options readback = {.buffers = &place, .buffer_count = 1, .slots = 3, .tag = "plain.c"};
    check(gpumm_readback_open(&readback, &watch), "readback");

    for (int step = 1; step <= STEPS; step++) {
        add_particles(particles, step);
        run_step(fall, particles);
        gpumm_status status = gpumm_readback_capture(watch, NULL, step, NULL);
        if (status != GPUMM_BUSY) check(status, "capture"); /* BUSY: a frame is dropped, and counted */
        gpumm_frame *frame;
        check(gpumm_readback_latest(watch, &frame), "latest");
        if (frame) fallen = count_fallen(frame, &info);
        gpumm_frame_release(frame);
    }
    gpumm_frame *last; /* the end is captured whatever was dropped: taking the newest makes room */
    check(gpumm_manager_synchronize(manager), "synchronize");
    check(gpumm_readback_latest(watch, &last), "latest");
    gpumm_frame_release(last);
    check(gpumm_readback_capture(watch, NULL, STEPS, NULL), "capture");
    check(gpumm_readback_wait(watch, 0, -1, &last), "wait");
    fallen = count_fallen(last, &info);
    printf("%d of %llu particles have fallen; the schedule was asked %d times\n", fallen,
           (unsigned long long)info.length, asked);
    gpumm_manager_blocks(manager, show_block, NULL);
    gpumm_frame_release(last);
    gpumm_readback_release(watch);
    gpumm_kernel_release(fall);
    check(gpumm_group_close(particles), "free");
    gpumm_group_release(particles);
    bool expected = info.length == (uint64_t)STEPS * BORN && asked > 1 && fallen > 0 && fallen < STEPS * BORN;
    return expected ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(void) {
    gpumm_options options = {.limit = 64 << 20, .log = say};
    gpumm_manager *manager;
    gpumm_stats stats;
    check(gpumm_manager_open(&options, &manager), "manager");
    int code = run(manager);
    gpumm_manager_close(manager);
    gpumm_manager_get_stats(manager, &stats);
    printf("after close: %llu bytes in the books, at most %llu were used\n", (unsigned long long)stats.used_bytes,
           (unsigned long long)stats.peak_used_bytes);
    if (stats.used_bytes != 0 || stats.committed_bytes != 0) code = EXIT_FAILURE;
    gpumm_manager_release(manager);
    return code;
}
