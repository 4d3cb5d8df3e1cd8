// SPDX-License-Identifier: MIT
// Pivots farthest from one another.

typedef unsigned int word;
typedef unsigned short hops;
typedef unsigned long long candidate_t;

// A candidate is how far it is and its number in an order of chance, so that ties have no favourites. The
// factors are each other's inverse.
static __device__ candidate_t candidate(word far, word t)
{
    return (candidate_t)far << 32 | t * 0x9e3779b1u;
}

static __device__ word chosen(candidate_t best)
{
    return (word)best * 0x0e8b2f51u;
}

// How far every member is from the nearest pivot, now that there are those from `first` to `last`.
extern "C" __global__ void approach(int members, int first, int last, int n, const word *member,
                                    const hops *distance, hops *nearest, hops *guess, candidate_t *best)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= members) return;
    const word i = member ? member[t] : (word)t;
    hops least = first > 0 ? nearest[t] : (hops)0xffffu;
    for (int p = first; p < last; p++) least = min(least, distance[(long long)p * n + i]);
    nearest[t] = guess[t] = least;
    atomicMax(best, candidate(least, (word)t));
}

// The same now that best[k - 1] is chosen too, whose distances are not known yet: no less than the difference of
// the distances from any pivot, and than 1.
extern "C" __global__ void estimate(int members, int landmarks, int n, const word *member, const hops *distance,
                                    hops *guess, int k, candidate_t *best)
{
    int t = blockIdx.x * blockDim.x + threadIdx.x;
    if (t >= members) return;
    const word c = chosen(best[k - 1]), i = member ? member[t] : (word)t, j = member ? member[c] : c;
    int far = 1;
    for (int p = 0; p < landmarks; p++) {
        const hops *d = distance + (long long)p * n;
        far = max(far, abs((int)d[i] - (int)d[j]));
    }
    const hops least = t == (int)c ? (hops)0 : min(guess[t], (hops)far);
    guess[t] = least;
    atomicMax(best + k, candidate(least, (word)t));
}
