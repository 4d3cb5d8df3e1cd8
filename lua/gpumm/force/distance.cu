// SPDX-License-Identifier: MIT
// Components and breadth-first distances from many pivots at once. DISTANT stands for "no path".

#define DISTANT 0xffffu

typedef unsigned int word;
typedef unsigned long long bits_t;
typedef unsigned short hops;

// ---- Components: every tree's root is its least node -----------------------------------------

extern "C" __global__ void alone(int n, word *parent)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) parent[i] = (word)i;
}

static __device__ word root_of(const word *parent, word i)
{
    const volatile word *p = parent;
    while (p[i] != i) i = p[i];
    return i;
}

// The greater root is hung below the lesser; whoever loses the race looks again.
static __device__ void unite(word *parent, word i, word j)
{
    word a = root_of(parent, i), b = root_of(parent, j);
    while (a != b) {
        const word high = max(a, b), low = min(a, b);
        if (atomicCAS(parent + high, high, low) == high) break;
        a = root_of(parent, high);
        b = root_of(parent, low);
    }
}

// The rows are those of the nodes from `first` on.
extern "C" __global__ void join(int n, word first, const word *row, const word *near, word *parent)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    for (word k = row[i]; k < row[i + 1] && near[k] < first + (word)i; k++) unite(parent, first + (word)i, near[k]);
}

// Each node and the one that others found it to be joined with.
extern "C" __global__ void join_labels(int n, const word *label, word *parent)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n && label[i] != (word)i) unite(parent, (word)i, label[i]);
}

extern "C" __global__ void flatten(int n, const word *parent, word *label)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) label[i] = root_of(parent, (word)i);
}

// ---- Distances, one queue a pivot: for few fast threads ---------------------------------------

extern "C" __global__ void search(int searches, int n, const word *row, const word *near, const word *pivot,
                                  int from, int first, hops *distance, word *queue)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= searches) return;
    hops *d = distance + (long long)(first + from + t) * n;
    word *q = queue + (long long)t * n;
    for (int i = 0; i < n; i++) d[i] = DISTANT;
    word head = 0, tail = 1;
    q[0] = pivot[from + t];
    d[q[0]] = 0;
    while (head < tail) {
        const word i = q[head++];
        const word further = min((word)d[i] + 1, DISTANT - 1u);
        for (word k = row[i]; k < row[i + 1]; k++) {
            const word j = near[k];
            if (d[j] != DISTANT) continue;
            d[j] = (hops)further;
            q[tail++] = j;
        }
    }
}

// ---- Distances, one bit a pivot, level by level: for many threads -----------------------------
// A node looks for neighbours that were found a level before. Where some have very many, threads look through segments
// of the rows instead, and what they found arrives at the nodes in a second step.

extern "C" __global__ void plant(int n, int pivots, int first, const word *pivot, hops *distance,
                                 bits_t *seen, bits_t *frontier)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    bits_t mine = 0;
    for (int p = 0; p < pivots; p++) {
        const bool here = pivot[p] == (word)i;
        distance[(long long)(first + p) * n + i] = here ? 0 : DISTANT;
        if (here) mine |= (bits_t)1 << p;
    }
    seen[i] = frontier[i] = mine;
}

extern "C" __global__ void expand(int n, const word *row, const word *near, bits_t all, int first, word level,
                                  const bits_t *frontier, bits_t *next, bits_t *seen, hops *distance,
                                  word *last)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const bits_t wanted = all & ~seen[i];
    bits_t found = 0;
    for (word k = row[i]; k < row[i + 1] && (found & wanted) != wanted; k++) found |= frontier[near[k]];
    found &= wanted;
    next[i] = found;
    if (!found) return;
    seen[i] |= found;
    for (bits_t left = found; left; left &= left - 1)
        distance[(long long)(first + __ffsll((long long)left) - 1) * n + i] = (hops)min(level, DISTANT - 1u);
    if (*last != level) *last = level;
}

extern "C" __global__ void look(int segments, const word *node, const word *begin, const word *near, bits_t all,
                                const bits_t *frontier, const bits_t *seen, bits_t *next)
{
    int s = blockIdx.x * blockDim.x + threadIdx.x;
    if (s >= segments) return;
    const bits_t wanted = all & ~seen[node[s]];
    bits_t found = 0;
    for (word k = begin[s]; k < begin[s + 1] && (found & wanted) != wanted; k++) found |= frontier[near[k]];
    if (found & wanted) atomicOr(next + node[s], found & wanted);
}

// `frontier` is left empty, to be the next one.
extern "C" __global__ void arrive(int n, int first, word level, const bits_t *next, bits_t *frontier, bits_t *seen,
                                  hops *distance, word *last)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const bits_t found = next[i];
    frontier[i] = 0;
    if (!found) return;
    seen[i] |= found;
    for (bits_t left = found; left; left &= left - 1)
        distance[(long long)(first + __ffsll((long long)left) - 1) * n + i] = (hops)min(level, DISTANT - 1u);
    if (*last != level) *last = level;
}

// ---- The same where distances are long, and few nodes are found a level: those alone are looked at ----
// Which nodes those are is in a queue, in any order. `state` has three lengths of queues, by turns, and the level.

extern "C" __global__ void line_up(int n, const bits_t *frontier, word *queue, word *state)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n && frontier[i]) queue[atomicAdd(state, 1u)] = (word)i;
}

extern "C" __global__ void follow(int threads, int turn, const word *row, const word *near, const bits_t *frontier,
                                  const bits_t *seen, bits_t *next, const word *queue, word *behind, word *state)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= threads) return;
    if (t == 0) state[3]++;
    for (word q = (word)t; q < state[turn]; q += (word)threads) {
        const word i = queue[q];
        const bits_t mine = frontier[i];
        for (word k = row[i]; k < row[i + 1]; k++) {
            const word j = near[k];
            const bits_t found = mine & ~seen[j];
            if (found && !atomicOr(next + j, found)) behind[atomicAdd(state + (turn + 1) % 3, 1u)] = j;
        }
    }
}

extern "C" __global__ void reach(int threads, int turn, int n, int first, const word *behind, bits_t *frontier, bits_t *next,
                                 bits_t *seen, hops *distance, word *state, word *last)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= threads) return;
    const word level = state[3], count = state[(turn + 1) % 3];
    if (t == 0) state[(turn + 2) % 3] = 0;
    if (t == 0 && count) *last = level;
    for (word q = (word)t; q < count; q += (word)threads) {
        const word j = behind[q];
        const bits_t found = next[j];
        next[j] = 0;
        seen[j] |= found;
        frontier[j] = found;
        for (bits_t left = found; left; left &= left - 1)
            distance[(long long)(first + __ffsll((long long)left) - 1) * n + j] = (hops)min(level, DISTANT - 1u);
    }
}
