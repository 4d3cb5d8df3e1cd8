/* SPDX-License-Identifier: MIT */
/* A readback's descriptor: readable while there is something that its taker should see. */
#ifndef CORE_NOTIFY_H
#define CORE_NOTIFY_H

#include "core/ring.h"

/* Is there anybody who is told? */
static inline bool readback_is_watched(const gpumm_readback *r) { return r->fd >= 0 || r->watch; }
/* What a call on the readback came to, at its end: the descriptor, where there is one, follows, and what is under way is
   looked after. Readback lock held. */
void gpumm__notify(gpumm_readback *r, gpumm_status came_to);
/* `watch` is called where a frame arrived, or the readback ended or failed, under its lock; NULL: no more. ALREADY_EXISTS. */
gpumm_status gpumm__notify_watch(gpumm_readback *r, void (*watch)(void *user), void *user);
void gpumm__notify_close(gpumm_readback *r); /* with the struct */

#endif
