/* SPDX-License-Identifier: MIT */
/*
 * The token keeps out who was not given the URL, also other users of this machine. Host and Origin keep out other sites'
 * pages in the viewer's browser: of a name that resolves to this machine's address (Host would be that name), and those
 * that open a socket across sites (Origin is theirs).
 */
#include "modules/live/door.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

bool gpumm_live__door_token(char token[LIVE_TOKEN_BYTES]) {
    unsigned char random[(LIVE_TOKEN_BYTES - 1) / 2];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) return false;
    for (size_t i = 0; i < sizeof random; i++) snprintf(token + 2 * i, 3, "%02x", random[i]);
    return true;
}

bool gpumm_live__door_loopback(const char *host) {
    struct in_addr address;
    if (strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0) return true;
    return inet_pton(AF_INET, host, &address) == 1 && (ntohl(address.s_addr) >> 24) == 127;
}

bool gpumm_live__door_path(const live_door *door, const char *path, const char *rest) {
    size_t length = LIVE_TOKEN_BYTES - 1;
    unsigned differs = 0;
    if (path[0] != '/' || strlen(path) < length + 2) return false;
    for (size_t i = 0; i < length; i++) differs |= (unsigned char)path[1 + i] ^ (unsigned char)door->token[i];
    return differs == 0 && path[1 + length] == '/' && strcmp(path + length + 2, rest) == 0;
}

static bool is_address(const char *name) {
    struct in_addr four;
    struct in6_addr six;
    char bare[64];
    size_t length = strlen(name);
    if (inet_pton(AF_INET, name, &four) == 1) return true;
    if (length < 3 || length - 2 >= sizeof bare || name[0] != '[' || name[length - 1] != ']') return false;
    memcpy(bare, name + 1, length - 2);
    bare[length - 2] = '\0';
    return inet_pton(AF_INET6, bare, &six) == 1;
}

/* An address is no name that somebody else could give: who asks for it by its address has it from the URL. */
static bool is_ours(const live_door *door, const char *name) {
    if (strcasecmp(name, "localhost") == 0 || is_address(name)) return true;
    return strcasecmp(name, door->host) == 0 || (door->own[0] && strcasecmp(name, door->own) == 0);
}

/* Where the name in a Host ends, "127.0.0.1:8080" or "[::1]:8080"; NULL where the port is another one. Clients leave 80 out. */
static const char *end_of_name(const live_door *door, const char *host) {
    const char *bracket = strrchr(host, ']'), *colon = strrchr(bracket ? bracket : host, ':');
    char port[16];
    if (!colon) return door->port == 80 ? host + strlen(host) : NULL;
    snprintf(port, sizeof port, "%d", door->port);
    return strcmp(colon + 1, port) == 0 ? colon : NULL;
}

bool gpumm_live__door_host(const live_door *door, const char *host) {
    char name[LIVE_HOST_BYTES];
    for (unsigned i = 0; i < door->origin_count; i++) {
        const char *there = strstr(door->origins[i], "://");
        if (there && strcasecmp(there + 3, host) == 0) return true;
    }
    const char *end = end_of_name(door, host);
    if (!end || (size_t)(end - host) >= sizeof name) return false;
    memcpy(name, host, (size_t)(end - host));
    name[end - host] = '\0';
    return is_ours(door, name);
}

bool gpumm_live__door_origin(const live_door *door, const char *origin, const char *host) {
    if (origin[0] == '\0') return true;
    for (unsigned i = 0; i < door->origin_count; i++)
        if (strcasecmp(door->origins[i], origin) == 0) return true;
    return strncasecmp(origin, "http://", 7) == 0 && strcasecmp(origin + 7, host) == 0;
}
