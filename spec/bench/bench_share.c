/* SPDX-License-Identifier: MIT */
/*
 * Sharing: growth of shareable memory against plain; how soon another process sees a growth, against the bare export, send and
 * import; what a frame on the device costs its stream, against the bare copy; and what a process that takes frames costs their owner.
 */
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

enum { NODES = 1000000, STEP_US = 400, GROWTHS = 40 };

#define MIB ((uint64_t)1 << 20)

extern char **environ;

static gpumm_status open_memory(gpumm_manager *m, const char *name, const char *type, uint64_t count, uint64_t most,
                                bool shareable, unsigned ahead, gpumm_buffer **out) {
    gpumm_type *element;
    TRY(gpumm_type_parse(type, &element));
    gpumm_buffer_options o = {.name = name,
                              .type = element,
                              .length = count,
                              .max_length = most,
                              .ahead = ahead,
                              .growth = {.kind = GPUMM_GROWTH_EXACT},
                              .shareable = shareable};
    gpumm_status status = gpumm_manager_allocate(m, &o, out);
    gpumm_type_release(element);
    return status;
}

/* ---- Growth ------------------------------------------------------------------------------------ */

static gpumm_status grow_one(gpumm_manager *m, bool shareable, uint64_t bytes, double *seconds) {
    gpumm_buffer *b;
    TRY(open_memory(m, NULL, "u8", bytes, 2 * bytes, shareable, GPUMM_AHEAD_NONE, &b));
    uint64_t start = gpumm__clock_ns();
    gpumm_status status = gpumm_buffer_ensure_capacity(b, bytes * 13 / 10);
    *seconds = seconds_since(start);
    gpumm_buffer_release(b);
    TRY(status);
    return make_cold(m);
}

static gpumm_status grow_rounds(const bench *b, uint64_t bytes, samples *shareable, samples *plain) {
    gpumm_manager *m;
    double first = NAN, second = NAN;
    TRY(open_manager(b, &m));
    gpumm_status status = GPUMM_OK;
    for (unsigned i = 0; i <= rounds(b, 41) && status == GPUMM_OK; i++) {
        status = grow_one(m, i % 2, bytes, &first);
        if (status == GPUMM_OK) status = grow_one(m, i % 2 == 0, bytes, &second);
        if (i) sample(shareable, i % 2 ? first : second);
        if (i) sample(plain, i % 2 ? second : first);
    }
    gpumm_manager_release(m);
    return status;
}

static void growth_topic(bench *b, const char *size, uint64_t bytes) {
    samples shareable = {0}, plain = {0};
    const char *what = "growth x1.3, shareable";
    if (grow_rounds(b, bytes, &shareable, &plain) != GPUMM_OK) {
        table_failed(b, what, size);
        return;
    }
    double ours = median(&shareable), beside = median(&plain);
    table_row(b, &(row){what, size, UNIT_TIME, ours, beside, "plain", ours / beside, b->host ? NO_MARK : AT_MOST,
                        ours / beside, 1.1, b->host ? NULL : "<= 1.1 x"});
}

/* ---- The other process: this program again, bench_gpumm --attached PATH WHAT ------------------------------- */

/* Says when it saw each new length. */
static int see_growths(gpumm_attachment *a) {
    gpumm_buffer *b;
    gpumm_buffer_info info;
    uint64_t seen = 0;
    if (gpumm_attachment_find(a, "grown", NULL, &b) != GPUMM_OK) return 1;
    do {
        if (gpumm_buffer_get_info(b, &info) != GPUMM_OK) break;
        uint64_t said[2] = {info.length, gpumm__clock_ns()};
        if (info.length != seen && write(1, said, sizeof said) != sizeof said) break;
        seen = info.length;
    } while (gpumm_attachment_wait(a, 30) == GPUMM_OK);
    gpumm_buffer_release(b);
    return 0;
}

