/* SPDX-License-Identifier: MIT */
/* What the owner of a share and its readers say to each other: packets on a Unix socket, each a message, a text for some, and a
   descriptor for some. The owner speaks first: hello, its items, "ready"; then what changes. A reader asks for frames and gives
   them back. Neither believes the other: whatever is not as this page says is an error of the peer's, and ends the connection. */
#ifndef SHARE_PROTOCOL_H
#define SHARE_PROTOCOL_H

#include "base/alloc.h"
#include "gpumm.h"

enum {
    SHARE_VERSION = 2,
    SHARE_ITEMS = 256, /* most of one share */
    SHARE_READERS = 62,
    SHARE_TEXT = 60000 /* bytes of a packet's text */
};

typedef enum share_kind {
    SHARE_HELLO,  /* both ways. part: version. Owner's text: device kind, its uuid; bytes: commit granularity */
    SHARE_BUFFER, /* item: its number; bytes: address space; length: maximum. Text: name, type */
    SHARE_FRAMES, /* item; part: slots; bytes: address space of one; length: maximum. Text: name, then member names and types */
    SHARE_READY,   /* all items are told, with all their memory and lengths */
    SHARE_COMING,  /* item, a buffer: a segment is being exported: who waits for its length stays awake */
    SHARE_SEGMENT, /* item, part (of frames: the slot), offset, bytes; with a descriptor */
    SHARE_UNMAP,   /* item, part: what lies from `offset` on is gone */
    SHARE_LENGTH,  /* item: `length` elements can be read */
    SHARE_ARRIVED, /* item: the newest frame has `ticket` */
    SHARE_FRAME,   /* item: the answer to take; part: the slot, or SHARE_NO_SLOT; the frame's description */
    SHARE_ENDED,   /* item: it was freed or closed */
    SHARE_BYE,     /* status: why. Nothing follows */
    SHARE_TAKE,    /* to the owner. item; ticket: newer than that */
    SHARE_GIVE,    /* to the owner. item, part: the slot is read no more */
    SHARE_KINDS
} share_kind;

#define SHARE_NO_SLOT UINT32_MAX

typedef struct share_message {
    uint32_t kind, item, part, status;
    uint64_t bytes, offset, length, ticket, generation, dropped;
    int64_t step;
    double time;
    uint32_t text_bytes, reserved;
} share_message;

/* A packet as it is sent. */
typedef struct share_packet {
    share_message message;
    char text[SHARE_TEXT];
} share_packet;

/* Is it a packet of so many bytes that the other side may send? INVALID_ARGUMENT says what is wrong. */
gpumm_status gpumm__protocol_check(const share_packet *p, size_t bytes, bool from_owner);

/* Text is a sequence of strings, each with its zero byte, and of types. Writers return false where there is no room. */
typedef struct share_text {
    char *at;
    size_t left;
} share_text;

bool gpumm__protocol_put(share_text *t, const char *string);
bool gpumm__protocol_put_type(share_text *t, const gpumm_type *type);
/* The next string, which stays in the packet; NULL: there is none. */
const char *gpumm__protocol_get(share_text *t);
gpumm_status gpumm__protocol_get_type(share_text *t, const gpumm_allocator *memory, gpumm_type **out);

#endif
