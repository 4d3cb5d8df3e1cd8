/* The table of named buffers. */
#ifndef CORE_NAMES_H
#define CORE_NAMES_H

#include "core/group.h"

gpumm_status name_check(gpumm_manager *m, const char *name); /* ALREADY_EXISTS; a first look, nothing is entered */
gpumm_status name_enter(gpumm_group *g);                     /* and lists the object; ALREADY_EXISTS */
void name_leave(gpumm_group *g);

#endif