static int take_frames(gpumm_attachment *a) {
    gpumm_readback *r;
    gpumm_frame *f;
    if (gpumm_attachment_readback(a, "watch", &r) != GPUMM_OK) return 1;
    uint64_t said[2] = {0};
    if (write(1, said, sizeof said) != sizeof said) return 1;
    while (gpumm_readback_wait(r, 0, 5, &f) == GPUMM_OK) gpumm_frame_release(f);
    gpumm_readback_release(r);
    return 0;
}

static gpumm_status import_bare(bench *b);

int bench_attached(const char *path, const char *what) {
    gpumm_attachment *a;
    if (strcmp(what, "bare") == 0) { /* the path is the GPU's number */
        bench b = {.ordinal = atoi(path)};
        return import_bare(&b) == GPUMM_OK ? 0 : 1;
    }
    if (gpumm_attach(&(gpumm_attach_options){.path = path, .seconds = 60}, &a) != GPUMM_OK)
        return fprintf(stderr, "bench_gpumm: %s\n", gpumm_message()), 1;
    int code = strcmp(what, "growth") == 0 ? see_growths(a) : take_frames(a);
    gpumm_attachment_release(a);
    return code;
}

typedef struct peer {
    pid_t pid;
    int says, hears;
} peer;

static gpumm_status peer_open(peer *p, const char *path, const char *what) {
    char *arguments[] = {"bench_gpumm", "--attached", (char *)(uintptr_t)path, (char *)(uintptr_t)what, NULL};
    posix_spawn_file_actions_t actions;
    int ends[2], sockets[2];
    if (pipe(ends) != 0) return fail(GPUMM_IO, "no pipe");
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0) return fail(GPUMM_IO, "no sockets");
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, sockets[1], 0);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    int error = posix_spawn(&p->pid, "/proc/self/exe", &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    close(sockets[1]);
    p->says = ends[0];
    p->hears = sockets[0];
    return error ? fail(GPUMM_IO, "the other process does not start: %s", strerror(error)) : GPUMM_OK;
}

static gpumm_status peer_says(const peer *p, uint64_t said[static 2]) {
    return read(p->says, said, 2 * sizeof *said) == 2 * sizeof *said ? GPUMM_OK
                                                                     : fail(GPUMM_IO, "the other process is gone");
}

static void peer_close(peer *p) {
    kill(p->pid, SIGKILL);
    waitpid(p->pid, NULL, 0);
    close(p->says);
    close(p->hears);
}

/* ---- A growth, seen elsewhere ----------------------------------------------------------------- */

/* The bare other side: what is sent is imported, mapped and told of, as a program without gpumm would. */

static gpumm_status send_segment(int to, int fd) {
    char byte = 0, room[CMSG_SPACE(sizeof fd)] = {0};
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    *header = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof fd)};
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    return sendmsg(to, &message, 0) == 1 ? GPUMM_OK : fail(GPUMM_IO, "no segment was sent");
}

static bool segment_came(int from, int *fd) {
    char byte, room[CMSG_SPACE(sizeof *fd)] = {0};
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
    if (recvmsg(from, &message, 0) != 1 || !CMSG_FIRSTHDR(&message)) return false;
    memcpy(fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof *fd);
    return true;
}

static gpumm_status bare_import(const bench *b, int fd, CUdeviceptr at) {
    CUmemAccessDesc access = {.location = {.type = CU_MEM_LOCATION_TYPE_DEVICE, .id = b->gpu},
                              .flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE};
    CUmemGenericAllocationHandle theirs = 0;
    gpumm_status status =
        bare(cuMemImportFromShareableHandle(&theirs, (void *)(uintptr_t)fd, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR),
             "cuMemImportFromShareableHandle");
    close(fd);
    TRY(status);
    BARE(cuMemMap(at, 2 * MIB, 0, theirs, 0));
    BARE(cuMemSetAccess(at, 2 * MIB, &access, 1));
    return GPUMM_OK;
}

