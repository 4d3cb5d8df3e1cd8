/* SPDX-License-Identifier: MIT */
/* Primitives in recordings: a replay does what the calls do, bit for bit, through lengths that grow and shrink, on two
   streams, in place and relocating, recorded once or anew; every device call, and every request of memory, failing; and
   whose scratch it is. gpu_recorded_primitives.c is the same on a GPU. */
#include "hard.h"

#ifndef RECORDING_DEVICE
#define RECORDING_DEVICE "host"
#endif

/* LONG: 8 bytes each of these are more than any granularity, so that a device that relocates does move them. */
enum { BINS = 64, MOST = 140000, LONG = 300000 };

typedef enum name {
    FROM,
    TO,
    PLACE,
    FLOATS,
    SUMS,
    KEYS,
    VALUES,
    TO_KEYS,
    WIDE,
    FLAGS,
    KEPT,
    COUNTS,
    HISTOGRAM,
    ALL
} name;
static const char *const types[ALL] = {"u32", "u32", "i32", "f32", "f32", "u32", "u64",
                                       "u64", "u64", "u8",  "u64", "u32", "u32"};
enum { OPERATIONS = 9 };

typedef struct world {
    gpumm_manager *m;
    gpumm_buffer *b[ALL];
} world;

static gpumm_buffer *buffer(gpumm_manager *m, const char *type, uint64_t length) {
    gpumm_type *t;
    gpumm_buffer *b;
    CHECK_OK(gpumm_type_parse(type, &t));
    CHECK_OK(
        gpumm_manager_allocate(m, &(gpumm_buffer_options){.type = t, .length = length, .max_length = LONG + 1}, &b));
    gpumm_type_release(t);
    return b;
}

static uint64_t first_length(int i) { return i == HISTOGRAM ? BINS : i == COUNTS ? 4 : i == TO ? 2 : 1; }

static world world_open(gpumm_options o) {
    world w;
    if (!o.device) o.device = RECORDING_DEVICE;
    o.workers = 2;
    CHECK_OK(gpumm_manager_open(&o, &w.m));
    for (int i = 0; i < ALL; i++) w.b[i] = buffer(w.m, types[i], first_length(i));
    return w;
}

static void world_close(world *w, bool faulty) {
    for (int i = 0; i < ALL; i++) gpumm_buffer_release(w->b[i]);
    if (faulty) close_and_check(w->m);
    else gpumm_manager_release(w->m);
}

static bool is_fixed(int i) { return i == COUNTS || i == HISTOGRAM; }

/* All but the results that have a length of their own; one more where a total goes behind. */
static gpumm_status set_length(world *w, uint64_t n) {
    for (int i = 0; i < ALL; i++) {
        if (is_fixed(i)) continue;
        gpumm_status status = gpumm_buffer_resize(w->b[i], NULL, n + (i == TO));
        if (status != GPUMM_OK) return status;
    }
    return GPUMM_OK;
}

static void put_contents(world *w, uint64_t n, uint64_t seed) {
    static uint64_t data[LONG];
    for (int i = 0; i < ALL; i++) {
        dice d = dice_of(seed * ALL + (uint64_t)i + 1);
        if (is_fixed(i) || !n) continue;
        for (uint64_t k = 0; k < n; k++) {
            uint64_t bits = roll(&d);
            float f = (float)(bits >> 40) / 1000;
            uint32_t few = (uint32_t)(bits >> 11) % (2 * BINS);
            if (i == FLOATS || i == SUMS) memcpy((float *)(void *)data + k, &f, 4);
            else if (i == FLAGS) ((unsigned char *)data)[k] = bits >> 60 & 1;
            else if (gpumm_type_size(gpumm_buffer_type(w->b[i])) == 8) data[k] = bits;
            else ((uint32_t *)(void *)data)[k] = few;
        }
        CHECK_OK(gpumm_buffer_upload(w->b[i], NULL, 0, n, data));
    }
}

