/* SPDX-License-Identifier: MIT */
/* Precommitting: the worker commits the next steps of a group's schedule before they are asked for. */
#ifndef CORE_PRECOMMIT_H
#define CORE_PRECOMMIT_H

#include "core/group.h"

enum { AHEAD_MOST = 256 }; /* growth steps */

void gpumm__precommit_post(gpumm_group *g); /* where the group asks for it; group lock held */

#endif