/* Ends where the other side does. */
static gpumm_status import_bare(bench *b) {
    CUdeviceptr at = 0;
    BARE(cuInit(0));
    BARE(cuDeviceGet(&b->gpu, b->ordinal));
    BARE(cuDevicePrimaryCtxRetain(&b->context, b->gpu));
    BARE(cuCtxPushCurrent(b->context));
    BARE(cuMemAddressReserve(&at, (GROWTHS + 1) * 2 * MIB, 0, 0, 0));
    for (int fd; segment_came(0, &fd); at += 2 * MIB) {
        TRY(bare_import(b, fd, at));
        uint64_t said[2] = {1, gpumm__clock_ns()};
        if (write(1, said, sizeof said) != sizeof said) break;
    }
    return GPUMM_OK;
}

/* From a segment that exists to its being seen elsewhere. */
static gpumm_status bare_once(const bench *b, const peer *p, double *seconds) {
    CUmemAllocationProp how = {.type = CU_MEM_ALLOCATION_TYPE_PINNED,
                               .requestedHandleTypes = CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR,
                               .location = {.type = CU_MEM_LOCATION_TYPE_DEVICE, .id = b->gpu}};
    CUmemGenericAllocationHandle handle = 0;
    uint64_t said[2];
    int fd = -1;
    BARE(cuMemCreate(&handle, 2 * MIB, &how, 0));
    gpumm__clock_sleep_ns(5000000);
    uint64_t start = gpumm__clock_ns();
    BARE(cuMemExportToShareableHandle(&fd, handle, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR, 0));
    gpumm_status status = send_segment(p->hears, fd);
    if (status == GPUMM_OK) status = peer_says(p, said);
    if (status == GPUMM_OK) *seconds = (double)(said[1] - start) * 1e-9;
    close(fd);
    (void)cuMemRelease(handle);
    return status;
}

static gpumm_status growths(const bench *b, gpumm_buffer *grown, const peer *p, const peer *other, samples *seen,
                            samples *beside, samples *call) {
    uint64_t said[2] = {0}, length = 2 * MIB;
    for (unsigned i = 0; i < GROWTHS; i++, length += 2 * MIB) {
        double bare_seconds = NAN;
        while (said[0] != length) TRY(peer_says(p, said));
        if (!b->host) TRY(bare_once(b, other, &bare_seconds));
        gpumm__clock_sleep_ns(5000000);
        uint64_t start = gpumm__clock_ns();
        TRY(gpumm_buffer_resize(grown, NULL, length + 2 * MIB));
        double call_seconds = seconds_since(start);
        while (said[0] != length + 2 * MIB) TRY(peer_says(p, said));
        if (i) sample(seen, (double)(said[1] - start) * 1e-9);
        if (i) sample(beside, bare_seconds);
        if (i) sample(call, call_seconds);
    }
    return GPUMM_OK;
}

static gpumm_status seen_rounds(const bench *b, const char *path, unsigned ahead, samples *seen, samples *beside,
                                samples *call) {
    gpumm_manager *m;
    gpumm_buffer *grown = NULL;
    gpumm_share *share = NULL;
    peer p = {.pid = 0}, other = {.pid = 0};
    char gpu[16];
    snprintf(gpu, sizeof gpu, "%d", b->ordinal);
    TRY(open_manager(b, &m));
    gpumm_status status = open_memory(m, "grown", "u8", 2 * MIB, 256 * MIB, true, ahead, &grown);
    if (status == GPUMM_OK)
        status =
            gpumm_share_open(m, &(gpumm_share_options){.path = path, .buffers = &grown, .buffer_count = 1}, &share);
    if (status == GPUMM_OK) status = peer_open(&p, path, "growth");
    if (status == GPUMM_OK && !b->host) status = peer_open(&other, gpu, "bare");
    if (status == GPUMM_OK) status = growths(b, grown, &p, &other, seen, beside, call);
    if (p.pid) peer_close(&p);
    if (other.pid) peer_close(&other);
    gpumm_share_release(share);
    if (grown) (void)gpumm_buffer_close(grown);
    gpumm_buffer_release(grown);
    gpumm_manager_release(m);
    return status;
}

