/* SPDX-License-Identifier: MIT */
/* The transaction of a growth: take the budget, commit every member, write what is new, then publish; or
   give everything back. Group lock held throughout. */
#ifndef CORE_GROUP_GROWTH_H
#define CORE_GROUP_GROWTH_H

#include "core/group.h"

typedef struct plan {
    gpumm_group *group;
    uint64_t capacity;              /* the new one */
    uint64_t taken;                 /* budget */
    extent *fresh[GROUP_MEMBERS];   /* a member's new memory, where the old could not grow in place */
    uint64_t before[GROUP_MEMBERS]; /* usable bytes before, where it could */
    size_t prepared;                /* members that have their memory */
    bool touched;                   /* work was enqueued on the new memory */
} plan;

gpumm_status gpumm__plan_open(plan *p, gpumm_group *g, uint64_t capacity);
/* Zeroes or uploads elements [group's length, length). */
gpumm_status gpumm__plan_write(plan *p, gpumm_stream *s, uint64_t length, const void *const *columns);
/* Copies what must move, on `s`, and makes the new memory the group's. */
gpumm_status gpumm__plan_publish(plan *p, gpumm_stream *s, uint64_t length);
void gpumm__plan_undo(plan *p);
/* The transaction whole: room for `capacity`, elements up to `length` written; or nothing has changed. */
gpumm_status gpumm__group_change_to(gpumm_group *g, const change *c, uint64_t capacity, uint64_t length);
/* Has the worker commit the next steps of the schedule. */
void gpumm__group_ahead_post(gpumm_group *g);
/* Segments beyond the capacity go back behind whoever still uses them. */
void gpumm__group_tail_retire(gpumm_group *g);
/* Bytes that a member's memory can ever hold, and those it needs at a capacity. */
uint64_t gpumm__member_bytes(const gpumm_buffer *b, uint64_t capacity);

/* Debug mode: what lies between a member's capacity and the end of its memory. */
void gpumm__canary_write(gpumm_group *g); /* as far as it goes: what got none is not checked */
gpumm_status gpumm__canary_check(gpumm_group *g);

#endif
