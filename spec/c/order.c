/* SPDX-License-Identifier: MIT */
/* Stream order: what a crossing costs, that work on one stream costs nothing, and, by contents under held
   kinds, that nobody overtakes those who used the memory before: readers of any number, streams that are
   gone, scratch, and memory that was freed. No test here sleeps. */
#include <sched.h>

#include "core/order.h"
#include "hard.h"

enum { N = 50000, SMALL = 1000, STREAMS = 9 };

static gpumm_manager *m;
static gpumm_type *u32;
static gpumm_stream *s[STREAMS];

static void open_all(bool relocate) {
    CHECK_OK(gpumm_type_parse("u32", &u32));
    CHECK_OK(gpumm_manager_open(
        &(gpumm_options){.device = "host", .inject_faults = true, .relocate = relocate, .workers = 2}, &m));
    for (int i = 0; i < STREAMS; i++) CHECK_OK(gpumm_stream_open(m, &s[i]));
}

static void close_all(void) {
    CHECK_OK(gpumm_fault_release(m, NULL));
    CHECK_OK(gpumm_manager_poll(m));
    for (int i = 0; i < STREAMS; i++) gpumm_stream_release(s[i]);
    check_books(m, NULL);
    close_and_check(m);
    gpumm_type_release(u32);
}

static gpumm_buffer *buffer(uint64_t length, uint32_t value) {
    gpumm_buffer *b;
    CHECK_OK(gpumm_allocate(m, &(gpumm_buffer_options){.type = u32, .length = length, .max_length = length}, &b));
    CHECK_OK(gpumm_buffer_fill(b, NULL, 0, length, &value));
    CHECK_OK(gpumm_manager_synchronize(m));
    return b;
}

static void set(gpumm_buffer *b, uint64_t n, gpumm_stream *on, uint32_t value) {
    CHECK_OK(gpumm_buffer_fill(b, on, 0, n, &value));
}

static void copy(gpumm_buffer *to, gpumm_buffer *from, uint64_t n, gpumm_stream *on) {
    CHECK_OK(gpumm_buffer_copy(to, 0, from, 0, n, on));
}

static void holds(gpumm_buffer *b, uint64_t n, uint32_t value) {
    static uint32_t got[N];
    CHECK_OK(gpumm_buffer_download(b, NULL, 0, n, got));
    for (uint64_t i = 0; i < n; i++) CHECK(got[i] == value);
}

/* Whether the stream still waits, however much time it is given. */
static void check_waits(gpumm_stream *on) {
    for (int i = 0; i < 200; i++) {
        bool idle = true;
        CHECK_OK(gpumm_stream_idle(on, &idle));
        CHECK(!idle);
        sched_yield();
    }
}

/* ---- What it costs --------------------------------------------------------------------------- */

typedef struct cost {
    uint64_t records, waits, opened;
} cost;

static cost cost_now(void) {
    cost c;
    CHECK_OK(gpumm_fault_calls(m, "event_record", &c.records));
    CHECK_OK(gpumm_fault_calls(m, "stream_wait", &c.waits));
    CHECK_OK(gpumm_fault_calls(m, "event_open", &c.opened));
    return c;
}

static void check_cost(const cost *since, uint64_t records, uint64_t waits) {
    cost now = cost_now();
    CHECK(now.records - since->records == records);
    CHECK(now.waits - since->waits == waits);
    CHECK(now.opened == since->opened);
}

#define COSTS(call, records, waits) \
    do { \
        cost before_ = cost_now(); \
        CHECK_OK(call); \
        check_cost(&before_, records, waits); \
    } while (0)

static gpumm_kernel *kernel(const char *name) {
    static const char source[] = "extern \"C\" __global__ void put(int n, unsigned *x, unsigned v) {"
                                 " int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) x[i] = v; }\n"
                                 "extern \"C\" __global__ void get(int n, unsigned *to, const unsigned *x) {"
                                 " int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) to[i] = x[i]; }\n";
    gpumm_kernel *k;
    CHECK_OK(gpumm_kernel_open(m, &(gpumm_kernel_options){.source = source, .file = "order.cu", .name = name}, &k));
    return k;
}

