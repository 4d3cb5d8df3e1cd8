/* SPDX-License-Identifier: MIT */
/* System calls of sockets. */
#include "share/wire.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/status.h"
#include "base/thread.h"

static gpumm_status address_of(const char *path, struct sockaddr_un *out) {
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof out->sun_path)
        return fail(GPUMM_INVALID_ARGUMENT, "'%.120s' is no path of a socket: 1 to %zu bytes are", path,
                    sizeof out->sun_path - 1);
    memcpy(out->sun_path, path, length);
    return GPUMM_OK;
}

static gpumm_status io(const char *path) { return fail(GPUMM_IO, "%s: %s", path, strerror(errno)); }

static gpumm_status socket_new(const char *path, int *out) {
    *out = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return *out < 0 ? io(path) : GPUMM_OK;
}

/* ---- Listening --------------------------------------------------------------------------------------------- */

/* Does nobody listen at what is there? Only a socket without a process refuses. */
static bool is_leftover(const struct sockaddr_un *a) {
    struct stat there;
    if (lstat(a->sun_path, &there) != 0 || !S_ISSOCK(there.st_mode)) return false;
    int probe = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool refused = probe >= 0 && connect(probe, (const struct sockaddr *)a, sizeof *a) != 0 && errno == ECONNREFUSED;
    if (probe >= 0) close(probe);
    return refused;
}

static gpumm_status bind_at(int socket, const struct sockaddr_un *a) {
    if (bind(socket, (const struct sockaddr *)a, sizeof *a) == 0) return GPUMM_OK;
    if (errno != EADDRINUSE) return io(a->sun_path);
    if (!is_leftover(a))
        return fail(GPUMM_ALREADY_EXISTS, "%s: something is there: another share, or no socket", a->sun_path);
    unlink(a->sun_path);
    return bind(socket, (const struct sockaddr *)a, sizeof *a) == 0 ? GPUMM_OK : io(a->sun_path);
}

static gpumm_status listen_at(int socket, const struct sockaddr_un *a, unsigned mode, ino_t *inode) {
    struct stat there;
    (void)fchmod(socket, (mode_t)mode); /* before bind: what bind makes has it, less the umask */
    TRY(bind_at(socket, a));
    if (chmod(a->sun_path, (mode_t)mode) == 0 && stat(a->sun_path, &there) == 0 && listen(socket, SHARE_READERS) == 0)
        return *inode = there.st_ino, GPUMM_OK;
    gpumm_status status = io(a->sun_path);
    unlink(a->sun_path);
    return status;
}

gpumm_status gpumm__wire_listen(const char *path, unsigned mode, int *out, ino_t *inode) {
    struct sockaddr_un a;
    TRY(address_of(path, &a));
    TRY(socket_new(path, out));
    gpumm_status status = listen_at(*out, &a, mode, inode);
    if (status != GPUMM_OK) close(*out);
    return status;
}

void gpumm__wire_unlink(const char *path, ino_t inode) {
    struct stat there;
    if (lstat(path, &there) == 0 && S_ISSOCK(there.st_mode) && there.st_ino == inode) unlink(path);
}

/* ---- Connecting -------------------------------------------------------------------------------------------- */

static gpumm_status not_connected(const char *path) {
    if (errno == ENOENT || errno == ECONNREFUSED) return fail(GPUMM_NOT_FOUND, "%s: nobody shares there", path);
    if (errno == EAGAIN) return fail(GPUMM_TIMEOUT, "%s: its owner has taken nobody in meanwhile", path);
    return io(path);
}

gpumm_status gpumm__wire_connect(const char *path, uint64_t deadline, int *out) {
    struct sockaddr_un a;
    TRY(address_of(path, &a));
    TRY(socket_new(path, out));
    for (;;) { /* a socket of packets does not wait in line by itself */
        if (connect(*out, (const struct sockaddr *)&a, sizeof a) == 0) return GPUMM_OK;
        if (errno != EAGAIN || gpumm__clock_ns() >= deadline) break;
        gpumm__clock_sleep_ns(500000);
    }
    gpumm_status status = not_connected(path);
    close(*out);
    return status;
}

static int pidfd_of(pid_t pid) {
#ifdef SYS_pidfd_open
    return pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1; /* it closes on exec by itself */
#else
    (void)pid;
    return -1;
#endif
}

gpumm_status gpumm__wire_peer(int socket, bool any_user, int *pidfd, pid_t *pid) {
    struct ucred who = {0};
    socklen_t size = sizeof who;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) return io("SO_PEERCRED");
    if (!any_user && who.uid != geteuid() && who.uid != 0)
        return fail(GPUMM_INVALID_ARGUMENT, "the process at the other end is of user %u, not %u", (unsigned)who.uid,
                    (unsigned)geteuid());
    *pid = who.pid;
    *pidfd = pidfd_of(who.pid);
    return GPUMM_OK;
}

/* ---- Packets ----------------------------------------------------------------------------------------------- */

typedef union control {
    struct cmsghdr align;
    char room[CMSG_SPACE(sizeof(int))];
} control;

static void attach(struct msghdr *h, control *c, int descriptor) {
    memset(c, 0, sizeof *c);
    h->msg_control = c->room;
    h->msg_controllen = sizeof c->room;
    struct cmsghdr *head = CMSG_FIRSTHDR(h);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(head), &descriptor, sizeof descriptor);
}

wire_end gpumm__wire_send(int socket, const share_packet *p, int descriptor) {
    control c;
    struct iovec part = {(void *)(uintptr_t)p, sizeof p->message + p->message.text_bytes};
    struct msghdr h = {.msg_iov = &part, .msg_iovlen = 1};
    if (descriptor >= 0) attach(&h, &c, descriptor);
    ssize_t sent;
    do sent = sendmsg(socket, &h, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    if (sent >= 0) return WIRE_DONE;
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS || errno == ETOOMANYREFS ? WIRE_LATER
                                                                                                : WIRE_GONE;
}

/* The first descriptor of a message; a peer that sends more gets nothing for them. */
static int detach(struct msghdr *h) {
    int first = -1;
    for (struct cmsghdr *head = CMSG_FIRSTHDR(h); head; head = CMSG_NXTHDR(h, head)) {
        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) continue;
        size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int one;
            memcpy(&one, CMSG_DATA(head) + i * sizeof one, sizeof one);
            if (first < 0) first = one;
            else close(one);
        }
    }
    return first;
}

wire_end gpumm__wire_receive(int socket, share_packet *p, size_t *bytes, int *descriptor) {
    control c;
    struct iovec part = {p, sizeof *p};
    struct msghdr h = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = c.room, .msg_controllen = sizeof c.room};
    ssize_t got;
    memset(&p->message, 0, sizeof p->message);
    do got = recvmsg(socket, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    *descriptor = got >= 0 ? detach(&h) : -1;
    *bytes = got > 0 ? (size_t)got : 0;
    if (got > 0) return WIRE_DONE;
    return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? WIRE_LATER : WIRE_GONE;
}
