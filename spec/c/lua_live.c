/* SPDX-License-Identifier: MIT */
/* The live page's server without Lua: its thread, the one that captures, and viewers, for the sanitizers; whether what is
   sent is what was captured; what words, numbers, doors and frames are. */
#include <math.h>
#include <pthread.h>

#include "base/alloc.h"
#include "live_client.h"
#include "modules/live/encode.h"
#include "modules/live/number.h"
#include "modules/live/queue.h"

enum { NODES = 5000, VIEWERS = 4, FRAMES = 40 };

/* ---- Parts ---------------------------------------------------------------------------------------- */

static bool parses(const char *text, live_event *out) { return gpumm_live__event_parse(text, strlen(text), out); }

static void test_events(void) {
    static const char *const wrong[] = {"",
                                        " ",
                                        "pause ",
                                        " pause",
                                        "pause now",
                                        "PAUSE",
                                        "step 0",
                                        "step 1.5",
                                        "step -1",
                                        "rate",
                                        "rate -1",
                                        "rate nan",
                                        "drag 1 2",
                                        "drag 1 2 3 4 5",
                                        "drag -1 0 0",
                                        "drag 2147483648 0 0",
                                        "free",
                                        "set 1 2",
                                        "set a",
                                        "set a b",
                                        "tell 1",
                                        "tell a 1 2 3 4",
                                        "want u8",
                                        "tell a\tb",
                                        "drag 1 1e31 0",
                                        "drag 1 . 0",
                                        "drag 1 1e 0",
                                        "drag 1 1e100 0",
                                        "tell abcdefghijklmnopqrstuvwxyz_abcdef"};
    live_event e;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) CHECK(!parses(wrong[i], &e));
    CHECK(!gpumm_live__event_parse("pause\0", 6, &e));
    CHECK(parses("pause", &e) && e.kind == LIVE_PAUSE);
    CHECK(parses("step", &e) && e.count == 0);
    CHECK(parses("step 12", &e) && e.count == 1 && e.values[0] == 12);
    CHECK(parses("drag 2147483647 -1.5 2e3 .25", &e) && e.node == 2147483647 && e.count == 3);
    CHECK(e.values[0] == -1.5 && e.values[1] == 2000 && e.values[2] == 0.25);
    CHECK(parses("set a_1 7.", &e) && strcmp(e.word, "a_1") == 0 && e.values[0] == 7);
    CHECK(parses("want u16", &e) && parses("tell x 0.1 0.1 0.1", &e) && e.values[2] == 0.1);
}

static void test_numbers(void) {
    static const float values[] = {0, 1, -1, 0.1f, 3.14159274f, 1e-30f, 123456.789f, 16777217, 9.99e20f};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char text[64];
        double got;
        snprintf(text, sizeof text, "%.9g", values[i]);
        CHECK(gpumm_live__number_real(text, strlen(text), &got) && (float)got == values[i]);
    }
}

static void test_queue(void) {
    static live_queue queue;
    live_event e, drag = {.kind = LIVE_DRAG, .node = 3, .values = {1}};
    for (int i = 0; i < 10; i++) {
        drag.values[0] = i;
        CHECK(gpumm_live__queue_put(&queue, &drag));
    }
    CHECK(queue.count == 1); /* the newest place alone */
    for (int i = 0; i < LIVE_QUEUE - 1; i++) CHECK(gpumm_live__queue_put(&queue, &(live_event){.kind = LIVE_PAUSE}));
    CHECK(!gpumm_live__queue_put(&queue, &(live_event){.kind = LIVE_GO}));
    CHECK(gpumm_live__queue_take(&queue, &e) && e.kind == LIVE_DRAG && e.values[0] == 9);
    for (int i = 0; i < LIVE_QUEUE - 1; i++) CHECK(gpumm_live__queue_take(&queue, &e) && e.kind == LIVE_PAUSE);
    CHECK(!gpumm_live__queue_take(&queue, &e));
}

