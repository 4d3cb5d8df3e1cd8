/* SPDX-License-Identifier: MIT */
/* Recordings: a replay does what the single calls do, bit for bit, in place and relocating, through growths, with every
   operation delayed; recorded once, or anew each step with steps that differ. Orders between two recordings on two
   streams, captures under every policy, what goes while a recording lives, and every operation of a replay failing.
   gpu_recording.c is the same on a GPU, whose results are held against the host's. */
#include <sched.h>

#include "hard.h"

#ifndef RECORDING_DEVICE
#define RECORDING_DEVICE "host"
#endif

enum { LENGTH = 1000, MOST = 60000, BUFFERS = 3, STEPS = 60, SLOTS = 3 };

static const char source[] =
    "extern \"C\" __global__ void add(int n, unsigned *p, unsigned more) {"
    " int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) p[i] += more * (i + 1); }\n"
    "extern \"C\" __global__ void mix(unsigned long long n, unsigned *to, const unsigned *a, const unsigned *b, short k) {"
    " unsigned long long i = blockIdx.x * (unsigned long long)blockDim.x + threadIdx.x;"
    " if (i < n) to[i] = to[i] * 31 + a[i] + b[i] * k; }\n";

typedef struct world {
    gpumm_manager *m;
    gpumm_type *u32, *f32x3;
    gpumm_buffer *b[BUFFERS], *vectors;
    gpumm_kernel *add, *mix;
    gpumm_readback *staged, *direct, *in_line;
} world;

static gpumm_kernel *kernel(gpumm_manager *m, const char *name) {
    gpumm_kernel *k;
    CHECK_OK(gpumm_kernel_open(m, &(gpumm_kernel_options){.source = source, .file = "recording.cu", .name = name}, &k));
    return k;
}

static gpumm_buffer *buffer(gpumm_manager *m, const char *name, gpumm_type *type, uint64_t length) {
    gpumm_buffer *b;
    gpumm_buffer_options o = {.name = name, .type = type, .length = length, .max_length = 1 << 20};
    CHECK_OK(gpumm_manager_allocate(m, &o, &b));
    return b;
}

static gpumm_readback *readback(gpumm_buffer *b, bool direct, uint64_t in_line, gpumm_busy_policy busy) {
    gpumm_readback *r;
    CHECK_OK(gpumm_readback_open(
        &(gpumm_readback_options){
            .buffers = &b, .buffer_count = 1, .slots = SLOTS, .direct = direct, .inline_bytes = in_line, .busy = busy},
        &r));
    return r;
}

static world world_open(gpumm_options o) {
    static const char *const names[BUFFERS] = {"a", "b", "c"};
    world w;
    if (!o.device) o.device = RECORDING_DEVICE;
    o.workers = 2;
    CHECK_OK(gpumm_manager_open(&o, &w.m));
    CHECK_OK(gpumm_type_parse("u32", &w.u32));
    CHECK_OK(gpumm_type_parse("f32x3", &w.f32x3));
    for (int i = 0; i < BUFFERS; i++) w.b[i] = buffer(w.m, names[i], w.u32, LENGTH);
    w.vectors = buffer(w.m, "vectors", w.f32x3, LENGTH);
    w.add = kernel(w.m, "add");
    w.mix = kernel(w.m, "mix");
    w.staged = readback(w.b[0], false, GPUMM_INLINE_NEVER, GPUMM_BUSY_WAIT);
    w.direct = readback(w.b[1], true, 0, GPUMM_BUSY_WAIT);
    w.in_line = readback(w.b[2], false, 4 * LENGTH + 100, GPUMM_BUSY_WAIT); /* staged once it has grown */
    return w;
}

static void world_drop(world *w) {
    gpumm_readback_release(w->staged);
    gpumm_readback_release(w->direct);
    gpumm_readback_release(w->in_line);
    gpumm_kernel_release(w->add);
    gpumm_kernel_release(w->mix);
    for (int i = 0; i < BUFFERS; i++) gpumm_buffer_release(w->b[i]);
    gpumm_buffer_release(w->vectors);
    gpumm_type_release(w->u32);
    gpumm_type_release(w->f32x3);
}

static void world_close(world *w, bool faulty) {
    world_drop(w);
    if (faulty) close_and_check(w->m);
    else gpumm_manager_release(w->m);
}

static uint64_t length_of(gpumm_buffer *b) {
    gpumm_buffer_info info;
    CHECK_OK(gpumm_buffer_get_info(b, &info));
    return info.length;
}

/* ---- Calls, at once or recorded ------------------------------------------------------------------------------- */

#define VALUE(x) ((gpumm_argument){.value = &(x), .size = sizeof(x)})
#define BUFFER(x) ((gpumm_argument){.buffer = (x)})

/* What a step does, by the numbers that it is given; r NULL: at once. Returns how often it captures. */
static void add(world *w, gpumm_recording *r, gpumm_stream *s, int b, int n, uint32_t more) {
    gpumm_argument a[] = {VALUE(n), BUFFER(w->b[b]), VALUE(more)};
    if (r) CHECK_OK(gpumm_recording_launch(r, w->add, 0, a, NULL, 3));
    else CHECK_OK(gpumm_kernel_launch(w->add, s, 0, a, 3));
}

static void mix(world *w, gpumm_recording *r, gpumm_stream *s, int to, uint64_t n, int16_t k) {
    gpumm_argument a[] = {VALUE(n), BUFFER(w->b[to]), BUFFER(w->b[(to + 1) % BUFFERS]),
                          BUFFER(w->b[(to + 2) % BUFFERS]), VALUE(k)};
    if (r) CHECK_OK(gpumm_recording_launch(r, w->mix, 0, a, NULL, 5));
    else CHECK_OK(gpumm_kernel_launch(w->mix, s, 0, a, 5));
}

