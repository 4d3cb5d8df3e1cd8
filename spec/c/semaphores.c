/* SPDX-License-Identifier: MIT */
/* Semaphores of others: a stream and somebody who is no stream take turns on one piece of memory, each round seeing what the other
   wrote and nothing else. The other maps the buffer's segments and uses the counter as another API would use its semaphore. */
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/counter.h"
#include "base/thread.h"
#include "hard.h"

enum { ROUNDS = 1000 / HARD_SLOW, LENGTH = 20000, HALF = LENGTH / 2 };

static bool is_fake(void) { return getenv("GPUMM_TEST_FAKE") != NULL; }
static const char *device_name(void) { return is_fake() ? "cuda" : "host"; }

static gpumm_manager *open_manager(uint64_t jitter) {
    gpumm_manager *m;
    gpumm_options o = {.device = device_name(), .workers = 1, .inject_faults = true, .fault = {.jitter = jitter}};
    CHECK_OK(gpumm_manager_open(&o, &m));
    return m;
}

static gpumm_semaphore *import(gpumm_manager *m, int fd) {
    gpumm_semaphore *x;
    CHECK_OK(gpumm_semaphore_import(m, fd, &x));
    return x;
}

static int stand_in(void) {
    int fd;
    CHECK_OK(gpumm_semaphore_stand_in(&fd));
    return fd;
}

/* ---- Turns ---------------------------------------------------------------------------------------- */

/* Round r: the stream writes r to the first half and signals 2r - 1; the other checks that, writes r to the second half,
   and signals 2r; the stream then copies the second half away. */
typedef struct other {
    int memory, semaphore;
    uint64_t bytes;
    int rounds;
} other;

/* The fake driver wakes nobody. */
static void wait_for(counter *c, _Atomic uint64_t *value, uint64_t wanted) {
    if (!is_fake()) gpumm__counter_wait(c, wanted);
    while (atomic_load(value) < wanted) usleep(20);
}

static void take_turns(const other *o) {
    counter *c;
    CHECK_OK(gpumm__counter_map(o->semaphore, &c));
    _Atomic uint64_t *value = (_Atomic uint64_t *)(void *)((char *)(void *)c + 16);
    uint32_t *at = mmap(NULL, o->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, o->memory, 0);
    CHECK(at != MAP_FAILED);
    for (int r = 1; r <= o->rounds; r++) {
        wait_for(c, value, 2 * (uint64_t)r - 1);
        for (int i = 0; i < HALF; i += 97) CHECK(at[i] == (uint32_t)r);
        CHECK(at[HALF - 1] == (uint32_t)r);
        for (int i = HALF; i < LENGTH; i++) at[i] = (uint32_t)r;
        gpumm__counter_raise(c, 2 * (uint64_t)r);
    }
    munmap(at, o->bytes);
    gpumm__counter_unmap(c);
}

static void *take_turns_in_thread(void *user) {
    take_turns(user);
    return NULL;
}

static void enqueue_round(gpumm_semaphore *x, gpumm_stream *s, gpumm_buffer *b, gpumm_buffer *seen, uint32_t r) {
    CHECK_OK(gpumm_buffer_fill(b, s, 0, HALF, &r));
    CHECK_OK(gpumm_semaphore_signal(x, s, 2 * (uint64_t)r - 1));
    CHECK_OK(gpumm_semaphore_wait(x, s, 2 * (uint64_t)r));
    CHECK_OK(gpumm_buffer_copy(seen, s, r - 1, b, LENGTH - 1 - r, 1));
}

static other describe(gpumm_buffer *b, int semaphore, int rounds) {
    gpumm_segment segment;
    size_t count;
    CHECK_OK(gpumm_buffer_segments(b, true, &segment, 1, &count));
    CHECK(count == 1 && segment.bytes >= LENGTH * 4);
    return (other){segment.descriptor, semaphore, segment.bytes, rounds};
}

typedef struct sides {
    gpumm_manager *m;
    gpumm_stream *s;
    gpumm_buffer *b, *seen;
    gpumm_semaphore *x;
    other other;
} sides;

static sides open_sides(uint64_t jitter, int rounds) {
    sides t = {.m = open_manager(jitter)};
    gpumm_type *u32;
    CHECK_OK(gpumm_type_parse("u32", &u32));
    CHECK_OK(gpumm_stream_open(t.m, &t.s));
    gpumm_buffer_options o = {.type = u32, .length = LENGTH, .shareable = true, .stream = t.s};
    CHECK_OK(gpumm_manager_allocate(t.m, &o, &t.b));
    o = (gpumm_buffer_options){.type = u32, .length = (uint64_t)rounds, .stream = t.s};
    CHECK_OK(gpumm_manager_allocate(t.m, &o, &t.seen));
    gpumm_type_release(u32);
    int fd = stand_in();
    t.x = import(t.m, fd);
    t.other = describe(t.b, fd, rounds);
    return t;
}

static void close_sides(sides *t) {
    static uint32_t seen[ROUNDS];
    CHECK_OK(gpumm_buffer_download(t->seen, t->s, 0, (uint64_t)t->other.rounds, seen));
    for (int r = 1; r <= t->other.rounds; r++) CHECK(seen[r - 1] == (uint32_t)r);
    close(t->other.memory);
    close(t->other.semaphore);
    gpumm_semaphore_release(t->x);
    gpumm_buffer_release(t->b);
    gpumm_buffer_release(t->seen);
    gpumm_stream_release(t->s);
    close_and_check(t->m);
}

