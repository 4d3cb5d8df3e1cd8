// SPDX-License-Identifier: MIT
// An edge is a line: one more in each pixel that it goes through.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "shared.glsl"
layout(local_size_x = 256) in;

shared uint greatest;

void draw(vec2 a, vec2 b) {
    vec2 way = b - a;
    uint pixels = min(uint(max(abs(way.x), abs(way.y))) + 1, 4096);
    for (uint k = 0; k < pixels; k++) count(a + way * (float(k) / float(pixels)), 1);
}

void main() {
    uint e = gl_GlobalInvocationID.x;
    if (gl_LocalInvocationID.x == 0) greatest = 0;
    barrier();
    if (e < edges) {
        uvec2 end = ends.at[e];
        atomicMax(greatest, max(end.x, end.y));
        if (max(end.x, end.y) < nodes) draw(place(end.x), place(end.y));
    }
    barrier();
    if (gl_LocalInvocationID.x == 0) atomicMax(seen.last_end, greatest);
}
