/* SPDX-License-Identifier: MIT */
/* What the system lets this process have: memory, address space, mappings; and which of them it was that ran out. */
#ifndef DEVICE_HOST_LIMITS_H
#define DEVICE_HOST_LIMITS_H

#include <stddef.h>
#include <stdint.h>

/* The smallest of the machine's memory, what its cgroup (version 1 or 2) leaves to a process that has other memory too,
   and the address-space limit. */
uint64_t gpumm__host_limits_memory(uint64_t page);
/* After a mapping of `bytes` was refused with `error`: the limit that was met and what helps, or the system's word. */
const char *gpumm__host_limits_refusal(uint64_t bytes, int error, char *text, size_t size);

#endif
