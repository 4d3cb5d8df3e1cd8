// SPDX-License-Identifier: MIT
// Pivots farthest from one another. `hops` and DISTANT come before this file.

typedef unsigned int word;
typedef unsigned long long candidate_t;

#ifdef LENGTHS
#define LEAST 0.0f // that two nodes are apart
#else
#define LEAST 1
#endif

// A candidate is how far it is and its number in an order of chance, so that ties have no favourites. The
// factors are each other's inverse.
static __device__ candidate_t candidate(hops far, word t)
{
#ifdef LENGTHS
    const word order = __float_as_uint(far);
#else
    const word order = far;
#endif
    return (candidate_t)order << 32 | t * 0x9e3779b1u;
}

static __device__ hops lesser(hops a, hops b) { return a < b ? a : b; }

static __device__ hops apart(hops a, hops b) { return a < b ? b - a : a - b; }

static __device__ word chosen(candidate_t best)
{
    return (word)best * 0x0e8b2f51u;
}

// How far every member is from the nearest pivot, now that there are those from `first` to `last`. These members are
// the ones from number `before` on of all.
extern "C" __global__ void approach(int members, word before, int first, int last, int n, const word *member,
                                    const hops *distance, hops *nearest, hops *guess, candidate_t *best)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= members) return;
    const word i = member ? member[t] : (word)t;
    hops least = first > 0 ? nearest[t] : (hops)DISTANT;
    for (int p = first; p < last; p++) least = lesser(least, distance[(long long)p * n + i]);
    nearest[t] = guess[t] = least;
    atomicMax(best, candidate(least, before + (word)t));
}

// The distances to best[k] from the first pivots; 0 where it is no member here.
extern "C" __global__ void known(int landmarks, word members, word before, int n, const word *member, const hops *distance,
                                 const candidate_t *best, int k, hops *out)
{
    int p = blockIdx.x * blockDim.x + threadIdx.x;
    if (p >= landmarks) return;
    const word c = chosen(best[k]) - before;
    out[p] = c < members ? distance[(long long)p * n + (member ? member[c] : c)] : (hops)0;
}

// The same now that best[k - 1] is chosen too, whose distances are not known yet: no less than the difference of
// the distances from any pivot, and than 1. `known` are the distances to that one, where it is no member here.
extern "C" __global__ void estimate(int members, word before, int landmarks, int n, const word *member,
                                    const hops *distance, const hops *known, hops *guess, int k, candidate_t *best)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= members) return;
    const word c = chosen(best[k - 1]) - before, i = member ? member[t] : (word)t;
    const word j = known ? 0 : member ? member[c] : c;
    hops far = (hops)LEAST;
    for (int p = 0; p < landmarks; p++) {
        const hops *d = distance + (long long)p * n;
        const hops between = apart(d[i], known ? known[p] : d[j]);
        far = far < between ? between : far;
    }
    const hops least = (word)t == c ? (hops)0 : lesser(guess[t], far);
    guess[t] = least;
    atomicMax(best + k, candidate(least, before + (word)t));
}

// ---- The distances of some nodes, which may lie with other parts: those of others are 0 ------------------

extern "C" __global__ void sampled(int entries, word samples, word n, word first, const word *sample, const hops *distance,
                                   hops *out)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= entries) return;
    const word p = (word)t / samples, i = sample[(word)t % samples] - first;
    out[t] = i < n ? distance[(long long)p * n + i] : (hops)0;
}
