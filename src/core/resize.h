/* SPDX-License-Identifier: MIT */
/* Changes of size: what capacity is aimed at, what is done when memory is short, shrinking. */
#ifndef CORE_RESIZE_H
#define CORE_RESIZE_H

#include "core/transaction.h"

/* A memory error's message in full: who asked for how much, the largest holders, what is free. Other statuses pass. */
gpumm_status gpumm__resize_explain(const gpumm_group *g, gpumm_status status, uint64_t elements);
/* The first memory of a group that nobody else can see. Retried under pressure; failures name the group. */
gpumm_status gpumm__resize_first(gpumm_group *g, gpumm_stream *s, uint64_t capacity, uint64_t length);

#endif
