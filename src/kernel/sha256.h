/* SPDX-License-Identifier: MIT */
/* SHA-256 (FIPS 180-4): names binaries by what they were made from, and tells whether they are whole. */
#ifndef KERNEL_SHA256_H
#define KERNEL_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { SHA256_TEXT = 65 };

typedef struct sha256 {
    uint32_t state[8];
    uint64_t length; /* bytes so far */
    uint8_t block[64];
} sha256;

void gpumm__sha256_begin(sha256 *s);
void gpumm__sha256_add(sha256 *s, const void *data, size_t length);
/* 64 hexadecimal digits and a NUL. */
void gpumm__sha256_end(sha256 *s, char text[static SHA256_TEXT]);

#endif