static gpumm_status put(gpumm_kernel *k, gpumm_stream *on, gpumm_buffer *b, gpumm_scratch *x, uint32_t value) {
    int n = SMALL;
    gpumm_argument a[] = {{.value = &n, .size = 4}, {.buffer = b, .scratch = x}, {.value = &value, .size = 4}};
    return gpumm_kernel_launch(k, on, 0, a, 3);
}

static gpumm_status get(gpumm_kernel *k, gpumm_stream *on, gpumm_buffer *to, gpumm_buffer *b, gpumm_scratch *x) {
    int n = SMALL;
    gpumm_argument a[] = {{.value = &n, .size = 4}, {.buffer = to}, {.buffer = b, .scratch = x}};
    return gpumm_kernel_launch(k, on, 0, a, 3);
}

static void one_stream_costs_nothing(void) {
    gpumm_buffer *a = buffer(N, 1), *b = buffer(N, 2);
    gpumm_kernel *k = kernel("put"), *g = kernel("get");
    cost before = cost_now();
    for (uint32_t i = 0; i < 100; i++) {
        set(a, N, NULL, i);
        copy(b, a, N, NULL);
        CHECK_OK(put(k, NULL, a, NULL, i + 1));
        CHECK_OK(get(g, NULL, b, a, NULL));
        CHECK_OK(gpumm_buffer_resize(a, NULL, N - i));
        CHECK_OK(gpumm_buffer_resize(a, NULL, N));
    }
    check_cost(&before, 0, 0);
    holds(b, SMALL, 100);
    gpumm_kernel_release(k);
    gpumm_kernel_release(g);
    gpumm_buffer_release(a);
    gpumm_buffer_release(b);
}

static void a_crossing_costs_one(void) {
    gpumm_buffer *b = buffer(N, 1);
    COSTS(gpumm_buffer_used(b, NULL, GPUMM_READ), 0, 0);
    COSTS(gpumm_buffer_used(b, s[0], GPUMM_READ), 1, 1);
    COSTS(gpumm_buffer_used(b, s[0], GPUMM_READ), 0, 0); /* known already */
    COSTS(gpumm_buffer_used(b, s[1], GPUMM_READ), 1, 1); /* readers do not wait for each other */
    COSTS(gpumm_buffer_used(b, NULL, GPUMM_WRITE), 2, 2);
    COSTS(gpumm_buffer_used(b, NULL, GPUMM_WRITE), 0, 0);
    COSTS(gpumm_buffer_used(b, s[0], GPUMM_WRITE), 1, 1);
    COSTS(gpumm_buffer_used(b, s[0], GPUMM_READ), 0, 0);
    COSTS(gpumm_buffer_used(b, s[1], GPUMM_WRITE), 1, 1);
    COSTS(gpumm_buffer_used(b, s[1], GPUMM_WRITE), 0, 0);
    for (int i = 2; i < 2 + ORDER_READERS; i++) COSTS(gpumm_buffer_used(b, s[i], GPUMM_READ), 1, 1);
    COSTS(gpumm_buffer_used(b, s[2 + ORDER_READERS], GPUMM_READ), 2, 2); /* stands for one that it waits for */
    COSTS(gpumm_buffer_used(b, s[1], GPUMM_WRITE), ORDER_READERS, ORDER_READERS);
    gpumm_buffer_release(b);
}

static void a_capture_costs_two(void) {
    gpumm_buffer *b = buffer(N, 1);
    gpumm_readback *r;
    CHECK_OK(gpumm_readback_open(&(gpumm_readback_options){.buffers = &b, .buffer_count = 1}, &r));
    set(b, N, s[0], 3);
    COSTS(gpumm_readback_capture(r, NULL, 0, NULL), 2, 1); /* to the copy stream, and the event that says it arrived */
    gpumm_frame *f;
    CHECK_OK(gpumm_readback_wait(r, 0, 60, &f));
    const void *data;
    CHECK_OK(gpumm_frame_data(f, 0, &data));
    for (int i = 0; i < N; i++) CHECK(((const uint32_t *)data)[i] == 3);
    gpumm_frame_release(f);
    gpumm_readback_release(r);
    gpumm_buffer_release(b);
}