static void seen_topic(bench *b, const char *path, const char *what, unsigned ahead) {
    samples seen = {0}, beside = {0}, call = {0};
    const char *size = "2 MiB";
    if (seen_rounds(b, path, ahead, &seen, &beside, &call) != GPUMM_OK) {
        table_failed(b, what, size);
        return;
    }
    double ours = median(&seen), theirs = median(&beside);
    table_row(b, &(row){what, size, UNIT_TIME, ours, theirs, "bare export + send + import", ours / theirs,
                        b->host ? NO_MARK : AT_MOST, ours / theirs, 1.2, b->host ? NULL : "<= 1.2 x"});
    table_row(b, &(row){"of that, the grower's call", size, UNIT_TIME, median(&call), NAN, "memory, map, access, zero",
                        NAN, NO_MARK, NAN, NAN, NULL});
}

/* ---- Frames ------------------------------------------------------------------------------------ */

typedef struct scene {
    gpumm_manager *m;
    gpumm_buffer *nodes;
    gpumm_readback *frames;
    gpumm_kernel *step;
} scene;

static gpumm_status scene_open(const bench *b, scene *s) {
    TRY(open_manager(b, &s->m));
    TRY(open_memory(s->m, "nodes", "f32x3", NODES, NODES, true, GPUMM_AHEAD_NONE, &s->nodes));
    TRY(open_step(b, s->m, &s->step));
    return gpumm_readback_open(&(gpumm_readback_options){.buffers = &s->nodes,
                                                         .buffer_count = 1,
                                                         .slots = 3,
                                                         .busy = GPUMM_BUSY_NEWEST,
                                                         .where = GPUMM_FRAMES_ON_DEVICE,
                                                         .shareable = true},
                               &s->frames);
}

static void scene_close(scene *s) {
    gpumm_readback_release(s->frames);
    gpumm_kernel_release(s->step);
    if (s->nodes) (void)gpumm_buffer_close(s->nodes);
    gpumm_buffer_release(s->nodes);
    gpumm_manager_release(s->m);
}

enum { CAPTURES = 50 };

static gpumm_status captures(scene *s, double *seconds) {
    uint64_t start = gpumm__clock_ns();
    for (int i = 0; i < CAPTURES; i++) {
        gpumm_status status = gpumm_readback_capture(s->frames, NULL, i, NULL);
        if (status != GPUMM_BUSY) TRY(status);
    }
    TRY(gpumm_stream_synchronize(gpumm_manager_main(s->m)));
    *seconds = seconds_since(start) / CAPTURES;
    return GPUMM_OK;
}

static gpumm_status copies(const bench *b, CUdeviceptr from, CUdeviceptr to, double *seconds) {
    uint64_t start = gpumm__clock_ns();
    for (int i = 0; i < CAPTURES; i++) BARE(cuMemcpyDtoDAsync(to, from, (size_t)NODES * NODE, b->stream));
    BARE(cuStreamSynchronize(b->stream));
    *seconds = seconds_since(start) / CAPTURES;
    return GPUMM_OK;
}

static gpumm_status frame_rounds(const bench *b, samples *ours, samples *beside) {
    scene s = {0};
    CUdeviceptr from = 0, to = 0;
    double mine = NAN, theirs = NAN;
    gpumm_status status = scene_open(b, &s);
    if (status == GPUMM_OK && !b->host) status = bare(cuMemAlloc(&from, (size_t)NODES * NODE), "cuMemAlloc");
    if (status == GPUMM_OK && !b->host) status = bare(cuMemAlloc(&to, (size_t)NODES * NODE), "cuMemAlloc");
    for (unsigned i = 0; i <= rounds(b, 41) && status == GPUMM_OK; i++) {
        status = captures(&s, &mine);
        if (status == GPUMM_OK && !b->host) status = copies(b, from, to, &theirs);
        if (i) sample(ours, mine);
        if (i) sample(beside, theirs);
    }
    if (from) (void)cuMemFree(from);
    if (to) (void)cuMemFree(to);
    scene_close(&s);
    return status;
}

