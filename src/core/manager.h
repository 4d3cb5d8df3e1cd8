/* SPDX-License-Identifier: MIT */
/* A manager: its context, and what is nobody else's. */
#ifndef CORE_MANAGER_H
#define CORE_MANAGER_H

#include "core/leaks.h"

struct gpumm_manager {
    context context;  /* first */
    gpumm_live live;  /* what the fault device counted, as at close */
    account external; /* opened at the first declaration */
    bool has_external;
    leak_list leaks;
};

#endif
