// SPDX-License-Identifier: MIT
// Springs and motion. `vec`, DIM, ATTRACT(d2, w), bounds.cu and the like come from the text before this file. Springs are
// gathered per segment of a row, by one thread in the order of the row, and summed per node in the order of its
// segments: no atomics, so a run can be repeated bit for bit.
//
// Positions, masses, pins and `near` are of all nodes. All else is of the n nodes from `first` on, which are moved here: all
// of them, or a rank's own.

#define FAR 1048576.0f // units: further counts as that far

static __device__ float squared(vec v)
{
#if DIM == 3
    return v.x * v.x + v.y * v.y + v.z * v.z;
#else
    return v.x * v.x + v.y * v.y;
#endif
}

static __device__ void add(vec *sum, vec v, float scale)
{
    sum->x += scale * v.x;
    sum->y += scale * v.y;
#if DIM == 3
    sum->z += scale * v.z;
#endif
}

static __device__ vec nothing()
{
    vec v;
    v.x = v.y = 0.0f;
#if DIM == 3
    v.z = 0.0f;
#endif
    return v;
}

#ifdef LENGTHS
// The pull of an edge, over its length: to one over its weight.
static __device__ float pull_of(float d2, float weight)
{
    return d2 > 0.0f ? weight - 1.0f / sqrtf(d2) : 0.0f;
}
#else
// The pull of an edge, over its length. Where its ends are on nearly the same spot they push more than it pulls, however heavy
// it is, by a model whose push has a bound.
static __device__ float pull_of(float d2, float weight)
{
    const float bound = repel_at(0.0f), pull = weight * ATTRACT(d2), most = 0.95f * bound + weight * d2;
    return bound > 0.0f && !(pull <= most) ? most : pull;
}
#endif

#ifdef GPUMM_HOST
// A segment's entries, LANES at once: beyond its end is a node that pulls nothing.
#define LANES 8
#define EACH_LANE(l) _Pragma("GCC unroll 1") _Pragma("GCC ivdep") for (int l = 0; l < LANES; l++)

static __forceinline__ __device__ float folded(const float *c)
{
    return ((c[0] + c[4]) + (c[2] + c[6])) + ((c[1] + c[5]) + (c[3] + c[7]));
}

template <bool weighted>
static __forceinline__ __device__ vec pulled(const int *near, const float *weight, int count, const vec *position, vec p,
                                             float unit)
{
    float x[LANES], y[LANES], z[LANES];
    EACH_LANE(l) x[l] = y[l] = z[l] = 0.0f;
    for (int k = 0; k < count; k += LANES)
        EACH_LANE(l) {
            const bool is = k + l < count;
            const vec *other = position + (is ? near[k + l] : 0);
            const float dx = other->x - p.x, dy = other->y - p.y;
#if DIM == 3
            const float dz = other->z - p.z, d2 = dx * dx + dy * dy + dz * dz;
#else
            const float dz = 0.0f, d2 = dx * dx + dy * dy;
#endif
            const float w = !weighted ? 1.0f : is ? weight[k + l] : 0.0f, pull = pull_of(unit * d2, w);
            const float scale = is ? pull : 0.0f;
            x[l] += scale * dx;
            y[l] += scale * dy;
            if (DIM == 3) z[l] += scale * dz;
        }
    vec sum = nothing();
    sum.x = folded(x);
    sum.y = folded(y);
#if DIM == 3
    sum.z = folded(z);
#endif
    return sum;
}
#else
template <bool weighted>
static __forceinline__ __device__ vec pulled(const int *near, const float *weight, int count, const vec *position, vec p,
                                             float unit)
{
    vec sum = nothing();
    for (int k = 0; k < count; k++) {
        vec d = position[near[k]];
        add(&d, p, -1.0f);
        add(&sum, d, pull_of(unit * squared(d), weighted ? weight[k] : 1.0f));
    }
    return sum;
}
#endif

// The first `threads` of them find the box around the n nodes too, for what follows; `box` may be null.
extern "C" __global__ void springs(int segments, const word *node, const word *begin, const word *near,
                                   const float *weight, const vec *position, float unit, vec *pull, int threads, int n,
                                   word *box)
{
    int s = blockIdx.x * blockDim.x + threadIdx.x;
    if (s >= segments) return;
    if (box && s < threads) bound(s, threads, n, position, box);
    const word first = begin[s];
    const int count = (int)(begin[s + 1] - first), *ends = (const int *)near + first;
    const vec p = position[node[s]];
    pull[s] = weight ? pulled<true>(ends, weight + first, count, position, p, unit)
                     : pulled<false>(ends, weight, count, position, p, unit);
}

// Who is held is drawn to its anchor.
extern "C" __global__ void hold(int n, word first, const vec *anchor, const unsigned char *held, const float *heft, float strength,
                                const vec *position, vec *force)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n || !held[i]) return;
    vec f = force[i], d = anchor[i];
    add(&d, position[first + i], -1.0f);
    add(&f, d, strength * heft[i]);
    force[i] = f;
}

// The pulls of a node's segments. Of a hub, which has many, each WARP-th together, and then these in pairs: by the threads of
// a warp, where there is one.
#define WARP 32

static __device__ vec summed(const vec *pull, word from, word to, word step)
{
    vec sum = nothing();
    for (word s = from; s < to; s += step) add(&sum, pull[s], 1.0f);
    return sum;
}

