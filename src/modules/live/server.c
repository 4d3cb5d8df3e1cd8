/* SPDX-License-Identifier: MIT */
/*
 * The thread and its connections, by libwebsockets: one that waits for connections, viewers (ws), readers of the page
 * (http), and the readback's descriptor, which is readable when a frame has arrived. Everything else happens on the
 * script's thread, which sets something and wakes this one.
 */
#include "modules/live/server.h"

#include <errno.h>
#include <fcntl.h>
#include <libwebsockets.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "modules/live/encode.h"
#include "modules/live/page.h"
#include "modules/live/shared.h"
#include "modules/live/viewer.h"

enum {
    STRANGERS = 24,          /* connections besides viewers: who reads the page, who has not said yet what it wants */
    HEADER_BYTES = 4096,     /* of a request */
    SEND_BUFFER = 256 << 10, /* a viewer is that much behind, at most */
    SEE_OFF_SECONDS = 2      /* at the end, for viewers to take what there is */
};

struct live_server {
    live_shared shared;
    live_options options;
    struct lws_context *context;
    struct lws_vhost *vhost;
    pthread_t thread;
    bool running;
    /* The thread's own. */
    gpumm_readback *readback;
    unsigned dimensions;
    struct lws *frames; /* its descriptor */
    uint32_t viewers_so_far, frame_number;
};

/* ---- Frames ------------------------------------------------------------------------------------- */

static void show(live_server *s, gpumm_frame *frame) {
    gpumm_frame_info info;
    const void *positions;
    if (gpumm_frame_get_info(frame, &info) != GPUMM_OK || gpumm_frame_data(frame, 0, &positions) != GPUMM_OK) return;
    pthread_mutex_lock(&s->shared.lock);
    s->shared.counts.ticket = info.ticket;
    pthread_mutex_unlock(&s->shared.lock);
    if (info.length > LIVE_NODES_MOST) return;
    live_frame_about about = {.dimensions = s->dimensions,
                              .count = (uint32_t)info.length,
                              .number = ++s->frame_number,
                              .dropped = (uint32_t)info.dropped,
                              .step = info.step,
                              .time = info.time};
    live_blob *blob = gpumm_live__encode_f32(s->options.allocator, &about, positions);
    if (!blob) return; /* the next one may fit */
    gpumm_live__shared_replace(&s->shared, &s->shared.frame, blob);
    pthread_mutex_lock(&s->shared.lock);
    s->shared.counts.frames++;
    pthread_mutex_unlock(&s->shared.lock);
}

static void wake_viewers(live_server *s) {
    lws_callback_on_writable_all_protocol(s->context, lws_vhost_name_to_protocol(s->vhost, "gpumm-live"));
}

/* False: the readback has no more frames. */
static bool take_frame(live_server *s) {
    gpumm_frame *frame = NULL;
    if (!s->readback) return false;
    if (gpumm_readback_latest(s->readback, &frame) != GPUMM_OK) return false;
    if (!frame) return true;
    show(s, frame);
    gpumm_frame_release(frame);
    wake_viewers(s);
    return true;
}

