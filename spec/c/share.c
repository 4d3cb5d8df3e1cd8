/* SPDX-License-Identifier: MIT */
/* Shares between processes, on the host device: growth under a reader that checks every element, what one growth costs, frames
   untorn, owners and readers that are killed or stopped at any moment, forks with an open socket, and peers that say what they
   should not. The readers are forks from before any manager is opened, and share nothing with the owner but the socket. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/thread.h"
#include "hard.h"
#include "share/protocol.h"
#include "share/wire.h"

static char path[100];

/* With the fake driver: the same promises on the CUDA device, whose memory is real there. */
static const char *device_name(void) { return getenv("GPUMM_TEST_FAKE") ? "cuda" : "host"; }

static void pause_ms(unsigned ms) { usleep(ms * 1000); }

/* ---- Processes --------------------------------------------------------------------------------------------- */

static pid_t start(void (*run)(int number), int number) {
    fflush(NULL);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child) return child;
    alarm(100);
    run(number);
    exit(0);
}

static void joined(pid_t child) {
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    if (!WIFEXITED(status) || WEXITSTATUS(status)) fprintf(stderr, "a child ended with status %x\n", status);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void killed(pid_t child) {
    int status;
    kill(child, SIGKILL);
    CHECK(waitpid(child, &status, 0) == child);
}

static gpumm_attachment *attach(void) {
    gpumm_attachment *a;
    gpumm_status status;
    for (int i = 0; i < 20000; i++) { /* until the owner listens */
        status = gpumm_attach(&(gpumm_attach_options){.path = path, .seconds = 60}, &a);
        if (status == GPUMM_OK) return a;
        CHECK(status == GPUMM_NOT_FOUND || status == GPUMM_CLOSED);
        pause_ms(1);
    }
    CHECK_OK(status);
    return NULL;
}

/* ---- The owner --------------------------------------------------------------------------------------------- */

typedef struct owner {
    gpumm_manager *manager;
    gpumm_buffer *values, *grown;
    gpumm_readback *frames;
    gpumm_share *share;
} owner;

enum { FRAME_LENGTH = 5000 };

static gpumm_buffer *open_buffer(gpumm_manager *m, const char *name, uint64_t length, uint64_t most) {
    gpumm_type *u32;
    gpumm_buffer *b;
    CHECK_OK(gpumm_type_parse("u32", &u32));
    gpumm_buffer_options o = {.name = name,
                              .type = u32,
                              .length = length,
                              .max_length = most,
                              .shareable = true,
                              .growth = {.kind = GPUMM_GROWTH_EXACT}};
    CHECK_OK(gpumm_manager_allocate(m, &o, &b));
    gpumm_type_release(u32);
    return b;
}

static owner open_owner(unsigned slots) {
    owner o;
    CHECK_OK(
        gpumm_manager_open(&(gpumm_options){.device = device_name(), .workers = 1, .inject_faults = true}, &o.manager));
    o.values = open_buffer(o.manager, "values", FRAME_LENGTH, FRAME_LENGTH);
    o.grown = open_buffer(o.manager, "grown", 0, 4 << 20);
    gpumm_readback_options r = {.buffers = &o.values,
                                .buffer_count = 1,
                                .slots = slots,
                                .busy = GPUMM_BUSY_NEWEST,
                                .where = GPUMM_FRAMES_ON_DEVICE,
                                .shareable = true};
    CHECK_OK(gpumm_readback_open(&r, &o.frames));
    const char *names[] = {"values"};
    const char *frames[] = {"watch"};
    gpumm_share_options s = {.path = path,
                             .names = names,
                             .name_count = 1,
                             .buffers = &o.grown,
                             .buffer_count = 1,
                             .readbacks = &o.frames,
                             .readback_names = frames,
                             .readback_count = 1};
    CHECK_OK(gpumm_share_open(o.manager, &s, &o.share));
    return o;
}

static void close_owner(owner *o) {
    struct stat there;
    gpumm_share_release(o->share);
    CHECK(stat(path, &there) != 0);
    gpumm_readback_release(o->frames);
    CHECK_OK(gpumm_buffer_close(o->values));
    gpumm_buffer_release(o->values);
    if (o->grown) {
        CHECK_OK(gpumm_buffer_close(o->grown));
        gpumm_buffer_release(o->grown);
    }
    CHECK_OK(gpumm_manager_synchronize(o->manager));
    gpumm_stats stats;
    CHECK_OK(gpumm_manager_trim(o->manager, NULL));
    gpumm_manager_get_stats(o->manager, &stats);
    CHECK(stats.entry[GPUMM_CATEGORY_EXPORTED].now_bytes == 0); /* nobody has anything any more */
    check_books(o->manager, NULL);
    close_and_check(o->manager);
}

static void wait_for_readers(const owner *o, unsigned count) {
    for (int i = 0; i < 60000 && gpumm_share_readers(o->share) != count; i++) pause_ms(1);
    CHECK(gpumm_share_readers(o->share) == count);
}

static void capture(owner *o, uint32_t step) {
    CHECK_OK(gpumm_buffer_fill(o->values, NULL, 0, FRAME_LENGTH, &step));
    gpumm_status status = gpumm_readback_capture(o->frames, NULL, step, NULL);
    CHECK(status == GPUMM_OK || status == GPUMM_BUSY);
}

/* ---- Growth ------------------------------------------------------------------------------------------------ */

enum { LAST = 3000000 };

/* Element i is i: whatever length is seen, all of it is there, at the same address. */
static void read_growth(int number) {
    gpumm_attachment *a = attach();
    gpumm_buffer *b;
    gpumm_buffer_info info;
    gpumm_address at = 0;
    uint64_t seen = 0;
    (void)number;
    CHECK_OK(gpumm_attachment_find(a, "grown", NULL, &b));
    CHECK(strcmp(gpumm_type_name(gpumm_buffer_type(b)), "u32") == 0);
    while (seen < LAST) {
        CHECK_OK(gpumm_attachment_poll(a));
        CHECK_OK(gpumm_buffer_get_info(b, &info));
        CHECK(info.length >= seen && (!at || info.address == at) && info.generation == 1);
        const uint32_t *values = (const uint32_t *)(uintptr_t)(at = info.address);
        for (uint64_t i = seen ? seen - 1 : 0; i < info.length; i++) CHECK(values[i] == (uint32_t)i);
        if (seen == info.length) CHECK_OK(gpumm_attachment_wait(a, 30));
        seen = info.length;
    }
    uint32_t *copy = malloc(LAST * sizeof *copy);
    CHECK_OK(gpumm_buffer_download(b, NULL, 0, LAST, copy));
    for (uint32_t i = 0; i < LAST; i++) CHECK(copy[i] == i);
    free(copy);
    CHECK_STATUS(gpumm_buffer_resize(b, NULL, 1), GPUMM_INVALID_ARGUMENT);
    CHECK_STATUS(gpumm_buffer_fill(b, NULL, 0, 1, &number), GPUMM_INVALID_ARGUMENT);
    CHECK_STATUS(gpumm_buffer_upload(b, NULL, 0, 1, &number), GPUMM_INVALID_ARGUMENT);
    CHECK_STATUS(gpumm_buffer_used(b, NULL, GPUMM_ACCESS_WRITE), GPUMM_INVALID_ARGUMENT);
    CHECK_STATUS(gpumm_buffer_shrink_to_fit(b), GPUMM_INVALID_ARGUMENT);
    CHECK_SAYS("another process's");
    gpumm_buffer_release(b);
    gpumm_attachment_release(a);
}

static void growth(void) {
    pid_t readers[2] = {start(read_growth, 0), start(read_growth, 1)};
    owner o = open_owner(4);
    uint32_t *values = malloc(LAST * sizeof *values);
    for (uint32_t i = 0; i < LAST; i++) values[i] = i;
    wait_for_readers(&o, 2);
    dice d = dice_of(5);
    CHECK_OK(gpumm_fault_plan(o.manager, &(gpumm_fault){.jitter = 11}));
    for (uint64_t length = 0; length < LAST;) {
        uint64_t more = 1 + below(&d, 60000);
        if (more > LAST - length) more = LAST - length;
        CHECK_OK(gpumm_buffer_append(o.grown, NULL, more, values + length));
        length += more;
    }
    free(values);
    joined(readers[0]);
    joined(readers[1]);
    wait_for_readers(&o, 0);
    close_owner(&o);
}

/* ---- What one growth costs ----------------------------------------------------------------------------------- */

enum { STEP_LENGTH = 2 << 20, STEPS = 4, COUNTED_MOST = 9 };

typedef struct counted {
    const char *call;
    uint64_t owner, reader; /* how often in one growth of one segment */
} counted;

static const counted on_cuda[] = {{"cuMemCreate", 1, 0},
                                  {"cuMemMap", 1, 1},
                                  {"cuMemSetAccess", 1, 1},
                                  {"cuMemRelease", 2, 1},
                                  {"cuMemRetainAllocationHandle", 1, 0},
                                  {"cuMemExportToShareableHandle", 1, 0},
                                  {"cuMemImportFromShareableHandle", 0, 1},
                                  {"cuMemUnmap", 0, 0},
                                  {"cuMemGetAllocationGranularity", 0, 0}};
static const counted on_host[] = {{"commit", 1, 0}, {"export_segment", 1, 0}, {"import_segment", 0, 1}};

static const counted *counted_calls(size_t *count) {
    bool fake = getenv("GPUMM_TEST_FAKE") != NULL;
    *count = fake ? sizeof on_cuda / sizeof *on_cuda : sizeof on_host / sizeof *on_host;
    return fake ? on_cuda : on_host;
}

static void count_calls(gpumm_manager *m, uint64_t counts[COUNTED_MOST]) {
    size_t count;
    const counted *calls = counted_calls(&count);
    for (size_t i = 0; i < count; i++) CHECK_OK(gpumm_fault_calls(m, calls[i].call, &counts[i]));
}

/* What the reader says, in memory of both. */
static struct {
    _Atomic uint64_t seen;
    uint64_t counts[COUNTED_MOST];
} * said;

static void open_said(void) {
    said = mmap(NULL, sizeof *said, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(said != MAP_FAILED);
}

static gpumm_manager *open_counted(void) {
    gpumm_manager *m;
    CHECK_OK(gpumm_manager_open(&(gpumm_options){.device = device_name(), .workers = 1, .inject_faults = true}, &m));
    CHECK_OK(gpumm_fault_plan(m, NULL)); /* from here on calls are counted */
    return m;
}

static void read_steps(int number) {
    gpumm_manager *m = open_counted();
    gpumm_attachment *a;
    gpumm_buffer *b;
    gpumm_buffer_info info;
    gpumm_status status = GPUMM_NOT_FOUND;
    (void)number;
    while (status == GPUMM_NOT_FOUND) {
        status = gpumm_attach(&(gpumm_attach_options){.path = path, .manager = m, .seconds = 60}, &a);
        if (status == GPUMM_NOT_FOUND) pause_ms(1);
    }
    CHECK_OK(status);
    CHECK_OK(gpumm_attachment_find(a, "steps", NULL, &b));
    do {
        CHECK_OK(gpumm_buffer_get_info(b, &info));
        if (info.length == atomic_load(&said->seen)) continue;
        if (info.length) CHECK(*(const uint8_t *)(uintptr_t)(info.address + info.length - 1) == 0);
        count_calls(m, said->counts);
        atomic_store(&said->seen, info.length);
    } while (info.length < STEPS * STEP_LENGTH && (status = gpumm_attachment_wait(a, 30)) == GPUMM_OK);
    CHECK_OK(status);
    gpumm_buffer_release(b);
    gpumm_attachment_release(a);
    close_and_check(m);
}

static void grow_step(gpumm_manager *m, gpumm_buffer *b, uint64_t step) {
    uint64_t ours[2][COUNTED_MOST], theirs[COUNTED_MOST];
    size_t count;
    const counted *calls = counted_calls(&count);
    memcpy(theirs, said->counts, sizeof theirs);
    count_calls(m, ours[0]);
    CHECK_OK(gpumm_buffer_resize(b, NULL, step * STEP_LENGTH));
    for (int i = 0; i < 300000 && atomic_load(&said->seen) != step * STEP_LENGTH; i++) usleep(100);
    CHECK(atomic_load(&said->seen) == step * STEP_LENGTH);
    count_calls(m, ours[1]);
    for (size_t i = 0; i < count && step > 1; i++) {
        uint64_t here = ours[1][i] - ours[0][i], there = said->counts[i] - theirs[i];
        if (here != calls[i].owner || there != calls[i].reader)
            fprintf(stderr, "%s: %d here, %d there\n", calls[i].call, (int)here, (int)there);
        CHECK(here == calls[i].owner && there == calls[i].reader);
    }
}

static uint64_t exports_of(gpumm_manager *m) {
    uint64_t calls;
    bool fake = getenv("GPUMM_TEST_FAKE") != NULL;
    CHECK_OK(gpumm_fault_calls(m, fake ? "cuMemExportToShareableHandle" : "export_segment", &calls));
    return calls;
}

static void wait_for_exports(gpumm_manager *m, uint64_t count) {
    for (int i = 0; i < 300000 && exports_of(m) < count; i++) usleep(100);
    CHECK(exports_of(m) == count);
}

/* What is precommitted behind a growth is exported then, so that the next one is a length alone. */
static void grow_step_ahead(gpumm_manager *m, gpumm_buffer *b, uint64_t step) {
    if (step > 1) wait_for_exports(m, step);
    CHECK_OK(gpumm_buffer_resize(b, NULL, step * STEP_LENGTH));
    for (int i = 0; i < 300000 && atomic_load(&said->seen) != step * STEP_LENGTH; i++) usleep(100);
    CHECK(atomic_load(&said->seen) == step * STEP_LENGTH);
}

static void run_steps(unsigned ahead, void (*grow)(gpumm_manager *m, gpumm_buffer *b, uint64_t step)) {
    open_said();
    pid_t reader = start(read_steps, 0);
    gpumm_manager *m = open_counted();
    gpumm_type *u8;
    gpumm_buffer *b;
    gpumm_share *share;
    CHECK_OK(gpumm_type_parse("u8", &u8));
    gpumm_buffer_options o = {
        .name = "steps",
        .type = u8,
        .max_length = STEPS * STEP_LENGTH,
        .ahead = ahead,
        .shareable = true,
        .growth = {.kind = ahead == GPUMM_AHEAD_NONE ? GPUMM_GROWTH_EXACT : GPUMM_GROWTH_LINEAR, .step = STEP_LENGTH}};
    CHECK_OK(gpumm_manager_allocate(m, &o, &b));
    gpumm_type_release(u8);
    CHECK_OK(gpumm_share_open(m, &(gpumm_share_options){.path = path, .buffers = &b, .buffer_count = 1}, &share));
    for (int i = 0; i < 60000 && gpumm_share_readers(share) != 1; i++) pause_ms(1);
    for (uint64_t step = 1; step <= STEPS; step++) grow(m, b, step);
    joined(reader);
    gpumm_share_release(share);
    CHECK_OK(gpumm_buffer_close(b));
    gpumm_buffer_release(b);
    close_and_check(m);
    munmap(said, sizeof *said);
}

/* A growth by one segment is one export there and one import here, of that segment alone, and nothing else that costs. */
static void steps(void) { run_steps(GPUMM_AHEAD_NONE, grow_step); }

static void steps_ahead(void) { run_steps(1, grow_step_ahead); }

/* Less, more, and freed: a length is never more than what is there. */
static void read_changes(int number) {
    gpumm_attachment *a = attach();
    gpumm_buffer *b;
    gpumm_buffer_info info;
    gpumm_status status;
    (void)number;
    CHECK_OK(gpumm_attachment_find(a, "grown", NULL, &b));
    atomic_store(&said->seen, 1);
    for (;;) {
        status = gpumm_attachment_wait(a, 30);
        CHECK(status == GPUMM_OK || status == GPUMM_CLOSED); /* who is late sees both ends at once */
        if (gpumm_buffer_get_info(b, &info) != GPUMM_OK) break;
        const uint32_t *values = (const uint32_t *)(uintptr_t)info.address;
        for (uint64_t i = 0; i < info.length; i += 997) CHECK(values[i] == 1 || values[i] == 0);
    }
    CHECK_STATUS(gpumm_buffer_get_info(b, &info), GPUMM_STALE);
    while ((status = gpumm_attachment_wait(a, 30)) == GPUMM_OK) {}
    CHECK(status == GPUMM_CLOSED);
    CHECK_SAYS("closed the share");
    gpumm_buffer_release(b);
    gpumm_attachment_release(a);
}

/* A reader is counted from when its owner lets it in, and has yet to hear what is shared: a share that closes meanwhile is one
   that it finds no more. */
static void wait_until_seen(void) {
    for (int i = 0; i < 60000 && !atomic_load(&said->seen); i++) pause_ms(1);
    CHECK(atomic_load(&said->seen));
}

static void changes(void) {
    open_said();
    pid_t reader = start(read_changes, 0);
    owner o = open_owner(4);
    dice d = dice_of(6);
    wait_until_seen();
    for (int i = 0; i < 60; i++) {
        uint64_t length = below(&d, 1000000);
        CHECK_OK(gpumm_buffer_resize(o.grown, NULL, length));
        if (length) CHECK_OK(gpumm_buffer_fill(o.grown, NULL, 0, length, &(uint32_t){1}));
        if (i % 3 == 0) CHECK_OK(gpumm_buffer_shrink_to_fit(o.grown));
        if (i % 4 == 0) pause_ms(2);
    }
    CHECK_OK(gpumm_buffer_close(o.grown));
    gpumm_buffer_release(o.grown);
    o.grown = NULL;
    pause_ms(20);
    gpumm_share_close(o.share);
    joined(reader);
    close_owner(&o);
    munmap(said, sizeof *said);
}

/* ---- Frames ------------------------------------------------------------------------------------------------ */

enum { FRAMES = 10000 / HARD_SLOW };

static int64_t take(gpumm_attachment *a, gpumm_readback *r, int64_t last, unsigned hold_ms) {
    gpumm_frame *f = NULL;
    gpumm_frame_info info;
    gpumm_address at;
    (void)a;
    gpumm_status status = gpumm_readback_wait(r, 0, 30, &f);
    CHECK_OK(status);
    gpumm_frame_get_info(f, &info);
    CHECK(info.step > last && info.length == FRAME_LENGTH);
    CHECK_OK(gpumm_frame_device(f, 0, &at, NULL));
    if (hold_ms) pause_ms(hold_ms);
    const uint32_t *values = (const uint32_t *)(uintptr_t)at;
    for (int i = 0; i < FRAME_LENGTH; i++) CHECK(values[i] == (uint32_t)info.step);
    if (last % 2) gpumm_frame_close(f);
    gpumm_frame_release(f);
    return info.step;
}

static void read_frames(int hold_ms) {
    gpumm_attachment *a = attach();
    gpumm_readback *r;
    int64_t last = 0;
    int taken = 0;
    CHECK_OK(gpumm_attachment_readback(a, "watch", &r));
    CHECK_STATUS(gpumm_readback_capture(r, NULL, 1, NULL), GPUMM_INVALID_ARGUMENT);
    for (; last < FRAMES; taken++) last = take(a, r, last, (unsigned)hold_ms);
    CHECK(taken > 3);
    gpumm_readback_release(r);
    gpumm_attachment_release(a);
}

static void frames(void) {
    pid_t readers[3] = {start(read_frames, 0), start(read_frames, 0), start(read_frames, 5)};
    owner o = open_owner(5);
    wait_for_readers(&o, 3);
    uint32_t step = 1;
    for (; step <= FRAMES; step++) {
        capture(&o, step);
        if (step % 32 == 0) CHECK_OK(gpumm_manager_synchronize(o.manager));
    }
    for (; gpumm_share_readers(o.share) > 0; step++) { /* until all have seen the last, or what came behind it */
        capture(&o, step);
        pause_ms(2);
    }
    for (int i = 0; i < 3; i++) joined(readers[i]);
    close_owner(&o);
}

/* ---- Readers that stop or die ------------------------------------------------------------------------------ */

static void hold_one(int number) {
    gpumm_attachment *a = attach();
    gpumm_readback *r;
    gpumm_frame *f;
    (void)number;
    CHECK_OK(gpumm_attachment_readback(a, "watch", &r));
    CHECK_OK(gpumm_readback_wait(r, 0, 30, &f));
    CHECK_OK(gpumm_frame_keep(f));
    for (;;) pause(); /* until it is killed */
}

/* The owner's captures go on, and what the dead had comes back. */
static void round_of_dying(int round) {
    pid_t readers[3];
    for (int i = 0; i < 3; i++) readers[i] = start(hold_one, i);
    owner o = open_owner(5);
    wait_for_readers(&o, 3);
    uint64_t most = 0;
    for (uint32_t step = 1; step <= 400; step++) {
        capture(&o, step);
        if (step == 50 && round % 2) kill(readers[0], SIGSTOP);
        if (step == 100) killed(readers[1]);
        pause_ms(step % 16 == 0);
        most = gpumm_readback_newest(o.frames);
    }
    CHECK(most >= 300);
    kill(readers[0], SIGCONT);
    killed(readers[0]);
    killed(readers[2]);
    wait_for_readers(&o, 0);
    for (uint32_t step = 401; step <= 420; step++) { /* every slot is free again */
        CHECK_OK(gpumm_buffer_fill(o.values, NULL, 0, FRAME_LENGTH, &step));
        CHECK_OK(gpumm_readback_capture(o.frames, NULL, step, NULL));
    }
    close_owner(&o);
}

static void readers_die(void) {
    for (int round = 0; round < 8; round++) joined(start(round_of_dying, round));
}

/* ---- Owners that die --------------------------------------------------------------------------------------- */

static void own_until_killed(int number) {
    owner o = open_owner(4);
    (void)number;
    for (uint32_t step = 1;; step++) {
        capture(&o, step);
        CHECK_OK(gpumm_buffer_resize(o.grown, NULL, step * 1000 % 3000000));
    }
}

/* A child that has the owner's sockets, and lives on. */
static void own_with_child(int number) {
    owner o = open_owner(4);
    if (fork() == 0) {
        alarm(20);
        for (;;) pause();
    }
    (void)number;
    for (uint32_t step = 1;; step++) capture(&o, step), pause_ms(1);
}

static void outlive(void (*own)(int), int number) {
    pid_t dying = start(own, number);
    gpumm_attachment *a = attach();
    gpumm_buffer *b;
    gpumm_readback *r;
    gpumm_buffer_info info;
    gpumm_frame *f = NULL;
    CHECK_OK(gpumm_attachment_find(a, "values", NULL, &b));
    CHECK_OK(gpumm_attachment_readback(a, "watch", &r));
    (void)take(a, r, 0, 0);
    pause_ms((unsigned)number);
    CHECK_OK(gpumm_readback_wait(r, 0, 30, &f));
    killed(dying);
    uint32_t values[FRAME_LENGTH];
    CHECK_OK(gpumm_frame_download(f, NULL, 0, values)); /* what is held stays */
    gpumm_status status;
    while ((status = gpumm_attachment_wait(a, 30)) == GPUMM_OK) {}
    CHECK(status == GPUMM_CLOSED);
    CHECK_SAYS("is gone");
    CHECK_STATUS(gpumm_buffer_get_info(b, &info), GPUMM_STALE);
    CHECK_STATUS(gpumm_attachment_poll(a), GPUMM_CLOSED);
    gpumm_frame_release(f);
    CHECK_STATUS(gpumm_readback_latest(r, &f), GPUMM_CANCELLED);
    gpumm_readback_release(r);
    gpumm_buffer_release(b);
    gpumm_attachment_release(a);
}

static void reader_of_dying(int number) { outlive(number % 2 ? own_with_child : own_until_killed, number); }

static void owners_die(void) {
    for (int i = 0; i < 10; i++) {
        joined(start(reader_of_dying, i * 3 + i % 2));
        struct stat there;
        CHECK(stat(path, &there) == 0); /* left over; the next owner clears it */
    }
    if (fork() == 0) _exit(0); /* nothing of this process is disturbed by forks */
    while (wait(NULL) > 0) {}
    owner o = open_owner(3);
    close_owner(&o);
}

/* ---- Strangers --------------------------------------------------------------------------------------------- */

static int dial(void) {
    int s = -1;
    for (int i = 0; i < 10000 && gpumm__wire_connect(path, gpumm__clock_deadline(10), &s) != GPUMM_OK; i++) pause_ms(1);
    CHECK(s >= 0);
    return s;
}

/* Rubbish, and messages that are nearly right; with descriptors, too. The owner serves its other reader all the while. */
static void say_nonsense(int number) {
    dice d = dice_of((uint64_t)number + 1);
    static share_packet p;
    for (int round = 0; round < 200 / HARD_SLOW; round++) {
        int s = dial();
        for (int i = 0; i < 10; i++) {
            for (size_t j = 0; j < sizeof p.message; j++)
                ((unsigned char *)&p.message)[j] = below(&d, 3) ? 0 : (unsigned char)roll(&d);
            p.message.kind = (uint32_t)below(&d, SHARE_KINDS + 1);
            p.message.item = (uint32_t)below(&d, 5);
            p.message.part = i == 0 ? SHARE_VERSION : (uint32_t)below(&d, 70);
            if (i == 0 || below(&d, 4) == 0) p.message.kind = i ? SHARE_TAKE : SHARE_HELLO;
            if (below(&d, 2)) p.message.status = p.message.text_bytes = p.message.reserved = 0;
            size_t bytes = below(&d, 3) ? sizeof p.message : (size_t)below(&d, 4096);
            if (below(&d, 5) == 0) {
                if (p.message.text_bytes > SHARE_TEXT) p.message.text_bytes = 16;
                (void)gpumm__wire_send(s, &p, s);
            } else if (send(s, &p, bytes, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) break;
        }
        close(s);
    }
}

static void strangers(void) {
    pid_t good = start(read_frames, 1), bad[2] = {start(say_nonsense, 1), start(say_nonsense, 2)};
    owner o = open_owner(5);
    int open_files = 0;
    for (uint32_t step = 1; step <= FRAMES || gpumm_share_readers(o.share) > 0; step++) {
        capture(&o, step);
        if (step % 8 == 0) pause_ms(1);
    }
    joined(good);
    joined(bad[0]);
    joined(bad[1]);
    wait_for_readers(&o, 0);
    for (int fd = 3; fd < 1000; fd++) open_files += fcntl(fd, F_GETFD) >= 0;
    CHECK(open_files < 40); /* what they sent along was closed */
    close_owner(&o);
}

/* An owner that lies: an own socket that says anything. */
static void lie(int number) {
    dice d = dice_of((uint64_t)number + 100);
    static share_packet p;
    ino_t inode;
    int listener, file = memfd_create("x", 0);
    CHECK(ftruncate(file, 65536) == 0);
    CHECK_OK(gpumm__wire_listen(path, 0600, &listener, &inode));
    fcntl(listener, F_SETFL, 0);
    for (int round = 0; round < 300 / HARD_SLOW; round++) {
        int s = accept(listener, NULL, NULL);
        if (s < 0) continue;
        for (int i = 0; i < 12; i++) {
            static const char hello[] = "host\0", buffer[] = "b\0=u32", frames[] = "f\0x\0=u32";
            static const struct {
                uint32_t kind;
                const char *text;
                uint32_t bytes;
            } known[] = {{SHARE_HELLO, hello, sizeof hello},
                         {SHARE_BUFFER, buffer, sizeof buffer},
                         {SHARE_FRAMES, frames, sizeof frames}};
            memset(&p.message, 0, sizeof p.message);
            p.message.kind = i < 3 ? known[i].kind : (uint32_t)below(&d, SHARE_KINDS);
            p.message.item = i == 2 ? 1 : (uint32_t)below(&d, 2) * (i > 2);
            p.message.part = i == 0 ? SHARE_VERSION : i == 2 ? 3 : (uint32_t)below(&d, 4);
            p.message.bytes = below(&d, 3) ? 65536 : roll(&d) >> below(&d, 64);
            p.message.length = below(&d, 3) ? 1000 : roll(&d) >> below(&d, 64);
            p.message.offset = below(&d, 3) ? 0 : 65536 * below(&d, 5);
            p.message.ticket = below(&d, 4);
            p.message.status = (uint32_t)below(&d, 24);
            if (i < 3) memcpy(p.text, known[i].text, p.message.text_bytes = known[i].bytes);
            if (i > 2 && below(&d, 8) == 0) p.message.text_bytes = (uint32_t)below(&d, 64);
            if (gpumm__wire_send(s, &p, below(&d, 2) ? file : -1) == WIRE_GONE) break;
        }
        close(s);
    }
    gpumm__wire_unlink(path, inode);
}

static void liars(void) {
    pid_t liar = start(lie, 1);
    gpumm_manager *m;
    CHECK_OK(gpumm_manager_open(&(gpumm_options){.device = device_name(), .workers = 1, .inject_faults = true}, &m));
    int attached = 0, status;
    while (waitpid(liar, &status, WNOHANG) == 0) {
        gpumm_attachment *a;
        gpumm_readback *r;
        gpumm_frame *f;
        if (gpumm_attach(&(gpumm_attach_options){.path = path, .manager = m, .seconds = 0.05}, &a) != GPUMM_OK)
            continue;
        attached++;
        CHECK(gpumm_attachment_names(a, NULL, NULL) <= 2);
        (void)gpumm_attachment_wait(a, 0.01);
        if (gpumm_attachment_readback(a, "f", &r) == GPUMM_OK) {
            if (gpumm_readback_latest(r, &f) == GPUMM_OK) gpumm_frame_release(f);
            gpumm_readback_release(r);
        }
        gpumm_attachment_release(a);
    }
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    (void)attached;
    CHECK_OK(gpumm_manager_synchronize(m));
    check_books(m, NULL);
    close_and_check(m);
}

/* An owner that says what it is told to, in the order that it is told. */
static void say(int s, share_message m, const char *text, uint32_t bytes, int descriptor) {
    static share_packet p;
    p.message = m;
    p.message.text_bytes = bytes;
    if (bytes) memcpy(p.text, text, bytes);
    CHECK(gpumm__wire_send(s, &p, descriptor) == WIRE_DONE);
}

/* The reader lets the owner go on, so that it misses nothing however late either runs. */
static int turns[2];

static void give_turn(void) { CHECK(write(turns[1], "", 1) == 1); }

static void await_turn(void) {
    char turn;
    CHECK(read(turns[0], &turn, 1) == 1);
}

/* Memory that is announced and comes, and some that is announced and does not. */
static void announce(int number) {
    (void)number;
    close(turns[1]);
    static const char hello[] = "host\0", buffer[] = "b\0=u32";
    static const uint32_t behind[] = {SHARE_LENGTH, SHARE_UNMAP, SHARE_ENDED, 0};
    ino_t inode;
    int listener, file = memfd_create("x", MFD_ALLOW_SEALING), s = -1;
    CHECK(ftruncate(file, 65536) == 0 && fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK) == 0);
    CHECK_OK(gpumm__wire_listen(path, 0600, &listener, &inode));
    fcntl(listener, F_SETFL, 0);
    while ((s = accept(listener, NULL, NULL)) < 0) {}
    say(s, (share_message){.kind = SHARE_HELLO, .part = SHARE_VERSION, .bytes = 65536}, hello, sizeof hello, -1);
    say(s, (share_message){.kind = SHARE_BUFFER, .bytes = 65536, .length = 1000}, buffer, sizeof buffer, -1);
    say(s, (share_message){.kind = SHARE_READY}, NULL, 0, -1);
    await_turn();
    say(s, (share_message){.kind = SHARE_COMING}, NULL, 0, -1);
    pause_ms(1);
    say(s, (share_message){.kind = SHARE_SEGMENT, .bytes = 65536}, NULL, 0, file);
    say(s, (share_message){.kind = SHARE_LENGTH, .length = 700}, NULL, 0, -1);
    for (const uint32_t *kind = behind; *kind; kind++) { /* nothing comes of these announcements */
        await_turn();
        say(s, (share_message){.kind = SHARE_COMING}, NULL, 0, -1);
        usleep(300);
        say(s, (share_message){.kind = *kind, .length = 300, .offset = 65536}, NULL, 0, -1);
        say(s, (share_message){.kind = SHARE_COMING}, NULL, 0, -1);
    }
    await_turn();
    say(s, (share_message){.kind = SHARE_COMING}, NULL, 0, -1);
    await_turn();
    close(s);
    gpumm__wire_unlink(path, inode);
}

static gpumm_status wait_for_turn(gpumm_attachment *a, double seconds) {
    give_turn();
    return gpumm_attachment_wait(a, seconds);
}

/* Who waits is not told of an announcement, but of what came. */
static void announced(void) {
    if (strcmp(device_name(), "host") != 0) return; /* the owner says that it is one */
    CHECK(pipe(turns) == 0);
    pid_t says = start(announce, 1);
    close(turns[0]);
    gpumm_attachment *a = attach();
    gpumm_buffer *b;
    gpumm_buffer_info info = {.length = 0};
    CHECK_OK(gpumm_attachment_find(a, "b", NULL, &b));
    CHECK_OK(wait_for_turn(a, 10));
    CHECK_OK(gpumm_buffer_get_info(b, &info));
    if (info.length == 0) CHECK_OK(gpumm_attachment_wait(a, 10)); /* a slow machine sees memory before its length */
    CHECK_OK(gpumm_buffer_get_info(b, &info));
    CHECK(info.length == 700);
    CHECK_OK(wait_for_turn(a, 10)); /* it does not wait for what was announced beside a length, */
    CHECK_OK(gpumm_buffer_get_info(b, &info));
    CHECK(info.length == 300);
    CHECK_OK(wait_for_turn(a, 10)); /* memory that went, */
    CHECK_OK(wait_for_turn(a, 10)); /* or an end */
    CHECK_STATUS(gpumm_buffer_get_info(b, &info), GPUMM_STALE);
    CHECK_STATUS(wait_for_turn(a, 0.1), GPUMM_TIMEOUT);
    CHECK_STATUS(wait_for_turn(a, 10), GPUMM_CLOSED);
    close(turns[1]);
    gpumm_buffer_release(b);
    gpumm_attachment_release(a);
    joined(says);
}

/* ---- Alone ------------------------------------------------------------------------------------------------- */

static void refusals(void) {
    owner o = open_owner(3);
    gpumm_share *s;
    gpumm_attachment *a;
    gpumm_buffer *plain, *b;
    gpumm_type *f32;
    const char *names[] = {"values"};
    gpumm_share_options options = {.path = path, .names = names, .name_count = 1};
    CHECK_STATUS(gpumm_share_open(o.manager, &options, &s), GPUMM_ALREADY_EXISTS);
    options.path = "/nonexistent/x";
    CHECK_STATUS(gpumm_share_open(o.manager, &options, &s), GPUMM_IO);
    names[0] = "nobody";
    CHECK_STATUS(gpumm_share_open(o.manager, &options, &s), GPUMM_NOT_FOUND);
    CHECK_OK(gpumm_manager_allocate(o.manager, &(gpumm_buffer_options){.name = "plain", .length = 1}, &plain));
    names[0] = "plain";
    CHECK_STATUS(gpumm_share_open(o.manager, &options, &s), GPUMM_INVALID_ARGUMENT);
    CHECK_SAYS("shareable = true");
    CHECK_OK(gpumm_buffer_close(plain));
    gpumm_buffer_release(plain);
    CHECK_STATUS(gpumm_attach(&(gpumm_attach_options){.path = "/nonexistent"}, &a), GPUMM_NOT_FOUND);
    CHECK_STATUS(gpumm_attach(&(gpumm_attach_options){.path = path, .manager = o.manager}, &a), GPUMM_ALREADY_EXISTS);
    CHECK_OK(gpumm_attach(&(gpumm_attach_options){.path = path}, &a)); /* in the same process, too */
    CHECK_OK(gpumm_type_parse("f32", &f32));
    CHECK_STATUS(gpumm_attachment_find(a, "values", f32, &b), GPUMM_TYPE_MISMATCH);
    CHECK_STATUS(gpumm_attachment_find(a, "watch", NULL, &b), GPUMM_NOT_FOUND);
    gpumm_type_release(f32);
    CHECK_OK(gpumm_attachment_find(a, "values", NULL, &b));
    CHECK(gpumm_attachment_names(a, NULL, NULL) == 3);
    CHECK_STATUS(gpumm_attachment_wait(a, 0.01), GPUMM_TIMEOUT);
    gpumm_manager_close(o.manager);
    gpumm_status status;
    while ((status = gpumm_attachment_wait(a, 30)) == GPUMM_OK) {}
    CHECK(status == GPUMM_CLOSED);
    gpumm_buffer_release(b);
    gpumm_attachment_close(a);
    gpumm_attachment_release(a);
    gpumm_share_release(o.share);
    gpumm_readback_release(o.frames);
    gpumm_buffer_release(o.values);
    gpumm_buffer_release(o.grown);
    close_and_check(o.manager);
}

/* The owner's device is lost: its readers are told so. */
static void losses(void) {
    owner o = open_owner(3);
    gpumm_attachment *a;
    CHECK_OK(gpumm_attach(&(gpumm_attach_options){.path = path}, &a));
    CHECK_OK(gpumm_fault_plan(
        o.manager, &(gpumm_fault){.call = "stream_query", .nth = 1, .status = GPUMM_DEVICE_LOST, .times = 1000000}));
    gpumm_status status;
    while ((status = gpumm_attachment_wait(a, 30)) == GPUMM_OK) {}
    CHECK(status == GPUMM_DEVICE_LOST);
    CHECK_OK(gpumm_fault_plan(o.manager, NULL));
    gpumm_attachment_release(a);
    close_owner(&o);
}

/* Each in a process of its own: CUDA does not work in forks of one that has started it. */
static void (*const topics[])(void) = {refusals,    losses,     growth,    steps, changes,   frames,
                                       readers_die, owners_die, strangers, liars, announced, steps_ahead};

static void run_topic(int number) { topics[number](); }

int main(void) {
    const char *folder = getenv("TMPDIR");
    snprintf(path, sizeof path, "%.60s/gpumm-share-%d", folder ? folder : "/tmp", (int)getpid());
    for (size_t i = 0; i < sizeof topics / sizeof *topics; i++) joined(start(run_topic, (int)i));
    unlink(path);
    return 0;
}
