/* SPDX-License-Identifier: MIT */
/* Fibers: stacks that a thread runs on in turn, by switches that it makes itself. A fiber may be run by any thread, by one
   at a time. */
#ifndef DEVICE_HOST_FIBER_H
#define DEVICE_HOST_FIBER_H

#include "base/alloc.h"

#if defined(FIBER_UCONTEXT) || !(defined(__x86_64__) || defined(__aarch64__))
#define FIBER_BY_UCONTEXT 1
#include <ucontext.h>
#endif

typedef struct fiber {
    void *sp, *fp, *ip; /* first, in this order: the switch knows where they are */
    void *bottom;       /* of its stack; NULL: a thread's own, which a sanitizer tells */
    size_t size;
    void (*run)(void *user); /* never returns */
    void *user;
    struct fiber *from;   /* who switched to it last */
    void *shadow, *state; /* the sanitizers' */
#ifdef FIBER_BY_UCONTEXT
    ucontext_t context;
#endif
} fiber;

/* What the calling thread is, for it to be switched back to. */
void gpumm__fiber_thread(fiber *f);
/* On that stack. `turn` keeps the tops of many stacks from the same lines of the processor's cache. */
void gpumm__fiber_open(fiber *f, void *bottom, size_t size, unsigned turn, void (*run)(void *user), void *user);
/* Begins anew, whatever it was doing. */
void gpumm__fiber_restart(fiber *f, unsigned turn);
void gpumm__fiber_close(fiber *f);
void gpumm__fiber_switch(fiber *from, fiber *to); /* returns when somebody switches to `from` */
void gpumm__fiber_leave(fiber *from, fiber *to);  /* `from` is not switched to before it is restarted */

enum { FIBER_GUARD = 64 << 10 }; /* bytes: a multiple of every page size, and more than a function's frame may skip */

/* Address space for `count` stacks of `size` bytes, one behind the other, the lowest FIBER_GUARD bytes of each a guard;
   NULL: there is none. */
void *gpumm__fiber_stacks(size_t size, unsigned count);
void gpumm__fiber_stacks_free(void *stacks, size_t size, unsigned count);

#endif
