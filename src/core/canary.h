/* SPDX-License-Identifier: MIT */
/* Canaries: in debug mode a pattern lies between a member's capacity and the end of its memory, and tells who wrote
   past its end. Group lock held. */
#ifndef CORE_CANARY_H
#define CORE_CANARY_H

#include "core/group.h"

void gpumm__canary_write(gpumm_group *g);    /* as far as it goes: what got none is not checked */
void gpumm__canary_shorten(gpumm_buffer *b); /* after its memory became less: what is committed there again has none */
/* DRIVER naming the member that wrote past its capacity; OK where debug mode is off. */
gpumm_status gpumm__canary_check(gpumm_group *g);

#endif
