/* SPDX-License-Identifier: MIT */
/* Frames as messages. */
#include "modules/live/encode.h"

#include <math.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the live page's messages are written as they lie in memory, which must be little-endian"
#endif

typedef struct header {
    uint32_t kind, format, dimensions, count, number, dropped;
    int64_t step;
    float low[3], high[3];
    double time;
} header;
_Static_assert(sizeof(header) == LIVE_FRAME_HEADER, "a frame's header has no gaps");

/* Of the finite ones; a box of nothing is at 0. */
static void find_box(header *h, const float *positions) {
    for (uint32_t lane = 0; lane < h->dimensions; lane++) {
        float low = INFINITY, high = -INFINITY;
        for (size_t i = lane; i < (size_t)h->count * h->dimensions; i += h->dimensions) {
            float x = positions[i];
            if (!isfinite(x)) continue;
            low = x < low ? x : low;
            high = x > high ? x : high;
        }
        h->low[lane] = low <= high ? low : 0;
        h->high[lane] = low <= high ? high : 0;
    }
}

live_blob *gpumm_live__encode_f32(gpumm_allocator allocator, const live_frame_about *about, const float *positions) {
    header h = {.kind = 1,
                .dimensions = about->dimensions,
                .count = about->count,
                .number = about->number,
                .dropped = about->dropped,
                .step = about->step,
                .time = about->time};
    size_t bytes = (size_t)h.count * h.dimensions * sizeof(float);
    live_blob *blob = gpumm_live__blob_new(allocator, NULL, sizeof h + bytes, false);
    if (!blob) return NULL;
    find_box(&h, positions);
    memcpy(blob->bytes, &h, sizeof h);
    if (bytes) memcpy(blob->bytes + sizeof h, positions, bytes);
    return blob;
}

static uint16_t squeeze(float x, double low, double high) {
    if (!isfinite(x) || !(high > low)) return 0;
    return (uint16_t)(((double)x - low) / (high - low) * 65535 + 0.5);
}

live_blob *gpumm_live__encode_u16(const live_blob *exact) {
    header h;
    memcpy(&h, exact->bytes, sizeof h);
    size_t values = (size_t)h.count * h.dimensions, bytes = (values * sizeof(uint16_t) + 3) / 4 * 4;
    live_blob *blob = gpumm_live__blob_new(exact->allocator, NULL, sizeof h + bytes, false);
    if (!blob) return NULL;
    h.format = 1;
    memcpy(blob->bytes, &h, sizeof h);
    memset(blob->bytes + sizeof h, 0, bytes);
    for (size_t i = 0; i < values; i++) {
        float x;
        memcpy(&x, exact->bytes + sizeof h + i * sizeof x, sizeof x);
        uint16_t q = squeeze(x, h.low[i % h.dimensions], h.high[i % h.dimensions]);
        memcpy(blob->bytes + sizeof h + i * sizeof q, &q, sizeof q);
    }
    return blob;
}