static void fill(gpumm_recording *r, gpumm_stream *s, gpumm_buffer *b, uint64_t first, uint64_t count,
                 const void *element) {
    if (r) CHECK_OK(gpumm_recording_fill(r, b, first, count, element));
    else CHECK_OK(gpumm_buffer_fill(b, s, first, count, element));
}

static void copy(gpumm_recording *r, gpumm_stream *s, gpumm_buffer *to, uint64_t to_first, gpumm_buffer *from,
                 uint64_t from_first, uint64_t count) {
    if (r) CHECK_OK(gpumm_recording_copy(r, to, to_first, from, from_first, count));
    else CHECK_OK(gpumm_buffer_copy(to, s, to_first, from, from_first, count));
}

static void capture(gpumm_recording *r, gpumm_stream *s, gpumm_readback *rb, int64_t step) {
    if (r) CHECK_OK(gpumm_recording_capture(r, rb, step, NULL));
    else CHECK_OK(gpumm_readback_capture(rb, s, step, NULL));
}

/* ---- Both worlds are the same ----------------------------------------------------------------------------------- */

static void same_buffer(gpumm_buffer *a, gpumm_buffer *b) {
    static unsigned char x[MOST * 12], y[MOST * 12];
    uint64_t n = length_of(a), size = gpumm_type_size(gpumm_buffer_type(a));
    CHECK(length_of(b) == n);
    CHECK_OK(gpumm_buffer_download(a, NULL, 0, n, x));
    CHECK_OK(gpumm_buffer_download(b, NULL, 0, n, y));
    CHECK(memcmp(x, y, n * size) == 0);
}

static void same_worlds(world *a, world *b) {
    for (int i = 0; i < BUFFERS; i++) same_buffer(a->b[i], b->b[i]);
    same_buffer(a->vectors, b->vectors);
}

/* The next frames of both are of one step and have the same in them. */
static void same_frame(gpumm_readback *a, gpumm_readback *b, gpumm_ticket ticket) {
    gpumm_frame *f[2];
    gpumm_frame_info info[2];
    const void *data[2];
    for (int i = 0; i < 2; i++) {
        CHECK_OK(gpumm_readback_wait(i ? b : a, ticket, 60, &f[i]));
        CHECK_OK(gpumm_frame_get_info(f[i], &info[i]));
        CHECK_OK(gpumm_frame_data(f[i], 0, &data[i]));
    }
    CHECK(info[0].step == info[1].step);
    CHECK(info[0].length == info[1].length);
    CHECK(info[0].dropped == 0 && info[1].dropped == 0);
    CHECK(memcmp(data[0], data[1], info[0].length * 4) == 0);
    for (int i = 0; i < 2; i++) gpumm_frame_release(f[i]);
}

static void same_frames(world *a, world *b, gpumm_ticket ticket) {
    same_frame(a->staged, b->staged, ticket);
    same_frame(a->direct, b->direct, ticket);
    same_frame(a->in_line, b->in_line, ticket);
}

static void grow(world *w, gpumm_stream *s, dice *d) {
    for (int i = 0; i < BUFFERS; i++)
        CHECK_OK(gpumm_buffer_resize(w->b[i], s, 20 * LENGTH + 7 * (uint64_t)(BUFFERS - i)));
    CHECK_OK(gpumm_buffer_resize(w->vectors, s, LENGTH + below(d, LENGTH)));
    CHECK_OK(gpumm_manager_trim(w->m, NULL));
}

/* Where memory relocates; but a block that has room for more stays. */
static bool has_moved(const world *w) {
    gpumm_buffer_info info;
    gpumm_buffer_get_info(w->b[0], &info);
    return info.generation > 1;
}

/* ---- Recorded once ------------------------------------------------------------------------------------------------ */

/* Every kind of operation; with names and lengths where it is recorded, with the numbers where not. */
static void record_all(world *w, gpumm_recording *r) {
    const float element[] = {1, 2, 3};
    const uint32_t seven = 7, bytes = 0x03030303;
    gpumm_binding add_by[3] = {{.length = w->b[0]}, {0}, {.name = "more"}};
    gpumm_binding mix_by[5] = {{.length = w->b[2]}, {0}, {0}, {0}, {.name = "k"}};
    gpumm_argument a[] = {{0}, BUFFER(w->b[0]), {0}},
                   x[] = {{0}, BUFFER(w->b[2]), BUFFER(w->b[0]), BUFFER(w->b[1]), {0}};
    CHECK_OK(gpumm_recording_launch(r, w->add, 0, a, add_by, 3));
    fill(r, NULL, w->b[1], 3, GPUMM_TO_END, &seven);
    CHECK_OK(gpumm_recording_launch(r, w->mix, 0, x, mix_by, 5));
    capture(r, NULL, w->direct, 0);
    add(w, r, NULL, 1, LENGTH, 5);
    fill(r, NULL, w->b[1], 0, 2, &bytes);
    copy(r, NULL, w->b[1], 10, w->b[0], 0, 100);
    CHECK_OK(gpumm_recording_capture(r, w->in_line, 0, "step"));
    fill(r, NULL, w->vectors, 0, GPUMM_TO_END, element);
    fill(r, NULL, w->vectors, 500, 17, &element[0]);
    CHECK_OK(gpumm_recording_capture(r, w->staged, 0, "step"));
    copy(r, NULL, w->b[0], 0, w->b[2], 5, GPUMM_TO_END);
}

