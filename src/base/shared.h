/* SPDX-License-Identifier: MIT */
/* The few internal names that libgpumm exports to libgpumm_lua: of some there must be one in a process (the thread's
   error message), others are not part of base, of which libgpumm_lua has a copy. A linker sees them as gpumm__NAME. */
#ifndef BASE_SHARED_H
#define BASE_SHARED_H

#define SHARED(name) __asm__("gpumm__" #name) __attribute__((visibility("default")))

#endif
