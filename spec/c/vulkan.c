/* SPDX-License-Identifier: MIT */
/* libgpumm_vulkan on a Vulkan that is none (fake_vulkan.h), with memory that is real: what is bound holds what gpumm's streams wrote,
   as it grows, shrinks and moves on; turns are taken; what fails leaves nothing behind. */
#include <dirent.h>
#include <pthread.h>

#include "fake_vulkan.h"
#include "hard.h"

enum { ROUNDS = 1000 / HARD_SLOW };

#define USAGE (VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT)

static bool is_fake(void) { return getenv("GPUMM_TEST_FAKE") != NULL; }

static gpumm_type *u32;
static uint64_t unit; /* elements of a commit step */

static gpumm_manager *open_manager(void) {
    gpumm_manager *m;
    CHECK_OK(gpumm_manager_open(
        &(gpumm_options){.device = is_fake() ? "cuda" : "host", .workers = 1, .inject_faults = true}, &m));
    return m;
}

static gpumm_buffer *allocate(gpumm_manager *m, uint64_t length, bool shareable) {
    gpumm_buffer *b;
    gpumm_buffer_options o = {.type = u32,
                              .length = length,
                              .max_length = 64 * unit,
                              .max_size_bytes = 256u << 20,
                              .growth = {.kind = GPUMM_GROWTH_EXACT},
                              .ahead = GPUMM_AHEAD_NONE,
                              .shareable = shareable};
    CHECK_OK(gpumm_manager_allocate(m, &o, &b));
    return b;
}

static gpumm_vulkan *open_vulkan(gpumm_manager *m, gpumm_vulkan_way way) {
    gpumm_vulkan *v;
    gpumm_vulkan_options o = fake_options(m, way);
    CHECK_OK(gpumm_vulkan_open(&o, &v));
    return v;
}

static int descriptors(void) {
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (readdir(folder)) count++;
    closedir(folder);
    return count;
}

static void says(const char *words) {
    if (strstr(gpumm_vulkan_message(), words)) return;
    fprintf(stderr, "it does not say '%s': %s\n", words, gpumm_vulkan_message());
    _Exit(1);
}

/* Elements [first, count) are `value`, in what Vulkan has. */
static void check_range(VkDeviceAddress at, uint64_t first, uint64_t end, uint32_t value) {
    const uint32_t *seen = (const uint32_t *)(uintptr_t)at;
    for (uint64_t i = first; i < end; i += 61) CHECK(seen[i] == value);
    if (end > first) CHECK(seen[end - 1] == value);
}

static void fill(gpumm_buffer *b, uint64_t first, uint64_t end, uint32_t value) {
    if (end > first) CHECK_OK(gpumm_buffer_fill(b, NULL, first, end - first, &value));
    CHECK_OK(gpumm_stream_synchronize(gpumm_manager_main(gpumm_buffer_manager(b))));
}

/* ---- Asking ------------------------------------------------------------------------------------------ */

static void refuses(const gpumm_vulkan_options *o, const char *words) {
    gpumm_vulkan_needs needs;
    CHECK_STATUS(gpumm_vulkan_ask(o, &needs), GPUMM_NO_DEVICE);
    says(words);
}

static void says_what_is_missing(gpumm_manager *m) {
    gpumm_vulkan *v;
    gpumm_vulkan_needs needs;
    gpumm_vulkan_options o = fake_options(m, GPUMM_VULKAN_SPARSE), none = o, by_device = o;
    CHECK_OK(gpumm_vulkan_ask(&o, &needs));
    CHECK(needs.way == GPUMM_VULKAN_SPARSE && needs.sparse_binding && needs.extension_count == 2);
    fake.sparse = false;
    refuses(&o, "sparse binding");
    fake.sparse = true;
    fake.timeline = false;
    refuses(&o, "timeline semaphores");
    fake.timeline = true;
    fake.old = true;
    refuses(&o, "1.3 is needed");
    fake.old = false;
    fake.lacks = "VK_KHR_external_semaphore_fd";
    refuses(&o, "VK_KHR_external_semaphore_fd");
    fake.lacks = NULL;
    none.bind_queue = NULL;
    CHECK_STATUS(gpumm_vulkan_open(&none, &v), GPUMM_INVALID_ARGUMENT);
    says("bind_queue");
    none.size = 8;
    CHECK_STATUS(gpumm_vulkan_open(&none, &v), GPUMM_INVALID_ARGUMENT);
    by_device.way = GPUMM_VULKAN_BY_DEVICE;
    CHECK_OK(gpumm_vulkan_ask(&by_device, &needs));
    CHECK(needs.sparse_binding == is_fake());
    if (!is_fake()) return;
    fake.other_device = true;
    refuses(&o, "another device than the manager's Fake 0 (GPU-abababab");
    fake.other_device = false;
    o.way = GPUMM_VULKAN_BY_ADDRESS;
    CHECK_STATUS(gpumm_vulkan_ask(&o, &needs), GPUMM_INVALID_ARGUMENT);
}

