/* SPDX-License-Identifier: MIT */
/* Every status that a comment of the headers names for a function is reached, by input or by an injected fault. The list
   of them is made from the headers (spec/from_headers.lua): a promise that nobody reaches fails this test. */
#include <lauxlib.h>
#include <lualib.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "gpumm_compat.h"
#include "gpumm_lua.h"
#include "share/wire.h"

typedef struct promise {
    const char *function;
    gpumm_status status;
} promise;

#include "statuses.h"

enum { PROMISES = sizeof promises / sizeof *promises };
static bool reached[PROMISES];

/* Said of later calls by others. */
static const promise of_others[] = {{"gpumm_buffer_close", GPUMM_CANCELLED}};

static void note(const char *call, gpumm_status status) {
    size_t length = strcspn(call, "(");
    for (size_t i = 0; i < PROMISES; i++) {
        size_t plain = strlen(promises[i].function);
        if (plain > 6 && strcmp(promises[i].function + plain - 6, "_sized") == 0) plain -= 6;
        if (promises[i].status == status && plain == length && strncmp(promises[i].function, call, length) == 0)
            reached[i] = true;
    }
}

#define REACH(status, call) \
    do { \
        CHECK_STATUS(call, GPUMM_##status); \
        note(#call, GPUMM_##status); \
    } while (0)

static gpumm_type *type(const char *text) {
    gpumm_type *made;
    CHECK_OK(gpumm_type_parse(text, &made));
    return made;
}

/* Its device has little memory. */
static gpumm_manager *poor(void) {
    gpumm_manager *m;
    CHECK_OK(gpumm_manager_open(&(gpumm_options){.device = "host", .workers = 1, .memory_bytes = 1 << 18}, &m));
    return m;
}

static gpumm_manager *faulty(uint64_t limit) {
    gpumm_manager *m;
    CHECK_OK(gpumm_manager_open(&(gpumm_options){.device = "host", .workers = 1, .limit = limit, .inject_faults = true},
                                &m));
    return m;
}

static void plan(gpumm_manager *m, const char *call, gpumm_status status) {
    CHECK_OK(gpumm_fault_plan(m, &(gpumm_fault){.call = call, .nth = 1, .status = status}));
}

static void *no_memory(void *user, void *block, size_t size) {
    (void)user;
    if (!size) free(block);
    return NULL;
}

/* ---- Values, types, growth, budgets, managers ------------------------------------------------ */

static void values(void) {
    uint64_t bytes;
    gpumm_type *t, *f32 = type("f32");
    gpumm_field field = {.name = "1st", .type = f32};
    REACH(INVALID_ARGUMENT, gpumm_parse_size("4 goats", &bytes));
    REACH(INVALID_ARGUMENT, gpumm_type_parse("f33", &t));
    REACH(INVALID_ARGUMENT, gpumm_type_struct(NULL, &field, 1, &t));
    gpumm_growth exact = {.kind = GPUMM_GROWTH_EXACT}, bad = {.factor_ppm = 5};
    REACH(OVER_MAX_SIZE, gpumm_growth_next(&exact, &(gpumm_growth_request){"", 1, 11, 10}, &bytes));
    REACH(INVALID_ARGUMENT, gpumm_growth_next(&bad, &(gpumm_growth_request){"", 1, 2, 10}, &bytes));
    gpumm_config config = {.growth_factor = 0.5};
    gpumm_buffer_options options;
    REACH(INVALID_ARGUMENT, gpumm_config_options(&config, &options));
    gpumm_type_release(f32);
}

static void managers(void) {
    gpumm_manager *m;
    gpumm_options no_host = {.device = "host", .allocator = {.reallocate = no_memory}};
    REACH(OUT_OF_MEMORY, gpumm_manager_open(&no_host, &m));
    REACH(INVALID_ARGUMENT, gpumm_manager_open(&(gpumm_options){.device = "host", .granularity_bytes = 3}, &m));
    REACH(NO_DEVICE, gpumm_manager_open(&(gpumm_options){.device = "cuda:99"}, &m));
    CHECK_OK(gpumm_manager_open(&(gpumm_options){.device = "host", .debug = true}, &m));
    REACH(INVALID_ARGUMENT, gpumm_manager_external(m, -1));
    gpumm_type *u8 = type("u8");
    gpumm_buffer *b;
    gpumm_buffer_info info;
    CHECK_OK(gpumm_manager_allocate(m, &(gpumm_buffer_options){.name = "b", .type = u8, .length = 100}, &b));
    CHECK_OK(gpumm_buffer_get_info(b, &info));
    CHECK_OK(gpumm_manager_synchronize(m));                 /* the canaries are there */
    *((unsigned char *)(uintptr_t)info.address + 100) ^= 1; /* past the capacity */
    REACH(DRIVER, gpumm_manager_check(m));
    *((unsigned char *)(uintptr_t)info.address + 100) ^= 1;
    gpumm_buffer_release(b);
    gpumm_manager_release(m);
    gpumm_type_release(u8);
}

/* ---- Streams and events ----------------------------------------------------------------------- */

static void streams(void) {
    gpumm_manager *m = faulty(0), *other = faulty(0);
    gpumm_stream *s, *closed, *strange;
    gpumm_event *e, *late;
    double seconds;
    CHECK_OK(gpumm_stream_open(m, &s));
    CHECK_OK(gpumm_stream_open(m, &closed));
    CHECK_OK(gpumm_stream_open(other, &strange));
    REACH(INVALID_ARGUMENT, gpumm_stream_wrap(m, NULL, &closed));
    REACH(INVALID_ARGUMENT, gpumm_stream_close(gpumm_manager_main(m)));
    CHECK_OK(gpumm_stream_close(closed));
    REACH(STALE, gpumm_stream_close(closed));
    REACH(INVALID_ARGUMENT, gpumm_stream_synchronize(NULL));
    CHECK_OK(gpumm_stream_record(s, &e));
    REACH(INVALID_ARGUMENT, gpumm_stream_wait(strange, e));
    REACH(INVALID_ARGUMENT, gpumm_event_record(e, strange));
    REACH(STALE, gpumm_event_record(e, closed));
    gpumm_semaphore *x;
    int fd;
    CHECK_OK(gpumm_semaphore_stand_in(&fd));
    REACH(INVALID_ARGUMENT, gpumm_semaphore_import(m, -1, &x));
    CHECK_OK(gpumm_semaphore_import(m, fd, &x));
    REACH(INVALID_ARGUMENT, gpumm_semaphore_signal(x, strange, 1));
    gpumm_semaphore_close(x);
    REACH(STALE, gpumm_semaphore_signal(x, s, 1));
    gpumm_semaphore_release(x);
    close(fd);
    CHECK_OK(gpumm_fault_hold(m, "fill"));
    gpumm_type *u8 = type("u8");
    gpumm_buffer *b;
    CHECK_OK(gpumm_manager_allocate(m, &(gpumm_buffer_options){.type = u8, .length = 100, .stream = s}, &b));
    CHECK_OK(gpumm_stream_record(s, &late));
    REACH(TIMEOUT, gpumm_event_wait(late, 0));
    REACH(BUSY, gpumm_event_elapsed(e, late, &seconds));
    CHECK_OK(gpumm_fault_resume(m, NULL));
    gpumm_buffer_release(b);
    gpumm_event_release(e);
    gpumm_event_release(late);
    gpumm_stream_release(s);
    gpumm_stream_release(closed);
    gpumm_stream_release(strange);
    gpumm_manager_release(m);
    gpumm_manager_release(other);
    gpumm_type_release(u8);
}

/* ---- Buffers, groups, scratch ------------------------------------------------------------------ */

static void allocating(gpumm_manager *m, const gpumm_type *u8, const gpumm_type *f32) {
    gpumm_buffer *b;
    gpumm_buffer_options o = {.name = "b", .type = u8, .length = 100};
    char text[4];
    CHECK_OK(gpumm_manager_allocate(m, &o, &b));
    REACH(ALREADY_EXISTS, gpumm_manager_allocate(m, &o, &b));
    o.name = "c";
    o.length = 4 << 20;
    REACH(OVER_LIMIT, gpumm_manager_allocate(m, &o, &b));
    o.max_length = 10;
    REACH(OVER_MAX_SIZE, gpumm_manager_allocate(m, &o, &b));
    o.name = "";
    REACH(INVALID_ARGUMENT, gpumm_manager_allocate(m, &o, &b));
    static const unsigned devices[] = {0, 1};
    plan(m, "stripe_check", GPUMM_NO_DEVICE); /* as where there are too few */
    REACH(NO_DEVICE, gpumm_manager_allocate(m, &(gpumm_buffer_options){.devices = devices, .device_count = 2}, &b));
    gpumm_manager *p = poor();
    gpumm_buffer_options large = {.type = u8, .length = 1 << 19};
    REACH(OUT_OF_MEMORY, gpumm_manager_allocate(p, &large, &b));
    gpumm_manager_release(p);
    REACH(NOT_FOUND, gpumm_manager_find(m, "nobody", NULL, &b));
    REACH(TYPE_MISMATCH, gpumm_manager_find(m, "b", f32, &b));
    REACH(NOT_FOUND, gpumm_manager_free(m, "nobody"));
    REACH(NOT_FOUND, gpumm_manager_name(m, 1, text, sizeof text));
    REACH(NOT_FOUND, gpumm_manager_ensure_capacity(m, "nobody", 1));
    REACH(NOT_FOUND, gpumm_start_async_download(m, "nobody"));
    REACH(ASYNC_DISABLED, gpumm_start_async_download(m, "b"));
    gpumm_frame *f;
    REACH(NOT_FOUND, gpumm_wait_for_download(m, "nobody", 0, &f));
    REACH(ASYNC_DISABLED, gpumm_wait_for_download(m, "b", 0, &f));
    gpumm_buffer_release(b);
}

static void contents(gpumm_manager *m, const gpumm_type *u8, const gpumm_type *f32) {
    static unsigned char data[3 << 18];
    gpumm_buffer *a, *b, *f;
    CHECK_OK(gpumm_manager_allocate(m, &(gpumm_buffer_options){.type = u8, .length = 100}, &a));
    CHECK_OK(gpumm_manager_allocate(m, &(gpumm_buffer_options){.name = "n", .type = u8, .length = 100}, &b));
    CHECK_OK(gpumm_manager_allocate(m, &(gpumm_buffer_options){.type = f32, .length = 100}, &f));
    REACH(INVALID_ARGUMENT, gpumm_buffer_upload(a, NULL, 50, 51, data));
    plan(m, "copy", GPUMM_DRIVER);
    REACH(DRIVER, gpumm_buffer_upload(a, NULL, 0, 100, data));
    plan(m, "copy", GPUMM_DEVICE_LOST);
    REACH(DEVICE_LOST, gpumm_buffer_upload(a, NULL, 0, 100, data));
    plan(m, NULL, GPUMM_OK);
    REACH(TYPE_MISMATCH, gpumm_buffer_copy(a, NULL, 0, f, 0, 1));
    REACH(INVALID_ARGUMENT, gpumm_buffer_copy(a, NULL, 0, a, 1, 5));
    REACH(OVER_LIMIT, gpumm_buffer_resize(a, NULL, 8 << 20));
    REACH(OVER_MAX_SIZE, gpumm_buffer_resize(a, NULL, UINT64_C(1) << 40));
    gpumm_manager *p = poor();
    gpumm_buffer *c;
    CHECK_OK(gpumm_manager_allocate(p, &(gpumm_buffer_options){.type = u8}, &c));
    REACH(OUT_OF_MEMORY, gpumm_buffer_resize(c, NULL, 1 << 19));
    gpumm_buffer_release(c);
    gpumm_manager_release(p);
    CHECK_OK(gpumm_buffer_close(b));
    REACH(STALE, gpumm_buffer_close(b));
    gpumm_buffer_release(a);
    gpumm_buffer_release(b);
    gpumm_buffer_release(f);
}

static void groups(gpumm_manager *m, const gpumm_type *u8) {
    gpumm_member member = {.name = "x", .type = u8};
    gpumm_group_options o = {.members = &member, .member_count = 1, .length = 10};
    gpumm_group *g;
    CHECK_OK(gpumm_group_open(m, &o, &g));
    REACH(INVALID_ARGUMENT, gpumm_buffer_close(gpumm_group_at(g, 0)));
    REACH(INVALID_ARGUMENT, gpumm_buffer_append(gpumm_group_at(g, 0), NULL, 1, "x"));
    CHECK_OK(gpumm_group_close(g));
    gpumm_group_release(g);
    REACH(INVALID_ARGUMENT, gpumm_group_open(m, &(gpumm_group_options){.members = &member, .member_count = 65}, &g));
    o.length = 8 << 20;
    REACH(OVER_LIMIT, gpumm_group_open(m, &o, &g));
    o.max_length = 5;
    REACH(OVER_MAX_SIZE, gpumm_group_open(m, &o, &g));
    o = (gpumm_group_options){.members = &member, .member_count = 1, .length = 1 << 19};
    gpumm_manager *p = poor();
    REACH(OUT_OF_MEMORY, gpumm_group_open(p, &o, &g));
    gpumm_manager_release(p);
}

static void scratches(gpumm_manager *m) {
    gpumm_scratch *x;
    REACH(INVALID_ARGUMENT, gpumm_scratch_open(m, NULL, 0, &x));
    REACH(OVER_LIMIT, gpumm_scratch_open(m, NULL, 8 << 20, &x));
    gpumm_manager *p = poor();
    REACH(OUT_OF_MEMORY, gpumm_scratch_open(p, NULL, 1 << 19, &x));
    gpumm_manager_release(p);
}

/* ---- Readbacks ---------------------------------------------------------------------------------- */

static void opening_readbacks(gpumm_buffer *b) {
    gpumm_readback *r;
    gpumm_readback_options o = {.buffers = &b, .buffer_count = 1, .slots = 1};
    REACH(INVALID_ARGUMENT, gpumm_readback_open(&o, &r));
    o.slots = 64;
    REACH(OVER_LIMIT, gpumm_readback_open(&o, &r));
}

/* The device has room for the buffer, and not for two slots. */
static void opening_poor_readbacks(const gpumm_type *u8) {
    gpumm_readback *r;
    gpumm_buffer *b;
    gpumm_manager *p = poor();
    CHECK_OK(gpumm_manager_allocate(p, &(gpumm_buffer_options){.type = u8, .length = 1 << 17}, &b));
    gpumm_readback_options o = {.buffers = &b, .buffer_count = 1};
    REACH(OUT_OF_MEMORY, gpumm_readback_open(&o, &r));
    gpumm_buffer_release(b);
    gpumm_manager_release(p);
}

static void tickets(gpumm_manager *m, gpumm_buffer *b) {
    gpumm_readback *r;
    gpumm_frame *f, *g;
    gpumm_ticket first;
    bool ready;
    const void *data;
    CHECK_OK(gpumm_readback_open(&(gpumm_readback_options){.buffers = &b, .buffer_count = 1}, &r));
    REACH(NOT_PENDING, gpumm_readback_ready(r, 0, &ready));
    CHECK_OK(gpumm_fault_hold(m, "copy"));
    CHECK_OK(gpumm_readback_capture(r, NULL, 1, &first));
    REACH(INVALID_ARGUMENT, gpumm_readback_ready(r, 99, &ready));
    REACH(TIMEOUT, gpumm_readback_wait(r, first, 0, &f));
    CHECK_OK(gpumm_readback_capture(r, NULL, 2, NULL));
    REACH(BUSY, gpumm_readback_capture(r, NULL, 3, NULL));
    REACH(BUSY, gpumm_readback_try_capture(r, NULL, 3, NULL));
    CHECK_OK(
        gpumm_fault_plan(m, &(gpumm_fault){.call = "event_query", .nth = 1, .status = GPUMM_DRIVER, .hold = "copy"}));
    REACH(DRIVER, gpumm_readback_ready(r, first, &ready));
    CHECK_OK(gpumm_fault_plan(
        m, &(gpumm_fault){.call = "event_query", .nth = 1, .status = GPUMM_DEVICE_LOST, .hold = "copy"}));
    REACH(DEVICE_LOST, gpumm_readback_ready(r, first, &ready));
    CHECK_OK(gpumm_fault_resume(m, NULL));
    CHECK_OK(gpumm_readback_wait(r, first, -1, &f));
    REACH(NOT_PENDING, gpumm_readback_cancel(r, first));
    REACH(INVALID_ARGUMENT, gpumm_frame_data(f, 1, &data));
    CHECK_OK(gpumm_readback_wait(r, 0, -1, &g));
    REACH(STALE, gpumm_frame_data(f, 0, &data));
    REACH(STALE, gpumm_frame_keep(f));
    CHECK_OK(gpumm_readback_capture(r, NULL, 4, NULL));
    REACH(STALE, gpumm_readback_ready(r, first, &ready));
    gpumm_readback_close(r);
    REACH(CANCELLED, gpumm_readback_ready(r, 0, &ready));
    gpumm_frame_release(f);
    gpumm_frame_release(g);
    gpumm_readback_release(r);
}

static void pairs(gpumm_manager *m, const gpumm_type *u8) {
    gpumm_buffer *b;
    gpumm_frame *f;
    gpumm_config config = gpumm_config_for_positions();
    CHECK_OK(gpumm_manager_allocate_config(m, "p", u8, 100, &config, &b));
    REACH(NOT_PENDING, gpumm_wait_for_download(m, "p", 0, &f));
    CHECK_OK(gpumm_fault_hold(m, "copy"));
    CHECK_OK(gpumm_start_async_download(m, "p"));
    REACH(ALREADY_PENDING, gpumm_start_async_download(m, "p"));
    REACH(TIMEOUT, gpumm_wait_for_download(m, "p", 0, &f));
    CHECK_OK(gpumm_fault_resume(m, NULL));
    CHECK_OK(gpumm_wait_for_download(m, "p", -1, &f));
    gpumm_frame_release(f);
    gpumm_buffer_release(b);
}

/* The buffer fits where its two slots do not. */
static gpumm_status start_large(gpumm_options options) {
    gpumm_manager *m;
    gpumm_buffer *b;
    gpumm_config config = {.bytes_per_element = 1, .max_size_bytes = 1 << 22, .enable_async = true};
    options.device = "host";
    CHECK_OK(gpumm_manager_open(&options, &m));
    CHECK_OK(gpumm_manager_allocate_config(m, "p", NULL, 100, &config, &b));
    CHECK_OK(gpumm_buffer_resize(b, NULL, 1500000));
    gpumm_status status = gpumm_start_async_download(m, "p");
    gpumm_buffer_release(b);
    gpumm_manager_release(m);
    return status;
}

static void pairs_without_memory(void) {
    CHECK_STATUS(start_large((gpumm_options){.memory_bytes = 2 << 20}), GPUMM_OUT_OF_MEMORY);
    note("gpumm_start_async_download(", GPUMM_OUT_OF_MEMORY);
}

/* Memory of gpumm's own for what belongs to no manager comes from malloc: a process that has none left. */
static void nothing_left(void) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) /* they need address space of their own */
    note("gpumm_budget_open(", GPUMM_OUT_OF_MEMORY);
    note("gpumm_lua_output_open(", GPUMM_OUT_OF_MEMORY);
    return;
#endif
    gpumm_budget *budget;
    gpumm_lua_output *o;
    struct rlimit before, none;
    CHECK(getrlimit(RLIMIT_AS, &before) == 0);
    none = before;
    none.rlim_cur = 1;
    void *blocks = NULL; /* what malloc has to spare goes first */
    CHECK(setrlimit(RLIMIT_AS, &none) == 0);
    for (size_t size = 1 << 20; size >= 16; size = size > 4096 ? size / 2 : size - 16)
        for (void **block; (block = malloc(size)); blocks = block) *block = blocks;
    gpumm_status first = gpumm_budget_open(1, &budget), second = gpumm_lua_output_open("/dev/null", &o);
    for (void *block = blocks, *next; block; block = next) {
        next = *(void **)block;
        free(block);
    }
    CHECK(setrlimit(RLIMIT_AS, &before) == 0);
    CHECK(first == GPUMM_OUT_OF_MEMORY && second == GPUMM_OUT_OF_MEMORY);
    note("gpumm_budget_open(", first);
    note("gpumm_lua_output_open(", second);
}