/* ---- Each of them, at once or recorded ------------------------------------------------------------------------- */

#define DO(name, ...) \
    do { \
        gpumm_##name##_options o = {__VA_ARGS__}; \
        return r ? gpumm_recording_##name(r, count, &o) : gpumm_##name(w->m, s, count, &o); \
    } while (0)

static gpumm_status one(world *w, gpumm_recording *r, gpumm_stream *s, uint64_t count, int which) {
    gpumm_buffer **b = w->b;
    switch (which) {
    case 0: DO(scan, .from = b[FROM], .to = b[TO], .exclusive = true, .total = true);
    case 1: DO(scan, .from = b[PLACE]);
    case 2: DO(scan, .from = b[FLOATS], .to = b[SUMS]);
    case 3: DO(reduce, .from = b[FLOATS], .to = b[SUMS], .op = GPUMM_REDUCE_SUM);
    case 4: DO(reduce, .from = b[FROM], .to = b[COUNTS], .op = GPUMM_REDUCE_ARGMAX);
    case 5: DO(sort, .keys = b[KEYS], .values = b[VALUES], .bits = 8);
    case 6:
        DO(sort, .keys = b[WIDE], .values = b[VALUES], .to_keys = b[TO_KEYS], .to_values = b[KEPT], .descending = true);
    case 7: DO(select, .from = b[VALUES], .flags = b[FLAGS], .to = b[KEPT], .count = b[COUNTS]);
    default: DO(histogram, .from = b[FROM], .to = b[HISTOGRAM], .high = 2 * BINS);
    }
}

/* Uniques of the sorted keys go where the floats were summed from. */
static gpumm_status all(world *w, gpumm_recording *r, gpumm_stream *s, uint64_t count) {
    for (int i = 0; i < OPERATIONS; i++) {
        gpumm_status status = one(w, r, s, count, i);
        if (status != GPUMM_OK) return status;
    }
    gpumm_unique_options o = {.from = w->b[KEYS], .to = w->b[FROM]};
    return r ? gpumm_recording_unique(r, count, &o) : gpumm_unique(w->m, s, count, &o);
}

/* An operation on nothing, where it is refused at once, is none. */
static void do_all(world *w, uint64_t n) {
    for (int i = 0; i < OPERATIONS; i++)
        if (n || i != 3) CHECK_OK(one(w, NULL, NULL, n, i));
    CHECK_OK(gpumm_unique(w->m, NULL, n, &(gpumm_unique_options){.from = w->b[KEYS], .to = w->b[FROM]}));
}

static void same_worlds(const world *a, const world *b) {
    static unsigned char x[(LONG + 1) * 8], y[(LONG + 1) * 8];
    for (int i = 0; i < ALL; i++) {
        gpumm_buffer_info info;
        CHECK_OK(gpumm_buffer_get_info(a->b[i], &info));
        uint64_t bytes = info.length * gpumm_type_size(gpumm_buffer_type(a->b[i]));
        if (!bytes) continue;
        CHECK_OK(gpumm_buffer_download(a->b[i], NULL, 0, info.length, x));
        CHECK_OK(gpumm_buffer_download(b->b[i], NULL, 0, info.length, y));
        CHECK(memcmp(x, y, bytes) == 0);
    }
}

static gpumm_recording *recording(gpumm_manager *m, bool anew) {
    gpumm_recording *r;
    CHECK_OK(gpumm_recording_open(m, &(gpumm_recording_options){.anew = anew}, &r));
    return r;
}

static uint64_t scratch_now(gpumm_manager *m) {
    gpumm_stats stats;
    gpumm_manager_get_stats(m, &stats);
    return stats.entry[GPUMM_CATEGORY_SCRATCH].now_bytes;
}

/* ---- Replaying is calling --------------------------------------------------------------------------------------- */