/* ---- Who waits for whom ---------------------------------------------------------------------- */

/* More readers than an order remembers, all held; the writer waits for every one of them. */
static void writers_wait_for_readers(void) {
    gpumm_buffer *b = buffer(N, 1), *out[STREAMS];
    for (int i = 0; i < STREAMS; i++) out[i] = buffer(N, 0);
    CHECK_OK(gpumm_fault_hold(m, "snapshot"));
    for (int i = 0; i < STREAMS; i++) copy(out[i], b, N, s[i]);
    set(b, N, NULL, 2);
    check_waits(gpumm_manager_main(m));
    CHECK_OK(gpumm_fault_release(m, "snapshot"));
    for (int i = 0; i < STREAMS; i++) {
        holds(out[i], N, 1);
        gpumm_buffer_release(out[i]);
    }
    holds(b, N, 2);
    gpumm_buffer_release(b);
}

/* A reader on the writer's own stream is in no list, and still nobody overtakes it. */
static void writers_wait_for_the_writers_reads(void) {
    gpumm_buffer *b = buffer(N, 1), *out = buffer(N, 0);
    set(b, N, s[0], 5);
    CHECK_OK(gpumm_fault_hold(m, "snapshot"));
    copy(out, b, N, s[0]);
    set(b, N, s[1], 6);
    check_waits(s[1]);
    CHECK_OK(gpumm_fault_release(m, "snapshot"));
    holds(out, N, 5);
    holds(b, N, 6);
    gpumm_buffer_release(b);
    gpumm_buffer_release(out);
}

static void readers_wait_for_the_writer(void) {
    gpumm_buffer *b = buffer(N, 1), *out[3] = {buffer(N, 0), buffer(N, 0), buffer(N, 0)};
    CHECK_OK(gpumm_fault_hold(m, "fill"));
    set(b, N, s[0], 7);
    for (int i = 0; i < 3; i++) copy(out[i], b, N, s[i + 1]);
    for (int i = 0; i < 3; i++) check_waits(s[i + 1]);
    CHECK_OK(gpumm_fault_release(m, "fill"));
    for (int i = 0; i < 3; i++) {
        holds(out[i], N, 7);
        gpumm_buffer_release(out[i]);
    }
    gpumm_buffer_release(b);
}

/* A stream whose last handle goes with work on it: the work is done, and waited for, and then the stream
 * goes. */
static void streams_that_are_gone(void) {
    gpumm_live before, now;
    gpumm_buffer *b = buffer(N, 1), *out = buffer(N, 0);
    gpumm_stream *writer, *reader;
    CHECK_OK(gpumm_fault_live(m, &before));
    CHECK_OK(gpumm_stream_open(m, &writer));
    CHECK_OK(gpumm_stream_open(m, &reader));
    CHECK_OK(gpumm_fault_hold(m, "fill"));
    set(b, N, writer, 8);
    gpumm_stream_release(writer);
    copy(out, b, N, reader);
    gpumm_stream_release(reader);
    CHECK_OK(gpumm_buffer_copy(b, 0, out, 0, 1, NULL)); /* behind both */
    check_waits(gpumm_manager_main(m));
    CHECK_OK(gpumm_fault_release(m, "fill"));
    holds(out, N, 8);
    holds(b, N, 8);
    do {
        CHECK_OK(gpumm_manager_poll(m));
        CHECK_OK(gpumm_fault_live(m, &now));
        sched_yield();
    } while (now.streams > before.streams);
    CHECK(now.streams == before.streams);
    set(b, N, s[0], 9); /* the order still names streams that are gone */
    copy(out, b, N, s[1]);
    holds(out, N, 9);
    gpumm_buffer_release(b);
    gpumm_buffer_release(out);
}

