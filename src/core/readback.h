/* SPDX-License-Identifier: MIT */
/* Readbacks inside: what the by-name pair needs of them. */
#ifndef CORE_READBACK_H
#define CORE_READBACK_H

#include "core/ring.h"

/* `members` are indices into the group. An internal one is the group's own, for the by-name pair. */
gpumm_status gpumm__readback_make(gpumm_group *g, const size_t *members, const gpumm_readback_options *o, bool internal,
                                  gpumm_readback **out);
/* Of another process's frames of members of `g`: slots of at most so many bytes, into which `from` imports memory. */
gpumm_status gpumm__readback_attach(gpumm_group *g, unsigned slots, uint64_t slot_bytes, remote *from,
                                    gpumm_readback **out);
/* Readback lock held, and again on return. */
gpumm_status gpumm__readback_capture(gpumm_readback *r, gpumm_stream *s, int64_t step, gpumm_ticket *ticket);
/* Readback lock not held. TIMEOUT after `seconds`; negative: never. */
gpumm_status gpumm__readback_wait(gpumm_readback *r, gpumm_ticket ticket, double seconds, gpumm_frame **out);

#endif