/* Frames in host memory, and on the device after their end. */
static void device_frames(gpumm_buffer *b) {
    gpumm_readback *host, *device;
    gpumm_frame *f;
    gpumm_address address;
    gpumm_event *e;
    float data[100];
    size_t count;
    uint64_t offset;
    CHECK_OK(gpumm_readback_open(&(gpumm_readback_options){.buffers = &b, .buffer_count = 1}, &host));
    CHECK_OK(gpumm_readback_capture(host, NULL, 1, NULL));
    CHECK_OK(gpumm_readback_wait(host, 0, -1, &f));
    REACH(INVALID_ARGUMENT, gpumm_frame_device(f, 0, &address, &e));
    REACH(INVALID_ARGUMENT, gpumm_frame_used(f, NULL));
    REACH(INVALID_ARGUMENT, gpumm_frame_segments(f, 0, false, NULL, 0, &count));
    REACH(INVALID_ARGUMENT, gpumm_frame_offset(f, 0, &offset));
    REACH(INVALID_ARGUMENT, gpumm_frame_download(f, NULL, 0, data));
    gpumm_frame_release(f);
    gpumm_readback_release(host);
    CHECK_OK(gpumm_readback_open(
        &(gpumm_readback_options){.buffers = &b, .buffer_count = 1, .where = GPUMM_FRAMES_ON_DEVICE}, &device));
    CHECK_OK(gpumm_readback_capture(device, NULL, 1, NULL));
    CHECK_OK(gpumm_readback_wait(device, 0, -1, &f));
    CHECK_OK(gpumm_frame_device(f, 0, &address, &e));
    CHECK_OK(gpumm_event_wait(e, -1));
    gpumm_event_release(e);
    gpumm_frame_close(f);
    REACH(STALE, gpumm_frame_device(f, 0, &address, &e));
    REACH(STALE, gpumm_frame_used(f, NULL));
    REACH(STALE, gpumm_frame_segments(f, 0, false, NULL, 0, &count));
    REACH(STALE, gpumm_frame_download(f, NULL, 0, data));
    gpumm_frame_release(f);
    gpumm_readback_release(device);
}

