/* SPDX-License-Identifier: MIT */
/* Capturing: which slot a snapshot goes to, by the readback's policy. Readback lock held, and again on return. */
#ifndef CORE_CAPTURE_H
#define CORE_CAPTURE_H

#include "core/snapshot.h"

gpumm_status gpumm__readback_capture(gpumm_readback *r, gpumm_stream *s, int64_t step, gpumm_ticket *ticket);

/* A capture in parts, for those who make the snapshot themselves.
   A free slot, made or waited for as the policy says. BUSY where that refuses, which is not counted. */
gpumm_status gpumm__readback_room(gpumm_readback *r, slot **out);
/* CANCELLED where it is closed. */
gpumm_status gpumm__readback_open_to_captures(const gpumm_readback *r);
/* The ticket of what is in the slot; NULL: the capture was refused, which counts as dropped. */
gpumm_ticket gpumm__readback_captured(gpumm_readback *r, slot *t);

/* CANCELLED, with why it is shut. */
gpumm_status gpumm__readback_over(const gpumm_readback *r);
void gpumm__readback_count_dropped(gpumm_readback *r, unsigned count);
/* Between two looks at a slot's copy: a pause without the lock, in which the slot's event may go: only under the lock
   is it known to be there. `waited`: how long that took before, in ns. */
void gpumm__readback_pause(gpumm_readback *r, slot *t, uint64_t waited, uint64_t deadline);

#endif
