/* SPDX-License-Identifier: MIT */
/* Readbacks inside: those that are no application's. */
#ifndef CORE_READBACK_H
#define CORE_READBACK_H

#include "core/ring.h"

/* `members` are indices into the group. An internal one is the group's own, for the by-name pair. */
gpumm_status gpumm__readback_make(gpumm_group *g, const size_t *members, const gpumm_readback_options *o, bool internal,
                                  gpumm_readback **out);
/* Of another process's frames of members of `g`: slots of at most so many bytes, into which `from` imports memory. */
gpumm_status gpumm__readback_attach(gpumm_group *g, unsigned slots, uint64_t slot_bytes, remote *from,
                                    gpumm_readback **out);

#endif
