/* SPDX-License-Identifier: MIT */
/* What an application hands in: allocator, log sink, pressure hook, growth callback, budget, block visitor. Each is called
   without gpumm's locks, so each calls back into gpumm here. And that streams cannot be wrapped where there is no
   driver. */
#include "check.h"
#include "gpumm_compat.h"

/* ---- Making things --------------------------------------------------------------------------- */

static gpumm_buffer *open_floats(gpumm_manager *m, const char *name, uint64_t length, const gpumm_growth *growth) {
    gpumm_type *f32;
    gpumm_buffer *b;
    CHECK_OK(gpumm_type_parse("f32", &f32));
    gpumm_buffer_options options = {.name = name, .type = f32, .length = length, .tag = "embed_hooks.c"};
    if (growth) options.growth = *growth;
    CHECK_OK(gpumm_manager_allocate(m, &options, &b));
    gpumm_type_release(f32);
    return b;
}

/* ---- Allocator ------------------------------------------------------------------------------- */

typedef struct counted {
    long blocks;
    uint64_t calls, fail_at; /* 0: never */
} counted;

static void *count_memory(void *user, void *block, size_t size) {
    counted *c = user;
    if (size == 0) {
        if (block) __atomic_sub_fetch(&c->blocks, 1, __ATOMIC_RELAXED);
        free(block);
        return NULL;
    }
    uint64_t call = __atomic_add_fetch(&c->calls, 1, __ATOMIC_RELAXED);
    if (call == c->fail_at) return NULL;
    if (!block) __atomic_add_fetch(&c->blocks, 1, __ATOMIC_RELAXED);
    return realloc(block, size);
}

/* The rest may be missing: what was made goes again. */
static gpumm_status snapshot(gpumm_buffer *b, gpumm_stream *stream) {
    gpumm_readback_options options = {.buffers = &b, .buffer_count = 1, .slots = 3};
    gpumm_readback *r;
    gpumm_frame *frame;
    gpumm_status status = gpumm_readback_open(&options, &r);
    if (status != GPUMM_OK) return status;
    status = gpumm_readback_capture(r, stream, 1, NULL);
    if (status == GPUMM_OK) status = gpumm_readback_wait(r, 0, -1, &frame);
    if (status == GPUMM_OK) gpumm_frame_release(frame);
    gpumm_readback_release(r);
    return status;
}

static gpumm_status order_streams(gpumm_manager *m, gpumm_buffer *b) {
    gpumm_stream *stream;
    gpumm_event *event;
    gpumm_status status = gpumm_stream_open(m, &stream);
    if (status != GPUMM_OK) return status;
    status = gpumm_buffer_fill(b, stream, 0, 100, "four");
    if (status == GPUMM_OK) status = gpumm_stream_record(stream, &event);
    if (status == GPUMM_OK) {
        status = gpumm_stream_wait(NULL, event); /* the main stream's turn */
        if (status == GPUMM_OK) status = gpumm_event_wait(event, -1);
        gpumm_event_release(event);
    }
    if (status == GPUMM_OK) status = snapshot(b, stream);
    gpumm_stream_release(stream);
    return status;
}

static gpumm_status grow_group(gpumm_manager *m) {
    gpumm_type *types[2] = {NULL, NULL};
    gpumm_group *g;
    gpumm_status status = gpumm_type_parse("f32x3", &types[0]);
    if (status == GPUMM_OK) status = gpumm_type_parse("u8", &types[1]);
    const gpumm_member members[] = {{.name = "place", .type = types[0]}, {.name = "flag", .type = types[1]}};
    gpumm_group_options options = {.name = "g", .members = members, .member_count = 2, .length = 10, .ahead = 1};
    if (status == GPUMM_OK) status = gpumm_group_open(m, &options, &g);
    gpumm_type_release(types[0]);
    gpumm_type_release(types[1]);
    if (status != GPUMM_OK) return status;
    const void *columns[] = {NULL, "seven.."};
    status = gpumm_group_append(g, NULL, 7, columns);
    if (status == GPUMM_OK) status = gpumm_group_resize(g, NULL, 100000);
    if (status == GPUMM_OK) status = snapshot(gpumm_group_member(g, "flag"), NULL);
    if (status == GPUMM_OK) status = gpumm_group_close(g);
    gpumm_group_release(g);
    return status;
}

