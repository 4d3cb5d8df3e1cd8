/* SPDX-License-Identifier: MIT */
/* Allocating and freeing: the only places where groups, and so buffers, begin and end. */
#ifndef CORE_ALLOCATION_H
#define CORE_ALLOCATION_H

#include "core/group.h"

/* DRIVER naming the member that wrote past its capacity; only in debug mode. */
gpumm_status gpumm__allocation_check(gpumm_group *g);

/* A group of another process's buffers: `reserved` bytes of address space for each member, and no memory yet. */
gpumm_status gpumm__allocation_attach(context *ctx, const gpumm_group_options *o, bool alone, const uint64_t *reserved,
                                      gpumm_group **out);

#endif
