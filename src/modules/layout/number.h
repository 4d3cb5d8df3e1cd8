/* SPDX-License-Identifier: MIT */
/* Numbers in text, whatever the locale: correctly rounded, and the whole text or nothing. */
#ifndef MODULES_LAYOUT_NUMBER_H
#define MODULES_LAYOUT_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "12", "-7", "+3"; false for anything else and where it does not fit. */
bool gpumm_layout__integer(const char *text, size_t length, int64_t *out);
/* "1.5", "-.5e3", "7."; false for anything else, nan, inf and hexadecimal among it, and where it is not finite. `comma`
   is the sign before the fraction, '.' or ','. */
bool gpumm_layout__number(const char *text, size_t length, char comma, double *out);

#endif