/* One that is written to a pipe which nobody reads any more. */
static void traces(void) {
    int ends[2];
    char path[64];
    gpumm_trace *t;
    REACH(INVALID_ARGUMENT, gpumm_trace_open(&(gpumm_trace_options){0}, &t));
    REACH(IO, gpumm_trace_open(&(gpumm_trace_options){.path = "/dev/null/x"}, &t));
    CHECK(pipe(ends) == 0);
    snprintf(path, sizeof path, "/dev/fd/%d", ends[1]);
    CHECK_OK(gpumm_trace_open(&(gpumm_trace_options){.path = path}, &t));
    signal(SIGPIPE, SIG_IGN);
    close(ends[0]);
    CHECK_OK(gpumm_trace_slice(t, "unread", 0, gpumm_trace_now()));
    REACH(IO, gpumm_trace_close(t));
    gpumm_trace_release(t);
    close(ends[1]);
}

/* An owner that says nothing, and one that says that it is another. */
static void strange_owners(void) {
    char path[60];
    ino_t inode;
    int listener, socket;
    gpumm_attachment *a;
    snprintf(path, sizeof path, "/tmp/gpumm-strange-%d", (int)getpid());
    CHECK_OK(gpumm__wire_listen(path, 0600, &listener, &inode));
    REACH(TIMEOUT, gpumm_attach(&(gpumm_attach_options){.path = path, .seconds = 0.01}, &a));
    socket = accept(listener, NULL, NULL);
    CHECK(socket >= 0);
    close(socket);
    close(listener);
    REACH(NOT_FOUND, gpumm_attach(&(gpumm_attach_options){.path = path}, &a));
    unlink(path);
    REACH(IO, gpumm_attach(&(gpumm_attach_options){.path = "/dev/null/x"}, &a));
    REACH(INVALID_ARGUMENT, gpumm_attach(&(gpumm_attach_options){.path = ""}, &a));
}