/* ---- Growth ---------------------------------------------------------------------------------------------- */

/* Twelve growths, each by another number of commit steps; every element that there is holds the round that wrote it. */
static void follows_growth(gpumm_manager *m, gpumm_vulkan_way way) {
    gpumm_vulkan *v = open_vulkan(m, way);
    gpumm_buffer *b = allocate(m, 1000, true);
    gpumm_vulkan_buffer *x;
    gpumm_vulkan_buffer_info first, info;
    uint64_t ends[13] = {0, 1000};
    bool grew;
    fill(b, 0, 1000, 1);
    CHECK_OK(gpumm_vulkan_buffer_open(v, b, USAGE, &x));
    gpumm_vulkan_buffer_get(x, &first);
    CHECK_OK(gpumm_vulkan_buffer_follow(x, &grew));
    CHECK(!grew);
    for (uint32_t round = 2; round <= 12; round++) {
        ends[round] = ends[round - 1] + round * unit / 3;
        CHECK_OK(gpumm_buffer_resize(b, NULL, ends[round]));
        fill(b, ends[round - 1], ends[round], round);
        CHECK_OK(gpumm_vulkan_buffer_follow(x, &grew));
        gpumm_vulkan_buffer_get(x, &info);
        CHECK(info.length == ends[round] && info.bytes >= ends[round] * 4);
        for (uint32_t r = 1; r <= round; r++) check_range(info.address, ends[r - 1], ends[r], r);
        bool same = info.buffer == first.buffer && info.address == first.address && info.changes == 0;
        CHECK(way == GPUMM_VULKAN_SPARSE ? same : info.changes > 0 || round == 2); /* it had room for those */
        CHECK(info.imports == (way == GPUMM_VULKAN_SPARSE ? (uint32_t)fake.memories : 1));
    }
    gpumm_vulkan_buffer_close(x);
    gpumm_buffer_release(b);
    gpumm_vulkan_close(v);
    fake_check_nothing();
}

/* What took the place of memory that went is bound, also where nobody looked in between. */
static void follows_shrinking(gpumm_manager *m) {
    gpumm_vulkan *v = open_vulkan(m, GPUMM_VULKAN_SPARSE);
    gpumm_buffer *b = allocate(m, unit, true);
    gpumm_vulkan_buffer *x;
    gpumm_vulkan_buffer_info info;
    bool grew;
    CHECK_OK(gpumm_buffer_resize(b, NULL, 3 * unit));
    fill(b, 0, 3 * unit, 1);
    CHECK_OK(gpumm_vulkan_buffer_open(v, b, USAGE, &x));
    for (uint32_t round = 2; round < 5; round++) {
        CHECK_OK(gpumm_buffer_resize(b, NULL, unit));
        CHECK_OK(gpumm_buffer_shrink_to_fit(b));
        CHECK_OK(gpumm_manager_synchronize(m));
        if (round == 3) CHECK_OK(gpumm_vulkan_buffer_follow(x, &grew));
        CHECK_OK(gpumm_buffer_resize(b, NULL, 3 * unit));
        fill(b, unit, 3 * unit, round);
        CHECK_OK(gpumm_vulkan_buffer_follow(x, &grew));
        CHECK(grew);
        gpumm_vulkan_buffer_get(x, &info);
        check_range(info.address, 0, unit, 1);
        check_range(info.address, unit, 3 * unit, round);
    }
    CHECK_OK(gpumm_buffer_close(b));
    CHECK_STATUS(gpumm_vulkan_buffer_follow(x, NULL), GPUMM_STALE);
    gpumm_vulkan_buffer_close(x);
    gpumm_buffer_release(b);
    gpumm_vulkan_close(v);
    fake_check_nothing();
}

