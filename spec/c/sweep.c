/* SPDX-License-Identifier: MIT */
/* The failure sweep. For every scenario, every kind of device call is made to fail at its 1st, 2nd, … time,
   and every allocation of gpumm's own memory likewise, until the scenario no longer gets so far. Each time:
   the status is the injected one or the failure was absorbed, contents and books are as before (or as after),
   they agree with what the fault device counted by itself, the same call then succeeds, and nothing is left
   after close. In place, relocating, and in debug mode. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

/* Where the sweep is, for when a check does not hold. */
static const char *now_scenario = "", *now_mode = "", *now_call = "";
static uint64_t now_nth;

static void say_where(void) {
    fprintf(stderr, "sweep: scenario '%s', %s, %s number %" PRIu64 "\n", now_scenario, now_mode, now_call, now_nth);
}

#define CHECK_CONTEXT() say_where()
#include "gpumm_compat.h"
#include "hard.h"

enum { TRACKED = 4, LENGTH = 30000, POLLS = 6, MEMBERS = 3, FIRST_KERNEL = 1000, LITTLE = 512 << 10 };

/* A buffer and what it must hold. */
typedef struct tracked {
    gpumm_buffer *buffer;
    uint64_t length, size;
    unsigned char *bytes;
} tracked;

typedef struct world {
    gpumm_manager *m;
    gpumm_budget *budget;
    gpumm_group *group;
    gpumm_readback *readback;
    gpumm_kernel *kernel;
    gpumm_stream *stream;
    gpumm_event *event;
    gpumm_scratch *scratch;
    gpumm_recording *recording;
    gpumm_ticket ticket;
    gpumm_frame *frame;
    tracked all[TRACKED];
    size_t count;
    unsigned char *download;
} world;

typedef struct scenario {
    const char *name;
    void (*prepare)(world *w); /* NULL: nothing but the manager */
    gpumm_status (*act)(world *w);
    void (*after)(world *w); /* what success changed; NULL: nothing */
    bool anyway;             /* it reports what it found (in debug mode), and is done all the same */
} scenario;

static uint64_t nonce; /* makes sources that no cache has */

/* ---- Tracked contents ------------------------------------------------------------------------ */

static tracked *track(world *w, gpumm_buffer *b) {
    gpumm_buffer_info info;
    tracked *t = &w->all[w->count++];
    CHECK_OK(gpumm_buffer_get_info(b, &info));
    *t = (tracked){b, info.length, gpumm_type_size(gpumm_buffer_type(b)), NULL};
    t->bytes = calloc(4 * LENGTH * 12, 1);
    return t;
}

static void fill_tracked(tracked *t, unsigned seed) {
    dice d = dice_of(seed);
    for (uint64_t i = 0; i < t->length * t->size; i++) t->bytes[i] = (unsigned char)roll(&d);
    CHECK_OK(gpumm_buffer_upload(t->buffer, NULL, 0, t->length, t->bytes));
}

static void verify(world *w) {
    static unsigned char got[4 * LENGTH * 12];
    for (size_t i = 0; i < w->count; i++) {
        tracked *t = &w->all[i];
        gpumm_buffer_info info;
        CHECK_OK(gpumm_buffer_get_info(t->buffer, &info));
        CHECK(info.length == t->length);
        CHECK_OK(gpumm_buffer_download(t->buffer, NULL, 0, t->length, got));
        CHECK(memcmp(got, t->bytes, t->length * t->size) == 0);
    }
}

/* ---- Making things --------------------------------------------------------------------------- */

static gpumm_status allocate(world *w, const char *name, const char *type, uint64_t length, bool async,
                             uint64_t max_length, gpumm_buffer **out) {
    gpumm_type *t;
    gpumm_status status = gpumm_type_parse(type, &t);
    if (status != GPUMM_OK) return status;
    gpumm_buffer_options o = {
        .name = name, .type = t, .length = length, .max_length = max_length, .enable_async = async, .tag = "sweep"};
    status = gpumm_manager_allocate(w->m, &o, out);
    gpumm_type_release(t);
    return status;
}

static tracked *add(world *w, const char *name, const char *type, uint64_t length, unsigned seed) {
    gpumm_buffer *b;
    CHECK_OK(allocate(w, name, type, length, false, 0, &b));
    tracked *t = track(w, b);
    fill_tracked(t, seed);
    return t;
}

static void with_buffer(world *w) { add(w, "one", "u32", LENGTH, 1); }

static bool grows_in_place(world *w) {
    gpumm_device_info info;
    CHECK_OK(gpumm_manager_get_info(w->m, &info));
    return info.in_place;
}

static gpumm_status allocate_shareable(world *w, gpumm_buffer **out) {
    gpumm_type *t;
    gpumm_status status = gpumm_type_parse("u32", &t);
    if (status != GPUMM_OK) return status;
    gpumm_buffer_options o = {
        .name = "shared", .type = t, .length = LENGTH, .shareable = grows_in_place(w), .tag = "sweep"};
    status = gpumm_manager_allocate(w->m, &o, out);
    gpumm_type_release(t);
    return status;
}

static void with_shareable(world *w) {
    gpumm_buffer *b;
    CHECK_OK(allocate_shareable(w, &b));
    fill_tracked(track(w, b), 5);
}

