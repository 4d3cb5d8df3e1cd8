/* SPDX-License-Identifier: MIT */
/* The server of a live page: a thread of its own that takes frames as they arrive and sends them to viewers. Nobody
   waits for a viewer: each is sent the newest frame once it has taken what it was sent before. */
#ifndef MODULES_LIVE_SERVER_H
#define MODULES_LIVE_SERVER_H

#include "gpumm_lua.h"
#include "modules/live/blob.h"
#include "modules/live/counts.h"
#include "modules/live/door.h"
#include "modules/live/event.h"

typedef struct live_server live_server;

typedef struct live_options {
    live_door door;   /* its port: 0 for any that is free */
    unsigned viewers; /* at once */
    live_blob *page;  /* held by the server from then on */
    gpumm_allocator allocator;
} live_options;

/* IO: the port is in use and the like. Whatever happens, the page's handle is the server's. */
gpumm_status gpumm_live__server_open(const live_options *options, live_server **out);
void gpumm_live__server_close(live_server *server); /* ends its thread and every connection; NULL does nothing */
int gpumm_live__server_port(const live_server *server);
const char *gpumm_live__server_token(const live_server *server);

/* Frames of this readback, of one member of f32x2 or f32x3, are taken from now on, by the server alone. NULL: of none,
   and the one before is not used any more when this returns. */
gpumm_status gpumm_live__server_attach(live_server *server, gpumm_readback *readback, unsigned dimensions);
/* Every viewer is sent each of these once, in order, also those that come later. Takes the handle. */
gpumm_status gpumm_live__server_publish(live_server *server, live_blob *blob);
void gpumm_live__server_forget(live_server *server); /* what was published: viewers start over */
/* Takes the place of the one before. Takes the handle. */
void gpumm_live__server_state(live_server *server, live_blob *blob);

bool gpumm_live__server_next(live_server *server, live_event *out);
/* Is there a viewer that has everything, and so takes the next frame at once? Asked again it is false until there is
   one that has taken more. */
bool gpumm_live__server_wants(live_server *server);
/* Until there is an event or a viewer wants a frame, at most so long. */
void gpumm_live__server_wait(live_server *server, double seconds);
void gpumm_live__server_count(live_server *server, live_counts *out);

#endif