static void detach(live_server *s) {
    if (s->frames) lws_set_timeout(s->frames, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
    s->frames = NULL;
    gpumm_readback_release(s->readback);
    s->readback = NULL;
}

/* libwebsockets closes the descriptor, so it gets one of its own. */
static void attach(live_server *s, gpumm_readback *readback, unsigned dimensions) {
    lws_sock_file_fd_type descriptor;
    int fd = -1;
    s->readback = readback;
    s->dimensions = dimensions;
    if (!readback || gpumm_readback_fd(readback, &fd) != GPUMM_OK) return;
    descriptor.filefd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (descriptor.filefd < 0) return;
    s->frames = lws_adopt_descriptor_vhost(s->vhost, LWS_ADOPT_RAW_FILE_DESC, descriptor, "frames", NULL);
}

/* What the script's thread asked for. */
static void follow(live_server *s) {
    pthread_mutex_lock(&s->shared.lock);
    bool attaching = s->shared.attaching;
    gpumm_readback *next = s->shared.next;
    unsigned dimensions = s->shared.dimensions;
    s->shared.next = NULL;
    pthread_mutex_unlock(&s->shared.lock);
    if (attaching) {
        detach(s);
        attach(s, next, dimensions);
        pthread_mutex_lock(&s->shared.lock);
        s->shared.attaching = false;
        s->shared.counts.ticket = 0;
        pthread_cond_broadcast(&s->shared.changed);
        pthread_mutex_unlock(&s->shared.lock);
    }
    wake_viewers(s);
}

/* ---- The door ------------------------------------------------------------------------------------ */

static live_server *server_of(struct lws *wsi) { return lws_context_user(lws_get_context(wsi)); }

/* Copies a header; false: it is too long. What is not there is empty. */
static bool header(struct lws *wsi, enum lws_token_indexes which, char *out, size_t size) {
    out[0] = '\0';
    if (lws_hdr_total_length(wsi, which) <= 0) return true;
    return lws_hdr_copy(wsi, out, (int)size, which) >= 0;
}

static bool is_known(live_server *s, struct lws *wsi, const char *path, const char *rest) {
    char host[LIVE_HOST_BYTES], origin[LIVE_HOST_BYTES];
    const live_door *door = &s->options.door;
    return gpumm_live__door_path(door, path, rest) && header(wsi, WSI_TOKEN_HOST, host, sizeof host) &&
           header(wsi, WSI_TOKEN_ORIGIN, origin, sizeof origin) && gpumm_live__door_host(door, host) &&
           gpumm_live__door_origin(door, origin, host);
}

static void count_one(live_server *s, uint64_t *counter, int by) {
    pthread_mutex_lock(&s->shared.lock);
    *counter += (uint64_t)by;
    pthread_mutex_unlock(&s->shared.lock);
}

static int turn_away(live_server *s) {
    count_one(s, &s->shared.counts.turned_away, 1);
    return -1;
}

/* Before a connection becomes a viewer's. */
static int admit(live_server *s, struct lws *wsi) {
    char path[LIVE_HOST_BYTES];
    if (!header(wsi, WSI_TOKEN_GET_URI, path, sizeof path) || !is_known(s, wsi, path, "socket")) return turn_away(s);
    pthread_mutex_lock(&s->shared.lock);
    bool full = s->shared.counts.viewers >= s->options.viewers;
    pthread_mutex_unlock(&s->shared.lock);
    return full ? turn_away(s) : 0;
}

/* Of what is no page of ours nothing is told. */
static int answer(live_server *s, struct lws *wsi, const char *path) {
    if (is_known(s, wsi, path, "")) return gpumm_live__page_begin(wsi, s->options.page);
    turn_away(s);
    return lws_return_http_status(wsi, HTTP_STATUS_NOT_FOUND, NULL) || lws_http_transaction_completed(wsi) ? -1 : 0;
}

/* ---- What libwebsockets calls ---------------------------------------------------------------------- */

static int on_http(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length) {
    switch (reason) {
    case LWS_CALLBACK_EVENT_WAIT_CANCELLED: follow(server_of(wsi)); return 0;
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE: return in && strcmp(in, "websocket") == 0 ? 0 : -1;
    case LWS_CALLBACK_HTTP: return answer(server_of(wsi), wsi, in);
    case LWS_CALLBACK_HTTP_WRITEABLE: return user ? gpumm_live__page_send(wsi, server_of(wsi)->options.page, user) : -1;
    case LWS_CALLBACK_HTTP_BODY:
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
    case LWS_CALLBACK_RAW_RX:
    case LWS_CALLBACK_ESTABLISHED: return -1;                                       /* none is meant */
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION: return turn_away(server_of(wsi)); /* for another protocol */
    default: return lws_callback_http_dummy(wsi, reason, user, in, length);
    }
}

static void welcome(live_server *s, struct lws *wsi, live_viewer *v) {
    int bytes = SEND_BUFFER;
    setsockopt(lws_get_socket_fd(wsi), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    memset(v, 0, sizeof *v);
    v->welcome = true;
    v->number = ++s->viewers_so_far;
    count_one(s, &s->shared.counts.joined, 1);
    count_one(s, &s->shared.counts.viewers, 1);
    lws_callback_on_writable(wsi);
}

static void farewell(live_server *s, live_viewer *v) {
    gpumm_live__viewer_end(v);
    if (!v->welcome) return;
    v->welcome = false;
    count_one(s, &s->shared.counts.viewers, -1);
    pthread_cond_broadcast(&s->shared.changed);
}

static int on_viewer(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length) {
    live_server *s = server_of(wsi);
    switch (reason) {
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION: return admit(s, wsi);
    case LWS_CALLBACK_ESTABLISHED: welcome(s, wsi, user); return 0;
    case LWS_CALLBACK_CLOSED: farewell(s, user); return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE: return gpumm_live__viewer_send(user, &s->shared, wsi) ? 0 : -1;
    case LWS_CALLBACK_RECEIVE: gpumm_live__viewer_hear(user, &s->shared, wsi, in, length); return 0;
    case LWS_CALLBACK_HTTP:
    case LWS_CALLBACK_RAW_RX: return -1;
    default: return 0;
    }
}

static int on_frames(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length) {
    live_server *s = server_of(wsi);
    (void)user, (void)in, (void)length;
    if (reason == LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION)
        return turn_away(s); /* a viewer may ask for it by its name */
    if (reason == LWS_CALLBACK_RAW_RX_FILE) return s->frames == wsi && take_frame(s) ? 0 : -1;
    if (reason == LWS_CALLBACK_RAW_CLOSE_FILE && s->frames == wsi) s->frames = NULL;
    return 0;
}

static const struct lws_protocols protocols[] = {
    {.name = "http", .callback = on_http, .per_session_data_size = sizeof(live_reader)},
    {.name = "gpumm-live",
     .callback = on_viewer,
     .per_session_data_size = sizeof(live_viewer),
     .rx_buffer_size = LIVE_EVENT_BYTES + 64},
    {.name = "frames", .callback = on_frames},
    {.name = NULL},
};

/* ---- Opening and closing ------------------------------------------------------------------------------ */

static void *serve(void *user) {
    live_server *s = user;
    for (;;) {
        pthread_mutex_lock(&s->shared.lock);
        bool stopping = s->shared.stopping;
        pthread_mutex_unlock(&s->shared.lock);
        if (stopping || lws_service(s->context, 0) < 0) break;
    }
    return NULL;
}

/* Can one listen there? libwebsockets says no more than that one cannot. */
static gpumm_status probe(const live_door *door) {
    struct addrinfo *found = NULL, hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    char port[16];
    int yes = 1;
    snprintf(port, sizeof port, "%d", door->port);
    int outcome = getaddrinfo(door->host, port, &hints, &found);
    if (outcome != 0) return gpumm_lua_fail(GPUMM_IO, "live: host '%s': %s", door->host, gai_strerror(outcome));
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    bool bound = fd >= 0 && bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, 1) == 0;
    int error = errno;
    if (fd >= 0) close(fd);
    freeaddrinfo(found);
    if (bound) return GPUMM_OK;
    return gpumm_lua_fail(GPUMM_IO, "live: cannot listen on %s, port %d: %s", door->host, door->port, strerror(error));
}

static gpumm_status open_context(live_server *s) {
    static const lws_retry_bo_t gone = {.secs_since_valid_ping = 20, .secs_since_valid_hangup = 40};
    bool all = strcmp(s->options.door.host, "0.0.0.0") == 0 || strcmp(s->options.door.host, "::") == 0;
    bool six = strchr(s->options.door.host, ':') != NULL;
    struct lws_context_creation_info info;
    memset(&info, 0, sizeof info);
    info.port = s->options.door.port;
    info.iface = all ? NULL : strcmp(s->options.door.host, "localhost") == 0 ? "127.0.0.1" : s->options.door.host;
    info.protocols = protocols;
    info.user = s;
    info.gid = info.uid = -1;
    info.options = LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                   (six ? 0 : LWS_SERVER_OPTION_DISABLE_IPV6);
    info.fd_limit_per_thread = s->options.viewers + STRANGERS;
    info.max_http_header_data = HEADER_BYTES;
    info.max_http_header_pool = STRANGERS;
    info.timeout_secs = 10;
    info.timeout_secs_ah_idle = 5;
    info.keepalive_timeout = 5;
    info.retry_and_idle_policy = &gone;
    info.server_string = "gpumm";
    lws_set_log_level(0, NULL);
    s->context = lws_create_context(&info);
    if (!s->context) return gpumm_lua_fail(GPUMM_OUT_OF_MEMORY, "live: libwebsockets cannot be started");
    s->vhost = lws_create_vhost(s->context, &info);
    if (!s->vhost)
        return gpumm_lua_fail(GPUMM_IO, "live: cannot listen on %s, port %d", s->options.door.host, info.port);
    s->options.door.port = lws_get_vhost_listen_port(s->vhost);
    return GPUMM_OK;
}

/* Signals are for the script's thread. */
static gpumm_status start_thread(live_server *s) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int outcome = pthread_create(&s->thread, NULL, serve, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (outcome != 0) return gpumm_lua_fail(GPUMM_OUT_OF_MEMORY, "live: no thread: %s", strerror(outcome));
    s->running = true;
    return GPUMM_OK;
}

static live_server *new_server(const live_options *options) {
    live_server *s = options->allocator.reallocate(options->allocator.user, NULL, sizeof *s);
    if (!s) return NULL;
    memset(s, 0, sizeof *s);
    s->options = *options;
    if (gpumm_live__shared_open(&s->shared, options->allocator) == GPUMM_OK) return s;
    options->allocator.reallocate(options->allocator.user, s, 0);
    return NULL;
}

gpumm_status gpumm_live__server_open(const live_options *options, live_server **out) {
    gpumm_status status = probe(&options->door);
    live_server *s = status == GPUMM_OK ? new_server(options) : NULL;
    if (!s) {
        gpumm_live__blob_release(options->page);
        return status == GPUMM_OK ? gpumm_lua_fail(GPUMM_OUT_OF_MEMORY, "live: no memory for a server") : status;
    }
    status = open_context(s);
    if (status == GPUMM_OK) status = start_thread(s);
    if (status == GPUMM_OK) *out = s;
    else gpumm_live__server_close(s);
    return status;
}

/* Viewers get what there is, within SEE_OFF_SECONDS. */
static void see_off(live_server *s) {
    pthread_mutex_lock(&s->shared.lock);
    s->shared.leaving = true;
    pthread_mutex_unlock(&s->shared.lock);
    lws_cancel_service(s->context);
    gpumm_live__shared_wait_empty(&s->shared, SEE_OFF_SECONDS);
}

void gpumm_live__server_close(live_server *s) {
    if (!s) return;
    if (s->running) {
        see_off(s);
        pthread_mutex_lock(&s->shared.lock);
        s->shared.stopping = true;
        pthread_mutex_unlock(&s->shared.lock);
        lws_cancel_service(s->context);
        pthread_join(s->thread, NULL);
    }
    if (s->context) lws_context_destroy(s->context);
    gpumm_readback_release(s->readback);
    gpumm_readback_release(s->shared.next);
    gpumm_live__blob_release(s->options.page);
    gpumm_live__shared_close(&s->shared);
    s->options.allocator.reallocate(s->options.allocator.user, s, 0);
}

int gpumm_live__server_port(const live_server *s) { return s->options.door.port; }
const char *gpumm_live__server_token(const live_server *s) { return s->options.door.token; }

/* ---- For the script's thread ---------------------------------------------------------------------------- */

gpumm_status gpumm_live__server_attach(live_server *s, gpumm_readback *readback, unsigned dimensions) {
    int fd;
    if (readback) { /* made here, so that what fails is told here */
        gpumm_status status = gpumm_readback_fd(readback, &fd);
        if (status != GPUMM_OK) return status;
    }
    pthread_mutex_lock(&s->shared.lock);
    s->shared.next = gpumm_readback_retain(readback);
    s->shared.dimensions = dimensions;
    s->shared.attaching = true;
    pthread_mutex_unlock(&s->shared.lock);
    lws_cancel_service(s->context);
    pthread_mutex_lock(&s->shared.lock);
    while (s->shared.attaching) pthread_cond_wait(&s->shared.changed, &s->shared.lock);
    pthread_mutex_unlock(&s->shared.lock);
    return GPUMM_OK;
}

gpumm_status gpumm_live__server_publish(live_server *s, live_blob *blob) {
    gpumm_status status = gpumm_live__shared_publish(&s->shared, blob);
    lws_cancel_service(s->context);
    return status;
}

void gpumm_live__server_forget(live_server *s) { gpumm_live__shared_forget(&s->shared); }

void gpumm_live__server_state(live_server *s, live_blob *blob) {
    gpumm_live__shared_replace(&s->shared, &s->shared.state, blob);
    lws_cancel_service(s->context);
}

bool gpumm_live__server_next(live_server *s, live_event *out) {
    pthread_mutex_lock(&s->shared.lock);
    bool taken = gpumm_live__queue_take(&s->shared.queue, out);
    pthread_mutex_unlock(&s->shared.lock);
    return taken;
}

bool gpumm_live__server_wants(live_server *s) {
    pthread_mutex_lock(&s->shared.lock);
    bool wanted = s->shared.wanted;
    s->shared.wanted = false;
    pthread_mutex_unlock(&s->shared.lock);
    return wanted;
}

void gpumm_live__server_wait(live_server *s, double seconds) { gpumm_live__shared_wait(&s->shared, seconds); }

void gpumm_live__server_count(live_server *s, live_counts *out) {
    pthread_mutex_lock(&s->shared.lock);
    *out = s->shared.counts;
    out->queued = s->shared.queue.count;
    pthread_mutex_unlock(&s->shared.lock);
}
