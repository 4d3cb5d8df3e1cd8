/* SPDX-License-Identifier: MIT */
/* Frames: what a delivered slot is in somebody's hands. */
#ifndef CORE_FRAME_H
#define CORE_FRAME_H

#include "core/ring.h"

struct gpumm_frame {
    atomic_uint handles, references;
    gpumm_readback *readback; /* held */
    slot *slot;
    gpumm_frame_info info;
    atomic_bool valid, kept;
};

/* A handle for the caller; the frame delivered before ends, unless it is kept. Readback lock held. */
gpumm_status gpumm__frame_deliver(gpumm_readback *r, slot *t, gpumm_frame **out);
bool gpumm__frame_holds(const slot *t); /* does a kept frame, which somebody has, hold the slot? */
void gpumm__frame_cut_off(slot *t);     /* the slot's frame ends: its memory goes */
void gpumm__frame_drop(gpumm_frame *f); /* a reference less */

#endif
