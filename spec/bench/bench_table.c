/* SPDX-License-Identifier: MIT */
/* Medians, and the table: one line a row, whether it reached its mark, and a count at the end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

/* ---- Numbers -------------------------------------------------------------------------------- */

void sample(samples *s, double value) {
    if (s->count < SAMPLES) s->at[s->count++] = value;
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double median(const samples *s) {
    double sorted[SAMPLES];
    if (s->count == 0) return NAN;
    memcpy(sorted, s->at, s->count * sizeof *sorted);
    qsort(sorted, s->count, sizeof *sorted, by_size);
    size_t half = s->count / 2;
    return s->count % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

double seconds_since(uint64_t start) { return (double)(gpumm__clock_ns() - start) / 1e9; }

unsigned rounds(const bench *b, unsigned wanted) { return b->host && wanted > 3 ? 3 : wanted; }

/* ---- The table ------------------------------------------------------------------------------ */

static const char *time_text(double seconds, char text[static 32]) {
    if (fabs(seconds) < 1e-6) snprintf(text, 32, "%.0f ns", seconds * 1e9);
    else if (fabs(seconds) < 1e-2) snprintf(text, 32, "%.2f us", seconds * 1e6);
    else snprintf(text, 32, "%.1f ms", seconds * 1e3);
    return text;
}

static const char *value_text(measure unit, double value, char text[static 32]) {
    if (isnan(value)) return "-";
    if (unit == UNIT_TIME) return time_text(value, text);
    if (unit == UNIT_BYTES) return gpumm__size_text((uint64_t)fmax(value, 0), text);
    if (unit == UNIT_RATE) snprintf(text, 32, "%.2f GB/s", value / 1e9);
    else snprintf(text, 32, "%.3f x", value);
    return text;
}

static const char *verdict(bench *b, const row *r) {
    if (b->host || r->sense == NO_MARK) return "-";
    if (isnan(r->judged)) return b->failed++, "FAILED";
    bool ok = r->sense == AT_MOST ? r->judged <= r->bound : r->judged >= r->bound;
    return ok ? (b->reached++, "ok") : (b->missed++, "MISSED");
}

void table_head(const bench *b) {
    printf("on %s%s\n", b->device, b->host ? ": a dry run, no marks" : "");
    puts("row | size | gpumm | beside (name) | ratio | must reach | ok/MISSED");
}

void table_row(bench *b, const row *r) {
    char ours[32], beside[32], ratio[32];
    printf("%s | %s | %s | ", r->what, r->size, value_text(r->unit, r->ours, ours));
    if (r->name) printf("%s (%s) | ", value_text(r->unit, r->beside, beside), r->name);
    else printf("- | ");
    printf("%s | %s | %s\n", value_text(UNIT_FACTOR, r->ratio, ratio), r->must ? r->must : "-", verdict(b, r));
    fflush(stdout);
}

void table_failed(bench *b, const char *what, const char *size) {
    b->failed++;
    printf("%s | %s | FAILED: %s | - | - | - | FAILED\n", what, size, gpumm_message());
    fflush(stdout);
}

void table_skipped(bench *b, const char *what, const char *size, const char *why) {
    b->skipped++;
    printf("%s | %s | skipped: %s | - | - | - | -\n", what, size, why);
    fflush(stdout);
}

void table_end(const bench *b) {
    printf("%u of %u rows with a mark reached it, %u MISSED, %u FAILED, %u skipped\n", b->reached,
           b->reached + b->missed, b->missed, b->failed, b->skipped);
}
