/* SPDX-License-Identifier: MIT */
/* The few internal names that libgpumm_lua takes from libgpumm, because there must be one of each in a process
   (the thread's message) or it is no work of base's. A linker sees them as gpumm__NAME. */
#ifndef BASE_SHARED_H
#define BASE_SHARED_H

#define SHARED(name) __asm__("gpumm__" #name) __attribute__((visibility("default")))

#endif