static void do_all(world *w, gpumm_stream *s, uint32_t more, int16_t k, int64_t step) {
    const float element[] = {1, 2, 3};
    const uint32_t seven = 7, bytes = 0x03030303;
    add(w, NULL, s, 0, (int)length_of(w->b[0]), more);
    fill(NULL, s, w->b[1], 3, length_of(w->b[1]) - 3, &seven);
    mix(w, NULL, s, 2, length_of(w->b[2]), k);
    capture(NULL, s, w->direct, 0);
    add(w, NULL, s, 1, LENGTH, 5);
    fill(NULL, s, w->b[1], 0, 2, &bytes);
    copy(NULL, s, w->b[1], 10, w->b[0], 0, 100);
    capture(NULL, s, w->in_line, step);
    fill(NULL, s, w->vectors, 0, length_of(w->vectors), element);
    fill(NULL, s, w->vectors, 500, 17, &element[0]);
    capture(NULL, s, w->staged, step);
    copy(NULL, s, w->b[0], 0, w->b[2], 5, length_of(w->b[2]) - 5);
}

static gpumm_status replay_with(gpumm_recording *r, gpumm_stream *s, uint32_t more, int16_t k, int64_t step,
                                gpumm_ticket *tickets) {
    gpumm_value v[] = {{.name = "more", .value = &more, .size = sizeof more},
                       {.name = "k", .value = &k, .size = sizeof k},
                       {.name = "step", .value = &step, .size = sizeof step}};
    return gpumm_recording_replay(r, s, v, 3, tickets);
}

static gpumm_recording *recording(gpumm_manager *m, bool anew) {
    gpumm_recording *r;
    CHECK_OK(gpumm_recording_open(m, &(gpumm_recording_options){.anew = anew}, &r));
    return r;
}

static void one_round(world *here, world *there, gpumm_recording *r, gpumm_stream *s, dice *d, int64_t step) {
    uint32_t more = (uint32_t)below(d, 1000);
    int16_t k = (int16_t)below(d, 3);
    gpumm_ticket tickets[3];
    do_all(here, NULL, more, k, step);
    CHECK_OK(replay_with(r, s, more, k, step, tickets));
    for (int i = 0; i < 3; i++) CHECK(tickets[i] == (gpumm_ticket)step);
    same_frames(here, there, (gpumm_ticket)step);
}

static void replay_is_launching(gpumm_options o, const char *what) {
    dice d = dice_of(5);
    world here = world_open((gpumm_options){.device = "host"}), there = world_open(o);
    gpumm_recording *r = recording(there.m, false);
    gpumm_stream *s;
    CHECK_OK(gpumm_stream_open(there.m, &s));
    record_all(&there, r);
    CHECK(gpumm_recording_captures(r) == 3);
    for (int64_t step = 1; step <= STEPS / 2; step++) one_round(&here, &there, r, step % 4 ? s : NULL, &d, step);
    same_worlds(&here, &there);
    dice same = d;
    grow(&here, NULL, &d);
    grow(&there, s, &same);
    if (has_moved(&there)) { /* then it is recorded anew */
        CHECK_STATUS(replay_with(r, s, 1, 1, 1, NULL), GPUMM_STALE);
        CHECK_SAYS("'a' has moved");
        CHECK_OK(gpumm_recording_begin(r));
        record_all(&there, r);
    }
    for (int64_t step = STEPS / 2 + 1; step <= STEPS; step++) one_round(&here, &there, r, s, &d, step);
    same_worlds(&here, &there);
    if (o.inject_faults && !o.fault.jitter) {
        uint64_t launched;
        CHECK_OK(gpumm_fault_calls(there.m, "graph_launch", &launched));
        CHECK(launched == STEPS);
    }
    printf("recording: %d replays are what the calls are: %s\n", STEPS, what);
    gpumm_recording_release(r);
    gpumm_stream_release(s);
    world_close(&here, false);
    world_close(&there, o.inject_faults);
}

/* ---- Recorded anew, steps that differ ------------------------------------------------------------------------------ */

/* Mostly the same operations with other numbers, now and then others. */
static void odd_step(world *w, gpumm_recording *r, gpumm_stream *s, uint64_t seed) {
    dice d = dice_of(seed / 4), numbers = dice_of(seed);
    unsigned count = 1 + (unsigned)below(&d, 12);
    for (unsigned i = 0; i < count; i++) {
        uint32_t number = (uint32_t)below(&numbers, 900);
        int b = (int)below(&d, BUFFERS), other = (b + 1 + (int)below(&numbers, 2)) % BUFFERS;
        const float element[] = {(float)number, 2, 3};
        switch (below(&d, 6)) {
        case 0: add(w, r, s, (int)below(&numbers, BUFFERS), (int)number, number); break;
        case 1: add(w, r, s, b, LENGTH, number / 100); break;
        case 2: mix(w, r, s, b, number, (int16_t)number); break;
        case 3: fill(r, s, w->b[b], number, 100, &number); break;
        case 4: copy(r, s, w->b[b], number / 2, w->b[other], number / 3, 50); break;
        default: fill(r, s, w->vectors, number, 1 + number % 50, element);
        }
    }
}

static void anew_is_launching(gpumm_options o, const char *what) {
    dice d = dice_of(11);
    world here = world_open((gpumm_options){.device = "host"}), there = world_open(o);
    gpumm_recording *r = recording(there.m, true);
    for (int64_t step = 1; step <= 400 / (HARD_SLOW > 4 ? 4 : HARD_SLOW); step++) {
        uint64_t seed = (uint64_t)step / 12 * 4 + below(&d, 4); /* the same operations for a while */
        odd_step(&here, NULL, NULL, seed);
        CHECK_OK(gpumm_recording_begin(r));
        odd_step(&there, r, NULL, seed);
        bool captures = step % 3 == 0;
        if (captures) capture(NULL, NULL, here.staged, step), capture(r, NULL, there.staged, step);
        CHECK_OK(gpumm_recording_replay(r, NULL, NULL, 0, NULL));
        if (captures) same_frame(here.staged, there.staged, 0);
        if (step % 40 == 0) same_worlds(&here, &there);
        dice same = d;
        if (step == 100) grow(&here, NULL, &d), grow(&there, NULL, &same);
    }
    same_worlds(&here, &there);
    CHECK_STATUS(gpumm_recording_replay(r, NULL, NULL, 0, NULL), GPUMM_INVALID_ARGUMENT);
    CHECK_SAYS("recorded anew");
    printf("recording: steps recorded anew are what the calls are: %s\n", what);
    gpumm_recording_release(r);
    world_close(&here, false);
    world_close(&there, o.inject_faults);
}

