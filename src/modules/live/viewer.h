/* SPDX-License-Identifier: MIT */
/* One connection of a viewer: what it is being sent, and how much it may say. */
#ifndef MODULES_LIVE_VIEWER_H
#define MODULES_LIVE_VIEWER_H

#include "modules/live/shared.h"

struct lws;

typedef struct live_viewer {
    live_seen seen;
    live_blob *now; /* the message under way */
    size_t done;    /* bytes of it */
    double allowance, allowed_at;
    uint32_t number;
    bool welcome; /* counted among the viewers */
} live_viewer;

/* Sends the next part of what there is; false: the connection is over. */
bool gpumm_live__viewer_send(live_viewer *viewer, live_shared *shared, struct lws *connection);
/* Hears a whole message, or a part of one that is longer than any that is meant: then the connection ends. */
void gpumm_live__viewer_hear(live_viewer *viewer, live_shared *shared, struct lws *connection, const char *text,
                             size_t length);
void gpumm_live__viewer_end(live_viewer *viewer);

#endif