/* On two devices that the host device stands for; where memory relocates, a plain one. */
static gpumm_status allocate_striped(world *w, gpumm_buffer **out) {
    static const unsigned devices[] = {0, 1};
    gpumm_type *t;
    gpumm_status status = gpumm_type_parse("u32", &t);
    if (status != GPUMM_OK) return status;
    gpumm_buffer_options o = {.name = "striped", .type = t, .length = LENGTH, .devices = devices, .tag = "sweep"};
    if (grows_in_place(w)) o.device_count = 2, o.stripe = 64 << 10;
    status = gpumm_manager_allocate(w->m, &o, out);
    gpumm_type_release(t);
    return status;
}

static void with_striped(world *w) {
    gpumm_buffer *b;
    CHECK_OK(allocate_striped(w, &b));
    fill_tracked(track(w, b), 5);
}

static void with_two(world *w) {
    add(w, "one", "u32", LENGTH, 1);
    add(w, NULL, "u32", LENGTH, 2);
}

static void with_vectors(world *w) { add(w, "vectors", "f32x3", LENGTH, 3); }

static gpumm_status open_group(world *w, gpumm_group **out) {
    gpumm_type *a, *b;
    CHECK_OK(gpumm_type_parse("u32", &a));
    CHECK_OK(gpumm_type_parse("f32x2", &b));
    gpumm_member members[MEMBERS] = {{.name = "a", .type = a}, {.name = "b", .type = b}, {.name = "c", .type = a}};
    gpumm_group_options o = {.name = "nodes", .members = members, .member_count = MEMBERS, .length = LENGTH};
    gpumm_status status = gpumm_group_open(w->m, &o, out);
    gpumm_type_release(a);
    gpumm_type_release(b);
    return status;
}

static void with_group(world *w) {
    CHECK_OK(open_group(w, &w->group));
    for (size_t i = 0; i < MEMBERS; i++)
        fill_tracked(track(w, gpumm_buffer_retain(gpumm_group_at(w->group, i))), 10 + (unsigned)i);
}

static gpumm_status open_readback(world *w, bool direct, gpumm_readback **out) {
    gpumm_buffer *buffers[MEMBERS];
    for (size_t i = 0; i < MEMBERS; i++) buffers[i] = gpumm_group_at(w->group, i);
    return gpumm_readback_open(
        &(gpumm_readback_options){
            .buffers = buffers, .buffer_count = MEMBERS, .slots = 2, .direct = direct, .tag = "sweep"},
        out);
}

static void with_staged(world *w) {
    with_group(w);
    CHECK_OK(open_readback(w, false, &w->readback));
}

static void with_direct(world *w) {
    with_group(w);
    CHECK_OK(open_readback(w, true, &w->readback));
}

static void with_capture(world *w) {
    with_staged(w);
    CHECK_OK(gpumm_readback_capture(w->readback, NULL, 1, &w->ticket));
}

static void with_async(world *w) {
    gpumm_buffer *b;
    CHECK_OK(allocate(w, "async", "u32", LENGTH, true, 0, &b));
    fill_tracked(track(w, b), 4);
}

static void with_started(world *w) {
    with_async(w);
    CHECK_OK(gpumm_start_async_download(w->m, "async"));
}

static void with_stream(world *w) {
    with_buffer(w);
    CHECK_OK(gpumm_stream_open(w->m, &w->stream));
}

static void with_event(world *w) {
    with_stream(w);
    CHECK_OK(gpumm_stream_record(w->stream, &w->event));
}

#define KERNEL_SOURCE \
    "extern \"C\" __global__ void add(int n, unsigned *x, const unsigned *y) {" \
    " int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) x[i] += y[i]; }"

static gpumm_status open_kernel(world *w, gpumm_kernel **out) {
    char source[512];
    snprintf(source, sizeof source, "/* %" PRIu64 " */ %s", nonce, KERNEL_SOURCE);
    return gpumm_kernel_open(w->m, &(gpumm_kernel_options){.source = source, .file = "sweep.cu"}, out);
}

static void with_kernel(world *w) {
    with_two(w);
    CHECK_OK(open_kernel(w, &w->kernel));
}

/* Its operations leave what is there, however many of them were done. */
static gpumm_status record(world *w) {
    CHECK_OK(gpumm_recording_begin(w->recording));
    for (int i = 0; i < 2; i++) {
        gpumm_status status =
            gpumm_recording_fill(w->recording, w->all[0].buffer, 0, GPUMM_TO_END, &(uint32_t){0x07070707});
        if (status != GPUMM_OK) return status;
    }
    return gpumm_recording_capture(w->recording, w->readback, 1, NULL);
}

static void with_recording(world *w) {
    with_staged(w);
    tracked *t = &w->all[0];
    memset(t->bytes, 7, t->length * t->size);
    CHECK_OK(gpumm_buffer_upload(t->buffer, NULL, 0, t->length, t->bytes));
    CHECK_OK(gpumm_recording_open(w->m, NULL, &w->recording));
    CHECK_OK(record(w));
}

static void with_replay(world *w) {
    with_recording(w);
    CHECK_OK(gpumm_recording_replay(w->recording, NULL, NULL, 0, &w->ticket));
    CHECK_OK(gpumm_readback_cancel(w->readback, w->ticket));
}

static void with_capacity(world *w) {
    with_buffer(w);
    CHECK_OK(gpumm_buffer_ensure_capacity(w->all[0].buffer, 40 * LENGTH));
}

