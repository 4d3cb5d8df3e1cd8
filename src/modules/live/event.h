/* SPDX-License-Identifier: MIT */
/* What a viewer sends: one command a message, words with one blank between them.
     pause | go | finish             step [COUNT]      rate STEPS-A-SECOND (0: as fast as it goes)
     drag NODE X Y [Z]               drop NODE X Y [Z]               free NODE      pick NODE
     set PARAMETER VALUE             tell WORD [NUMBER [NUMBER [NUMBER]]]           want f32 | want u16
   Nodes count from 0. It is data, checked here, never code. */
#ifndef MODULES_LIVE_EVENT_H
#define MODULES_LIVE_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LIVE_EVENT_BYTES = 256, LIVE_WORD_BYTES = 32, LIVE_NODES_MOST = 0x7fffffff };

typedef enum live_kind {
    LIVE_PAUSE,
    LIVE_GO,
    LIVE_FINISH,
    LIVE_STEP,
    LIVE_RATE,
    LIVE_DRAG,
    LIVE_DROP,
    LIVE_FREE,
    LIVE_PICK,
    LIVE_SET,
    LIVE_TELL,
    LIVE_WANT,
    LIVE_KINDS
} live_kind;

typedef struct live_event {
    live_kind kind;
    uint32_t viewer; /* 1, 2, 3 …: who sent it */
    uint32_t node;
    unsigned count; /* of values */
    double values[3];
    char word[LIVE_WORD_BYTES]; /* a letter, then letters, digits and _ */
} live_event;

/* False: it is none of these. Then *out is undefined. */
bool gpumm_live__event_parse(const char *text, size_t length, live_event *out);
const char *gpumm_live__event_name(live_kind kind);

#endif