/* Shrinking and trimming with more dead readers than an order holds must not touch what is gone. */
static void many_streams_that_are_gone(void) {
    gpumm_buffer *b;
    CHECK_OK(gpumm_allocate(m, &(gpumm_buffer_options){.type = u32, .length = N}, &b));
    CHECK_OK(gpumm_buffer_ensure_capacity(b, 20 * N));
    for (int i = 0; i < 2 * ORDER_READERS; i++) {
        gpumm_stream *one;
        CHECK_OK(gpumm_stream_open(m, &one));
        CHECK_OK(gpumm_buffer_used(b, one, GPUMM_READ));
        gpumm_stream_release(one);
        if (i % 5 == 4) CHECK_OK(gpumm_buffer_used(b, s[0], GPUMM_READ));
    }
    CHECK_OK(gpumm_buffer_shrink_to_fit(b));
    check_books(m, NULL);
    CHECK_OK(gpumm_buffer_used(b, s[0], GPUMM_WRITE));
    gpumm_buffer_release(b);
}

/* ---- Held up without holding the kind in question --------------------------------------------- */

/* `on` does nothing more until "fill" is released. */
static gpumm_buffer *hold_up(gpumm_stream *on) {
    gpumm_event *e;
    gpumm_buffer *b = buffer(SMALL, 0);
    CHECK_OK(gpumm_fault_hold(m, "fill"));
    set(b, SMALL, s[STREAMS - 1], 1);
    CHECK_OK(gpumm_stream_record(s[STREAMS - 1], &e));
    CHECK_OK(gpumm_stream_wait(on, e));
    gpumm_event_release(e);
    return b;
}

static void scratch_across_streams(void) {
    gpumm_kernel *k = kernel("put"), *g = kernel("get");
    gpumm_buffer *out = buffer(SMALL, 0), *again = buffer(SMALL, 0);
    gpumm_scratch *x, *y;
    CHECK_OK(gpumm_scratch_open(m, s[0], SMALL * 4, &x));
    gpumm_address address = gpumm_scratch_address(x);
    CHECK_OK(put(k, s[0], NULL, x, 7));
    gpumm_buffer *gate = hold_up(s[1]);
    CHECK_OK(get(g, s[1], out, NULL, x)); /* held up */
    gpumm_scratch_release(x);
    CHECK_OK(gpumm_scratch_open(m, s[0], SMALL * 4, &y));
    CHECK(gpumm_scratch_address(y) == address); /* at once, and behind the other stream */
    CHECK_OK(put(k, s[0], NULL, y, 9));
    CHECK_OK(get(g, s[0], again, NULL, y));
    check_waits(s[0]);
    CHECK_OK(gpumm_fault_release(m, "fill"));
    holds(out, SMALL, 7);
    holds(again, SMALL, 9);
    gpumm_scratch_release(y);
    gpumm_kernel_release(k);
    gpumm_kernel_release(g);
    gpumm_buffer_release(out);
    gpumm_buffer_release(again);
    gpumm_buffer_release(gate);
}

/* Freed with a reader under way: whoever has the memory next waits for that reader. */
static void freed_ranges_wait(uint64_t n) {
    gpumm_buffer *b = buffer(n, 3), *out = buffer(n, 0);
    gpumm_buffer *gate = hold_up(s[0]);
    copy(out, b, n, s[0]);
    CHECK_OK(gpumm_buffer_free(b));
    gpumm_buffer *next;
    static uint32_t data[N];
    for (uint64_t i = 0; i < n; i++) data[i] = 4;
    CHECK_OK(gpumm_allocate(m, &(gpumm_buffer_options){.type = u32, .max_length = n}, &next));
    CHECK_OK(gpumm_buffer_append(next, NULL, n, data));
    bool idle;
    CHECK_OK(gpumm_stream_idle(s[0], &idle));
    CHECK(!idle);
    CHECK_OK(gpumm_fault_release(m, "fill"));
    holds(out, n, 3);
    holds(next, n, 4);
    gpumm_buffer_release(b);
    gpumm_buffer_release(out);
    gpumm_buffer_release(next);
    gpumm_buffer_release(gate);
}