/* ---- Frames -------------------------------------------------------------------------------------------------- */

static gpumm_frame *capture(gpumm_readback *r, int64_t step) {
    gpumm_frame *f;
    CHECK_OK(gpumm_readback_capture(r, NULL, step, NULL));
    CHECK_OK(gpumm_readback_wait(r, 0, -1, &f));
    return f;
}

static gpumm_group *open_group(gpumm_manager *m) {
    gpumm_group *g;
    gpumm_member members[] = {{.name = "a", .type = u32}, {.name = "b", .type = u32}};
    gpumm_group_options o = {.members = members,
                             .member_count = 2,
                             .length = 100,
                             .max_length = 8 * unit,
                             .growth = {.kind = GPUMM_GROWTH_EXACT},
                             .unowned = true,
                             .shareable = true};
    CHECK_OK(gpumm_group_open(m, &o, &g));
    return g;
}

static void finds_frames(gpumm_manager *m, gpumm_vulkan_way way) {
    gpumm_vulkan *v = open_vulkan(m, way);
    gpumm_group *g = open_group(m);
    gpumm_buffer *members[] = {gpumm_group_at(g, 0), gpumm_group_at(g, 1)};
    gpumm_readback *r, *other;
    gpumm_vulkan_frames *frames;
    gpumm_vulkan_place place;
    gpumm_readback_options o = {
        .buffers = members, .buffer_count = 2, .slots = 3, .where = GPUMM_FRAMES_ON_DEVICE, .shareable = true};
    CHECK_OK(gpumm_readback_open(&o, &r));
    CHECK_OK(gpumm_readback_open(&o, &other));
    CHECK_OK(gpumm_vulkan_frames_open(v, r, USAGE, &frames));
    for (uint32_t step = 1; step <= 30; step++) {
        if (step % 10 == 0) CHECK_OK(gpumm_group_resize(g, NULL, step * unit / 20));
        uint64_t length = step < 10 ? 100 : step / 10 * 10 * unit / 20;
        fill(members[0], 0, length, step);
        fill(members[1], 0, length, 1000 + step);
        gpumm_frame *f = capture(r, step);
        for (uint32_t i = 0; i < 2; i++) {
            CHECK_OK(gpumm_vulkan_frames_find(frames, f, i, &place));
            CHECK(place.bytes == 4 * length && place.offset % 256 == 0);
            check_range(place.address, 0, length, 1000 * i + step);
        }
        CHECK_STATUS(gpumm_vulkan_frames_find(frames, f, 2, &place), GPUMM_INVALID_ARGUMENT);
        gpumm_frame_close(f);
        CHECK_STATUS(gpumm_vulkan_frames_find(frames, f, 0, &place), GPUMM_STALE);
        gpumm_frame_release(f);
    }
    CHECK(way == GPUMM_VULKAN_BY_ADDRESS || fake.buffers <= 3);
    gpumm_frame *strange = capture(other, 1);
    CHECK_STATUS(gpumm_vulkan_frames_find(frames, strange, 0, &place), GPUMM_INVALID_ARGUMENT);
    gpumm_frame_release(strange);
    gpumm_vulkan_frames_close(frames);
    gpumm_readback_release(r);
    gpumm_readback_release(other);
    gpumm_group_release(g);
    gpumm_vulkan_close(v);
    fake_check_nothing();
}

/* ---- Order ------------------------------------------------------------------------------------------------------- */

typedef struct renderer { /* its queue: turns to play, one after another */
    pthread_mutex_t lock;
    pthread_cond_t more;
    gpumm_vulkan_turn turns[ROUNDS];
    int submitted;
    VkDeviceAddress address;
    uint64_t length;
} renderer;

