// SPDX-License-Identifier: MIT
// Counts become colors: edges are blue, nodes warm, and the more there are the brighter.
#version 460
#extension GL_GOOGLE_include_directive : require
#include "shared.glsl"
layout(local_size_x = 256) in;

void main() {
    uint i = gl_GlobalInvocationID.x;
    if (i >= width * height) return;
    float node = counts.at[i], edge = counts.at[width * height + i];
    vec3 color = vec3(0.03, 0.04, 0.08);
    color += (1 - exp(-0.35 * edge)) * vec3(0.16, 0.34, 0.62);
    color += (1 - exp(-0.5 * node)) * vec3(0.85, 0.6, 0.25);
    uvec3 c = uvec3(min(color, vec3(1)) * 255 + 0.5);
    pixels.at[i] = c.r | c.g << 8 | c.b << 16 | 0xff000000u;
}
