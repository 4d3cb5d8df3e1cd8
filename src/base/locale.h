/* SPDX-License-Identifier: MIT */
/* Text that is the same in every locale: an application may have set one that writes 1,5. */
#ifndef BASE_LOCALE_H
#define BASE_LOCALE_H

#include <locale.h>
#include <stdarg.h>
#include <stddef.h>

/* The C locale, for uselocale; 0, which changes nothing: there is no memory for it. */
locale_t gpumm__plain_locale(void);
/* vsnprintf in the C locale. */
void gpumm__plain_format(char *text, size_t size, const char *format, va_list list)
    __attribute__((format(printf, 3, 0)));

#endif