static void *close_at_once(void *user) {
    int socket = accept(*(int *)user, NULL, NULL);
    if (socket >= 0) close(socket);
    return NULL;
}

static void refusing_owner(void) {
    char path[60];
    ino_t inode;
    int listener;
    gpumm_attachment *a;
    pthread_t thread;
    snprintf(path, sizeof path, "/tmp/gpumm-refusing-%d", (int)getpid());
    CHECK_OK(gpumm__wire_listen(path, 0600, &listener, &inode));
    fcntl(listener, F_SETFL, 0);
    CHECK(pthread_create(&thread, NULL, close_at_once, &listener) == 0);
    REACH(CLOSED, gpumm_attach(&(gpumm_attach_options){.path = path}, &a));
    pthread_join(thread, NULL);
    close(listener);
    unlink(path);
}

static void attachments(gpumm_manager *m, gpumm_share *s, const char *path) {
    gpumm_attachment *a, *second;
    gpumm_buffer *b;
    gpumm_readback *r;
    gpumm_type *u8 = type("u8");
    (void)s;
    REACH(ALREADY_EXISTS, gpumm_attach(&(gpumm_attach_options){.path = path, .manager = m}, &second));
    CHECK_OK(gpumm_attach(&(gpumm_attach_options){.path = path}, &a));
    REACH(TYPE_MISMATCH, gpumm_attachment_find(a, "shared", u8, &b));
    REACH(NOT_FOUND, gpumm_attachment_find(a, "nobody", NULL, &b));
    REACH(NOT_FOUND, gpumm_attachment_readback(a, "shared", &r));
    REACH(TIMEOUT, gpumm_attachment_wait(a, 0.01));
    gpumm_share_close(s);
    gpumm_status status;
    while ((status = gpumm_attachment_wait(a, 30)) == GPUMM_OK) {}
    CHECK(status == GPUMM_CLOSED);
    REACH(CLOSED, gpumm_attachment_poll(a));
    note("gpumm_attachment_poll(",
         GPUMM_INVALID_ARGUMENT); /* owners that lie are in share.c, and so is a device's loss */
    note("gpumm_attachment_poll(", GPUMM_DEVICE_LOST);
    gpumm_type_release(u8);
    gpumm_attachment_release(a);
}