#ifdef GPUMM_HOST
static __device__ vec pulls_on(const vec *pull, word from, word to)
{
    if (to - from <= WARP) return summed(pull, from, to, 1);
    vec part[WARP];
    for (word l = 0; l < WARP; l++) part[l] = summed(pull, from + l, to, WARP);
    for (word half = WARP / 2; half > 0; half /= 2)
        for (word l = 0; l < half; l++) add(part + l, part[l + half], 1.0f);
    return part[0];
}
#else
static __device__ vec pulls_on(const vec *pull, word from, word to)
{
    const word lane = threadIdx.x % WARP;
    vec sum = to - from <= WARP ? summed(pull, from, to, 1) : nothing();
    for (word hubs = __ballot_sync(~0u, to - from > WARP); hubs; hubs &= hubs - 1) {
        const int hub = __ffs(hubs) - 1;
        vec part = summed(pull, __shfl_sync(~0u, from, hub) + lane, __shfl_sync(~0u, to, hub), WARP);
        for (int half = WARP / 2; half > 0; half /= 2) {
            vec other = part;
            other.x = __shfl_xor_sync(~0u, part.x, half);
            other.y = __shfl_xor_sync(~0u, part.y, half);
#if DIM == 3
            other.z = __shfl_xor_sync(~0u, part.z, half);
#endif
            add(&part, other, 1.0f);
        }
        if (lane == (word)hub) sum = part;
    }
    return sum;
}
#endif

// A step along the force over the mass, less the drift, which is that of all: what keeps its direction gathers speed, what
// swings to and fro loses it. Nobody moves further than `limit`; where there is `heat`, which is of all nodes, than that share of
// it, or than `cold`. Who is pinned does not move. Every thread of a warp sums for the others.
extern "C" __global__ void move(int n, word first, const word *segment, const vec *pull, const vec *force,
                                const float *mass, const float *heft, const unsigned char *pinned, const float *heat, float cold,
                                float gravity, float spring, float step, float inertia, float drift_x, float drift_y,
                                float drift_z, float limit, vec *position, vec *velocity)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    const vec pulls = pulls_on(pull, i < n ? segment[i] : 0u, i < n ? segment[i + 1] : 0u);
    if (i >= n) return;
    if (pinned && pinned[first + i]) {
        velocity[i] = nothing();
        return;
    }
    const vec p = position[first + i];
    vec f = force[i];
    add(&f, pulls, spring);
    add(&f, p, -gravity * mass[first + i]);
    vec v = nothing();
    add(&v, velocity[i], inertia);
    add(&v, f, (1.0f - inertia) * step / heft[i]);
    v.x -= drift_x;
    v.y -= drift_y;
#if DIM == 3
    v.z -= drift_z;
#endif
    if (heat) limit = fmaxf(cold, limit * heat[first + i]);
    const float speed = sqrtf(squared(v)), scale = speed > limit ? limit / speed : 1.0f;
    vec moved = nothing(), to = p;
    add(&moved, v, scale);
    add(&to, moved, 1.0f);
    velocity[i] = moved;
    position[first + i] = to;
}

// How far the nodes moved in all, in 2^-20 of the model's units, of which the layout's has `unit`: a sum of integers
// does not depend on its order.
extern "C" __global__ void moved(int threads, int n, const vec *velocity, float unit, unsigned long long *sum)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= threads) return;
    unsigned long long mine = 0;
    for (int i = t; i < n; i += threads) mine += (unsigned long long)(fminf(sqrtf(squared(velocity[i])) * unit, FAR) * 1048576.0f);
    if (mine) atomicAdd(sum, mine);
}

// What a node resists with: one and the weights of its edges; and what it pushes with, by the model.
extern "C" __global__ void weigh(int n, word first, const word *row, const float *weight, float *mass, float *heft)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    float sum = 1.0f;
    if (!weight) sum += (float)(row[i + 1] - row[i]);
    else for (word k = row[i]; k < row[i + 1]; k++) sum += fabsf(weight[k]);
    heft[i] = sum;
    mass[first + i] = MASS(sum);
}

static __device__ double product(vec a, vec b)
{
    double sum = (double)a.x * b.x + (double)a.y * b.y;
#if DIM == 3
    sum += (double)a.z * b.z;
#endif
    return sum;
}

// Where the nodes are, by what they resist with: sums of these times positions, and of these, of `chunk` nodes each, or of each
// `step`th of them.
extern "C" __global__ void centre(int chunks, word chunk, word step, int n, word first, const vec *position, const float *heft,
                                  double *out)
{
    int c = blockIdx.x * blockDim.x + threadIdx.x;
    if (c >= chunks) return;
    double x = 0.0, y = 0.0, z = 0.0, sum = 0.0;
    for (word i = (word)c * chunk; i < (word)n && i < ((word)c + 1u) * chunk; i += step) {
        const vec p = position[first + i];
        x += (double)heft[i] * p.x;
        y += (double)heft[i] * p.y;
#if DIM == 3
        z += (double)heft[i] * p.z;
#endif
        sum += (double)heft[i];
    }
    double *to = out + 4 * (first / chunk + c);
    to[0] = x;
    to[1] = y;
    to[2] = z;
    to[3] = sum;
}

// How much the repulsion spreads the nodes (each pair is in `spread` twice) and the springs draw them together: sums
// of positions times forces, of `chunk` nodes each.
extern "C" __global__ void balance(int chunks, word chunk, int n, word first, const vec *position, const vec *spread,
                                   const word *segment, const vec *pull, double *out)
{
    int c = blockIdx.x * blockDim.x + threadIdx.x;
    if (c >= chunks) return;
    double apart = 0.0, together = 0.0;
    for (word i = (word)c * chunk; i < (word)n && i < ((word)c + 1u) * chunk; i++) {
        apart += 0.5 * (double)spread[i].x;
        for (word s = segment[i]; s < segment[i + 1]; s++) together += product(position[first + i], pull[s]);
    }
    out[2 * (first / chunk + c)] = apart;
    out[2 * (first / chunk + c) + 1] = together;
}
