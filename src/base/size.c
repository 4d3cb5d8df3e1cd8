/* SPDX-License-Identifier: MIT */
/* Sizes as text: "4GiB" to a number of bytes, and back. */
#include "base/size.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/locale.h"
#include "base/status.h"

static const struct unit {
    const char *name;
    uint64_t bytes;
} units[] = {
    {"", 1},
    {"B", 1},
    {"KiB", 1ull << 10},
    {"MiB", 1ull << 20},
    {"GiB", 1ull << 30},
    {"TiB", 1ull << 40},
    {"K", 1ull << 10},
    {"M", 1ull << 20},
    {"G", 1ull << 30},
    {"T", 1ull << 40},
    {"kB", 1000ull},
    {"MB", 1000000ull},
    {"GB", 1000000000ull},
    {"TB", 1000000000000ull},
};

char *gpumm__size_text(uint64_t bytes, char text[static 32]) {
    static const char *const names[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)bytes;
    size_t i = 0;
    for (; value >= 1024 && i + 1 < sizeof names / sizeof *names; i++) value /= 1024;
    locale_t before = uselocale(gpumm__plain_locale());
    if (i == 0) snprintf(text, 32, "%" PRIu64 " bytes", bytes);
    else snprintf(text, 32, "%.1f %s", value, names[i]);
    uselocale(before);
    return text;
}

static const struct unit *unit_named(const char *name) {
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcasecmp(units[i].name, name) == 0) return &units[i];
    return NULL;
}

static gpumm_status bad_size(const char *text) {
    return fail(GPUMM_INVALID_ARGUMENT,
                "'%.60s' is not a size: write a number and B, KiB, MiB, GiB, TiB (or kB, MB, GB, TB), as in '4GiB'",
                text ? text : "");
}

/* A number of digits only is exact here; a double would have 53 bits. UINT64_MAX: other characters, or too large. */
static uint64_t whole_size(const char *text, const char *end, uint64_t unit) {
    uint64_t number = 0;
    for (; text < end; text++)
        if (!isdigit((unsigned char)*text) || !size_mul(number, 10, &number) ||
            !size_add(number, (uint64_t)(*text - '0'), &number))
            return UINT64_MAX;
    return size_mul(number, unit, &number) ? number : UINT64_MAX;
}

gpumm_status gpumm_parse_size(const char *text, uint64_t *bytes) {
    NOT_NULL(text, "text");
    NOT_NULL(bytes, "bytes");
    if (!text || !(isdigit((unsigned char)*text) || *text == '.')) return bad_size(text);
    char *end;
    locale_t before = uselocale(gpumm__plain_locale());
    double number = strtod(text, &end);
    uselocale(before);
    const char *digits = end;
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) return bad_size(text);
    while (*end == ' ') end++;
    const struct unit *unit = unit_named(end);
    if (!unit || !isfinite(number)) return bad_size(text);
    uint64_t whole = whole_size(text, digits, unit->bytes);
    if (whole <= INT64_MAX) return *bytes = whole, GPUMM_OK;
    double product = number * (double)unit->bytes;
    if (product >= 9223372036854775808.0)
        return fail(GPUMM_INVALID_ARGUMENT, "'%.60s' is too large for a size: at most 8 EiB less one byte", text);
    *bytes = (uint64_t)product;
    return GPUMM_OK;
}