static void frame_topic(bench *b) {
    samples ours = {0}, beside = {0};
    const char *what = "frame on the device, its stream's time", *size = "1 M x 12 B";
    if (frame_rounds(b, &ours, &beside) != GPUMM_OK) {
        table_failed(b, what, size);
        return;
    }
    double mine = median(&ours), theirs = median(&beside);
    table_row(b, &(row){what, size, UNIT_TIME, mine, theirs, "cuMemcpyDtoDAsync", mine / theirs,
                        b->host ? NO_MARK : AT_MOST, mine / theirs, 1.1, b->host ? NULL : "<= 1.1 x"});
}

/* ---- A process that takes frames --------------------------------------------------------------- */

static gpumm_status run_steps(scene *s, int turns, unsigned count, double *seconds) {
    uint64_t start = gpumm__clock_ns();
    for (unsigned i = 0; i < count; i++) {
        TRY(launch_step(s->step, NULL, s->nodes, NODES, turns));
        gpumm_status status = gpumm_readback_capture(s->frames, NULL, i, NULL);
        if (status != GPUMM_BUSY) TRY(status);
        if (i % 2) TRY(gpumm_stream_synchronize(gpumm_manager_main(s->m)));
    }
    TRY(gpumm_stream_synchronize(gpumm_manager_main(s->m)));
    *seconds = seconds_since(start) / count;
    return GPUMM_OK;
}

/* So many turns of the kernel that a step lasts as long as is wanted. */
static gpumm_status calibrate(const bench *b, scene *s, int *turns) {
    double seconds = 0;
    for (*turns = 1; !b->host && *turns < 1 << 20; *turns = *turns * 5 / 4 + 1) {
        TRY(run_steps(s, *turns, 20, &seconds));
        if (seconds * 1e6 >= STEP_US) break;
    }
    return GPUMM_OK;
}

static gpumm_status beside_reader(const bench *b, scene *s, const char *path, int turns, samples *alone,
                                  samples *read) {
    const char *name = "watch";
    gpumm_share *share;
    uint64_t said[2];
    double seconds = NAN;
    unsigned count = b->host ? 20 : 500;
    TRY(gpumm_share_open(
        s->m,
        &(gpumm_share_options){.path = path, .readbacks = &s->frames, .readback_names = &name, .readback_count = 1},
        &share));
    gpumm_status status = GPUMM_OK;
    for (unsigned i = 0; i <= rounds(b, 11) && status == GPUMM_OK; i++) {
        peer p = {.pid = 0};
        status = run_steps(s, turns, count, &seconds);
        if (i) sample(alone, seconds);
        if (status == GPUMM_OK) status = peer_open(&p, path, "frames");
        if (status == GPUMM_OK) status = peer_says(&p, said);
        if (status == GPUMM_OK) status = run_steps(s, turns, count, &seconds);
        if (i) sample(read, seconds);
        if (p.pid) peer_close(&p);
    }
    gpumm_share_release(share);
    return status;
}

static void reader_topic(bench *b, const char *path) {
    samples alone = {0}, read = {0};
    const char *what = "step and frame, another process takes them", *size = "1 M x 12 B";
    scene s = {0};
    int turns = 1;
    gpumm_status status = scene_open(b, &s);
    if (status == GPUMM_OK) status = calibrate(b, &s, &turns);
    if (status == GPUMM_OK) status = beside_reader(b, &s, path, turns, &alone, &read);
    double ours = median(&read), theirs = median(&alone);
    if (status != GPUMM_OK) table_failed(b, what, size);
    else
        table_row(b, &(row){what, size, UNIT_TIME, ours, theirs, "nobody takes them", ours / theirs,
                            b->host ? NO_MARK : AT_MOST, ours / theirs, 1.03, b->host ? NULL : "<= 1.03 x"});
    scene_close(&s);
}

void bench_share(bench *b) {
    char path[64];
    snprintf(path, sizeof path, "/tmp/gpumm-bench-%d", (int)getpid());
    growth_topic(b, "2 MiB", 2 * MIB);
    growth_topic(b, "64 MiB", 64 * MIB);
    seen_topic(b, path, "growth seen by another process", GPUMM_AHEAD_AUTO);
    seen_topic(b, path, "growth seen elsewhere, not precommitted", GPUMM_AHEAD_NONE);
    frame_topic(b);
    reader_topic(b, path);
}