/* One segment, of which little is used. */
static void with_excess(world *w) {
    tracked *t = add(w, "one", "u32", LENGTH, 1);
    CHECK_OK(gpumm_buffer_resize(t->buffer, NULL, 3 * LENGTH));
    CHECK_OK(gpumm_buffer_shrink_to_fit(t->buffer));
    CHECK_OK(gpumm_manager_trim(w->m, NULL));
    CHECK_OK(gpumm_buffer_resize(t->buffer, NULL, 40 * LENGTH));
    CHECK_OK(gpumm_buffer_resize(t->buffer, NULL, 4 * LENGTH));
    memset(t->bytes, 0, 4 * LENGTH * t->size);
    t->length = 4 * LENGTH;
    CHECK_OK(gpumm_buffer_fill(t->buffer, NULL, 0, t->length, &(uint32_t){0}));
    gpumm_buffer_resize(t->buffer, NULL, LENGTH);
    t->length = LENGTH;
    fill_tracked(t, 7);
}

static void with_excess_freed(world *w) {
    with_excess(w);
    gpumm_buffer *b;
    CHECK_OK(allocate(w, "freed", "u32", LENGTH, false, 0, &b));
    CHECK_OK(gpumm_buffer_ensure_capacity(b, 30 * LENGTH));
    gpumm_buffer_close(b);
    gpumm_buffer_release(b);
}

static void with_spare(world *w) {
    gpumm_buffer *b;
    gpumm_scratch *x;
    with_excess(w);
    CHECK_OK(allocate(w, "small", "u32", 100, false, 200, &b));
    CHECK_OK(gpumm_buffer_close(b));
    gpumm_buffer_release(b);
    CHECK_OK(gpumm_scratch_open(w->m, NULL, 5 << 20, &x));
    gpumm_scratch_release(x);
}

static void with_scratch(world *w) {
    with_buffer(w);
    CHECK_OK(gpumm_scratch_open(w->m, NULL, 5000, &w->scratch));
}

/* ---- What is tried --------------------------------------------------------------------------- */

static void now_zero(world *w, uint64_t from, uint64_t length) {
    for (size_t i = 0; i < w->count; i++) {
        tracked *t = &w->all[i];
        if (length > from) memset(t->bytes + from * t->size, 0, (length - from) * t->size);
        t->length = length;
    }
}

static gpumm_status make(world *w, const char *name, uint64_t length, bool async, uint64_t max) {
    gpumm_buffer *b;
    gpumm_status status = allocate(w, name, "u32", length, async, max, &b);
    if (status == GPUMM_OK) track(w, b);
    else if (name) CHECK_STATUS(gpumm_manager_find(w->m, name, NULL, &b), GPUMM_NOT_FOUND);
    return status;
}

static gpumm_status do_named(world *w) { return make(w, "new", LENGTH, false, 0); }
static gpumm_status do_anonymous(world *w) { return make(w, NULL, LENGTH, false, 0); }
static gpumm_status do_small(world *w) { return make(w, "small", 100, false, 200); }
static gpumm_status do_async(world *w) { return make(w, "both", LENGTH, true, 0); }

static gpumm_status do_grow(world *w) { return gpumm_buffer_ensure_capacity(w->all[0].buffer, 20 * LENGTH); }
static gpumm_status do_resize(world *w) { return gpumm_buffer_resize(w->all[0].buffer, NULL, 3 * LENGTH); }
static void after_resize(world *w) { now_zero(w, LENGTH, 3 * LENGTH); }
static gpumm_status do_less(world *w) { return gpumm_buffer_resize(w->all[0].buffer, NULL, LENGTH / 2); }
static void after_less(world *w) { now_zero(w, LENGTH, LENGTH / 2); }

static void *tail_of(unsigned seed, size_t bytes) {
    static unsigned char data[3][LENGTH * 12];
    dice d = dice_of(seed);
    unsigned char *tail = data[seed % 3];
    for (size_t i = 0; i < bytes; i++) tail[i] = (unsigned char)roll(&d);
    return tail;
}

static gpumm_status do_append(world *w) {
    return gpumm_buffer_append(w->all[0].buffer, NULL, LENGTH, tail_of(30, LENGTH * 4));
}

static void append_tracked(tracked *t, unsigned seed) {
    memcpy(t->bytes + t->length * t->size, tail_of(seed, LENGTH * t->size), LENGTH * t->size);
    t->length += LENGTH;
}

static void after_append(world *w) { append_tracked(&w->all[0], 30); }

static gpumm_status do_upload(world *w) {
    return gpumm_buffer_upload(w->all[0].buffer, NULL, 10, 1000, tail_of(31, 4000));
}

static void after_upload(world *w) { memcpy(w->all[0].bytes + 40, tail_of(31, 4000), 4000); }

static gpumm_status do_fill(world *w) {
    return gpumm_buffer_fill(w->all[0].buffer, NULL, 5, 2000, &(uint32_t){0x01020304});
}

static void after_fill(world *w) {
    for (int i = 5; i < 2005; i++) memcpy(w->all[0].bytes + 4 * i, &(uint32_t){0x01020304}, 4);
}

static gpumm_status do_fill_vector(world *w) {
    return gpumm_buffer_fill(w->all[0].buffer, NULL, 5, 20000, (float[]){1, 2, 3});
}