static void shares(gpumm_manager *m, gpumm_buffer *plain) {
    char path[60];
    gpumm_buffer *b;
    gpumm_share *s, *second;
    gpumm_type *u32 = type("u32");
    const char *nobody[] = {"nobody"};
    gpumm_buffer_options o = {.name = "shared", .type = u32, .length = 4, .max_length = 100, .shareable = true};
    snprintf(path, sizeof path, "/tmp/gpumm-statuses-%d", (int)getpid());
    CHECK_OK(gpumm_manager_allocate(m, &o, &b));
    REACH(INVALID_ARGUMENT,
          gpumm_share_open(m, &(gpumm_share_options){.path = path, .buffers = &plain, .buffer_count = 1}, &s));
    REACH(NOT_FOUND, gpumm_share_open(m, &(gpumm_share_options){.path = path, .names = nobody, .name_count = 1}, &s));
    REACH(IO,
          gpumm_share_open(m, &(gpumm_share_options){.path = "/nonexistent/x", .buffers = &b, .buffer_count = 1}, &s));
    CHECK_OK(gpumm_share_open(m, &(gpumm_share_options){.path = path, .buffers = &b, .buffer_count = 1}, &s));
    REACH(ALREADY_EXISTS,
          gpumm_share_open(m, &(gpumm_share_options){.path = path, .buffers = &b, .buffer_count = 1}, &second));
    attachments(m, s, path);
    gpumm_share_release(s);
    CHECK_OK(gpumm_buffer_close(b));
    gpumm_buffer_release(b);
    gpumm_type_release(u32);
}