/* What it holds between two steps is nothing: an anonymous buffer goes with its last handle. */
static void anew_holds_nothing(void) {
    world w = world_open((gpumm_options){.inject_faults = true});
    gpumm_recording *anew = recording(w.m, true), *once = recording(w.m, false);
    gpumm_stats stats;
    for (int i = 0; i < 5; i++) {
        gpumm_buffer *b = buffer(w.m, NULL, w.u32, LENGTH);
        CHECK_OK(gpumm_recording_begin(anew));
        fill(anew, NULL, b, 0, LENGTH, &(uint32_t){1});
        if (i == 4) fill(once, NULL, b, 0, LENGTH, &(uint32_t){1});
        gpumm_buffer_release(b);
        CHECK_OK(gpumm_recording_replay(anew, NULL, NULL, 0, NULL)); /* it was held until here */
    }
    gpumm_manager_get_stats(w.m, &stats);
    CHECK(stats.entry[GPUMM_CATEGORY_BUFFERS].count == BUFFERS + 2);
    CHECK_OK(gpumm_recording_replay(once, NULL, NULL, 0, NULL));
    gpumm_recording_release(once);
    gpumm_manager_get_stats(w.m, &stats);
    CHECK(stats.entry[GPUMM_CATEGORY_BUFFERS].count == BUFFERS + 1);
    gpumm_recording_release(anew);
    world_close(&w, true);
}

/* ---- Orders -------------------------------------------------------------------------------------------------------- */

/* Two recordings that write what the other reads, on two streams, and single calls between: as on one stream. */
static void interleaved(gpumm_options o) {
    world here = world_open((gpumm_options){.device = "host"}), there = world_open(o);
    gpumm_recording *r[2] = {recording(there.m, false), recording(there.m, false)};
    gpumm_stream *s[2];
    for (int i = 0; i < 2; i++) {
        CHECK_OK(gpumm_stream_open(there.m, &s[i]));
        mix(&there, r[i], NULL, i, LENGTH, 3);
        add(&there, r[i], NULL, i, LENGTH, 1);
        copy(r[i], NULL, there.b[2], 0, there.b[i], 0, 500);
        mix(&there, r[i], NULL, 2, LENGTH, 2);
    }
    for (int step = 0; step < 2 * STEPS; step++) {
        int i = step % 2;
        mix(&here, NULL, NULL, i, LENGTH, 3);
        add(&here, NULL, NULL, i, LENGTH, 1);
        copy(NULL, NULL, here.b[2], 0, here.b[i], 0, 500);
        mix(&here, NULL, NULL, 2, LENGTH, 2);
        CHECK_OK(gpumm_recording_replay(r[i], s[i], NULL, 0, NULL));
        if (step % 5 == 0) add(&here, NULL, NULL, 1, LENGTH, 9), add(&there, NULL, s[(step / 5) % 2], 1, LENGTH, 9);
    }
    same_worlds(&here, &there);
    for (int i = 0; i < 2; i++) {
        gpumm_recording_release(r[i]);
        gpumm_stream_release(s[i]);
    }
    world_close(&here, false);
    world_close(&there, o.inject_faults);
}

/* A replay waits for a writer that is held, and a later reader for the replay; on one stream neither costs an event. */
static void replay_is_a_use(void) {
    world w = world_open((gpumm_options){.inject_faults = true});
    gpumm_recording *r = recording(w.m, false);
    gpumm_stream *s[2];
    bool idle = true;
    uint64_t before, after;
    for (int i = 0; i < 2; i++) CHECK_OK(gpumm_stream_open(w.m, &s[i]));
    for (int i = 0; i < 4; i++) add(&w, r, NULL, 0, LENGTH, 1);
    CHECK_OK(gpumm_manager_synchronize(w.m));
    CHECK_OK(gpumm_recording_replay(r, s[1], NULL, 0, NULL));
    CHECK_OK(gpumm_fault_calls(w.m, "event_record", &before));
    for (int i = 0; i < 5; i++) CHECK_OK(gpumm_recording_replay(r, s[1], NULL, 0, NULL));
    CHECK_OK(gpumm_fault_calls(w.m, "event_record", &after));
    CHECK(after == before);
    CHECK_OK(gpumm_manager_synchronize(w.m));
    CHECK_OK(gpumm_fault_hold(w.m, "fill"));
    fill(NULL, s[0], w.b[0], 0, LENGTH, &(uint32_t){100});
    CHECK_OK(gpumm_recording_replay(r, s[1], NULL, 0, NULL));
    copy(NULL, NULL, w.b[1], 0, w.b[0], 0, LENGTH);
    for (int i = 0; i < 200; i++) {
        CHECK_OK(gpumm_stream_idle(gpumm_manager_main(w.m), &idle));
        CHECK(!idle);
        sched_yield();
    }
    CHECK_OK(gpumm_fault_resume(w.m, NULL));
    uint32_t got[2];
    CHECK_OK(gpumm_buffer_download(w.b[1], NULL, 0, 2, got));
    CHECK(got[0] == 104 && got[1] == 108);
    gpumm_recording_release(r);
    for (int i = 0; i < 2; i++) gpumm_stream_release(s[i]);
    world_close(&w, true);
}