static void after_fill_vector(world *w) {
    for (int i = 5; i < 20005; i++) memcpy(w->all[0].bytes + 12 * i, (float[]){1, 2, 3}, 12);
}

static gpumm_status do_copy(world *w) {
    return gpumm_buffer_copy(w->all[0].buffer, NULL, 100, w->all[1].buffer, 7, 5000);
}

static void after_copy(world *w) { memcpy(w->all[0].bytes + 400, w->all[1].bytes + 28, 20000); }

static gpumm_status do_download(world *w) {
    static unsigned char got[LENGTH * 4];
    gpumm_status status = gpumm_buffer_download(w->all[0].buffer, NULL, 0, LENGTH, got);
    if (status == GPUMM_OK) CHECK(memcmp(got, w->all[0].bytes, sizeof got) == 0);
    return status;
}

static gpumm_status do_group(world *w) {
    gpumm_group *g;
    gpumm_status status = open_group(w, &g);
    if (status != GPUMM_OK) return status;
    w->group = g;
    for (size_t i = 0; i < MEMBERS; i++) track(w, gpumm_buffer_retain(gpumm_group_at(g, i)));
    return GPUMM_OK;
}

static gpumm_status do_group_grow(world *w) { return gpumm_group_ensure_capacity(w->group, 20 * LENGTH); }
static gpumm_status do_group_resize(world *w) { return gpumm_group_resize(w->group, NULL, 3 * LENGTH); }

static gpumm_status do_group_append(world *w) {
    return gpumm_group_append(
        w->group, NULL, LENGTH,
        (const void *[]){tail_of(33, LENGTH * 4), tail_of(34, LENGTH * 8), tail_of(35, LENGTH * 4)});
}

static void after_group_append(world *w) {
    for (unsigned i = 0; i < MEMBERS; i++) append_tracked(&w->all[i], 33 + i);
}

static gpumm_status do_capture(world *w) { return gpumm_readback_capture(w->readback, NULL, 5, &w->ticket); }

/* The frame of `ticket` holds what the members hold. */
static void check_frame(world *w, gpumm_frame *f) {
    gpumm_frame_info info;
    gpumm_frame_get_info(f, &info);
    for (size_t i = 0; i < w->count; i++) {
        const void *data;
        CHECK(info.length == w->all[i].length);
        CHECK_OK(gpumm_frame_data(f, i, &data));
        CHECK(memcmp(data, w->all[i].bytes, w->all[i].length * w->all[i].size) == 0);
    }
}

static void after_capture(world *w) {
    gpumm_frame *f;
    CHECK_OK(gpumm_readback_wait(w->readback, w->ticket, 60, &f));
    check_frame(w, f);
    gpumm_frame_release(f);
}

static gpumm_status do_wait(world *w) { return gpumm_readback_wait(w->readback, w->ticket, 60, &w->frame); }

static void after_wait(world *w) {
    check_frame(w, w->frame);
    gpumm_frame_release(w->frame);
    w->frame = NULL;
}

static gpumm_status do_readback(world *w) { return open_readback(w, false, &w->readback); }
static gpumm_status do_direct(world *w) { return open_readback(w, true, &w->readback); }

static void after_readback(world *w) {
    CHECK_OK(do_capture(w));
    after_capture(w);
}

static gpumm_status do_pair_start(world *w) { return gpumm_start_async_download(w->m, "async"); }
static gpumm_status do_pair_wait(world *w) { return gpumm_wait_for_download(w->m, "async", 60, &w->frame); }

static void after_pair_start(world *w) {
    CHECK_STATUS(do_pair_start(w), GPUMM_ALREADY_PENDING);
    CHECK_OK(do_pair_wait(w));
    after_wait(w);
}

static void after_pair_wait(world *w) {
    after_wait(w);
    CHECK_STATUS(do_pair_wait(w), GPUMM_NOT_PENDING);
}

static gpumm_status do_stream(world *w) { return gpumm_stream_open(w->m, &w->stream); }
static gpumm_status do_event(world *w) { return gpumm_stream_record(w->stream, &w->event); }
static gpumm_status do_event_again(world *w) { return gpumm_event_record(w->event, w->stream); }
static void after_event(world *w) { CHECK_OK(gpumm_event_wait(w->event, 60)); }
static gpumm_status do_stream_wait(world *w) { return gpumm_stream_wait(gpumm_manager_main(w->m), w->event); }

static gpumm_status do_crossing(world *w) {
    return gpumm_buffer_fill(w->all[0].buffer, w->stream, 5, 2000, &(uint32_t){0x01020304});
}

static gpumm_status do_kernel(world *w) { return open_kernel(w, &w->kernel); }

static gpumm_status do_launch(world *w) {
    int n = LENGTH;
    gpumm_argument arguments[] = {
        {.value = &n, .size = sizeof n}, {.buffer = w->all[0].buffer}, {.buffer = w->all[1].buffer}};
    return gpumm_kernel_launch(w->kernel, NULL, 0, arguments, 3);
}

static void after_launch(world *w) {
    for (int i = 0; i < LENGTH; i++) {
        uint32_t x, y;
        memcpy(&x, w->all[0].bytes + 4 * i, 4);
        memcpy(&y, w->all[1].bytes + 4 * i, 4);
        x += y;
        memcpy(w->all[0].bytes + 4 * i, &x, 4);
    }
}

