/* SPDX-License-Identifier: MIT */
/* The C locale, made once. What uses it sets it for the thread and sets it back: the process's own stays as it is. */
#include "base/locale.h"

#include <pthread.h>
#include <stdio.h>

static locale_t plain;
static void make_plain(void) { plain = newlocale(LC_ALL_MASK, "C", (locale_t)0); }

locale_t gpumm__plain_locale(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_plain);
    return plain;
}

void gpumm__plain_format(char *text, size_t size, const char *format, va_list list) {
    locale_t before = uselocale(gpumm__plain_locale());
    vsnprintf(text, size, format, list);
    uselocale(before);
}
