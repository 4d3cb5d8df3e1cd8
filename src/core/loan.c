/* SPDX-License-Identifier: MIT */
/* A slot that is lent stays as it is, whatever becomes of its frame here. */
#include "core/loan.h"

static slot *newest(gpumm_readback *r, gpumm_ticket than) {
    slot *found = NULL;
    for (unsigned i = 0; i < r->slot_count; i++) {
        slot *t = &r->slots[i];
        bool there = !t->given && (t->state == SLOT_ARRIVED || t->state == SLOT_HELD);
        if (there && t->ticket > than && (!found || t->ticket > found->ticket)) found = t;
    }
    return found;
}

gpumm_status gpumm__loan_take(gpumm_readback *r, gpumm_ticket than, unsigned *index, gpumm_frame_info *info) {
    *index = LOAN_NONE;
    pthread_mutex_lock(&r->lock);
    gpumm_status status = r->shut ? GPUMM_OK : gpumm__ring_refresh(r);
    slot *t = r->shut ? NULL : newest(r, than);
    if (t) {
        t->loans++;
        t->lent = true;
        *index = (unsigned)(t - r->slots);
        *info = t->info;
    }
    pthread_mutex_unlock(&r->lock);
    return t ? GPUMM_OK : status;
}

void gpumm__loan_give(gpumm_readback *r, unsigned index) {
    pthread_mutex_lock(&r->lock);
    r->slots[index].loans--;
    pthread_mutex_unlock(&r->lock);
    gpumm__waiter_wake(&r->object.context->waiter);
}
