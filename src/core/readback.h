/* Readbacks inside: a ring of slots, each a snapshot on its way to the host or in somebody's hands. */
#ifndef CORE_READBACK_H
#define CORE_READBACK_H

#include "core/group.h"

/* `members` are indices into the group. An internal one is the group's own, for the by-name pair. */
gpumm_status readback_make(gpumm_group *g, const size_t *members, const gpumm_readback_options *o, bool internal,
                           gpumm_readback **out);
void readback_hold(gpumm_readback *r);
void readback_drop(gpumm_readback *r);
/* Makes the slots fit the group's capacity, in the background. No lock held. */
void readback_fit_all(gpumm_group *g);
/* Books what the slots stand for at the group's present capacity. Group lock held. */
void readback_book_all(gpumm_group *g);
/* Shuts those of a group that is freed: what is pending is CANCELLED, memory returns behind its event. */
void readback_shut_all(gpumm_group *g);

/* The by-name pair. */
gpumm_status readback_pair_start(gpumm_readback *r);
gpumm_status readback_pair_wait(gpumm_readback *r, double seconds, gpumm_frame **out);

#endif