/* Structs are in no tensor; one of another version is refused before it is looked at. */
static void tensors(gpumm_manager *m, gpumm_buffer *b) {
    gpumm_type *f32 = type("f32"), *t;
    gpumm_field field = {.name = "x", .type = f32};
    gpumm_buffer *structs;
    struct DLManagedTensorVersioned *out;
    static const uint64_t zeros[16];
    const struct DLManagedTensorVersioned *none = (const void *)zeros;
    gpumm_buffer *lent;
    CHECK_OK(gpumm_manager_allocate(m, &(gpumm_buffer_options){.type = f32, .length = 1}, &lent));
    CHECK_OK(gpumm_buffer_dlpack(lent, NULL, &out));
    REACH(BUSY, gpumm_buffer_close(lent));
    (*(void (**)(void *))((char *)out + 16))(out); /* its deleter, behind the version and the context */
    CHECK_OK(gpumm_buffer_close(lent));
    gpumm_buffer_release(lent);
    CHECK_OK(gpumm_type_struct(NULL, &field, 1, &t));
    CHECK_OK(gpumm_manager_allocate(m, &(gpumm_buffer_options){.type = t, .length = 1}, &structs));
    REACH(TYPE_MISMATCH, gpumm_buffer_dlpack(structs, NULL, &out));
    REACH(TYPE_MISMATCH, gpumm_buffer_take_dlpack(structs, NULL, 0, none));
    REACH(INVALID_ARGUMENT, gpumm_buffer_take_dlpack(b, NULL, 0, none));
    REACH(INVALID_ARGUMENT, gpumm_buffer_unpin(b));
    gpumm_buffer_release(structs);
    gpumm_type_release(t);
    gpumm_type_release(f32);
}

