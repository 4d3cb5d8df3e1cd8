/* SPDX-License-Identifier: MIT */
/* The table of named buffers. */
#ifndef CORE_NAMES_H
#define CORE_NAMES_H

#include "core/group.h"

gpumm_status gpumm__name_check(gpumm_manager *m,
                               const char *name); /* ALREADY_EXISTS; a first look, nothing is entered */
gpumm_status gpumm__name_enter(gpumm_group *g);   /* and lists the object; ALREADY_EXISTS */
void gpumm__name_leave(gpumm_group *g);

#endif
