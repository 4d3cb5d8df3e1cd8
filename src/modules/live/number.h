/* SPDX-License-Identifier: MIT */
/* Numbers in what viewers send. They do not depend on the locale, and there are no infinities among them. */
#ifndef MODULES_LIVE_NUMBER_H
#define MODULES_LIVE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decimal digits alone, up to `most`. False: anything else. */
bool gpumm_live__number_whole(const char *text, size_t length, uint64_t most, uint64_t *out);
/* "-1.5e-3" and the like; its size is at most 1e30. False: anything else. */
bool gpumm_live__number_real(const char *text, size_t length, double *out);

#endif
