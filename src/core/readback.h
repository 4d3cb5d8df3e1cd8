/* SPDX-License-Identifier: MIT */
/* Readbacks inside: a ring of slots, each a snapshot on its way to the host or in somebody's hands. */
#ifndef CORE_READBACK_H
#define CORE_READBACK_H

#include "core/group.h"

/* `members` are indices into the group. An internal one is the group's own, for the by-name pair. */
gpumm_status gpumm__readback_make(gpumm_group *g, const size_t *members, const gpumm_readback_options *o, bool internal,
                                  gpumm_readback **out);
void gpumm__readback_hold(gpumm_readback *r);
void gpumm__readback_drop(gpumm_readback *r);
/* Makes the slots fit the group's capacity, in the background. No lock held. */
void gpumm__readback_fit_all(gpumm_group *g);
/* Books what the slots stand for at the group's present capacity. Group lock held. */
void gpumm__readback_book_all(gpumm_group *g);
/* Shuts those of a group that is freed: what is pending is CANCELLED, memory returns behind its event. */
void gpumm__readback_shut_all(gpumm_group *g);

/* The by-name pair. */
gpumm_status gpumm__readback_pair_start(gpumm_readback *r);
gpumm_status gpumm__readback_pair_wait(gpumm_readback *r, double seconds, gpumm_frame **out);

#endif