static void after_kernel(world *w) {
    CHECK_OK(do_launch(w));
    after_launch(w);
}

static gpumm_status do_scratch(world *w) { return gpumm_scratch_open(w->m, NULL, 3 << 20, &w->scratch); }

static gpumm_status do_scratch_release(world *w) {
    gpumm_scratch_release(w->scratch);
    w->scratch = NULL;
    return GPUMM_OK;
}

static gpumm_status do_recording(world *w) {
    return w->recording ? GPUMM_OK : gpumm_recording_open(w->m, NULL, &w->recording);
}

static gpumm_status do_record(world *w) { return record(w); }

static gpumm_status do_replay(world *w) { return gpumm_recording_replay(w->recording, NULL, NULL, 0, &w->ticket); }

static void after_record(world *w) {
    CHECK_OK(do_replay(w));
    after_capture(w);
}

static gpumm_status do_shrink(world *w) { return gpumm_buffer_shrink_to_fit(w->all[0].buffer); }
static gpumm_status do_exchange(world *w) {
    gpumm_status status = gpumm_buffer_shrink_to_fit(w->all[0].buffer);
    return status == GPUMM_OK ? gpumm_manager_trim(w->m, NULL) : status; /* which waits for it */
}
/* Of everything that is spilled nothing is left: there is room. */
static void with_promotable(world *w) {
    gpumm_buffer *filler;
    CHECK_OK(allocate(w, "filler", "u32", 2 * LENGTH, false, 0, &filler));
    with_group(w);
    CHECK_OK(gpumm_buffer_close(filler));
    gpumm_buffer_release(filler);
    CHECK_OK(gpumm_manager_trim(w->m, NULL));
    gpumm_stats stats;
    gpumm_manager_get_stats(w->m, &stats);
    CHECK(stats.entry[GPUMM_CATEGORY_SPILLED].now_bytes > 0);
}

static gpumm_status do_promote(world *w) { return gpumm_manager_promote(w->m, NULL); }

static void after_promote(world *w) {
    gpumm_stats stats;
    gpumm_manager_get_stats(w->m, &stats);
    CHECK(stats.entry[GPUMM_CATEGORY_SPILLED].now_bytes == 0);
}

static gpumm_status do_trim(world *w) { return gpumm_manager_trim(w->m, NULL); }
static gpumm_status do_synchronize(world *w) { return gpumm_manager_synchronize(w->m); }

static gpumm_status do_free(world *w) {
    gpumm_status status = gpumm_buffer_close(w->all[w->count - 1].buffer);
    CHECK_STATUS(gpumm_buffer_resize(w->all[w->count - 1].buffer, NULL, 1), GPUMM_STALE);
    return status;
}

static void after_free(world *w) {
    tracked *t = &w->all[--w->count];
    gpumm_buffer_release(t->buffer);
    free(t->bytes);
}

static gpumm_status do_group_free(world *w) { return gpumm_group_close(w->group); }

static void after_group_free(world *w) {
    while (w->count) after_free(w);
    if (w->readback) CHECK_STATUS(do_capture(w), GPUMM_CANCELLED);
}

static gpumm_status do_readback_close(world *w) {
    gpumm_readback_close(w->readback);
    return GPUMM_OK;
}

static gpumm_status do_shareable(world *w) {
    gpumm_buffer *b;
    gpumm_status status = allocate_shareable(w, &b);
    if (status == GPUMM_OK) track(w, b);
    return status;
}

static gpumm_status do_striped(world *w) {
    gpumm_buffer *b;
    gpumm_status status = allocate_striped(w, &b);
    if (status == GPUMM_OK) track(w, b);
    return status;
}

static gpumm_status do_segments(world *w) {
    gpumm_segment s[8];
    size_t count;
    bool descriptors = grows_in_place(w);
    gpumm_status status = gpumm_buffer_segments(w->all[0].buffer, descriptors, s, 8, &count);
    for (size_t i = 0; status == GPUMM_OK && descriptors && i < count; i++) CHECK(close(s[i].descriptor) == 0);
    return status;
}

static gpumm_status open_device(world *w, gpumm_readback **out) {
    gpumm_buffer *buffers[MEMBERS];
    for (size_t i = 0; i < MEMBERS; i++) buffers[i] = gpumm_group_at(w->group, i);
    return gpumm_readback_open(&(gpumm_readback_options){.buffers = buffers,
                                                         .buffer_count = MEMBERS,
                                                         .slots = 2,
                                                         .where = GPUMM_FRAMES_ON_DEVICE,
                                                         .shareable = grows_in_place(w),
                                                         .tag = "sweep"},
                               out);
}

static void with_device_frames(world *w) {
    with_group(w);
    CHECK_OK(open_device(w, &w->readback));
}

static gpumm_status do_device_readback(world *w) { return open_device(w, &w->readback); }

/* The frame's contents, read where they are. */
static void after_device_capture(world *w) {
    gpumm_frame *f;
    CHECK_OK(gpumm_readback_wait(w->readback, 0, 60, &f));
    for (size_t i = 0; i < MEMBERS; i++) {
        gpumm_address at;
        CHECK_OK(gpumm_frame_device(f, i, &at, NULL));
        CHECK(memcmp((const void *)(uintptr_t)at, w->all[i].bytes, w->all[i].length * w->all[i].size) == 0);
    }
    gpumm_frame_release(f);
}

