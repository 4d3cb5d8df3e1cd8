/* SPDX-License-Identifier: MIT */
/* Reading them digit by digit: strtod would heed the locale, and read more than is meant here. */
#include "modules/live/number.h"

#include <math.h>

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool gpumm_live__number_whole(const char *text, size_t length, uint64_t most, uint64_t *out) {
    uint64_t value = 0;
    if (length == 0 || length > 19) return false;
    for (size_t i = 0; i < length; i++) {
        if (!is_digit(text[i])) return false;
        value = value * 10 + (uint64_t)(text[i] - '0'); /* 19 digits fit */
    }
    if (value > most) return false;
    *out = value;
    return true;
}

typedef struct reader {
    const char *at, *end;
} reader;

static bool take(reader *r, char c) {
    bool is = r->at < r->end && *r->at == c;
    r->at += is;
    return is;
}

/* Appends digits to *value, of which the first 17 or so matter; returns how many there were. */
static int take_digits(reader *r, double *value) {
    int count = 0;
    for (; r->at < r->end && is_digit(*r->at); r->at++, count++) *value = *value * 10 + (*r->at - '0');
    return count;
}

/* False: there is an e, and no number of at most two digits behind it. */
static bool take_exponent(reader *r, int *exponent) {
    double value = 0;
    if (!take(r, 'e') && !take(r, 'E')) return true;
    bool negative = take(r, '-');
    if (!negative) take(r, '+');
    int count = take_digits(r, &value);
    if (count == 0 || count > 2) return false;
    *exponent += negative ? -(int)value : (int)value;
    return true;
}

bool gpumm_live__number_real(const char *text, size_t length, double *out) {
    reader r = {text, text + length};
    double value = 0;
    int exponent = 0;
    if (length > 40) return false;
    bool negative = take(&r, '-');
    int digits = take_digits(&r, &value);
    if (take(&r, '.')) {
        int more = take_digits(&r, &value);
        exponent = -more;
        digits += more;
    }
    if (digits == 0 || !take_exponent(&r, &exponent) || r.at != r.end) return false;
    value = exponent < 0 ? value / pow(10, -exponent) : value * pow(10, exponent);
    if (!(value <= 1e30)) return false;
    *out = negative ? -value : value;
    return true;
}