static gpumm_vulkan_turn next_turn(renderer *x, int i) {
    pthread_mutex_lock(&x->lock);
    while (x->submitted <= i) pthread_cond_wait(&x->more, &x->lock);
    gpumm_vulkan_turn t = x->turns[i];
    pthread_mutex_unlock(&x->lock);
    return t;
}

static void submit(renderer *x, gpumm_vulkan_turn t) {
    pthread_mutex_lock(&x->lock);
    x->turns[x->submitted++] = t;
    pthread_cond_signal(&x->more);
    pthread_mutex_unlock(&x->lock);
}

/* Turn i sees i + 1 everywhere, and nothing else until it is through. */
static void *render(void *user) {
    renderer *x = user;
    for (int i = 0; i < ROUNDS; i++) {
        gpumm_vulkan_turn t = next_turn(x, i);
        fake_wait(t.wait, t.wait_value);
        check_range(x->address, 0, x->length, (uint32_t)i + 1);
        check_range(x->address, 0, x->length, (uint32_t)i + 1);
        fake_signal(t.signal, t.signal_value);
    }
    return NULL;
}

static void takes_turns(gpumm_manager *m, gpumm_vulkan_way way) {
    static renderer x;
    x = (renderer){.lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER, .length = 20000};
    gpumm_vulkan *v = open_vulkan(m, way);
    gpumm_buffer *b = allocate(m, x.length, true);
    gpumm_vulkan_buffer *bound;
    gpumm_vulkan_buffer_info info;
    gpumm_vulkan_order *order;
    pthread_t thread;
    CHECK_OK(gpumm_vulkan_buffer_open(v, b, USAGE, &bound));
    gpumm_vulkan_buffer_get(bound, &info);
    x.address = info.address;
    CHECK_OK(gpumm_vulkan_order_open(v, &order));
    CHECK(pthread_create(&thread, NULL, render, &x) == 0);
    for (uint32_t i = 1; i <= ROUNDS; i++) {
        gpumm_vulkan_turn t;
        CHECK_OK(gpumm_buffer_fill(b, NULL, 0, x.length, &i));
        CHECK_OK(gpumm_vulkan_order_give(order, NULL, &t));
        submit(&x, t);
        CHECK_OK(gpumm_vulkan_order_take(order, NULL, &t));
    }
    pthread_join(thread, NULL);
    CHECK_STATUS(gpumm_vulkan_order_take(order, NULL, &(gpumm_vulkan_turn){.signal_value = ROUNDS + 1}),
                 GPUMM_INVALID_ARGUMENT);
    CHECK_OK(gpumm_manager_synchronize(m));
    gpumm_vulkan_order_close(order);
    gpumm_vulkan_buffer_close(bound);
    gpumm_buffer_release(b);
    gpumm_vulkan_close(v);
    fake_check_nothing();
}

/* ---- Failures ------------------------------------------------------------------------------------------------------ */

/* All that makes something, once. */
static gpumm_status make_all(gpumm_manager *m, gpumm_vulkan_way way, gpumm_buffer *b) {
    gpumm_vulkan *v = NULL;
    gpumm_vulkan_buffer *x = NULL;
    gpumm_vulkan_order *order = NULL;
    gpumm_vulkan_options o = fake_options(m, way);
    gpumm_status status = gpumm_vulkan_open(&o, &v);
    if (status == GPUMM_OK) status = gpumm_vulkan_buffer_open(v, b, USAGE, &x);
    if (status == GPUMM_OK) {
        CHECK_OK(gpumm_buffer_resize(b, NULL, 3 * unit));
        status = gpumm_vulkan_buffer_follow(x, NULL);
        if (status != GPUMM_OK) CHECK_OK(gpumm_vulkan_buffer_follow(x, NULL)); /* the next time it works */
        gpumm_vulkan_buffer_info info;
        gpumm_vulkan_buffer_get(x, &info);
        CHECK(info.bytes >= 3 * unit * 4);
    }
    if (status == GPUMM_OK) status = gpumm_vulkan_order_open(v, &order);
    gpumm_vulkan_order_close(order);
    gpumm_vulkan_buffer_close(x);
    gpumm_vulkan_close(v);
    return status;
}