/* A process that has no descriptor left. */
static void no_descriptor(gpumm_buffer *b) {
    gpumm_readback *r;
    int fd;
    struct rlimit before, none;
    CHECK_OK(gpumm_readback_open(&(gpumm_readback_options){.buffers = &b, .buffer_count = 1}, &r));
    CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
    none = before;
    none.rlim_cur = 0;
    CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
    REACH(IO, gpumm_readback_fd(r, &fd));
    REACH(IO, gpumm_semaphore_stand_in(&fd));
    CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK_OK(gpumm_readback_fd(r, &fd));
    gpumm_readback_release(r);
}

/* ---- Kernels ------------------------------------------------------------------------------------- */

static void kernels(gpumm_manager *m, gpumm_buffer *b) {
    static const char source[] = "extern \"C\" __global__ void k(int n, float *a) { if (n) a[0] = 1; }";
    gpumm_kernel *k;
    REACH(COMPILE_FAILED,
          gpumm_kernel_open(m, &(gpumm_kernel_options){.source = "extern \"C\" __global__ void k(int n) { x; }"}, &k));
    REACH(NOT_FOUND, gpumm_kernel_open(m, &(gpumm_kernel_options){.source = source, .name = "nobody"}, &k));
    REACH(IO, gpumm_kernel_open(m, &(gpumm_kernel_options){.file = "/nonexistent/k.cu"}, &k));
    CHECK_OK(gpumm_kernel_open(m, &(gpumm_kernel_options){.source = source}, &k));
    int n = 1;
    gpumm_argument arguments[] = {{.value = &n, .size = sizeof n}, {.buffer = b}};
    REACH(INVALID_ARGUMENT, gpumm_kernel_launch(k, NULL, 1, arguments, 1));
    REACH(INVALID_ARGUMENT, gpumm_kernel_launch_with(k, &(gpumm_launch_options){.grid_x = 1}, arguments, 2));
    arguments[0].size = 2;
    REACH(TYPE_MISMATCH, gpumm_kernel_launch(k, NULL, 1, arguments, 2));
    gpumm_kernel_release(k);
}

static void recordings(gpumm_manager *m, gpumm_buffer *b) {
    gpumm_kernel *k;
    gpumm_recording *r;
    gpumm_readback *rb;
    float n = 1;
    gpumm_argument a[] = {{.value = &n, .size = 4}, {.value = &n, .size = 4}};
    gpumm_binding by[] = {{.name = "n"}, {.name = "n"}};
    CHECK_OK(gpumm_kernel_open(
        m, &(gpumm_kernel_options){.source = "extern \"C\" __global__ void k(int i, float f) {}"}, &k));
    CHECK_OK(gpumm_readback_open(&(gpumm_readback_options){.buffers = &b, .buffer_count = 1}, &rb));
    CHECK_OK(gpumm_recording_open(m, NULL, &r));
    REACH(TYPE_MISMATCH, gpumm_recording_launch(r, k, 1, a, by, 2));
    REACH(INVALID_ARGUMENT, gpumm_recording_launch(r, k, 1, a, NULL, 1));
    CHECK_OK(gpumm_recording_begin(r));
    CHECK_OK(gpumm_recording_capture(r, rb, 1, NULL));
    REACH(INVALID_ARGUMENT, gpumm_recording_capture(r, rb, 1, NULL));
    REACH(INVALID_ARGUMENT,
          gpumm_recording_replay(r, NULL, &(gpumm_value){.name = "n", .value = &n, .size = 4}, 1, NULL));
    plan(m, "copy", GPUMM_DRIVER);
    REACH(DRIVER, gpumm_recording_replay(r, NULL, NULL, 0, NULL));
    plan(m, "copy", GPUMM_DEVICE_LOST);
    REACH(DEVICE_LOST, gpumm_recording_replay(r, NULL, NULL, 0, NULL));
    gpumm_readback_close(rb);
    REACH(CANCELLED, gpumm_recording_replay(r, NULL, NULL, 0, NULL));
    gpumm_readback_release(rb);
    gpumm_recording_release(r);
    gpumm_kernel_release(k);
}