static void test_doors(void) {
    live_door door = {
        .port = 80, .host = "127.0.0.1", .own = "box", .origins = {"https://lab.example"}, .origin_count = 1};
    CHECK(gpumm_live__door_token(door.token) && strlen(door.token) == LIVE_TOKEN_BYTES - 1);
    char path[128];
    snprintf(path, sizeof path, "/%s/socket", door.token);
    CHECK(gpumm_live__door_path(&door, path, "socket") && !gpumm_live__door_path(&door, path, ""));
    path[5] ^= 1;
    CHECK(!gpumm_live__door_path(&door, path, "socket") && !gpumm_live__door_path(&door, "/", ""));
    CHECK(gpumm_live__door_host(&door, "localhost:80") && gpumm_live__door_host(&door, "[::1]:80"));
    CHECK(gpumm_live__door_host(&door, "BOX:80") && gpumm_live__door_host(&door, "lab.example"));
    CHECK(gpumm_live__door_host(&door, "localhost") &&
          gpumm_live__door_host(&door, "[::1]")); /* clients leave 80 out */
    CHECK(!gpumm_live__door_host(&door, "localhost:81") && !gpumm_live__door_host(&door, "evil.example"));
    door.port = 8080;
    CHECK(!gpumm_live__door_host(&door, "localhost") && !gpumm_live__door_host(&door, "[::1]"));
    CHECK(gpumm_live__door_host(&door, "[::1]:8080") && !gpumm_live__door_host(&door, "[::1]:80"));
    door.port = 80;
    CHECK(!gpumm_live__door_host(&door, "127.0.0.1.evil.example:80") && !gpumm_live__door_host(&door, ""));
    CHECK(gpumm_live__door_origin(&door, "", "box:80") && gpumm_live__door_origin(&door, "http://box:80", "box:80"));
    CHECK(gpumm_live__door_origin(&door, "https://lab.example", "lab.example"));
    CHECK(!gpumm_live__door_origin(&door, "http://evil.example", "box:80"));
    CHECK(!gpumm_live__door_origin(&door, "null", "box:80") &&
          !gpumm_live__door_origin(&door, "https://box:80", "box:80"));
    CHECK(gpumm_live__door_loopback("127.8.8.8") && gpumm_live__door_loopback("::1"));
    CHECK(!gpumm_live__door_loopback("0.0.0.0") && !gpumm_live__door_loopback("example.org"));
}

static void test_squeezing(void) {
    float values[] = {-3, 1e6f, NAN, 5, INFINITY, 5, 7.25f, -1e6f};
    live_frame_about about = {.dimensions = 2, .count = 4};
    live_blob *exact = gpumm_live__encode_f32(gpumm__alloc_default, &about, values),
              *small = gpumm_live__encode_u16(exact);
    float low[3], high[3];
    uint16_t q[8];
    CHECK(exact->size == 64 + sizeof values && small->size == 64 + sizeof q);
    memcpy(low, small->bytes + 32, sizeof low);
    memcpy(high, small->bytes + 44, sizeof high);
    memcpy(q, small->bytes + 64, sizeof q);
    CHECK(low[0] == -3 && high[0] == 7.25f && low[1] == -1e6f && high[1] == 1e6f);
    CHECK(q[0] == 0 && q[6] == 65535 && q[1] == 65535 && q[7] == 0 && q[2] == 0 && q[4] == 0);
    gpumm_live__blob_release(exact);
    gpumm_live__blob_release(small);
}

/* ---- Together ---------------------------------------------------------------------------------------- */

typedef struct audience {
    live_server *server;
    int number;
    unsigned frames;
    int64_t last;
} audience;

/* Every position of step s is s: a frame is of one step, whole. */
static void check_frame(audience *a, const unsigned char *bytes, size_t size) {
    int64_t step;
    uint32_t count;
    memcpy(&step, bytes + 24, sizeof step);
    memcpy(&count, bytes + 12, sizeof count);
    CHECK(count == NODES && size == 64 + (size_t)count * 8);
    for (size_t i = 0; i < 2 * (size_t)count; i++) {
        float x;
        memcpy(&x, bytes + 64 + 4 * i, sizeof x);
        CHECK(x == (float)step);
    }
    CHECK(step > a->last || a->frames == 0); /* never an older one */
    a->last = step;
    a->frames++;
}

