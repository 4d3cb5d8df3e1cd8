/* SPDX-License-Identifier: MIT */
/* Binary messages, little-endian on the wire. A frame is 64 bytes and its positions:
     0 u32 1 (a frame)       4 u32 format (0: f32, 1: u16)   8 u32 dimensions (2, 3)   12 u32 count of nodes
    16 u32 number (1, 2 …)  20 u32 dropped captures          24 i64 step
    32 f32 low[3]           44 f32 high[3] (the box)         56 f64 time of the capture
   f32: count * dimensions numbers, as the device has them. u16: the same, 0 where it is low and 65535 where it is high,
   each padded to 4 bytes at the end of the message. */
#ifndef MODULES_LIVE_ENCODE_H
#define MODULES_LIVE_ENCODE_H

#include "modules/live/blob.h"

enum { LIVE_FRAME_HEADER = 64 };

typedef struct live_frame_about {
    uint32_t dimensions, count, number, dropped;
    int64_t step;
    double time;
} live_frame_about;

/* Both NULL where there is no memory. */
live_blob *gpumm_live__encode_f32(gpumm_allocator allocator, const live_frame_about *about, const float *positions);
/* From a frame in f32. The error is at most half of 1/65535 of the box, beside float's own. What is no number is 0. */
live_blob *gpumm_live__encode_u16(const live_blob *exact);

#endif
