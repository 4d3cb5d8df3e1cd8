/* SPDX-License-Identifier: MIT */
/* A line of text of bounded length, put together without the locale. What finds no room is left out, and never half of a
   number or of a string. */
#ifndef BASE_TRACE_LINE_H
#define BASE_TRACE_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TRACE_LINE = 4096, TRACE_LINE_SPARE = 512 }; /* strings leave so much for what follows them */

typedef struct trace_line {
    size_t used;
    char text[TRACE_LINE];
} trace_line;

void gpumm__line_text(trace_line *l, const char *text); /* as it is */
void gpumm__line_count(trace_line *l, uint64_t number);
void gpumm__line_integer(trace_line *l, int64_t number);
void gpumm__line_address(trace_line *l, uint64_t address); /* 0x7f… */
/* With quotes, as JSON has it: what is no UTF-8 becomes U+FFFD, what is too long ends in three dots. */
void gpumm__line_string(trace_line *l, const char *text);
void gpumm__line_microseconds(trace_line *l, uint64_t ns);                 /* with three decimals */
void gpumm__line_decimal(trace_line *l, uint64_t number, unsigned digits); /* with zeros in front */

#endif
