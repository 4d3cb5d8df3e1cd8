/* SPDX-License-Identifier: MIT */
/* A reader, as its owner sees it: what it was told, and what it has. What it is told is a matter of state: where its socket is
   full, it is told later what is true then, and nobody waits. */
#ifndef SHARE_READER_H
#define SHARE_READER_H

#include "share/items.h"
#include "share/wire.h"

typedef struct reader_part {
    exported **held; /* a record for each segment that it was sent */
    size_t sent, room;
} reader_part;

typedef struct reader_item {
    reader_part *parts;
    unsigned count;
    uint64_t length;
    gpumm_ticket arrived;
    uint64_t loans; /* a bit for each slot that it has */
    bool ended, asks;
    bool foretold;     /* that memory is coming */
    gpumm_ticket than; /* what it asks for is newer */
} reader_item;

typedef struct reader {
    struct reader *next;
    int socket, pidfd;
    bool greeted; /* it said hello */
    bool ready;   /* it was told all items once */
    size_t told;  /* how many of hello and the items */
    bool behind;  /* its socket was full */
    bool retry;   /* something was locked */
    size_t count;
    reader_item items[];
} reader;

/* NULL: no memory, or it is another user. Takes the socket, also where it fails. */
reader *gpumm__reader_open(context *ctx, share_item *items, size_t count, int socket, bool any_user);
void gpumm__reader_close(context *ctx, share_item *items, reader *r); /* gives back what it has */
/* What it says. False: it is gone, or says what no reader says. */
bool gpumm__reader_hear(reader *r, share_item *items);
/* Tells it what it does not know. False: it is gone. `*lost` becomes true where the device is. */
bool gpumm__reader_tell(context *ctx, reader *r, share_item *items, bool *lost);
void gpumm__reader_foretell(reader *r, uint32_t item); /* that the buffer's memory is coming, once for each time */
void gpumm__reader_bye(reader *r, gpumm_status why);

#endif
