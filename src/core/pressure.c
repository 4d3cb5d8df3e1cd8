/* SPDX-License-Identifier: MIT */
/* The steps of relief, the cheapest first. */
#include "core/pressure.h"

#include "core/group.h"

static void drop_ahead(object *o, void *user) {
    (void)user;
    gpumm__group_drop_ahead((gpumm_group *)o);
}

void gpumm__pressure_spare(gpumm_manager *m) {
    gpumm__object_each(m, RANK_GROUP, drop_ahead, NULL);
    gpumm__pool_trim(m);
}

static bool ask_hook(gpumm_manager *m, uint64_t wanted) {
    return m->pressure && !gpumm__is_first_try() && m->pressure(m->pressure_user, wanted);
}

bool gpumm__manager_relieve(gpumm_manager *m, gpumm_status failed, uint64_t wanted, unsigned *stage) {
    enum { SPARE, WAITING, HOOK, GIVE_UP = HOOK + 16 };
    if (failed != GPUMM_OUT_OF_MEMORY && failed != GPUMM_OVER_LIMIT) return false;
    if (failed == GPUMM_OVER_LIMIT && *stage < HOOK) *stage = HOOK; /* spare memory is not in the budget */
    switch ((*stage)++) {
    case SPARE: gpumm__pressure_spare(m); return true;
    case WAITING: gpumm__manager_retire_wait(m); return true;
    default: return *stage <= GIVE_UP && ask_hook(m, wanted);
    }
}
