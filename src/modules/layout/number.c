/* SPDX-License-Identifier: MIT */
/*
 * Most numbers have few digits: those are exact in a double, and so is the power of ten, so that one multiplication or
 * division rounds once, as it should. The others go through strtod in the C locale.
 */
#include "modules/layout/number.h"

#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS = 19, EXACT_POWER = 22, TEXT_MOST = 4096 }; /* digits that fit 64 bits; a number's longest text */
static const uint64_t EXACT = 1ULL << 53;

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool gpumm_layout__integer(const char *text, size_t length, int64_t *out) {
    bool negative = length > 0 && *text == '-';
    uint64_t value = 0, most = (uint64_t)INT64_MAX + negative;
    size_t i = length > 0 && (*text == '-' || *text == '+');
    if (i == length) return false;
    for (; i < length; i++) {
        unsigned digit = (unsigned char)text[i] - '0';
        if (digit > 9 || value > (most - digit) / 10) return false;
        value = value * 10 + digit;
    }
    *out = negative ? (int64_t)-value : (int64_t)value;
    return true;
}

/* What the text says, as far as it is kept: value x 10^power. */
typedef struct decimal {
    uint64_t value;
    int power;
    unsigned digits; /* that count, after leading zeros */
    bool negative, seen;
} decimal;

static size_t read_digits(const char *text, size_t length, size_t i, bool fraction, decimal *d) {
    for (; i < length && is_digit(text[i]); i++) {
        d->seen = true;
        if (d->value > 0 || text[i] != '0') d->digits++;
        if (d->digits <= DIGITS) d->value = d->value * 10 + (uint64_t)(text[i] - '0');
        d->power += (d->digits > DIGITS) - fraction;
    }
    return i;
}

/* The exponent from `i` on, behind its e; false: there is none. */
static bool read_exponent(const char *text, size_t length, size_t i, decimal *d) {
    bool negative = i < length && text[i] == '-';
    int power = 0;
    if (i < length && (text[i] == '-' || text[i] == '+')) i++;
    if (i == length) return false;
    for (; i < length; i++) {
        if (!is_digit(text[i])) return false;
        if (power < 100000) power = power * 10 + (text[i] - '0');
    }
    d->power += negative ? -power : power;
    return true;
}

static bool read_decimal(const char *text, size_t length, char comma, decimal *d) {
    size_t i = length > 0 && (*text == '-' || *text == '+');
    *d = (decimal){.negative = length > 0 && *text == '-'};
    i = read_digits(text, length, i, false, d);
    if (i < length && text[i] == comma) i = read_digits(text, length, i + 1, true, d);
    if (!d->seen) return false;
    if (i < length && (text[i] == 'e' || text[i] == 'E')) return read_exponent(text, length, i + 1, d);
    return i == length;
}

static locale_t c_locale;
static void make_locale(void) { c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0); }

static bool read_slowly(const char *text, size_t length, char comma, double *out) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    char copy[TEXT_MOST];
    if (length >= sizeof copy || pthread_once(&once, make_locale) != 0 || !c_locale) return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    char *at = strchr(copy, comma);
    if (at) *at = '.';
    *out = strtod_l(copy, NULL, c_locale);
    return isfinite(*out);
}

bool gpumm_layout__number(const char *text, size_t length, char comma, double *out) {
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    decimal d;
    if (!read_decimal(text, length, comma, &d)) return false;
    if (d.digits > DIGITS || d.value > EXACT || d.power > EXACT_POWER || d.power < -EXACT_POWER)
        return read_slowly(text, length, comma, out);
    double value = (double)d.value;
    value = d.power < 0 ? value / powers[-d.power] : value * powers[d.power];
    *out = d.negative ? -value : value;
    return true;
}
