/* SPDX-License-Identifier: MIT */
/* The by-name pair: start_async_download and wait_for_download, over a readback that the buffer has for itself. */
#ifndef CORE_DOWNLOAD_H
#define CORE_DOWNLOAD_H

#include "core/group.h"

gpumm_status gpumm__download_enable(gpumm_group *g); /* makes that readback; the group is a single buffer */

#endif