/* Each kind that can be held holds a replay that has it. */
static void replays_are_held(void) {
    static const char *const kinds[] = {"launch", "fill", "snapshot", "copy"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        world w = world_open((gpumm_options){.inject_faults = true});
        gpumm_recording *r = recording(w.m, false);
        gpumm_ticket ticket[3];
        bool ready = true;
        record_all(&w, r);
        CHECK_OK(gpumm_fault_hold(w.m, kinds[i]));
        CHECK_OK(replay_with(r, NULL, 1, 1, 1, ticket));
        for (int k = 0; k < 100; k++) {
            CHECK_OK(gpumm_readback_ready(w.staged, ticket[2], &ready));
            CHECK(!ready);
            sched_yield();
        }
        CHECK_OK(gpumm_fault_resume(w.m, NULL));
        gpumm_frame *f;
        CHECK_OK(gpumm_readback_wait(w.staged, ticket[2], 60, &f));
        gpumm_frame_release(f);
        gpumm_recording_release(r);
        world_close(&w, true);
    }
}

/* ---- Captures ------------------------------------------------------------------------------------------------------- */

static void take(gpumm_readback *rb, int64_t step, uint32_t value) {
    gpumm_frame *f;
    gpumm_frame_info info;
    const void *data;
    CHECK_OK(gpumm_readback_wait(rb, 0, 60, &f));
    CHECK_OK(gpumm_frame_get_info(f, &info));
    CHECK_OK(gpumm_frame_data(f, 0, &data));
    CHECK(info.step == step && ((const uint32_t *)data)[0] == value);
    gpumm_frame_close(f);
    gpumm_frame_release(f);
}

/* Nobody takes a frame: each policy does what it does for single captures. */
static void policies(void) {
    static const gpumm_busy_policy all[] = {GPUMM_BUSY_DROP, GPUMM_BUSY_NEWEST, GPUMM_BUSY_WAIT};
    for (size_t p = 0; p < 3; p++) {
        world w = world_open((gpumm_options){.inject_faults = true});
        gpumm_readback *rb = readback(w.b[0], false, 0, all[p]);
        gpumm_recording *r = recording(w.m, false);
        gpumm_ticket ticket;
        for (int i = 0; i < 3; i++) add(&w, r, NULL, 0, LENGTH, 1);
        capture(r, NULL, rb, 0);
        for (unsigned i = 1; i <= SLOTS + 2; i++) {
            bool refused = all[p] != GPUMM_BUSY_NEWEST && i > SLOTS;
            CHECK_OK(gpumm_recording_replay(r, NULL, NULL, 0, &ticket));
            CHECK_OK(gpumm_manager_synchronize(w.m));
            CHECK(ticket == (refused ? 0 : i));
        }
        CHECK(gpumm_readback_dropped(rb) == 2);
        take(rb, 0, 3 * (all[p] == GPUMM_BUSY_NEWEST ? SLOTS + 2 : SLOTS));
        CHECK_OK(gpumm_recording_replay(r, NULL, NULL, 0, &ticket)); /* the steps whose capture was refused were done */
        CHECK(ticket != 0);
        take(rb, 0, 3 * (SLOTS + 3));
        gpumm_recording_release(r);
        gpumm_readback_release(rb);
        world_close(&w, true);
    }
}

/* A capture that waits has enqueued nothing before it may. */
static void waits_before(void) {
    world w = world_open((gpumm_options){.inject_faults = true});
    gpumm_buffer *b = w.b[0];
    gpumm_readback *rb;
    CHECK_OK(gpumm_readback_open(
        &(gpumm_readback_options){
            .buffers = &b, .buffer_count = 1, .slots = 2, .busy = GPUMM_BUSY_WAIT, .wait_seconds = 0.05},
        &rb));
    gpumm_recording *r = recording(w.m, false);
    gpumm_ticket ticket;
    add(&w, r, NULL, 0, LENGTH, 1);
    capture(r, NULL, rb, 4);
    for (unsigned i = 1; i <= 2; i++) CHECK_OK(gpumm_recording_replay(r, NULL, NULL, 0, &ticket));
    CHECK_OK(gpumm_recording_replay(r, NULL, NULL, 0, &ticket)); /* after its time */
    CHECK(ticket == 0 && gpumm_readback_dropped(rb) == 1);
    gpumm_readback_close(rb);
    CHECK_STATUS(gpumm_recording_replay(r, NULL, NULL, 0, &ticket), GPUMM_CANCELLED);
    uint32_t first;
    CHECK_OK(gpumm_buffer_download(w.b[0], NULL, 0, 1, &first));
    CHECK(first == 3);
    gpumm_recording_release(r);
    gpumm_readback_release(rb);
    world_close(&w, true);
}

/* ---- What goes meanwhile --------------------------------------------------------------------------------------------- */