/* Freed, and not reused: nothing is unmapped under the reader, everything is afterwards. */
static void unmapping_waits(void) {
    gpumm_live before, held, after;
    gpumm_buffer *out = buffer(N, 0);
    check_books(m, NULL);
    CHECK_OK(gpumm_manager_trim(m, NULL));
    CHECK_OK(gpumm_fault_live(m, &before));
    gpumm_buffer *b = buffer(N, 3), *gate = hold_up(s[0]);
    copy(out, b, N, s[0]);
    gpumm_buffer_release(b);
    CHECK_OK(gpumm_fault_live(m, &held));
    CHECK(held.committed_bytes > before.committed_bytes);
    CHECK_OK(gpumm_fault_release(m, "fill"));
    gpumm_buffer_release(gate);
    CHECK_OK(gpumm_manager_trim(m, NULL));
    CHECK_OK(gpumm_fault_live(m, &after));
    CHECK(after.committed_bytes == before.committed_bytes);
    holds(out, N, 3);
    gpumm_buffer_release(out);
}

static void kernels_outlive_their_handles(void) {
    gpumm_kernel *k = kernel("put");
    gpumm_buffer *b = buffer(SMALL, 0);
    gpumm_live live;
    CHECK_OK(gpumm_fault_hold(m, "launch"));
    CHECK_OK(put(k, s[0], b, NULL, 5));
    gpumm_kernel_release(k);
    CHECK_OK(gpumm_manager_poll(m));
    CHECK_OK(gpumm_fault_live(m, &live));
    CHECK(live.modules == 1);
    CHECK_OK(gpumm_fault_release(m, "launch"));
    holds(b, SMALL, 5);
    CHECK_OK(gpumm_manager_trim(m, NULL));
    CHECK_OK(gpumm_fault_live(m, &live));
    CHECK(live.modules == 0);
    gpumm_buffer_release(b);
}

/* A group whose members were written on different streams is captured as one moment of all of them. */
static void captures_join_writers(void) {
    gpumm_member members[] = {{"a", u32}, {"b", u32}, {"c", u32}};
    gpumm_group *g;
    gpumm_buffer *b[3];
    gpumm_readback *r;
    gpumm_frame *f;
    CHECK_OK(gpumm_group_open(m, &(gpumm_group_options){.members = members, .member_count = 3, .length = N}, &g));
    for (size_t i = 0; i < 3; i++) b[i] = gpumm_group_at(g, i);
    CHECK_OK(gpumm_readback_open(&(gpumm_readback_options){.buffers = b, .buffer_count = 3}, &r));
    CHECK_OK(gpumm_fault_hold(m, "fill"));
    for (uint32_t i = 0; i < 3; i++) set(b[i], N, s[i], 40 + i);
    CHECK_OK(gpumm_readback_capture(r, NULL, 1, NULL));
    bool ready = true;
    CHECK_OK(gpumm_readback_ready(r, 0, &ready));
    CHECK(!ready);
    CHECK_OK(gpumm_fault_release(m, "fill"));
    CHECK_OK(gpumm_readback_wait(r, 0, 60, &f));
    for (uint32_t i = 0; i < 3; i++) {
        const void *data;
        CHECK_OK(gpumm_frame_data(f, i, &data));
        for (int j = 0; j < N; j++) CHECK(((const uint32_t *)data)[j] == 40 + i);
    }
    gpumm_frame_release(f);
    gpumm_readback_release(r);
    CHECK_OK(gpumm_group_free(g));
    gpumm_group_release(g);
}

int main(void) {
    for (int relocate = 0; relocate < 2; relocate++) {
        open_all(relocate);
        one_stream_costs_nothing();
        a_crossing_costs_one();
        a_capture_costs_two();
        writers_wait_for_readers();
        writers_wait_for_the_writers_reads();
        readers_wait_for_the_writer();
        streams_that_are_gone();
        many_streams_that_are_gone();
        scratch_across_streams();
        freed_ranges_wait(N);
        freed_ranges_wait(SMALL);
        unmapping_waits();
        kernels_outlive_their_handles();
        captures_join_writers();
        close_all();
    }
    return 0;
}
