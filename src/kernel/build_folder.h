/* SPDX-License-Identifier: MIT */
/* A private folder to compile in, which goes with whoever made it. */
#ifndef KERNEL_BUILD_FOLDER_H
#define KERNEL_BUILD_FOLDER_H

#include "gpumm.h"

typedef struct build_folder {
    char path[1024];
    int lock; /* a descriptor; while it is open the folder is somebody's */
} build_folder;

/* Where temporary files are: in TMPDIR, or one of the usual places. Folders of those who were killed are cleared. */
gpumm_status gpumm__build_folder_open(build_folder *f);
void gpumm__build_folder_close(build_folder *f); /* and everything in it */

#endif