static void outliving(void) {
    world w = world_open((gpumm_options){.inject_faults = true});
    gpumm_recording *r = recording(w.m, false), *closed = recording(w.m, false), *k = recording(w.m, false);
    record_all(&w, r);
    for (int i = 0; i < 4; i++) add(&w, closed, NULL, 0, LENGTH, 1), mix(&w, k, NULL, 0, LENGTH, 1);
    CHECK_OK(replay_with(r, NULL, 1, 1, 1, NULL));
    CHECK_OK(gpumm_manager_free(w.m, "vectors"));
    CHECK_STATUS(replay_with(r, NULL, 1, 1, 1, NULL), GPUMM_STALE);
    CHECK_SAYS("'vectors' was freed");
    CHECK_OK(gpumm_recording_replay(k, NULL, NULL, 0, NULL));
    gpumm_kernel_close(w.mix);
    CHECK_STATUS(gpumm_recording_replay(k, NULL, NULL, 0, NULL), GPUMM_STALE);
    CHECK_SAYS("kernel 'mix', which was closed");
    gpumm_recording_close(closed);
    CHECK_STATUS(gpumm_recording_replay(closed, NULL, NULL, 0, NULL), GPUMM_STALE);
    gpumm_recording_release(closed);
    CHECK_OK(gpumm_recording_begin(r));
    add(&w, r, NULL, 0, LENGTH, 1);
    CHECK_OK(gpumm_recording_replay(r, NULL, NULL, 0, NULL));
    gpumm_manager *m = gpumm_manager_retain(w.m);
    world_close(&w, true);
    CHECK_STATUS(gpumm_recording_replay(r, NULL, NULL, 0, NULL), GPUMM_CLOSED);
    CHECK_STATUS(gpumm_recording_begin(r), GPUMM_CLOSED);
    CHECK(gpumm_recording_manager(r) == m && gpumm_recording_count(r) == 1);
    gpumm_recording_release(r);
    gpumm_recording_release(k);
    gpumm_manager_release(m);
}

/* A changed mapping alone is nothing to a recording. */
static void mapping_does_not_count(void) {
    world w = world_open((gpumm_options){.inject_faults = true, .granularity_bytes = 64 << 10});
    gpumm_recording *r = recording(w.m, false);
    gpumm_buffer_info info;
    for (int i = 0; i < 4; i++) add(&w, r, NULL, 0, LENGTH, 1);
    CHECK_OK(gpumm_buffer_ensure_capacity(w.b[0], MOST));
    CHECK_OK(gpumm_recording_replay(r, NULL, NULL, 0, NULL));
    CHECK_OK(gpumm_buffer_shrink_to_fit(w.b[0]));
    CHECK_OK(gpumm_manager_trim(w.m, NULL));
    CHECK_OK(gpumm_buffer_get_info(w.b[0], &info));
    CHECK(info.generation == 1);
    CHECK_OK(gpumm_recording_replay(r, NULL, NULL, 0, NULL));
    uint32_t first;
    CHECK_OK(gpumm_buffer_download(w.b[0], NULL, 0, 1, &first));
    CHECK(first == 8);
    gpumm_recording_release(r);
    world_close(&w, true);
}

static void refused(void) {
    world w = world_open((gpumm_options){.inject_faults = true}), other = world_open((gpumm_options){0});
    gpumm_recording *r = recording(w.m, false);
    gpumm_scratch *x;
    int n = 5;
    uint32_t more = 1;
    gpumm_argument a[] = {VALUE(n), BUFFER(w.b[0]), VALUE(more)};
    gpumm_binding by[] = {{.name = "n"}, {0}, {.name = "n"}};
    CHECK_STATUS(gpumm_recording_launch(r, w.add, 0, a, by, 3), GPUMM_TYPE_MISMATCH);
    CHECK_SAYS("give it two names");
    by[2].name = NULL;
    by[1].name = "p";
    CHECK_STATUS(gpumm_recording_launch(r, w.add, 0, a, by, 3), GPUMM_INVALID_ARGUMENT);
    CHECK_SAYS("a pointer is no value");
    CHECK_OK(gpumm_scratch_open(w.m, NULL, 4000, &x));
    a[1] = (gpumm_argument){.scratch = x};
    CHECK_STATUS(gpumm_recording_launch(r, w.add, 0, a, NULL, 3), GPUMM_INVALID_ARGUMENT);
    CHECK_SAYS("cannot be recorded");
    gpumm_scratch_release(x);
    a[1] = BUFFER(other.b[0]);
    CHECK_STATUS(gpumm_recording_launch(r, w.add, 0, a, NULL, 3), GPUMM_INVALID_ARGUMENT);
    CHECK_STATUS(gpumm_recording_fill(r, other.b[0], 0, 1, &more), GPUMM_INVALID_ARGUMENT);
    CHECK_STATUS(gpumm_recording_fill(r, w.b[0], 0, LENGTH + 1, &more), GPUMM_INVALID_ARGUMENT);
    CHECK_STATUS(gpumm_recording_copy(r, w.b[0], 0, w.b[0], 5, 10), GPUMM_INVALID_ARGUMENT);
    CHECK_STATUS(gpumm_recording_copy(r, w.b[0], 0, w.vectors, 5, 10), GPUMM_TYPE_MISMATCH);
    capture(r, NULL, w.staged, 1);
    CHECK_STATUS(gpumm_recording_capture(r, w.staged, 2, NULL), GPUMM_INVALID_ARGUMENT);
    CHECK(gpumm_recording_count(r) == 1);
    fill(r, NULL, w.b[0], 0, LENGTH, &more);
    gpumm_value v = {.name = "n", .value = &n, .size = sizeof n};
    CHECK_STATUS(gpumm_recording_replay(r, NULL, NULL, 0, NULL), GPUMM_INVALID_ARGUMENT);
    CHECK_SAYS("does not give the value 'n'"); /* a launch that was refused has taken its names */
    CHECK_OK(gpumm_buffer_resize(w.b[0], NULL, LENGTH - 1));
    CHECK_STATUS(gpumm_recording_replay(r, NULL, &v, 1, NULL), GPUMM_INVALID_ARGUMENT);
    CHECK_SAYS("lie outside");
    CHECK_OK(gpumm_buffer_resize(w.b[0], NULL, LENGTH));
    CHECK_OK(gpumm_recording_replay(r, NULL, &v, 1, NULL));
    gpumm_recording_release(r);
    world_close(&w, true);
    world_close(&other, false);
}

/* ---- Failures ---------------------------------------------------------------------------------------------------------- */