static void replay_is_calling(gpumm_options o, const char *what) {
    bool coarse = o.relocate && strcmp(RECORDING_DEVICE, "host") != 0;
    const uint64_t lengths[] = {1000, 5000, 5001, 33, 1, coarse ? LONG : MOST, 20000};
    world here = world_open((gpumm_options){.device = "host"}), there = world_open(o);
    gpumm_recording *r = recording(there.m, false);
    gpumm_stream *s;
    CHECK_OK(gpumm_stream_open(there.m, &s));
    CHECK_OK(all(&there, r, NULL, GPUMM_TO_END));
    size_t count = gpumm_recording_count(r);
    unsigned moved = 0;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        CHECK_OK(set_length(&here, lengths[i]));
        CHECK_OK(set_length(&there, lengths[i]));
        for (int again = 0; again < 3; again++) {
            put_contents(&here, lengths[i], i + (uint64_t)again);
            put_contents(&there, lengths[i], i + (uint64_t)again);
            do_all(&here, lengths[i]);
            gpumm_status status = gpumm_recording_replay(r, again % 2 ? s : NULL, NULL, 0, NULL);
            if (o.relocate && status == GPUMM_STALE) {
                CHECK_OK(gpumm_recording_begin(r));
                CHECK_OK(all(&there, r, NULL, GPUMM_TO_END));
                status = gpumm_recording_replay(r, NULL, NULL, 0, NULL);
                moved++;
            }
            CHECK_OK(status);
            same_worlds(&here, &there);
        }
    }
    CHECK(!o.relocate || moved > 0);
    CHECK(gpumm_recording_count(r) == count);
    CHECK(scratch_now(there.m) > 0);
    gpumm_recording_release(r);
    CHECK(scratch_now(there.m) == 0);
    printf("recorded_primitives: replays of %zu operations are what the calls are: %s\n", count, what);
    gpumm_stream_release(s);
    world_close(&here, false);
    world_close(&there, o.inject_faults);
}

/* A buffer that became too short is told, and nothing is done; once it is long enough, the replay is right. */
static void too_short(void) {
    world w = world_open((gpumm_options){0}), x = world_open((gpumm_options){.device = "host"});
    gpumm_recording *r = recording(w.m, false);
    CHECK_OK(set_length(&w, 9000));
    CHECK_OK(set_length(&x, 9000));
    CHECK_OK(all(&w, r, NULL, 9000));
    put_contents(&w, 9000, 1);
    put_contents(&x, 9000, 1);
    CHECK_OK(gpumm_buffer_resize(w.b[KEYS], NULL, 8999));
    CHECK_STATUS(gpumm_recording_replay(r, NULL, NULL, 0, NULL), GPUMM_INVALID_ARGUMENT);
    CHECK_SAYS("has a length of 8999, and 9000 are needed");
    CHECK_OK(gpumm_buffer_resize(w.b[KEYS], NULL, 9000));
    put_contents(&w, 9000, 1);
    do_all(&x, 9000);
    CHECK_OK(gpumm_recording_replay(r, NULL, NULL, 0, NULL));
    same_worlds(&w, &x);
    size_t count = gpumm_recording_count(r);
    gpumm_scan_options wrong = {.from = w.b[FROM], .to = x.b[TO]}, mixed = {.from = w.b[FROM], .to = w.b[SUMS]};
    CHECK_STATUS(gpumm_recording_scan(r, 5, &wrong), GPUMM_INVALID_ARGUMENT);
    CHECK_STATUS(gpumm_recording_scan(r, 5, &mixed), GPUMM_TYPE_MISMATCH);
    CHECK(gpumm_recording_count(r) == count);
    gpumm_recording_release(r);
    world_close(&w, false);
    world_close(&x, false);
}