static gpumm_status launch(gpumm_manager *m, gpumm_buffer *b) {
    static const char source[] = "extern \"C\" __global__ void twice(int n, unsigned *v) {"
                                 " int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) v[i] *= 2; }";
    gpumm_kernel_options options = {.source = source};
    gpumm_kernel *k;
    gpumm_scratch *scratch;
    int32_t n = 16;
    gpumm_status status = gpumm_kernel_open(m, &options, &k);
    if (status != GPUMM_OK) return status;
    status = gpumm_scratch_open(m, NULL, 64, &scratch);
    if (status == GPUMM_OK) {
        gpumm_argument arguments[] = {{.value = &n, .size = sizeof n}, {.scratch = scratch}};
        status = gpumm_kernel_launch(k, NULL, 0, arguments, 2);
        arguments[1] = (gpumm_argument){.buffer = b};
        if (status == GPUMM_OK) status = gpumm_kernel_launch(k, NULL, 0, arguments, 2);
        gpumm_scratch_release(scratch);
    }
    gpumm_kernel_release(k);
    return status;
}

/* What a manager does, in parts: each is swept by itself, because a sweep takes the square of its length. */
typedef gpumm_status use(gpumm_manager *m, gpumm_buffer *b);

static gpumm_status use_memory(gpumm_manager *m, gpumm_buffer *b) {
    gpumm_status status = gpumm_buffer_resize(b, NULL, 5000);
    if (status == GPUMM_OK) status = grow_group(m);
    if (status == GPUMM_OK) status = gpumm_start_async_download(m, "b");
    return status;
}

static gpumm_status use_streams(gpumm_manager *m, gpumm_buffer *b) { return order_streams(m, b); }
static gpumm_status use_kernel(gpumm_manager *m, gpumm_buffer *b) { return launch(m, b); }

static gpumm_status use_manager(gpumm_manager *m, use *what) {
    gpumm_type *type;
    gpumm_buffer *b;
    gpumm_status status = gpumm_type_parse("u32", &type);
    if (status != GPUMM_OK) return status;
    gpumm_buffer_options options = {.name = "b", .type = type, .length = 100, .enable_async = true};
    status = gpumm_manager_allocate(m, &options, &b);
    gpumm_type_release(type);
    if (status != GPUMM_OK) return status;
    status = what(m, b);
    if (status == GPUMM_OK) status = gpumm_manager_check(m);
    gpumm_buffer_release(b);
    return status;
}

static gpumm_status use_one(counted *c, use *what) {
    gpumm_options options = {
        .device = "host", .workers = 1, .inject_faults = true, .allocator = {.reallocate = count_memory, .user = c}};
    gpumm_manager *m;
    gpumm_live live;
    gpumm_status status = gpumm_manager_open(&options, &m);
    if (status != GPUMM_OK) return status;
    status = use_manager(m, what);
    gpumm_manager_close(m);
    CHECK_OK(gpumm_fault_get_live(m, &live));
    CHECK(live.committed_bytes == 0 && live.reserved_bytes == 0 && live.streams == 0 && live.events == 0 &&
          live.modules == 0);
    gpumm_manager_release(m);
    return status;
}

/* Each allocation fails once; at least `least` of the failures reach who called. */
static void sweep_allocations(use *what, uint64_t least) {
    counted c = {0};
    CHECK_OK(use_one(&c, what));
    CHECK(c.calls > 30 && c.blocks == 0);
    uint64_t calls = c.calls, failed = 0;
    for (uint64_t k = 1; k <= calls; k++) {
        c = (counted){.fail_at = k};
        gpumm_status status = use_one(&c, what);
        if (status != GPUMM_OK && status != GPUMM_OUT_OF_MEMORY) fprintf(stderr, "%s\n", gpumm_message());
        CHECK(status == GPUMM_OK || status == GPUMM_OUT_OF_MEMORY);
        CHECK(c.blocks == 0);
        failed += status != GPUMM_OK;
    }
    CHECK(failed >= least);
}

/* A quarter of what a quiet machine needs; the others were tried again, or only made something faster. A busy machine
   has more of those: the worker tries again to move what is in use. */
static void test_allocator(void) {
    sweep_allocations(use_memory, 5);
    sweep_allocations(use_streams, 5);
    sweep_allocations(use_kernel, 9);
}

/* ---- Log ------------------------------------------------------------------------------------- */

typedef struct heard {
    gpumm_manager *manager;
    int infos, warnings;
    char warning[512];
} heard;

static void hear(void *user, gpumm_log_level level, const char *line) {
    heard *h = user;
    CHECK(strchr(line, '\n') == NULL);
    if (level == GPUMM_LOG_INFO) h->infos++;
    if (level == GPUMM_LOG_WARNING) {
        gpumm_stats stats;
        h->warnings++;
        snprintf(h->warning, sizeof h->warning, "%s", line);
        gpumm_manager_get_stats(h->manager, &stats); /* no lock is held */
    }
}