/* Looked for, and not missed on the other way. */
static bool is_of_other_way(const char *call, gpumm_vulkan_way way) {
    return strcmp(call, way == GPUMM_VULKAN_SPARSE ? "vkGetMemoryHostPointerPropertiesEXT" : "vkGetSemaphoreFdKHR") ==
           0;
}

static void leaves_nothing(gpumm_manager *m, gpumm_vulkan_way way) {
    static const char *const calls[] = {"vkEnumerateDeviceExtensionProperties",
                                        "vkCreateFence",
                                        "vkCreateBuffer",
                                        "vkAllocateMemory",
                                        "vkQueueBindSparse",
                                        "vkBindBufferMemory",
                                        "vkGetMemoryHostPointerPropertiesEXT",
                                        "vkCreateSemaphore",
                                        "vkGetSemaphoreFdKHR",
                                        "vkDestroySemaphore"};
    unsigned failures = 0;
    gpumm_buffer *warm = allocate(m, 10, true);
    CHECK_OK(make_all(m, way, warm));
    gpumm_buffer_release(warm);
    CHECK_OK(gpumm_manager_synchronize(m));
    int before = descriptors();
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        for (unsigned nth = 1; nth < 8; nth++) {
            gpumm_buffer *b = allocate(m, 10, true);
            fake_fail(calls[i], nth);
            gpumm_status status = make_all(m, way, b);
            CHECK((status != GPUMM_OK) == (fake.has_failed && !is_of_other_way(calls[i], way)));
            gpumm_buffer_release(b);
            fake_check_nothing();
            failures += fake.has_failed;
            if (!fake.has_failed) break;
        }
    fake.nth = 0;
    CHECK(failures >= 8);
    CHECK_OK(gpumm_manager_exports_over(m));
    CHECK_OK(gpumm_manager_synchronize(m));
    CHECK_OK(gpumm_manager_trim(m, NULL));
    for (int i = 0; i < 2000 && descriptors() > before; i++) usleep(1000); /* memory goes back in the background */
    CHECK(descriptors() <= before);
}

static void refuses_what_is_not_shareable(gpumm_manager *m) {
    gpumm_vulkan *v = open_vulkan(m, GPUMM_VULKAN_SPARSE);
    gpumm_vulkan_buffer *x;
    gpumm_manager *strange = open_manager();
    gpumm_buffer *b = allocate(m, 10, false), *its = allocate(strange, 10, true);
    CHECK_STATUS(gpumm_vulkan_buffer_open(v, b, USAGE, &x), GPUMM_INVALID_ARGUMENT);
    says("shareable = true");
    CHECK_STATUS(gpumm_vulkan_buffer_open(v, its, USAGE, &x), GPUMM_INVALID_ARGUMENT);
    says("another manager");
    CHECK_STATUS(gpumm_vulkan_buffer_open(v, NULL, USAGE, &x), GPUMM_INVALID_ARGUMENT);
    gpumm_buffer_release(b);
    gpumm_buffer_release(its);
    close_and_check(strange);
    gpumm_vulkan_close(v);
    fake_check_nothing();
}

int main(void) {
    CHECK_OK(gpumm_type_parse("u32", &u32));
    gpumm_manager *m = open_manager();
    gpumm_device_info info;
    CHECK_OK(gpumm_manager_get_info(m, &info));
    unit = info.granularity_bytes / 4;
    says_what_is_missing(m);
    follows_growth(m, GPUMM_VULKAN_SPARSE);
    follows_shrinking(m);
    finds_frames(m, GPUMM_VULKAN_SPARSE);
    takes_turns(m, GPUMM_VULKAN_SPARSE);
    leaves_nothing(m, GPUMM_VULKAN_SPARSE);
    refuses_what_is_not_shareable(m);
    if (!is_fake()) {
        follows_growth(m, GPUMM_VULKAN_BY_ADDRESS);
        finds_frames(m, GPUMM_VULKAN_BY_ADDRESS);
        takes_turns(m, GPUMM_VULKAN_BY_ADDRESS);
        leaves_nothing(m, GPUMM_VULKAN_BY_ADDRESS);
    }
    gpumm_type_release(u32);
    CHECK_OK(gpumm_manager_exports_over(m));
    close_and_check(m);
    return 0;
}