/* Steps that differ, and what they leave behind: scratch of what a step does no more goes with it. */
static void anew_is_calling(gpumm_options o, const char *what) {
    world here = world_open((gpumm_options){.device = "host"}), there = world_open(o);
    gpumm_recording *r = recording(there.m, true);
    dice d = dice_of(3);
    uint64_t n = 0, most = 0;
    for (int step = 0; step < 60 / (HARD_SLOW > 4 ? 4 : HARD_SLOW); step++) {
        if (step % 12 == 0) {
            n = 1 + below(&d, 12000);
            CHECK_OK(set_length(&here, n));
            CHECK_OK(set_length(&there, n));
        }
        put_contents(&here, n, (uint64_t)step);
        put_contents(&there, n, (uint64_t)step);
        CHECK_OK(gpumm_recording_begin(r));
        int from = step % 24 < 12 ? 0 : step % 3, to = step % 24 < 12 ? OPERATIONS : from + 3;
        for (int i = from; i < to; i++) {
            CHECK_OK(one(&here, NULL, NULL, n, i));
            CHECK_OK(one(&there, r, NULL, step % 2 ? n : GPUMM_TO_END, i));
        }
        CHECK_OK(gpumm_recording_replay(r, NULL, NULL, 0, NULL));
        same_worlds(&here, &there);
        most = scratch_now(there.m) > most ? scratch_now(there.m) : most;
    }
    CHECK_OK(gpumm_recording_begin(r));
    CHECK_OK(gpumm_recording_fill(r, there.b[FROM], 0, 1, &(uint32_t){1}));
    CHECK_OK(gpumm_recording_replay(r, NULL, NULL, 0, NULL));
    CHECK(most > 0 && scratch_now(there.m) == 0);
    printf("recorded_primitives: steps recorded anew are what the calls are: %s\n", what);
    gpumm_recording_release(r);
    world_close(&here, false);
    world_close(&there, o.inject_faults);
}

/* Two on two streams, whose scratch is not one another's. */
static void interleaved(void) {
    enum { N = 50000, ROUNDS = 20 };
    world w[2] = {world_open((gpumm_options){0}), {NULL, {NULL}}}, x = world_open((gpumm_options){.device = "host"});
    w[1].m = w[0].m;
    for (int i = 0; i < ALL; i++) w[1].b[i] = buffer(w[0].m, types[i], first_length(i));
    gpumm_stream *s[2];
    gpumm_recording *r[2];
    CHECK_OK(set_length(&x, N));
    for (int k = 0; k < 2; k++) {
        CHECK_OK(set_length(&w[k], N));
        put_contents(&w[k], N, 7);
        CHECK_OK(gpumm_stream_open(w[0].m, &s[k]));
        r[k] = recording(w[0].m, false);
        CHECK_OK(all(&w[k], r[k], NULL, GPUMM_TO_END));
    }
    put_contents(&x, N, 7);
    for (int i = 0; i < ROUNDS; i++) {
        do_all(&x, N);
        for (int k = 0; k < 2; k++) CHECK_OK(gpumm_recording_replay(r[k], s[(k + i / 5) % 2], NULL, 0, NULL));
    }
    for (int k = 0; k < 2; k++) {
        same_worlds(&x, &w[k]);
        gpumm_recording_release(r[k]);
        gpumm_stream_release(s[k]);
    }
    for (int i = 0; i < ALL; i++) gpumm_buffer_release(w[1].b[i]);
    world_close(&w[0], false);
    world_close(&x, false);
}

/* ---- Failures ---------------------------------------------------------------------------------------------------- */

