/* SPDX-License-Identifier: MIT */
/* A viewer on a bare socket, for the tests of the live page's server. */
#ifndef LIVE_CLIENT_H
#define LIVE_CLIENT_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "check.h"
#include "modules/live/server.h"

static const char live_test_token[] = "0123456789abcdef0123456789abcdef";

static inline live_options live_test_options(gpumm_allocator allocator, unsigned viewers) {
    live_options options = {.allocator = allocator, .viewers = viewers};
    memcpy(options.door.token, live_test_token, sizeof live_test_token);
    strcpy(options.door.host, "127.0.0.1");
    options.page = gpumm_live__blob_new(allocator, "<p>page</p>", 11, true);
    CHECK(options.page);
    return options;
}

/* A connection, whose reads give up after some seconds. */
static inline int live_connect(const live_server *server) {
    struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons((uint16_t)gpumm_live__server_port(server))};
    struct timeval most = {.tv_sec = 20};
    there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&there, sizeof there) == 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most);
    return fd;
}

static inline bool live_send(int fd, const void *bytes, size_t size) {
    return send(fd, bytes, size, MSG_NOSIGNAL) == (ssize_t)size;
}

static inline bool live_read(int fd, void *bytes, size_t size) {
    for (size_t done = 0; done < size;) {
        ssize_t part = recv(fd, (char *)bytes + done, size - done, 0);
        if (part <= 0) return false;
        done += (size_t)part;
    }
    return true;
}

/* The request of a viewer, for that protocol; false: it was not let in. */
static inline bool live_ask(int fd, const live_server *server, const char *protocol) {
    char text[1024];
    int port = gpumm_live__server_port(server);
    int length = snprintf(text, sizeof text,
                          "GET /%s/socket HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nOrigin: http://127.0.0.1:%d\r\n"
                          "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                          "Sec-WebSocket-Protocol: %s\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
                          live_test_token, port, port, protocol);
    if (!live_send(fd, text, (size_t)length)) return false;
    for (size_t have = 0; have < sizeof text - 1;) {
        if (!live_read(fd, text + have, 1)) return false;
        text[++have] = '\0';
        if (have >= 4 && strcmp(text + have - 4, "\r\n\r\n") == 0) return strstr(text, " 101 ") != NULL;
    }
    return false;
}

static inline bool live_join(int fd, const live_server *server) { return live_ask(fd, server, "gpumm-live"); }

/* A short text message, masked with zeros. */
static inline bool live_say(int fd, const char *text) {
    unsigned char frame[256] = {0x81, (unsigned char)(0x80 | strlen(text))};
    CHECK(strlen(text) < 126);
    memcpy(frame + 6, text, strlen(text));
    return live_send(fd, frame, 6 + strlen(text));
}

/* The next frame of the protocol: its first byte in *head, and what it carries, at most `room` bytes of it. */
static inline bool live_hear(int fd, unsigned char *head, void *bytes, size_t room, size_t *size) {
    unsigned char start[2], more[8];
    uint64_t length;
    if (!live_read(fd, start, 2)) return false;
    length = start[1] & 127;
    if (length >= 126) {
        size_t digits = length == 126 ? 2 : 8;
        if (!live_read(fd, more, digits)) return false;
        length = 0;
        for (size_t i = 0; i < digits; i++) length = length << 8 | more[i];
    }
    CHECK(length <= room);
    *head = start[0];
    *size = (size_t)length;
    return live_read(fd, bytes, (size_t)length);
}

/* A whole message; its kind in *kind (1: text, 2: binary). */
static inline bool live_message(int fd, int *kind, void *bytes, size_t room, size_t *size) {
    unsigned char head;
    size_t part;
    *size = 0;
    do {
        if (!live_hear(fd, &head, (char *)bytes + *size, room - *size, &part)) return false;
        if ((head & 15) > 2) return false; /* a farewell */
        if (head & 15) *kind = head & 15;
        *size += part;
    } while (!(head & 0x80));
    return true;
}

#endif
