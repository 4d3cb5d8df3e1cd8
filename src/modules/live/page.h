/* SPDX-License-Identifier: MIT */
/* The page itself, over HTTP. */
#ifndef MODULES_LIVE_PAGE_H
#define MODULES_LIVE_PAGE_H

#include "modules/live/blob.h"

struct lws;

/* Of one connection that reads it. All zero: nothing was sent. */
typedef struct live_reader {
    size_t done;
} live_reader;

/* Both return what the callback of libwebsockets returns: 0, or -1 to close the connection. */
int gpumm_live__page_begin(struct lws *connection, const live_blob *page); /* the headers */
int gpumm_live__page_send(struct lws *connection, const live_blob *page, live_reader *reader);

#endif