static void *look(void *user) {
    audience *a = user;
    static _Thread_local unsigned char bytes[1 << 17];
    size_t size;
    int kind = 0, fd = live_connect(a->server);
    CHECK(live_join(fd, a->server));
    CHECK(live_say(fd, a->number % 2 ? "pick 1" : "tell me 1"));
    while (live_message(fd, &kind, bytes, sizeof bytes, &size)) {
        uint32_t what;
        memcpy(&what, bytes, sizeof what);
        if (kind == 2 && what == 1) check_frame(a, bytes, size);
    }
    close(fd);
    return NULL;
}

/* Captures as a simulation does, without waiting for anybody, until every viewer spoke and FRAMES were taken. */
static void show_all(live_server *server, gpumm_buffer *buffer, gpumm_readback *readback) {
    static float positions[2 * NODES];
    live_counts counts = {0};
    live_event event;
    unsigned heard = 0;
    for (int64_t step = 1; heard < VIEWERS || counts.frames < FRAMES; step++) {
        for (size_t i = 0; i < 2 * NODES; i++) positions[i] = (float)step;
        CHECK_OK(gpumm_buffer_upload(buffer, NULL, 0, NODES, positions));
        gpumm_status status = gpumm_readback_capture(readback, NULL, step, NULL);
        CHECK(status == GPUMM_OK || status == GPUMM_BUSY);
        gpumm_live__server_wait(server, 0.001);
        gpumm_live__server_wants(server);
        heard += gpumm_live__server_next(server, &event);
        gpumm_live__server_count(server, &counts);
        gpumm_live__server_state(server, gpumm_live__blob_new(gpumm__alloc_default, "{}", 2, true));
    }
}

/* Those of the server's own, too. */
static void check_other_protocols(const live_server *server) {
    static const char *const others[] = {"frames", "http", "frames, gpumm-live", "viewer"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        int fd = live_connect(server);
        CHECK(!live_ask(fd, server, others[i]));
        close(fd);
    }
}

static void test_together(void) {
    gpumm_manager *manager;
    gpumm_buffer *buffer;
    gpumm_readback *readback;
    live_server *server;
    live_options options = live_test_options(gpumm__alloc_default, VIEWERS);
    pthread_t threads[VIEWERS];
    audience audiences[VIEWERS];
    CHECK_OK(gpumm_manager_open(&(gpumm_options){.device = "host"}, &manager));
    gpumm_type *type;
    CHECK_OK(gpumm_type_parse("f32x2", &type));
    CHECK_OK(gpumm_manager_allocate(manager, &(gpumm_buffer_options){.type = type, .length = NODES}, &buffer));
    CHECK_OK(gpumm_readback_open(
        &(gpumm_readback_options){.buffers = &buffer, .buffer_count = 1, .slots = 3, .busy = GPUMM_BUSY_NEWEST},
        &readback));
    CHECK_OK(gpumm_live__server_open(&options, &server));
    check_other_protocols(server);
    CHECK_OK(gpumm_live__server_attach(server, readback, 2));
    for (int i = 0; i < VIEWERS; i++) {
        audiences[i] = (audience){.server = server, .number = i};
        CHECK(pthread_create(&threads[i], NULL, look, &audiences[i]) == 0);
    }
    show_all(server, buffer, readback);
    int one_more = live_connect(server);
    CHECK(!live_join(one_more, server)); /* there are as many as may be */
    close(one_more);
    CHECK_OK(gpumm_live__server_attach(server, NULL, 2));
    gpumm_readback_release(readback);
    gpumm_live__server_close(server); /* which sends viewers away */
    for (int i = 0; i < VIEWERS; i++) {
        pthread_join(threads[i], NULL);
        CHECK(audiences[i].frames > 0);
    }
    gpumm_buffer_release(buffer);
    gpumm_type_release(type);
    gpumm_manager_release(manager);
}

int main(void) {
    test_events();
    test_numbers();
    test_queue();
    test_doors();
    test_squeezing();
    test_together();
    puts("ok");
    return 0;
}
