/* SPDX-License-Identifier: MIT */
/* The cache of compiled kernels: binaries on disk, under a name made of everything they depend on and
   of their own contents, so that a damaged one is never opened. */
#ifndef KERNEL_CACHE_H
#define KERNEL_CACHE_H

#include "base/log.h"
#include "kernel/build.h"

/* The module of `source`: from the cache, or compiled now and kept there for the next time; and its record. A line for
   `sink` says, once a process, that a folder cannot hold it. */
gpumm_status gpumm__cache_open(const build_source *source, const log_sink *sink, device_module **out, text *record);

#endif
