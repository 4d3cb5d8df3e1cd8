/* SPDX-License-Identifier: MIT */
/* cooperative_groups.h for the host. */
#ifndef DEVICE_HOST_PRELUDE_GROUPS_H
#define DEVICE_HOST_PRELUDE_GROUPS_H

extern const char *const gpumm__host_prelude_groups[]; /* pieces of the header; NULL ends them */

#endif
