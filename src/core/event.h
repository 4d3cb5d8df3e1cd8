/* SPDX-License-Identifier: MIT */
/* Events inside. */
#ifndef CORE_EVENT_H
#define CORE_EVENT_H

#include "core/stream.h"

/* One that has come already. */
gpumm_status gpumm__event_reached(context *ctx, gpumm_event **out);

#endif
