/* SPDX-License-Identifier: MIT */
/* What the books say, for messages. */
#ifndef CORE_REPORT_H
#define CORE_REPORT_H

#include "core/context.h"

/* Completes a memory error's message with the largest holders and what is free; returns status. */
gpumm_status gpumm__explain(context *ctx, gpumm_status status);

#endif