static void after_device_readback(world *w) {
    CHECK_OK(gpumm_readback_capture(w->readback, NULL, 1, NULL));
    after_device_capture(w);
}

static const scenario scenarios[] = {
    {"allocate shareable", NULL, do_shareable, NULL, false},
    {"resize shareable", with_shareable, do_resize, after_resize, false},
    {"grow shareable", with_shareable, do_grow, NULL, false},
    {"allocate striped", NULL, do_striped, NULL, false},
    {"resize striped", with_striped, do_resize, after_resize, false},
    {"grow striped", with_striped, do_grow, NULL, false},
    {"segments", with_shareable, do_segments, NULL, false},
    {"capture on the device", with_device_frames, do_capture, after_device_capture, false},
    {"readback open on the device", with_group, do_device_readback, after_device_readback, false},
    {"group grow under device frames", with_device_frames, do_group_grow, NULL, false},
    {"allocate named", NULL, do_named, NULL, false},
    {"allocate anonymous", NULL, do_anonymous, NULL, false},
    {"allocate small", NULL, do_small, NULL, false},
    {"allocate async", NULL, do_async, NULL, false},
    {"grow", with_buffer, do_grow, NULL, false},
    {"resize beyond", with_buffer, do_resize, after_resize, false},
    {"resize within", with_capacity, do_resize, after_resize, false},
    {"resize down", with_buffer, do_less, after_less, false},
    {"append", with_buffer, do_append, after_append, false},
    {"upload", with_buffer, do_upload, after_upload, false},
    {"fill", with_buffer, do_fill, after_fill, false},
    {"fill vectors", with_vectors, do_fill_vector, after_fill_vector, false},
    {"copy", with_two, do_copy, after_copy, false},
    {"download", with_buffer, do_download, NULL, false},
    {"group open", NULL, do_group, NULL, false},
    {"group grow", with_group, do_group_grow, NULL, false},
    {"group resize", with_group, do_group_resize, after_resize, false},
    {"group append", with_group, do_group_append, after_group_append, false},
    {"group grow under a readback", with_staged, do_group_grow, NULL, false},
    {"group free", with_group, do_group_free, after_group_free, true},
    {"group free with a capture", with_capture, do_group_free, after_group_free, true},
    {"capture staged", with_staged, do_capture, after_capture, false},
    {"capture direct", with_direct, do_capture, after_capture, false},
    {"wait", with_capture, do_wait, after_wait, false},
    {"readback open", with_group, do_readback, after_readback, false},
    {"readback open direct", with_group, do_direct, after_readback, false},
    {"readback close", with_capture, do_readback_close, NULL, false},
    {"pair start", with_async, do_pair_start, after_pair_start, false},
    {"pair wait", with_started, do_pair_wait, after_pair_wait, false},
    {"stream open", with_buffer, do_stream, NULL, false},
    {"event record", with_stream, do_event, after_event, false},
    {"event record anew", with_event, do_event_again, after_event, false},
    {"stream wait", with_event, do_stream_wait, NULL, false},
    {"crossing", with_stream, do_crossing, after_fill, false},
    {"kernel open", with_two, do_kernel, after_kernel, false},
    {"kernel launch", with_kernel, do_launch, after_launch, false},
    {"recording open", with_staged, do_recording, NULL, false},
    {"record", with_recording, do_record, after_record, false},
    {"replay", with_recording, do_replay, after_capture, false},
    {"replay again", with_replay, do_replay, after_capture, false},
    {"scratch open", with_buffer, do_scratch, NULL, false},
    {"scratch release", with_scratch, do_scratch_release, NULL, false},
    {"shrink", with_capacity, do_shrink, NULL, false},
    {"trim", with_capacity, do_trim, NULL, false},
    {"exchange", with_excess, do_exchange, NULL, false},
    {"trim of everything", with_spare, do_trim, NULL, false},
    {"reuse", with_excess_freed, do_anonymous, NULL, false},
    {"free", with_two, do_free, after_free, true},
    {"synchronize", with_stream, do_synchronize, NULL, false},
};

/* The same, and more, where the device has little memory and the host's may stand for it. */
static const scenario spilling[] = {
    {"spill at first", NULL, do_named, NULL, false},
    {"spill by growth", with_buffer, do_grow, NULL, false},
    {"spill with zeros", with_buffer, do_resize, after_resize, false},
    {"spill in a group", with_group, do_group_resize, after_resize, false},
    {"spill of small ones", with_capacity, do_small, NULL, false},
    {"spill of staging", with_group, do_readback, after_readback, false},
    {"spill of scratch", with_group, do_scratch, NULL, false},
    {"capture what is spilled", with_staged, do_capture, after_capture, false},
    {"exchange what is spilled", with_excess, do_exchange, NULL, false},
    {"free what is spilled", with_two, do_free, after_free, true},
    {"promote", with_promotable, do_promote, after_promote, false},
};

/* ---- One run --------------------------------------------------------------------------------- */

typedef struct mode {
    const char *name;
    bool relocate, debug;
} mode;

static const mode modes[] = {{"in place", false, false}, {"relocating", true, false}, {"debug", false, true}};

static gpumm_options options_of(const mode *how, purse *p, gpumm_budget *budget) {
    return (gpumm_options){.device = "host",
                           .relocate = how->relocate,
                           .debug = how->debug,
                           .inject_faults = true,
                           .budget = budget,
                           .workers = 1,
                           .memory_bytes = 512ull << 20,
                           .allocator = {.reallocate = purse_reallocate, .user = p}};
}