static void takes_turns_with_a_thread(uint64_t jitter, int rounds) {
    sides t = open_sides(jitter, rounds);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, take_turns_in_thread, &t.other) == 0);
    for (int r = 1; r <= rounds; r++) enqueue_round(t.x, t.s, t.b, t.seen, (uint32_t)r);
    pthread_join(thread, NULL);
    close_sides(&t);
}

static void takes_turns_with_a_process(void) {
    sides t = open_sides(0, 50);
    int status;
    pid_t child = fork();
    if (child == 0) {
        take_turns(&t.other);
        _Exit(0);
    }
    CHECK(child > 0);
    for (int r = 1; r <= 50; r++) enqueue_round(t.x, t.s, t.b, t.seen, (uint32_t)r);
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    close_sides(&t);
}

/* ---- Between two managers ------------------------------------------------------------------------------ */

/* A stream of one waits for a stream of the other, which was told to wait first; nobody here waits. */
static void orders_two_managers(void) {
    gpumm_manager *a = open_manager(0), *b = open_manager(0);
    int fd = stand_in();
    gpumm_semaphore *x = import(a, fd), *y = import(b, fd);
    close(fd);
    CHECK(gpumm_semaphore_manager(x) == a);
    gpumm_event *late, *early;
    bool ready;
    CHECK_OK(gpumm_semaphore_wait(x, NULL, 7));
    CHECK_OK(gpumm_stream_record(gpumm_manager_main(a), &late));
    CHECK_OK(gpumm_semaphore_signal(y, NULL, 6));
    CHECK_OK(gpumm_stream_record(gpumm_manager_main(b), &early));
    CHECK_OK(gpumm_event_wait(early, -1));
    CHECK_OK(gpumm_event_ready(late, &ready));
    CHECK(!ready);
    gpumm_semaphore_close(x); /* behind the wait, which goes on */
    CHECK_STATUS(gpumm_semaphore_wait(x, NULL, 8), GPUMM_STALE);
    CHECK_OK(gpumm_semaphore_signal(y, NULL, 9));
    CHECK_OK(gpumm_event_wait(late, -1));
    gpumm_event_release(late);
    gpumm_event_release(early);
    gpumm_semaphore_release(gpumm_semaphore_retain(x));
    gpumm_semaphore_release(x);
    gpumm_semaphore_release(y);
    close_and_check(a);
    close_and_check(b);
}

/* ---- What goes wrong ------------------------------------------------------------------------------------- */

static void plan(gpumm_manager *m, const char *call) {
    CHECK_OK(gpumm_fault_plan(m, &(gpumm_fault){.call = call, .nth = 1, .status = GPUMM_DRIVER}));
}

/* What looks like a counter, and could be made shorter under whoever maps it. */
static void takes_no_plain_file(gpumm_manager *m) {
    gpumm_semaphore *x;
    FILE *file = tmpfile();
    CHECK(fwrite("gpumm counter 1", 16, 1, file) == 1 && fflush(file) == 0 && ftruncate(fileno(file), 4096) == 0);
    CHECK_STATUS(gpumm_semaphore_import(m, fileno(file), &x), GPUMM_INVALID_ARGUMENT);
    fclose(file);
}

static void fails_without_harm(void) {
    gpumm_manager *m = open_manager(0), *strange = open_manager(0);
    gpumm_semaphore *x;
    int fd = stand_in();
    FILE *file = tmpfile();
    gpumm_stream *its;
    CHECK_STATUS(gpumm_semaphore_import(m, -1, &x), GPUMM_INVALID_ARGUMENT);
    gpumm_status status = gpumm_semaphore_import(m, fileno(file), &x);
    CHECK(status == (is_fake() ? GPUMM_DRIVER : GPUMM_INVALID_ARGUMENT));
    fclose(file);
    if (!is_fake()) takes_no_plain_file(m);
    plan(m, "semaphore_import");
    CHECK_STATUS(gpumm_semaphore_import(m, fd, &x), GPUMM_DRIVER);
    x = import(m, fd);
    plan(m, "semaphore_signal");
    CHECK_STATUS(gpumm_semaphore_signal(x, NULL, 1), GPUMM_DRIVER);
    plan(m, "semaphore_wait");
    CHECK_STATUS(gpumm_semaphore_wait(x, NULL, 1), GPUMM_DRIVER);
    CHECK_OK(gpumm_stream_open(strange, &its));
    CHECK_STATUS(gpumm_semaphore_wait(x, its, 1), GPUMM_INVALID_ARGUMENT);
    CHECK_OK(gpumm_semaphore_signal(x, NULL, 1));
    CHECK_OK(gpumm_semaphore_wait(x, NULL, 1));
    CHECK_OK(gpumm_manager_synchronize(m));
    close(fd);
    gpumm_stream_release(its);
    close_and_check(strange);
    gpumm_manager_close(m);
    CHECK_STATUS(gpumm_semaphore_signal(x, NULL, 2), GPUMM_CLOSED);
    gpumm_semaphore_release(x);
    close_and_check(m);
}

int main(void) {
    takes_turns_with_a_thread(0, ROUNDS);
    takes_turns_with_a_thread(11, 40);
    if (HARD_SLOW == 1) takes_turns_with_a_process();
    if (!is_fake()) orders_two_managers(); /* there a wait is in the call */
    fails_without_harm();
    return 0;
}
