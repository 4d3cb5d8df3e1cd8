/* SPDX-License-Identifier: MIT */
/* Who may come in: whoever knows the token of the URL, and is no other site's page. */
#ifndef MODULES_LIVE_DOOR_H
#define MODULES_LIVE_DOOR_H

#include <stdbool.h>
#include <stddef.h>

enum { LIVE_TOKEN_BYTES = 33, LIVE_HOST_BYTES = 256, LIVE_ORIGINS = 8 };

typedef struct live_door {
    char token[LIVE_TOKEN_BYTES];                /* 128 bits in hexadecimal */
    char host[LIVE_HOST_BYTES];                  /* that the server is bound to */
    char own[LIVE_HOST_BYTES];                   /* this machine's name */
    char origins[LIVE_ORIGINS][LIVE_HOST_BYTES]; /* further ones, as "https://lab.example": of a proxy in front */
    unsigned origin_count;
    int port;
} live_door;

/* A token of the system's random numbers; false: there are none. */
bool gpumm_live__door_token(char token[LIVE_TOKEN_BYTES]);
/* Is it an address of this machine that no other machine reaches? */
bool gpumm_live__door_loopback(const char *host);
/* Is `path` "/TOKEN/" and then `rest`? In a time that does not tell how much of the token is right. */
bool gpumm_live__door_path(const live_door *door, const char *path, const char *rest);
/* The header Host: this server, by a name that no other site can give itself. */
bool gpumm_live__door_host(const live_door *door, const char *host);
/* The header Origin: this server's page, or one of `origins`; empty: no browser's. */
bool gpumm_live__door_origin(const live_door *door, const char *origin, const char *host);

#endif