static bool is_spilling(const scenario *s) {
    return s >= spilling && s < spilling + sizeof spilling / sizeof *spilling;
}

static void world_open(world *w, const mode *how, purse *p, const scenario *s) {
    memset(w, 0, sizeof *w);
    CHECK_OK(gpumm_budget_open(UINT64_MAX, &w->budget));
    gpumm_options o = options_of(how, p, w->budget);
    if (is_spilling(s)) o.spill = o.memory_bytes, o.memory_bytes = LITTLE;
    CHECK_OK(gpumm_manager_open(&o, &w->m));
    if (s->prepare) s->prepare(w);
    CHECK_OK(gpumm_manager_synchronize(w->m));
}

static void world_close(world *w, purse *p) {
    gpumm_frame_release(w->frame);
    gpumm_recording_release(w->recording);
    for (size_t i = 0; i < w->count; i++) {
        gpumm_buffer_release(w->all[i].buffer);
        free(w->all[i].bytes);
    }
    gpumm_group_release(w->group);
    gpumm_readback_release(w->readback);
    gpumm_kernel_release(w->kernel);
    gpumm_stream_release(w->stream);
    gpumm_event_release(w->event);
    gpumm_scratch_release(w->scratch);
    close_and_check(w->m);
    CHECK(gpumm_budget_used(w->budget) == 0);
    gpumm_budget_release(w->budget);
    CHECK(atomic_load(&p->live) == 0);
}

static void check_same(const gpumm_stats *a, const gpumm_stats *b) {
    CHECK(a->used_bytes == b->used_bytes);
    CHECK(a->total_allocated_bytes == b->total_allocated_bytes);
    CHECK(a->buffer_count == b->buffer_count);
    CHECK(a->resize_count == b->resize_count);
    CHECK(a->async_transfer_count == b->async_transfer_count);
    for (int c = GPUMM_CATEGORY_BUFFERS; c <= GPUMM_CATEGORY_PINNED; c++)
        CHECK(a->entry[c].now_bytes == b->entry[c].now_bytes);
}

/* After the call: contents and books are those before a failure, or after success; the same call then works.
 */
static void settle(world *w, const scenario *s, gpumm_status status, const gpumm_stats *before) {
    if (status != GPUMM_OK && !s->anyway) {
        gpumm_stats now;
        gpumm_manager_get_stats(w->m, &now);
        check_same(before, &now);
        verify(w);
        check_books(w->m, w->budget);
        CHECK_OK(s->act(w));
    }
    if (s->after) s->after(w);
    verify(w);
    check_books(w->m, w->budget);
}

static bool is_poll(const char *call) { return strstr(call, "query") != NULL; }

/* Returns whether the scenario got as far as the nth such call. */
static bool run_call(const scenario *s, const mode *how, const char *call, uint64_t nth, gpumm_status with) {
    static purse p;
    static const gpumm_fault nothing;
    gpumm_stats before;
    uint64_t first, last;
    world w;
    world_open(&w, how, &p, s);
    gpumm_manager_get_stats(w.m, &before);
    CHECK_OK(gpumm_fault_calls(w.m, call, &first));
    CHECK_OK(gpumm_fault_plan(w.m, &(gpumm_fault){.call = call, .nth = nth, .status = with}));
    gpumm_status status = s->act(&w);
    CHECK_OK(gpumm_fault_plan(w.m, &nothing));
    CHECK_OK(gpumm_fault_calls(w.m, call, &last));
    bool hit = last - first >= nth;
    if (status != GPUMM_OK) CHECK(hit);
    if (status != GPUMM_OK) CHECK_STATUS(status, with);
    settle(&w, s, status, &before);
    world_close(&w, &p);
    return hit;
}

static bool run_memory(const scenario *s, const mode *how, long nth) {
    static purse p;
    gpumm_stats before;
    world w;
    world_open(&w, how, &p, s);
    gpumm_manager_get_stats(w.m, &before);
    purse_fail(&p, nth);
    gpumm_status status = s->act(&w);
    bool failed = purse_failed(&p);
    if (status != GPUMM_OK) CHECK(failed);
    if (status != GPUMM_OK) CHECK_STATUS(status, GPUMM_OUT_OF_MEMORY);
    settle(&w, s, status, &before);
    world_close(&w, &p);
    return failed;
}

/* ---- The sweep ------------------------------------------------------------------------------- */

static const char *const calls[] = {
    "reserve",      "commit",      "decommit",           "free",           "shrink",
    "alloc",        "stream_open", "stream_synchronize", "stream_query",   "event_open",
    "event_record", "event_query", "event_synchronize",  "stream_wait",    "copy",
    "fill",         "module_open", "function",           "launch",         "compile",
    "graph_open",   "graph_patch", "graph_launch",       "export_segment", "promote",
};

enum { CALLS = sizeof calls / sizeof *calls };

static unsigned long runs, hits;

