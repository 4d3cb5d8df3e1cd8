// SPDX-License-Identifier: MIT
// What the three shaders are told. Everything is found by its device address, so that there are no descriptors to write anew.
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_scalar_block_layout : require

layout(buffer_reference, scalar, buffer_reference_align = 4) readonly buffer Positions { vec2 at[]; };
layout(buffer_reference, scalar, buffer_reference_align = 4) readonly buffer Stamps { uint at[]; };
layout(buffer_reference, scalar, buffer_reference_align = 4) readonly buffer Ends { uvec2 at[]; };
layout(buffer_reference, scalar, buffer_reference_align = 4) buffer Counts { uint at[]; }; // nodes a pixel, then edges
layout(buffer_reference, scalar, buffer_reference_align = 4) writeonly buffer Pixels { uint at[]; }; // RGBA, 8 bits each
layout(buffer_reference, scalar, buffer_reference_align = 4) buffer Seen {
    uint first_stamp, last_stamp; // least and greatest of all nodes
    uint last_end;                // greatest node of all edges
    uint reach;                   // greatest |x| or |y|, the bits of a float
};

layout(push_constant, scalar) uniform Draw {
    Positions positions;
    Stamps stamps;
    Ends ends;
    Counts counts;
    Pixels pixels;
    Seen seen;
    uint nodes, edges, width, height;
    float scale; // pixels a unit
};

vec2 place(uint i) { return positions.at[i] * scale + 0.5 * vec2(width, height); }

void count(vec2 p, uint plane) {
    if (p.x < 0 || p.y < 0 || p.x >= width || p.y >= height) return;
    atomicAdd(counts.at[plane * width * height + uint(p.y) * width + uint(p.x)], 1);
}
