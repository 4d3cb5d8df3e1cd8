/* SPDX-License-Identifier: MIT */
/* Snapshots: the copies that fill a slot of a readback. Readback lock held throughout. */
#ifndef CORE_SNAPSHOT_H
#define CORE_SNAPSHOT_H

#include "core/ring.h"

/* Enqueues a snapshot of the present contents on `s` (NULL: the stream that wrote last), and what brings it to the host.
   *fits: false where the worker is fitting the slot, so that the caller pauses and comes again. */
gpumm_status gpumm__snapshot_take(gpumm_readback *r, slot *t, gpumm_stream *s, int64_t step, bool *fits);
/* Does a snapshot of that length go to the host at once, instead of to the slot's device staging? */
bool gpumm__snapshot_in_line(const gpumm_readback *r, uint64_t length);
/* What follows a snapshot that was enqueued on `s`, whose use the slot's order knows. Submit lock held too. */
gpumm_status gpumm__snapshot_behind(gpumm_readback *r, slot *t, gpumm_stream *s, int64_t step, uint64_t length);

#endif