/* Every device call of a replay fails, and is lost, at its 1st, 2nd, … time; then all is as it was, or done, and the next
   replay works. A partial one has done a part: the contents are set anew. */
static bool failing_replay(world *w, gpumm_recording *r, const char *call, uint64_t nth, gpumm_status with) {
    static const uint32_t zero = 0;
    uint64_t before, after;
    CHECK_OK(gpumm_fault_calls(w->m, call, &before));
    CHECK_OK(gpumm_fault_plan(w->m, &(gpumm_fault){.call = call, .nth = nth, .status = with}));
    gpumm_status status = replay_with(r, NULL, 1, 1, 1, NULL);
    CHECK_OK(gpumm_fault_calls(w->m, call, &after));
    CHECK_OK(gpumm_fault_plan(w->m, NULL));
    bool hit = after - before >= nth;
    if (!hit) CHECK_OK(status);
    if (status != GPUMM_OK) CHECK_STATUS(status, with);
    CHECK_OK(gpumm_manager_synchronize(w->m));
    gpumm_frame *f = NULL;
    gpumm_readback *const all[] = {w->staged, w->direct, w->in_line};
    for (int i = 0; i < 3; i++)
        for (;;) {
            CHECK_OK(gpumm_readback_next(all[i], &f));
            if (!f) break;
            gpumm_frame_release(f);
        }
    for (int i = 0; i < BUFFERS; i++) fill(NULL, NULL, w->b[i], 0, length_of(w->b[i]), &zero);
    gpumm_ticket tickets[3];
    CHECK_OK(replay_with(r, NULL, 1, 2, 9, tickets));
    CHECK(tickets[0] && tickets[1] && tickets[2]);
    take(w->staged, 9, 1);
    return hit;
}

static void every_operation_fails(void) {
    static const char *const calls[] = {"graph_open", "graph_launch", "graph_patch", "launch",      "fill",
                                        "copy",       "event_record", "stream_wait", "event_query", NULL};
    static const gpumm_status with[] = {GPUMM_DRIVER, GPUMM_DEVICE_LOST, GPUMM_OUT_OF_MEMORY};
    unsigned failures = 0;
    for (size_t i = 0; calls[i]; i++)
        for (size_t s = 0; s < 3; s++) {
            world w = world_open((gpumm_options){.inject_faults = true});
            gpumm_recording *r = recording(w.m, false);
            record_all(&w, r);
            for (uint64_t nth = 1; failing_replay(&w, r, calls[i], nth, with[s]); nth++) failures++;
            check_books(w.m, NULL);
            gpumm_recording_release(r);
            world_close(&w, true);
        }
    CHECK(failures > 60);
    printf("recording: %u failures within replays\n", failures);
}

/* gpumm's own memory runs out while it is recorded and replayed. */
static void memory_runs_out(void) {
    static purse p;
    bool hit = true;
    long nth = 1;
    for (; hit; nth++) {
        world w = world_open((gpumm_options){.inject_faults = true, .allocator = {purse_reallocate, &p, NULL}});
        gpumm_recording *r = NULL;
        int n = LENGTH;
        uint32_t more = 1;
        const float element[] = {1, 2, 3};
        gpumm_argument a[] = {VALUE(n), BUFFER(w.b[0]), VALUE(more)};
        gpumm_binding by[] = {{.length = w.b[0]}, {0}, {0}};
        purse_fail(&p, nth);
        gpumm_status status = gpumm_recording_open(w.m, NULL, &r);
        for (int i = 0; i < 20 && status == GPUMM_OK; i++) status = gpumm_recording_launch(r, w.add, 0, a, by, 3);
        if (status == GPUMM_OK) status = gpumm_recording_fill(r, w.vectors, 0, GPUMM_TO_END, element);
        if (status == GPUMM_OK) status = gpumm_recording_capture(r, w.staged, 0, NULL);
        if (status == GPUMM_OK) status = gpumm_recording_replay(r, NULL, NULL, 0, NULL);
        hit = purse_failed(&p);
        if (status != GPUMM_OK) CHECK_STATUS(status, GPUMM_OUT_OF_MEMORY);
        if (!hit) CHECK_OK(status);
        gpumm_recording_release(r);
        world_close(&w, true);
        CHECK(atomic_load(&p.live) == 0);
    }
    printf("recording: %ld refusals of memory\n", nth - 2);
}

/* ---- Threads -------------------------------------------------------------------------------------------------------------- */

typedef struct racer {
    world *w;
    gpumm_recording *r;
    gpumm_stream *s;
    atomic_bool *stop;
    unsigned done;
} racer;

static void *replay_on(void *user) {
    racer *x = user;
    while (!atomic_load(x->stop)) {
        CHECK_OK(gpumm_recording_replay(x->r, x->s, NULL, 0, NULL));
        if (++x->done % 8 == 0) CHECK_OK(gpumm_stream_synchronize(x->s));
    }
    return NULL;
}

static void *take_on(void *user) {
    racer *x = user;
    gpumm_frame *f;
    gpumm_readback *const all[] = {x->w->staged, x->w->direct, x->w->in_line};
    while (!atomic_load(x->stop)) {
        for (int i = 0; i < 3; i++) {
            CHECK_OK(gpumm_readback_latest(all[i], &f));
            if (f) gpumm_frame_release(f), x->done++;
        }
        sched_yield();
    }
    return NULL;
}

/* Replays of one recording from two threads, of another that captures the same in another order, single captures, a
   taker, and growths. */