/* Recorded short, replayed, replayed long while a call fails: that replay fails, or is right; and so is the next. */
static bool failing(const char *call, uint64_t nth, gpumm_status with, world *x) {
    world w = world_open((gpumm_options){.inject_faults = true});
    gpumm_recording *r = recording(w.m, false);
    uint64_t before, after;
    CHECK_OK(set_length(&w, 3000));
    CHECK_OK(all(&w, r, NULL, GPUMM_TO_END));
    CHECK_OK(gpumm_recording_replay(r, NULL, NULL, 0, NULL));
    CHECK_OK(set_length(&w, 40000));
    put_contents(&w, 40000, 5);
    CHECK_OK(gpumm_fault_calls(w.m, call, &before));
    CHECK_OK(gpumm_fault_plan(w.m, &(gpumm_fault){.call = call, .nth = nth, .status = with}));
    gpumm_status status = gpumm_recording_replay(r, NULL, NULL, 0, NULL);
    CHECK_OK(gpumm_fault_calls(w.m, call, &after));
    CHECK_OK(gpumm_fault_plan(w.m, NULL));
    bool hit = after - before >= nth;
    if (!hit) CHECK_OK(status);
    if (status != GPUMM_OK) CHECK_STATUS(status, with);
    if (status == GPUMM_OK) same_worlds(&w, x);
    put_contents(&w, 40000, 5);
    CHECK_OK(gpumm_recording_replay(r, NULL, NULL, 0, NULL));
    same_worlds(&w, x);
    check_books(w.m, NULL);
    gpumm_recording_release(r);
    world_close(&w, true);
    return hit;
}

static void every_call_fails(void) {
    static const char *const calls[] = {"graph_open", "graph_patch", "graph_launch", "launch",
                                        "builtin",    "commit",      "event_record", NULL};
    static const gpumm_status with[] = {GPUMM_DRIVER, GPUMM_OUT_OF_MEMORY};
    unsigned failures = 0;
    world x = world_open((gpumm_options){.device = "host"});
    CHECK_OK(set_length(&x, 40000));
    put_contents(&x, 40000, 5);
    do_all(&x, 40000);
    for (size_t i = 0; calls[i]; i++)
        for (size_t k = 0; k < 2; k++)
            for (uint64_t nth = 1; failing(calls[i], nth, with[k], &x); nth += nth > 6 ? 9 : 1) failures++;
    CHECK(failures > 20);
    printf("recorded_primitives: %u failures within replays\n", failures);
    world_close(&x, false);
}

/* gpumm's own memory runs out while they are recorded, planned again and replayed. */
static void memory_runs_out(void) {
    static purse p;
    bool hit = true;
    long nth = 1, refused = 0;
    for (; hit; nth += nth > 40 ? 7 : 1) {
        world w = world_open((gpumm_options){.inject_faults = true, .allocator = {purse_reallocate, &p, NULL}});
        gpumm_recording *r = recording(w.m, nth % 2);
        CHECK_OK(set_length(&w, 3000));
        purse_fail(&p, nth);
        gpumm_status status = all(&w, r, NULL, GPUMM_TO_END);
        if (status == GPUMM_OK) status = set_length(&w, 40000);
        if (status == GPUMM_OK) status = gpumm_recording_replay(r, NULL, NULL, 0, NULL);
        hit = purse_failed(&p);
        if (status != GPUMM_OK) CHECK_STATUS(status, GPUMM_OUT_OF_MEMORY);
        if (!hit) CHECK_OK(status);
        refused += status != GPUMM_OK;
        gpumm_recording_release(r);
        world_close(&w, true);
        CHECK(atomic_load(&p.live) == 0);
    }
    CHECK(refused > 10);
    printf("recorded_primitives: %ld refusals of memory\n", refused);
}

