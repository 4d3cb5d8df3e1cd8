/* SPDX-License-Identifier: MIT */
/* Streams that stand, in a manager that owns memory, for streams of other managers that use it: one for each, so that the memory's
   orders name them apart, and whoever uses the memory next waits for its users alone. One is made when it is first wanted; it is
   closed, behind its work, with the stream that it stands for or with its own manager, whichever ends first. */
#ifndef CORE_STAND_IN_H
#define CORE_STAND_IN_H

#include "core/stream.h"

/* Makes the one of `owner`, which is entered, for `user`, unless it is there. Without locks. */
gpumm_status gpumm__stand_in_open(context *owner, gpumm_stream *user);
/* The same, made before. It stays while the owner is entered, the submit lock of `user` is held, and `user` is open. */
gpumm_stream *gpumm__stand_in_of(context *owner, gpumm_stream *user);

#endif