static void threads(void) {
    world w = world_open((gpumm_options){.inject_faults = true});
    atomic_bool stop;
    atomic_init(&stop, false);
    gpumm_recording *r[2] = {recording(w.m, false), recording(w.m, false)};
    racer x[4];
    pthread_t t[4];
    for (int i = 0; i < 4; i++) {
        x[i] = (racer){.w = &w, .r = r[i % 2], .stop = &stop};
        CHECK_OK(gpumm_stream_open(w.m, &x[i].s));
    }
    gpumm_readback *const all[] = {w.staged, w.direct, w.in_line};
    for (int i = 0; i < 3; i++) {
        add(&w, r[0], NULL, i, LENGTH, 1), add(&w, r[1], NULL, 2 - i, LENGTH, 1);
        capture(r[0], NULL, all[i], 0), capture(r[1], NULL, all[2 - i], 0);
    }
    for (int i = 0; i < 4; i++) CHECK(pthread_create(&t[i], NULL, i < 3 ? replay_on : take_on, &x[i]) == 0);
    double since = seconds_now();
    unsigned rounds = 0;
    for (; rounds < 2000 / HARD_SLOW && (rounds < 100 || seconds_now() - since < 3); rounds++) {
        gpumm_status status = gpumm_readback_capture(w.staged, NULL, 1, NULL);
        CHECK(status == GPUMM_OK || status == GPUMM_BUSY);
        for (int k = 0; k < BUFFERS; k++) CHECK_OK(gpumm_buffer_resize(w.b[k], NULL, LENGTH + 100 * (rounds % 50)));
    }
    atomic_store(&stop, true);
    unsigned replays = 0;
    for (int i = 0; i < 4; i++) {
        CHECK(pthread_join(t[i], NULL) == 0);
        if (i < 3) replays += x[i].done;
    }
    CHECK_OK(gpumm_manager_synchronize(w.m));
    uint32_t got[BUFFERS];
    for (int i = 0; i < BUFFERS; i++) {
        CHECK_OK(gpumm_buffer_download(w.b[i], NULL, 0, 1, &got[i]));
        CHECK(got[i] == replays);
    }
    for (int i = 0; i < 2; i++) gpumm_recording_release(r[i]);
    for (int i = 0; i < 4; i++) gpumm_stream_release(x[i].s);
    world_close(&w, true);
    printf("recording: %u replays from three threads, beside %u growths\n", replays, rounds);
}

/* Open to the end, so that no other manager of the test has to make the driver's context, and end it: that takes a GPU
   longer than most parts of this test. NULL, which is printed: there is no such device. */
static gpumm_manager *open_base(void) {
    gpumm_manager *m = NULL;
    gpumm_status status = gpumm_manager_open(&(gpumm_options){.device = RECORDING_DEVICE}, &m);
    if (status != GPUMM_OK) printf("skipped: no device: %s\n", gpumm_message());
    return m;
}

/* Where a time limit found it is in what was printed last. */
#define PART(...) (printf("recording: %6.2f s: %s\n", seconds_now() - started, #__VA_ARGS__), (__VA_ARGS__))

#ifdef RECORDING_LOSES
/* A kernel of a replay that loses the device: the next replays say so, and everything can be closed. */
static void device_is_lost(void) {
    static const char wild[] = "extern \"C\" __global__ void wild(int n, unsigned *p, unsigned long long far) {"
                               " int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) p[far] = 1; }";
    world w = world_open((gpumm_options){0});
    gpumm_recording *r = recording(w.m, false);
    gpumm_kernel *k;
    int n = 100;
    uint64_t far = 1ull << 44;
    gpumm_argument a[] = {VALUE(n), BUFFER(w.b[0]), VALUE(far)};
    CHECK_OK(gpumm_kernel_open(w.m, &(gpumm_kernel_options){.source = wild, .file = "wild.cu"}, &k));
    for (int i = 0; i < 4; i++) add(&w, r, NULL, 0, LENGTH, 1);
    capture(r, NULL, w.staged, 0);
    CHECK_OK(gpumm_recording_replay(r, NULL, NULL, 0, NULL));
    CHECK_OK(gpumm_recording_launch(r, k, 0, a, NULL, 3));
    CHECK_OK(gpumm_recording_replay(r, NULL, NULL, 0, NULL));
    CHECK_STATUS(gpumm_manager_synchronize(w.m), GPUMM_DEVICE_LOST);
    CHECK_STATUS(gpumm_recording_replay(r, NULL, NULL, 0, NULL), GPUMM_DEVICE_LOST);
    gpumm_kernel_release(k);
    gpumm_recording_release(r);
    world_close(&w, false);
}
#endif

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    double started = seconds_now();
    gpumm_manager *base = open_base();
    if (!base) return 77;
    PART(replay_is_launching((gpumm_options){0}, "plain"));
    PART(replay_is_launching((gpumm_options){.inject_faults = true}, "counted"));
    PART(replay_is_launching((gpumm_options){.inject_faults = true, .relocate = true}, "relocating"));
    PART(replay_is_launching((gpumm_options){.inject_faults = true, .fault = {.jitter = 3}}, "delayed"));
    PART(anew_is_launching((gpumm_options){0}, "plain"));
    PART(anew_is_launching((gpumm_options){.inject_faults = true}, "counted"));
    PART(anew_is_launching((gpumm_options){.inject_faults = true, .relocate = true}, "relocating"));
    PART(anew_holds_nothing());
    PART(interleaved((gpumm_options){0}));
    PART(interleaved((gpumm_options){.inject_faults = true, .fault = {.jitter = 8}}));
    PART(replay_is_a_use());
    PART(replays_are_held());
    PART(policies());
    PART(waits_before());
    PART(outliving());
    PART(mapping_does_not_count());
    PART(refused());
    PART(every_operation_fails());
    PART(memory_runs_out());
    PART(threads());
#ifdef RECORDING_LOSES
    PART(device_is_lost());
#endif
    gpumm_manager_release(base);
    printf("recording: %6.2f s\n", seconds_now() - started);
    return 0;
}
