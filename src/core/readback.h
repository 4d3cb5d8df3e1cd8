/* SPDX-License-Identifier: MIT */
/* Readbacks inside: what the by-name pair and recordings need of them. */
#ifndef CORE_READBACK_H
#define CORE_READBACK_H

#include "core/ring.h"

/* `members` are indices into the group. An internal one is the group's own, for the by-name pair. */
gpumm_status gpumm__readback_make(gpumm_group *g, const size_t *members, const gpumm_readback_options *o, bool internal,
                                  gpumm_readback **out);
/* Of another process's frames of members of `g`: slots of at most so many bytes, into which `from` imports memory. */
gpumm_status gpumm__readback_attach(gpumm_group *g, unsigned slots, uint64_t slot_bytes, remote *from,
                                    gpumm_readback **out);
/* Readback lock held, and again on return. */
gpumm_status gpumm__readback_capture(gpumm_readback *r, gpumm_stream *s, int64_t step, gpumm_ticket *ticket);
/* Readback lock not held. TIMEOUT after `seconds`; negative: never. */
gpumm_status gpumm__readback_wait(gpumm_readback *r, gpumm_ticket ticket, double seconds, gpumm_frame **out);

/* A capture in parts, for those who make the snapshot themselves.
   Readback lock held, and again on return: a free slot, made or waited for as the policy says. BUSY where that refuses,
   which is not counted. */
gpumm_status gpumm__readback_room(gpumm_readback *r, slot **out);
/* CANCELLED where it is closed. Readback lock held. */
gpumm_status gpumm__readback_open_to_captures(const gpumm_readback *r);
/* Does a snapshot of that length go to the host at once, instead of to the slot's device staging? */
bool gpumm__readback_in_line(const gpumm_readback *r, uint64_t length);
/* What follows a snapshot that was enqueued on `s`, whose use the slot's order knows. Readback and submit lock held. */
gpumm_status gpumm__readback_behind(gpumm_readback *r, slot *t, gpumm_stream *s, int64_t step, uint64_t length);
/* The ticket of what is in the slot; NULL: the capture was refused, which counts as dropped. Readback lock held. */
gpumm_ticket gpumm__readback_captured(gpumm_readback *r, slot *t);

#endif
