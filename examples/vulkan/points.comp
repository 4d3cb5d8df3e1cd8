// SPDX-License-Identifier: MIT
// A node is a point: one more in its pixel. And the check: which steps the nodes are of, and how far they reach.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "shared.glsl"
layout(local_size_x = 256) in;

shared uint least, greatest, reaches;

void main() {
    uint i = gl_GlobalInvocationID.x;
    if (gl_LocalInvocationID.x == 0) {
        least = 0xffffffffu;
        greatest = 0;
        reaches = 0;
    }
    barrier();
    if (i < nodes) {
        vec2 p = positions.at[i];
        count(place(i), 0);
        atomicMin(least, stamps.at[i]);
        atomicMax(greatest, stamps.at[i]);
        atomicMax(reaches, floatBitsToUint(max(abs(p.x), abs(p.y))));
    }
    barrier();
    if (gl_LocalInvocationID.x != 0) return;
    atomicMin(seen.first_stamp, least);
    atomicMax(seen.last_stamp, greatest);
    atomicMax(seen.reach, reaches);
}