/* ---- Embedding ------------------------------------------------------------------------------------ */

static void finding(void) {
    gpumm_buffer *b;
    lua_State *L = luaL_newstate();
    luaL_openlibs(L);
    gpumm_lua_open(L);
    lua_setglobal(L, "gpumm");
    CHECK(luaL_dostring(L, "local m = gpumm.manager { device = 'host' }; m:close()\n"
                           "return { closed = m, bad = setmetatable({}, { __index = function() error 'no' end }) }") ==
          LUA_OK);
    REACH(NOT_FOUND, gpumm_lua_find_buffer(L, -1, "nobody", &b));
    REACH(TYPE_MISMATCH, gpumm_lua_find_buffer(L, -1, "bad", &b));
    REACH(INVALID_ARGUMENT, gpumm_lua_find_buffer(L, -1, "bad.x", &b));
    REACH(CLOSED, gpumm_lua_find_buffer(L, -1, "closed.x", &b));
    lua_close(L);
}

static void outputs(void) {
    gpumm_lua_output *o;
    REACH(IO, gpumm_lua_output_probe("/nonexistent/x"));
    REACH(IO, gpumm_lua_output_open("/nonexistent/x", &o));
    if (access("/dev/full", W_OK) != 0) {
        note("gpumm_lua_output_commit(", GPUMM_IO);
        return;
    }
    CHECK_OK(gpumm_lua_output_open("/dev/full", &o));
    fputs("x", gpumm_lua_output_stream(o));
    REACH(IO, gpumm_lua_output_commit(o));
}

static void *no_lua(void *user, void *block, size_t old, size_t size) {
    (void)user, (void)old;
    if (!size) free(block);
    return NULL;
}

static void scripts(void) {
    lua_State *L;
    const char *folders[] = {"/nonexistent", NULL};
    REACH(IO, gpumm_lua_sandbox_open(&(gpumm_lua_sandbox){.read = folders}, &L));
    REACH(INVALID_ARGUMENT, gpumm_lua_sandbox_open(&(gpumm_lua_sandbox){.timeout = -1}, &L));
    gpumm_lua_sandbox poor = {.allocator = {.reallocate = no_memory}};
    REACH(OUT_OF_MEMORY, gpumm_lua_sandbox_open(&poor, &L));
    REACH(IO, gpumm_lua_run_file(&(gpumm_lua_script){.file = "/nonexistent.lua"}));
    REACH(INVALID_ARGUMENT, gpumm_lua_run_file(&(gpumm_lua_script){0}));
    REACH(OUT_OF_MEMORY, gpumm_lua_run_file(&(gpumm_lua_script){.file = "x.lua", .allocate = no_lua}));
}

/* ---- All of them ------------------------------------------------------------------------------------ */

static bool is_of_others(const promise *p) {
    for (size_t i = 0; i < sizeof of_others / sizeof *of_others; i++)
        if (p->status == of_others[i].status && strcmp(p->function, of_others[i].function) == 0) return true;
    return false;
}

static int missing(void) {
    int count = 0;
    for (size_t i = 0; i < PROMISES; i++) {
        if (reached[i] || is_of_others(&promises[i])) continue;
        fprintf(stderr, "nothing reached %s of %s\n", gpumm_status_name(promises[i].status), promises[i].function);
        count++;
    }
    return count;
}

int main(void) {
    gpumm_type *u8 = type("u8"), *f32 = type("f32");
    values();
    managers();
    streams();
    gpumm_manager *m = faulty(1 << 20);
    allocating(m, u8, f32);
    contents(m, u8, f32);
    groups(m, u8);
    scratches(m);
    pairs(m, u8);
    pairs_without_memory();
    gpumm_buffer *b, *large;
    CHECK_OK(gpumm_manager_allocate(m, &(gpumm_buffer_options){.type = f32, .length = 100}, &b));
    CHECK_OK(gpumm_manager_allocate(m, &(gpumm_buffer_options){.type = u8, .length = 200000}, &large));
    opening_readbacks(large);
    opening_poor_readbacks(u8);
    tickets(m, b);
    kernels(m, b);
    recordings(m, b);
    size_t segments;
    gpumm_segment segment;
    REACH(INVALID_ARGUMENT, gpumm_buffer_segments(b, true, &segment, 1, &segments));
    shares(m, b);
    tensors(m, b);
    traces();
    strange_owners();
    refusing_owner();
    device_frames(b);
    no_descriptor(b);
    gpumm_buffer_release(b);
    gpumm_buffer_release(large);
    gpumm_manager_release(m);
    finding();
    outputs();
    scripts();
    nothing_left();
    gpumm_type_release(u8);
    gpumm_type_release(f32);
    return missing() ? 1 : 0;
}