static void test_log(void) {
    heard h = {0};
    gpumm_options options = {.device = "host", .workers = 1, .log = hear, .log_user = &h};
    CHECK_OK(gpumm_manager_open(&options, &h.manager));
    CHECK(h.infos == 1 && h.warnings == 0);
    gpumm_buffer_release(open_floats(h.manager, "forgotten", 10, NULL));
    gpumm_manager_close(h.manager);
    gpumm_manager_close(h.manager);
    CHECK(h.warnings == 1 && strstr(h.warning, "forgotten") && strstr(h.warning, "embed_hooks.c"));
    CHECK(gpumm_manager_leaks(h.manager, NULL, NULL) == 1);
    gpumm_manager_release(h.manager);
}

/* ---- Pressure -------------------------------------------------------------------------------- */

typedef struct cache { /* of the application's, in gpumm's memory: given up under pressure */
    gpumm_buffer *entries[4];
    int count, asked;
    uint64_t wanted;
} cache;

static bool give_up(void *user, uint64_t wanted) {
    cache *c = user;
    c->asked++;
    c->wanted = wanted;
    if (c->count == 0) return false;
    gpumm_buffer_release(c->entries[--c->count]);
    return true;
}

static void test_pressure(void) {
    cache c = {.count = 0};
    gpumm_options options = {
        .device = "host", .workers = 1, .limit = 64 << 10, .pressure = give_up, .pressure_user = &c};
    gpumm_manager *m;
    CHECK_OK(gpumm_manager_open(&options, &m));
    for (; c.count < 4; c.count++) c.entries[c.count] = open_floats(m, NULL, 4 << 10, NULL); /* 16 KiB each */
    CHECK(c.asked == 0);
    gpumm_buffer *b = open_floats(m, "b", 8 << 10, NULL); /* 32 KiB: two of them have to go */
    CHECK(c.asked == 2 && c.count == 2 && c.wanted >= 32 << 10);
    CHECK_STATUS(gpumm_buffer_resize(b, NULL, 17 << 10), GPUMM_OVER_LIMIT); /* more than all of it */
    CHECK(c.count == 0 && c.asked == 5);
    CHECK_SAYS("'b'");
    gpumm_buffer_info info;
    CHECK_OK(gpumm_buffer_get_info(b, &info));
    CHECK(info.length == 8 << 10 && info.capacity == 8 << 10);
    CHECK_OK(gpumm_buffer_close(b));
    gpumm_buffer_release(b);
    gpumm_manager_release(m);
}

/* Whoever asks: scratch and readbacks are in the budget as buffers are. */
static void test_pressure_of_all(void) {
    cache c = {.count = 0};
    gpumm_options options = {
        .device = "host", .workers = 1, .limit = 64 << 10, .pressure = give_up, .pressure_user = &c};
    gpumm_manager *m;
    gpumm_scratch *x;
    gpumm_readback *r;
    CHECK_OK(gpumm_manager_open(&options, &m));
    gpumm_buffer *b = open_floats(m, "b", 1 << 10, NULL); /* 4 KiB, and two slots on both sides: 16 KiB */
    for (; c.count < 3; c.count++) c.entries[c.count] = open_floats(m, NULL, 4 << 10, NULL);
    CHECK_OK(gpumm_readback_open(&(gpumm_readback_options){.buffers = &b, .buffer_count = 1}, &r));
    CHECK(c.asked == 1 && c.count == 2 && c.wanted == 16 << 10);
    CHECK_OK(gpumm_scratch_open(m, NULL, 40 << 10, &x));
    CHECK(c.asked == 3 && c.count == 0 && c.wanted == 40 << 10);
    gpumm_scratch *y;
    CHECK_STATUS(gpumm_scratch_open(m, NULL, 40 << 10, &y), GPUMM_OVER_LIMIT);
    CHECK(c.asked == 4);
    gpumm_scratch_release(x);
    gpumm_readback_release(r);
    CHECK_OK(gpumm_buffer_close(b));
    gpumm_buffer_release(b);
    gpumm_manager_release(m);
}

/* ---- Growth ---------------------------------------------------------------------------------- */

typedef struct schedule {
    gpumm_manager *manager;
    int asked;
    gpumm_growth_request last;
    uint64_t answer;
} schedule;

