/* SPDX-License-Identifier: MIT */
/* What the rooms above share about element types beside gpumm.h. */
#ifndef CORE_ELEMENT_H
#define CORE_ELEMENT_H

#include "core/identifier.h"
#include "core/scalar.h"

/* Structs hold at most this much, so that walking one needs little stack and little time. */
enum { TYPE_DEPTH_MAX = 8, TYPE_FIELDS_MAX = 1024 };

#endif
