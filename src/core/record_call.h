/* SPDX-License-Identifier: MIT */
/* Calls of several operations on their way into a recording, which stand above core: a primitive. Their scratch is the
   recording's. */
#ifndef CORE_RECORD_CALL_H
#define CORE_RECORD_CALL_H

#include "core/recording.h"

/* Records what plan(r, c) adds, which reads c->what (a copy) and the lengths of these buffers (NULLs are left out), and
   asks gpumm__recording_room for as many nodes as it may need of any length. A failure adds nothing. Recording's lock held,
   as for all of these. */
gpumm_status gpumm__recording_call(gpumm_recording *r, recorded_plan plan, const void *what, size_t size,
                                   gpumm_buffer *const *buffers, size_t count);
/* The call's next piece of scratch; the recording keeps it. */
gpumm_status gpumm__recording_scratch(gpumm_recording *r, recorded_call *c, uint64_t bytes, gpumm_scratch **out);
/* Up to `count` nodes that do nothing take the place of those that this plan does without. */
gpumm_status gpumm__recording_room(gpumm_recording *r, size_t first, size_t count);

/* Of a replay. */
bool gpumm__recording_calls_fit(
    const gpumm_recording *r); /* submit lock held: all are planned for lengths as they are */
gpumm_status gpumm__recording_plan_again(gpumm_recording *r);                   /* those that do not fit */
gpumm_status gpumm__recording_use_scratch(gpumm_recording *r, gpumm_stream *s); /* submit lock held */
void gpumm__recording_trim_calls(gpumm_recording *r); /* gives back scratch of calls that are there no more */

#endif
