// SPDX-License-Identifier: MIT
// What ranks ask of one another's positions (halo.lua; space.cu and bounds.cu come before this text). Ranks are bits of a mask.
//
// An outline is what a rank tells of all its nodes: words, sent among positions as a few points of the type `vec`. A list has
// numbers of nodes and, before those from each rank, a mark for each point of its outline: OUTLINE, and where the point is among
// all ranks'.

#define OUTLINE 0x80000000u // in a list
#define FARTHEST 6 // of an outline's words, behind the box, that which says how far a node moved

// The box around the own nodes, `n` from `first` on, and how far the farthest of them moved in the last step, to the words from `at`
// on. All words are lowered.
extern "C" __global__ void outline(int threads, int n, word first, const vec *position, const vec *velocity, word at,
                                   word *outlines)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= threads || t >= n) return;
    float square = 0.0f;
    for (int i = t; i < n; i += threads) {
        const float4 v = point(velocity[i], 0.0f);
        square = larger(square, v.x * v.x + v.y * v.y + v.z * v.z);
    }
    bound(t, threads, n, position + first, outlines + at);
    lower(outlines + at + FARTHEST, ~ordered(sqrtf(square)));
}

// The first n words of all ranks' outlines together, a thread each: the box around all nodes first.
extern "C" __global__ void fold(int n, int ranks, int words, const word *outlines, word *out)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= n) return;
    word least = outlines[t];
    for (int r = 1; r < ranks; r++) {
        const word other = outlines[r * words + t];
        least = other < least ? other : least;
    }
    out[t] = least;
}

// ---- Who asks for which nodes ------------------------------------------------------------------------------

static __device__ frame frame_around(const word *box, int tiles)
{
    const float side = larger(side_of(box), 1e-20f);
    const frame g = {restored(box[0]), restored(box[1]), DIM == 3 ? restored(box[2]) : 0.0f, side / (float)tiles,
                     (float)tiles / side};
    return g;
}

static __device__ int tile_around(vec position, const word *box, int tiles)
{
    const frame g = frame_around(box, tiles);
    return tile_of(spot_of(position, &g, tiles), tiles, tiles);
}

// Which tiles hold own nodes.
extern "C" __global__ void occupy(int n, word first, const vec *position, const word *box, int tiles, unsigned char *held)
{
    int k = blockIdx.x * blockDim.x + threadIdx.x;
    if (k >= n) return;
    unsigned char *at = held + tile_around(position[first + k], box, tiles);
    if (!*at) *at = 1;
}

// Of each tile the ranks that hold nodes there, by what each of them said.
extern "C" __global__ void holders(int n, int ranks, const unsigned char *held, word *mask)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= n) return;
    word bits = 0;
    for (int r = 0; r < ranks; r++) bits |= (word)held[(long long)r * n + t] << r;
    mask[t] = bits;
}

// The same of so many tiles around it, along one axis.
extern "C" __global__ void widened(int n, int tiles, int axis, int reach, const word *from, word *to)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= n) return;
    const int shift = axis * log2_of(tiles), at = t >> shift & (tiles - 1);
    word bits = 0;
    for (int k = -reach; k <= reach; k++)
        if (at + k >= 0 && at + k < tiles) bits |= from[t + k * (1 << shift)];
    to[t] = bits;
}

// The rank that owns a node, by each rank's first one.
static __device__ int owner_of(word node, int ranks, const word *begins)
{
    int r = ranks - 1;
    while (r > 0 && node < begins[r]) r--;
    return r;
}

// Adds to the masks of own nodes the ranks that own the other ends of their edges, a segment of a row at a time.
extern "C" __global__ void beyond_edges(int segments, const word *node, const word *begin, const word *near, word first, word own,
                                        int ranks, const word *begins, word *mask)
{
    int s = blockIdx.x * blockDim.x + threadIdx.x;
    if (s >= segments) return;
    word bits = 0;
    for (word e = begin[s]; e < begin[s + 1]; e++)
        if (near[e] - first >= own) bits |= 1u << owner_of(near[e], ranks, begins);
    if (bits) atomicOr(mask + (node[s] - first), bits);
}

// Of each own node the ranks that ask for it: by an edge, or as it lies near one of theirs.
extern "C" __global__ void asked(int n, word first, const vec *position, const word *box, int tiles, const word *near,
                                 const word *edges, word *mask)
{
    int k = blockIdx.x * blockDim.x + threadIdx.x;
    if (k < n) mask[k] = edges[k] | near[tile_around(position[first + k], box, tiles)];
}

// Nodes that everyone asks for; others than own ones are passed over.
extern "C" __global__ void asked_by_all(int count, const word *nodes, word first, word own, word *mask)
{
    int k = blockIdx.x * blockDim.x + threadIdx.x;
    if (k < count && nodes[k] - first < own) atomicOr(mask + (nodes[k] - first), 0xffffffffu);
}

extern "C" __global__ void is_asked(int n, int rank, const word *mask, unsigned char *flags)
{
    int k = blockIdx.x * blockDim.x + threadIdx.x;
    if (k < n) flags[k] = mask[k] >> rank & 1u;
}

// A rank's part of the list, from `at` on: marks of the `points` of our outline, the first of which is `outline_at` among all
// ranks', and nodes by their numbers.
extern "C" __global__ void list(int n, int points, word outline_at, word first, const word *picked, long long at, word *out)
{
    int k = blockIdx.x * blockDim.x + threadIdx.x;
    if (k < n) out[at + k] = k < points ? OUTLINE | (outline_at + (word)k) : first + picked[k - points];
}

// ---- What goes there -----------------------------------------------------------------------------------------------

extern "C" __global__ void pack(int n, const word *list, const vec *position, const word *outlines, vec *out)
{
    int k = blockIdx.x * blockDim.x + threadIdx.x;
    if (k >= n) return;
    const word i = list[k];
    out[k] = i & OUTLINE ? ((const vec *)outlines)[i & ~OUTLINE] : position[i];
}

extern "C" __global__ void unpack(int n, const word *list, const vec *in, vec *position, word *outlines)
{
    int k = blockIdx.x * blockDim.x + threadIdx.x;
    if (k >= n) return;
    const word i = list[k];
    vec *to = i & OUTLINE ? (vec *)outlines + (i & ~OUTLINE) : position + i;
    *to = in[k];
}
