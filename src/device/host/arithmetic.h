/* SPDX-License-Identifier: MIT */
/* Integer division by zero, and INT_MIN / -1, within kernels: a signal on x86-64, which would end the process. */
#ifndef DEVICE_HOST_ARITHMETIC_H
#define DEVICE_HOST_ARITHMETIC_H

#include "gpumm.h"

/* From now on, for as long as somebody has it on. */
void gpumm__arithmetic_watch(void);
void gpumm__arithmetic_unwatch(void);
/* Runs a piece of a kernel; false: it was ended by such a division. Where nobody watches, and on other machines, what
   the system does with one happens. */
bool gpumm__arithmetic_run(void (*run)(void *user), void *user);
/* From now on a division of the calling thread's kernels calls this, on the stack where it was, and it does not return;
   NULL: it ends arithmetic_run, as before. */
void gpumm__arithmetic_leave(void (*by)(void *user), void *user);

#endif