/* What the budget does not have is told by the replay that wants it; then that goes on with less. */
static void over_the_limit(void) {
    world w = world_open((gpumm_options){.limit = 12 << 20});
    gpumm_recording *r = recording(w.m, false);
    CHECK_OK(set_length(&w, 2000));
    gpumm_sort_options o = {.keys = w.b[WIDE], .values = w.b[VALUES]};
    CHECK_OK(gpumm_recording_sort(r, GPUMM_TO_END, &o));
    CHECK_OK(gpumm_recording_replay(r, NULL, NULL, 0, NULL));
    CHECK_OK(set_length(&w, MOST));
    gpumm_buffer *rest = buffer(w.m, "u64", 1);
    CHECK_STATUS(gpumm_buffer_resize(rest, NULL, MOST), GPUMM_OK);
    gpumm_status status = gpumm_recording_replay(r, NULL, NULL, 0, NULL);
    CHECK_STATUS(status, GPUMM_OVER_LIMIT);
    CHECK_SAYS("sort: scratch of");
    CHECK(strstr(strstr(gpumm_message(), "; limit") + 1, "; limit") == NULL); /* once */
    CHECK_OK(set_length(&w, 2000));
    CHECK_OK(gpumm_recording_replay(r, NULL, NULL, 0, NULL));
    gpumm_buffer_release(rest);
    gpumm_recording_release(r);
    world_close(&w, false);
}

/* The hook is asked without locks: it may use the very recording, and free what makes the replay go on. */
typedef struct relief {
    gpumm_recording *recording;
    gpumm_buffer *rest, *to;
    int asked;
} relief;

static bool relieve(void *user, uint64_t wanted) {
    relief *x = user;
    uint32_t value = 7;
    CHECK(wanted > 0);
    if (x->asked++ || !x->recording) return false;
    CHECK_OK(gpumm_recording_fill(x->recording, x->to, 0, 1, &value));
    gpumm_buffer_release(x->rest);
    return true;
}

static void asks_the_hook_without_locks(bool at_replay) {
    relief x = {0};
    uint32_t first;
    world w = world_open((gpumm_options){.limit = 12 << 20, .pressure = relieve, .pressure_user = &x});
    gpumm_sort_options o = {.keys = w.b[WIDE], .values = w.b[VALUES]};
    x = (relief){recording(w.m, false), buffer(w.m, "u64", 1), w.b[TO], 0};
    CHECK_OK(set_length(&w, at_replay ? 2000 : MOST));
    if (!at_replay) CHECK_OK(gpumm_buffer_resize(x.rest, NULL, MOST));
    CHECK_OK(gpumm_recording_sort(x.recording, GPUMM_TO_END, &o));
    CHECK(x.asked == !at_replay);
    if (at_replay) CHECK_OK(set_length(&w, MOST));
    if (at_replay) CHECK_OK(gpumm_buffer_resize(x.rest, NULL, MOST));
    CHECK_OK(gpumm_recording_replay(x.recording, NULL, NULL, 0, NULL));
    CHECK_OK(gpumm_buffer_download(w.b[TO], NULL, 0, 1, &first));
    CHECK(x.asked == 1 && first == 7);
    gpumm_recording_release(x.recording);
    world_close(&w, false);
}

static void failures(void) {
    every_call_fails();
    memory_runs_out();
    over_the_limit();
    asks_the_hook_without_locks(true);
    asks_the_hook_without_locks(false);
}

/* --kernels: every kernel, without the hundreds of failures, for compute-sanitizer, under which all lasts a hundred times as
   long. */
int main(int argc, char **argv) {
    bool kernels_alone = argc > 1 && strcmp(argv[1], "--kernels") == 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    double started = seconds_now();
    gpumm_manager *base; /* keeps compiled primitives */
    if (gpumm_manager_open(&(gpumm_options){.device = RECORDING_DEVICE}, &base) != GPUMM_OK)
        return printf("skipped: %s\n", gpumm_message()), 77;
    replay_is_calling((gpumm_options){0}, "plain");
    replay_is_calling((gpumm_options){.inject_faults = true, .relocate = true}, "relocating");
    replay_is_calling((gpumm_options){.inject_faults = true, .fault = {.jitter = 3}}, "delayed");
    anew_is_calling((gpumm_options){.inject_faults = true}, "counted");
    too_short();
    interleaved();
    if (!kernels_alone) failures();
    gpumm_manager_release(base);
    printf("recorded_primitives: %.2f s\n", seconds_now() - started);
    return 0;
}