static uint64_t answer(void *user, const gpumm_growth_request *request) {
    schedule *s = user;
    gpumm_buffer *self;
    gpumm_buffer_info info;
    s->asked++;
    s->last = *request;
    CHECK_OK(gpumm_manager_find(s->manager, request->name, NULL, &self)); /* no lock is held */
    CHECK_OK(gpumm_buffer_get_info(self, &info));
    CHECK(info.capacity == request->capacity);
    gpumm_buffer_release(self);
    return s->answer;
}

static void test_growth(void) {
    schedule s = {.answer = 500};
    gpumm_options options = {.device = "host", .workers = 1};
    CHECK_OK(gpumm_manager_open(&options, &s.manager));
    gpumm_growth growth = {.kind = GPUMM_GROWTH_CALLBACK, .callback = answer, .user = &s};
    gpumm_buffer *b = open_floats(s.manager, "grown", 100, &growth);
    gpumm_buffer_info info;
    CHECK_OK(gpumm_buffer_resize(b, NULL, 101));
    CHECK_OK(gpumm_buffer_get_info(b, &info));
    CHECK(s.asked == 1 && s.last.capacity == 100 && s.last.required == 101 && s.last.max == (1 << 30) / 4);
    CHECK(info.length == 101 && info.capacity == 500);
    CHECK_OK(gpumm_buffer_resize(b, NULL, 500));
    CHECK(s.asked == 1);                             /* it fits */
    CHECK_OK(gpumm_buffer_ensure_capacity(b, 1000)); /* what it says is too little, so it is what is required */
    CHECK_OK(gpumm_buffer_get_info(b, &info));
    CHECK(s.asked == 2 && info.capacity == 1000 && info.length == 500);
    gpumm_buffer_release(b);
    gpumm_manager_release(s.manager);
}

/* ---- Budgets and books ----------------------------------------------------------------------- */

static void look_back(void *user, const gpumm_block *block) {
    gpumm_stats stats;
    gpumm_manager_get_stats(user, &stats); /* no lock is held */
    CHECK(block->bytes <= stats.used_bytes + stats.entry[GPUMM_CATEGORY_EXTERNAL].now_bytes);
}

static void test_budget(void) {
    gpumm_budget *budget;
    gpumm_manager *one, *two;
    CHECK_OK(gpumm_budget_open(100 << 10, &budget));
    gpumm_options options = {.device = "host", .workers = 1, .budget = budget};
    CHECK_OK(gpumm_manager_open(&options, &one));
    CHECK_OK(gpumm_manager_open(&options, &two));
    gpumm_buffer_release(open_floats(one, "a", 20 << 10, NULL)); /* 80 KiB */
    CHECK(gpumm_budget_used(budget) == 80 << 10);
    gpumm_buffer_options more = {.name = "b", .length = 10 << 10};
    gpumm_buffer *b;
    CHECK_STATUS(gpumm_manager_allocate(two, &more, &b), GPUMM_OVER_LIMIT);
    gpumm_budget_set_limit(budget, 200 << 10);
    CHECK_OK(gpumm_manager_allocate(two, &more, &b));
    gpumm_buffer_release(b);
    CHECK(gpumm_budget_used(budget) == 120 << 10 && gpumm_budget_limit(budget) == 200 << 10);
    CHECK_OK(gpumm_manager_external(one, 5000));
    CHECK_STATUS(gpumm_manager_external(one, -6000), GPUMM_INVALID_ARGUMENT);
    CHECK(gpumm_manager_blocks(one, look_back, one) == 2);
    gpumm_manager_close(one);
    CHECK(gpumm_budget_used(budget) == 40 << 10);
    gpumm_manager_release(one);
    gpumm_manager_release(two);
    CHECK(gpumm_budget_used(budget) == 0);
    gpumm_budget_release(budget);
}

static void test_wrap(void) {
    gpumm_options options = {.device = "host", .workers = 1};
    gpumm_manager *m;
    gpumm_stream *s;
    int native;
    CHECK_OK(gpumm_manager_open(&options, &m));
    CHECK_STATUS(gpumm_stream_wrap(m, NULL, &s), GPUMM_INVALID_ARGUMENT);
    CHECK_STATUS(gpumm_stream_wrap(m, &native, &s), GPUMM_INVALID_ARGUMENT);
    CHECK(gpumm_stream_native(gpumm_manager_main(m)) == NULL);
    gpumm_manager_release(m);
}

int main(void) {
    test_allocator();
    test_log();
    test_pressure();
    test_pressure_of_all();
    test_growth();
    test_budget();
    test_wrap();
    return 0;
}
