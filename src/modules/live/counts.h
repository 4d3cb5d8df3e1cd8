/* SPDX-License-Identifier: MIT */
/* What a server counts. */
#ifndef MODULES_LIVE_COUNTS_H
#define MODULES_LIVE_COUNTS_H

#include <stdint.h>

/* Counted since the start, but for the first three. */
typedef struct live_counts {
    uint64_t viewers, bytes, queued; /* connected; held for viewers; events waiting */
    uint64_t frames, sent, skipped;  /* frames taken; sent whole; not sent, a newer one was there */
    uint64_t events, refused;        /* taken from viewers; what was too much or not understood */
    uint64_t joined, turned_away;    /* viewers; those that came too many, or without the token */
    uint64_t ticket;                 /* of the newest frame that was taken; 0: none */
} live_counts;

#endif