static void sweep_call(const scenario *s, const mode *how, const char *call, gpumm_status with) {
    bool compiles = strcmp(call, "compile") == 0;
    uint64_t most = is_poll(call) ? POLLS : 1000;
    if (compiles && (strcmp(s->name, "kernel open") != 0 || how != modes)) return;
    for (now_nth = 1; now_nth <= most; now_nth++, runs++) {
        now_call = call;
        if (compiles) nonce = FIRST_KERNEL + (uint64_t)getpid() * 8 + (uint64_t)with + now_nth;
        bool hit = run_call(s, how, call, now_nth, with);
        nonce = 0;
        if (!hit) return;
        hits++;
    }
}

static void sweep_scenario(const scenario *s, const mode *how) {
    now_scenario = s->name;
    now_mode = how->name;
    for (size_t c = 0; c < CALLS; c++) {
        sweep_call(s, how, calls[c], GPUMM_DRIVER);
        if (HARD_SLOW < 20) sweep_call(s, how, calls[c], GPUMM_OUT_OF_MEMORY);
    }
    now_call = "allocation";
    for (now_nth = 1; run_memory(s, how, (long)now_nth); now_nth++) runs++, hits++;
}

/* ---- Opening a manager and closing it --------------------------------------------------------- */

static bool open_failing(const mode *how, gpumm_fault fault, long allocation) {
    static purse p;
    gpumm_options o = options_of(how, &p, NULL);
    gpumm_manager *m = NULL;
    o.fault = fault;
    purse_fail(&p, allocation);
    gpumm_status status = gpumm_manager_open(&o, &m);
    purse_failed(&p);
    if (status == GPUMM_OK) {
        CHECK_OK(gpumm_fault_plan(m, NULL));
        close_and_check(m);
    } else {
        CHECK_STATUS(status, allocation ? GPUMM_OUT_OF_MEMORY : fault.status);
        CHECK(m == NULL);
    }
    CHECK(atomic_load(&p.live) == 0);
    return status != GPUMM_OK;
}

static void sweep_open(const mode *how) {
    now_scenario = "create";
    now_mode = how->name;
    for (size_t c = 0; c < CALLS; c++) {
        now_call = calls[c];
        for (now_nth = 1; open_failing(how, (gpumm_fault){.call = calls[c], .nth = now_nth, .status = GPUMM_DRIVER}, 0);
             now_nth++)
            runs++, hits++;
    }
    now_call = "allocation";
    for (now_nth = 1; open_failing(how, (gpumm_fault){0}, (long)now_nth); now_nth++) runs++, hits++;
}

/* Whatever fails while closing, everything goes. */
static void sweep_close(const mode *how) {
    static purse p;
    static const scenario everything = {"close", with_capture, do_wait, NULL, false};
    now_scenario = everything.name;
    now_mode = how->name;
    for (size_t c = 0; c < CALLS; c++)
        for (now_nth = 1; now_nth <= 12; now_nth++, runs++) {
            world w;
            now_call = calls[c];
            world_open(&w, how, &p, &everything);
            CHECK_OK(gpumm_stream_open(w.m, &w.stream));
            CHECK_OK(gpumm_stream_record(w.stream, &w.event));
            CHECK_OK(gpumm_buffer_used(w.all[0].buffer, w.stream, GPUMM_ACCESS_WRITE));
            CHECK_OK(gpumm_fault_plan(w.m, &(gpumm_fault){.call = calls[c], .nth = now_nth, .status = GPUMM_DRIVER}));
            gpumm_manager_close(w.m);
            world_close(&w, &p);
        }
}

/* Failures of memory for good, not for once: nothing absorbs them. */
static void sweep_quota(const mode *how) {
    now_scenario = "quota";
    now_mode = how->name;
    purse p = {0};
    world w = {0};
    gpumm_options o = options_of(how, &p, NULL);
    o.memory_bytes = 8 << 20;
    CHECK_OK(gpumm_manager_open(&o, &w.m));
    with_group(&w);
    gpumm_stats before, now;
    gpumm_manager_get_stats(w.m, &before);
    CHECK_STATUS(gpumm_group_ensure_capacity(w.group, 100 * LENGTH), GPUMM_OUT_OF_MEMORY);
    CHECK_STATUS(gpumm_group_resize(w.group, NULL, 100 * LENGTH), GPUMM_OUT_OF_MEMORY);
    gpumm_manager_get_stats(w.m, &now);
    check_same(&before, &now);
    verify(&w);
    check_books(w.m, NULL);
    CHECK_OK(gpumm_budget_open(UINT64_MAX, &w.budget));
    world_close(&w, &p);
}

int main(int argc, char **argv) {
    const char *only = argc > 1 ? argv[1] : NULL;
    double start = seconds_now();
    const size_t mode_count =
        HARD_SLOW < 20 ? sizeof modes / sizeof *modes : 1; /* what threads do is the same in all */
    for (size_t i = 0; i < mode_count; i++) {
        for (size_t s = 0; s < sizeof scenarios / sizeof *scenarios; s++)
            if (!only || strstr(scenarios[s].name, only)) sweep_scenario(&scenarios[s], &modes[i]);
        for (size_t s = 0; s < sizeof spilling / sizeof *spilling && !modes[i].debug; s++)
            if (!only || strstr(spilling[s].name, only)) sweep_scenario(&spilling[s], &modes[i]);
        if (only) continue;
        sweep_open(&modes[i]);
        sweep_close(&modes[i]);
        sweep_quota(&modes[i]);
    }
    printf("sweep: %lu runs, %lu failures injected, %.1f s\n", runs, hits, seconds_now() - start);
    CHECK(hits > 300);
    return 0;
}
