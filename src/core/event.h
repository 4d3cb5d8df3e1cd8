/* SPDX-License-Identifier: MIT */
/* Events inside. */
#ifndef CORE_EVENT_H
#define CORE_EVENT_H

#include "core/stream.h"

/* One that has come already. */
gpumm_status gpumm__event_reached(context *ctx, gpumm_event **out);
/* Records *e anew at what is enqueued now, one that nobody waits for; NULL: makes one, without timing. For those who mark
   places all the time: making an event costs more than recording it. */
gpumm_status gpumm__event_mark(gpumm_stream *s, gpumm_event **e);

#endif
