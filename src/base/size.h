/* SPDX-License-Identifier: MIT */
/* Checked arithmetic on sizes: every product of sizes in gpumm uses these functions. False: it would overflow. */
#ifndef BASE_SIZE_H
#define BASE_SIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool size_add(uint64_t a, uint64_t b, uint64_t *sum) { return !__builtin_add_overflow(a, b, sum); }
static inline bool size_mul(uint64_t a, uint64_t b, uint64_t *product) {
    return !__builtin_mul_overflow(a, b, product);
}

/* Rounds up to a multiple of `unit`, which is any positive number. */
static inline bool size_round_up(uint64_t n, uint64_t unit, uint64_t *rounded) {
    uint64_t rest = n % unit;
    return rest == 0 ? (*rounded = n, true) : size_add(n, unit - rest, rounded);
}

static inline uint64_t size_min(uint64_t a, uint64_t b) { return a < b ? a : b; }
static inline uint64_t size_max(uint64_t a, uint64_t b) { return a > b ? a : b; }

/* Writes a size for messages, as "12.0 MiB", to `text`, and returns it. */
char *gpumm__size_text(uint64_t bytes, char text[static 32]);

#endif
