/* SPDX-License-Identifier: MIT */
/* Frames: what a delivered slot is in somebody's hands. */
#ifndef CORE_FRAME_H
#define CORE_FRAME_H

#include "core/ring.h"

typedef enum frame_end { FRAME_VALID, FRAME_REPLACED, FRAME_RELEASED, FRAME_CLOSED } frame_end;

/* Each of its handles is one of its readback, too. */
struct gpumm_frame {
    atomic_uint handles, references;
    gpumm_readback *readback; /* held */
    slot *slot;
    gpumm_frame_info info;
    atomic_int end; /* a frame_end */
    atomic_bool kept;
};

/* A handle for the caller; the frame delivered before ends, unless it is kept. Readback lock held. */
gpumm_status gpumm__frame_deliver(gpumm_readback *r, slot *t, gpumm_frame **out);
/* Gives back the slots of a readback that is shut; those that kept frames hold stay, unless `also_kept`. True: none is
   left. Readback lock held. */
bool gpumm__frame_give_slots(gpumm_readback *r, bool also_kept);
gpumm_status gpumm__frame_ended(const gpumm_frame *f); /* STALE, with why; OK: it has not */
void gpumm__frame_drop(gpumm_frame *f);                /* a reference less */

#endif
