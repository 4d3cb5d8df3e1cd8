// SPDX-License-Identifier: MIT
// Sums and running sums of T: every chunk's sum, from which every chunk knows what stands before it. A sum of floats is
// made in one order, whatever runs first, and on both devices alike: see gpumm_reduce and gpumm_scan in gpumm.h.

FOUR(T, NAME(four));

// The sum of what each thread has, in room[0]: by halves.
#define SUM_UP(room) \
    for (u32 half = THREADS / 2; half > 0; half /= 2) { \
        EACH_THREAD(t) if (t < half) room[t] += room[t + half]; \
        BARRIER \
    }

// From the last row to the first, so that what a scan reads next was read last.
K4(chunk_sums, READ, from_, WRITE, sums, COUNT, n, COUNT, chunk)
{
    const T *from = (const T *)from_;
    const u64 begin = BLOCK * chunk, end = n - begin < chunk ? n : begin + chunk;
    u64 row = (end - begin) / ROW;
    OWNS(T, sum, 4);
    SHARED(T, room, THREADS);
    EACH_THREAD(t) {
        UNROLL for (u32 k = 0; k < 4; k++) {
            const u64 at = begin + row * ROW + 4 * t + k;
            MINE(sum, t)[k] = at < end ? from[at] : (T)0;
        }
    }
    UNROLL_ROWS for (; row > 0; row--) {
        const NAME(four) *rows = (const NAME(four) *)(from + begin + (row - 1) * ROW);
        EACH_THREAD(t) {
            const NAME(four) some = rows[t];
            UNROLL for (u32 k = 0; k < 4; k++) MINE(sum, t)[k] += some.v[k];
        }
    }
    EACH_THREAD(t) room[t] = (MINE(sum, t)[0] + MINE(sum, t)[1]) + (MINE(sum, t)[2] + MINE(sum, t)[3]);
    BARRIER
    SUM_UP(room)
    EACH_THREAD(t) if (t == 0) ((T *)sums)[BLOCK] = room[0];
}

// ---- A tile's running sums ---------------------------------------------------------------------------------
// A thread has four elements of each row, 32 threads are a warp. An element's sum is what stands before the tile, with
// what stands before the warp; with the threads before it in the warp; and then one by one.

#if ON_GPU

HELPER T warp_sums(T sum)
{
    UNROLL for (u32 d = 1; d < 32; d *= 2) {
        const T other = __shfl_up_sync(~0u, sum, d);
        if (threadIdx.x % 32 >= d) sum += other;
    }
    return sum;
}

HELPER T before_lane(T sums, u32 lane)
{
    const T other = __shfl_sync(~0u, sums, (lane + 31) % 32);
    return lane ? other : (T)0;
}

struct tile {
    four some[ROWS];
    T sums[ROWS]; // of a warp's threads up to this one
    T all;        // of the tile's warps up to the lane's
};

HELPER void tile_load(tile *x, const T *from, u64 at, u64 end)
{
    const bool whole = at + TILE <= end;
    at += 4 * threadIdx.x;
    UNROLL for (u32 r = 0; r < ROWS; r++) {
        T *v = x->some[r].v;
        if (whole) x->some[r] = *(const four *)(from + at + r * ROW);
        else UNROLL for (u32 k = 0; k < 4; k++) v[k] = at + r * ROW + k < end ? from[at + r * ROW + k] : (T)0;
    }
}

// `room` is another one than the tile before had, so that one barrier is enough.
HELPER void tile_add(tile *x, T *room)
{
    const u32 lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    UNROLL for (u32 r = 0; r < ROWS; r++) {
        const T *v = x->some[r].v;
        x->sums[r] = warp_sums(((v[0] + v[1]) + v[2]) + v[3]);
        if (lane == 31) room[r * 8 + warp] = x->sums[r];
    }
    __syncthreads();
    x->all = warp_sums(room[lane]);
}

HELPER T tile_sum(const tile *x) { return __shfl_sync(~0u, x->all, 31); }

HELPER void tile_write(tile *x, T *to, u64 at, u64 end, T before, u32 exclusive)
{
    const u32 lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    const bool whole = at + TILE <= end;
    at += 4 * threadIdx.x;
    UNROLL for (u32 r = 0; r < ROWS; r++) {
        T *v = x->some[r].v, sum = (before + before_lane(x->all, r * 8 + warp)) + before_lane(x->sums[r], lane);
        UNROLL for (u32 k = 0; k < 4; k++) {
            const T next = sum + v[k];
            v[k] = exclusive ? sum : next;
            sum = next;
        }
        if (whole) *(four *)(to + at + r * ROW) = x->some[r];
        else UNROLL for (u32 k = 0; k < 4; k++) if (at + r * ROW + k < end) to[at + r * ROW + k] = v[k];
    }
}

HELPER T tile_scan(const T *from, T *to, u64 at, u64 end, T before, u32 exclusive, T *room)
{
    tile x;
    tile_load(&x, from, at, end);
    tile_add(&x, room);
    tile_write(&x, to, at, end, before, exclusive);
    return before + tile_sum(&x);
}

#elif FLOATING

HELPER void NAME(warp_sums)(T *sums)
{
    T was[32];
    for (u32 d = 1; d < 32; d *= 2) {
        memcpy(was, sums, sizeof was);
        for (u32 lane = d; lane < 32; lane++) sums[lane] = was[lane] + was[lane - d];
    }
}

HELPER T NAME(tile_scan)(const T *from, T *to, u64 at, u64 end, T before, u32 exclusive, T *warps)
{
    T some[TILE], sums[ROWS * THREADS];
    const u64 count = end - at < TILE ? end - at : TILE;
    memcpy(some, from + at, count * sizeof *some);
    for (u64 i = count; i < TILE; i++) some[i] = 0;
    for (u32 i = 0; i < ROWS * THREADS; i++)
        sums[i] = ((some[4 * i] + some[4 * i + 1]) + some[4 * i + 2]) + some[4 * i + 3];
    for (u32 w = 0; w < 32; w++) {
        NAME(warp_sums)(sums + 32 * w);
        warps[w] = sums[32 * w + 31];
    }
    NAME(warp_sums)(warps);
    for (u32 i = 0; i < ROWS * THREADS; i++) {
        T sum = (before + (i < 32 ? 0 : warps[i / 32 - 1])) + (i % 32 ? sums[i - 1] : 0);
        for (u32 k = 4 * i; k < 4 * i + 4; k++) {
            const T next = sum + some[k];
            some[k] = exclusive ? sum : next;
            sum = next;
        }
    }
    memcpy(to + at, some, count * sizeof *some);
    return before + warps[31];
}

#else // whole numbers: the order is all the same

HELPER T NAME(tile_scan)(const T *from, T *to, u64 at, u64 end, T before, u32 exclusive, T *room)
{
    const u64 stop = end - at < TILE ? end : at + TILE;
    (void)room;
    if (exclusive)
        for (; at < stop; at++) {
            const T one = from[at];
            to[at] = before;
            before += one;
        }
    else
        for (; at < stop; at++) to[at] = before += from[at];
    return before;
}

#endif

K7(chunk_scan, READ, from, READ, sums_, WRITE, to, COUNT, n, COUNT, chunk, WORD, exclusive, WORD, total)
{
    const T *sums = (const T *)sums_;
    const u64 begin = BLOCK * chunk, end = n - begin < chunk ? n : begin + chunk;
    SHARED(T, room, THREADS);
    SHARED(T, warps, 64);
    EACH_THREAD(t) {
        T sum = 0;
        for (u64 c = t; c < BLOCK; c += THREADS) sum += sums[c];
        room[t] = sum;
    }
    BARRIER
    SUM_UP(room)
    T before = room[0];
    for (u64 at = begin, turn = 0; at < end; at += TILE, turn ^= 32)
        before = NAME(tile_scan)((const T *)from, (T *)to, at, end, before, exclusive, warps + turn);
    EACH_THREAD(t) if (t == 0 && total && end == n) ((T *)to)[n] = before;
}

// ---- Whole numbers in one turn over the memory ----------------------------------------------------------------
// Nothing depends on the order in which they are added. Each block takes the next chunk, sums it, leaves that in the
// chunk's state, and gets what stands before it from the states of those before it, which are taken already. states[0] counts
// the chunks that are taken.

#if ON_GPU && SHORT // T and what is known of it are one word

#define PART ((u64)1 << 32)  // the chunk's own sum is there
#define KNOWN ((u64)2 << 32) // and that of all before it too

K2(clear_chain, WRITE, states, COUNT, count)
{
    const u64 at = (u64)BLOCK * THREADS + threadIdx.x;
    if (at < count) ((u64 *)states)[at] = 0;
}

// By one warp: 32 states at a time, back to the first that knows all before it.
HELPER T look_back(volatile u64 *states, u64 number)
{
    const u32 lane = threadIdx.x % 32;
    T before = 0;
    for (i64 last = (i64)number - 1;; last -= 32) {
        u64 word;
        do word = last >= lane ? states[last - lane] : KNOWN; while (__any_sync(~0u, word < PART));
        const u32 known = __ballot_sync(~0u, word >= KNOWN);
        const u32 stop = known ? __ffs(known) - 1 : 31;
        T part = lane <= stop ? (T)word : 0;
        UNROLL for (u32 d = 16; d > 0; d /= 2) part += __shfl_xor_sync(~0u, part, d);
        before += part;
        if (known) return before;
    }
}

// Of a tile or two: two are fewer states, and more on its way at once.
K7(chain_scan, READ, from, WRITE, to, WRITE, states_, COUNT, n, COUNT, chunk, WORD, exclusive, WORD, total)
{
    __shared__ T room[64], shared_before;
    __shared__ u64 taken;
    volatile u64 *states = (volatile u64 *)states_ + 1;
    const bool two = chunk > TILE;
    tile x, y;
    if (threadIdx.x == 0) taken = atomicAdd((u64 *)states_, (u64)1);
    __syncthreads();
    const u64 number = taken, at = number * chunk;
    tile_load(&x, (const T *)from, at, n);
    if (two) tile_load(&y, (const T *)from, at + TILE, n);
    tile_add(&x, room);
    if (two) tile_add(&y, room + 32);
    const T first = tile_sum(&x), sum = first + (two ? tile_sum(&y) : (T)0);
    if (threadIdx.x < 32) {
        if (threadIdx.x == 0) states[number] = PART | sum;
        const T before = look_back(states, number);
        if (threadIdx.x == 0) {
            states[number] = KNOWN | (T)(before + sum);
            shared_before = before;
        }
    }
    __syncthreads();
    tile_write(&x, (T *)to, at, n, shared_before, exclusive);
    if (two) tile_write(&y, (T *)to, at + TILE, n, shared_before + first, exclusive);
    if (threadIdx.x == 0 && total && at + chunk >= n) ((T *)to)[n] = shared_before + sum;
}

#elif !ON_GPU && !FLOATING

// By as many blocks as there are cores, each chunk twice, the second time from the cache. A state is two numbers: is it
// known what stands before the chunk, and that.

K2(clear_chain, WRITE, states, COUNT, count)
{
    (void)BLOCK;
    memset(states, 0, count * sizeof(u64));
    ((u64 *)states)[1] = 1; // before the first there is nothing
}

K7(chain_scan, READ, from_, WRITE, to, WRITE, states, COUNT, n, COUNT, chunk, WORD, exclusive, WORD, total)
{
    const T *from = (const T *)from_;
    u64 *next = (u64 *)states, begin;
    (void)BLOCK;
    while ((begin = chunk * __atomic_fetch_add(next, 1, __ATOMIC_RELAXED)) < n) {
        const u64 end = n - begin < chunk ? n : begin + chunk;
        u64 *state = next + 1 + begin / chunk * 2;
        T sum = 0, before;
        for (u64 i = begin; i < end; i++) sum += from[i];
        while (!__atomic_load_n(state, __ATOMIC_ACQUIRE)) PAUSE();
        before = (T)state[1];
        state[3] = before + sum;
        __atomic_store_n(state + 2, 1, __ATOMIC_RELEASE);
        for (u64 at = begin; at < end; at += TILE)
            before = NAME(tile_scan)(from, (T *)to, at, end, before, exclusive, NULL);
        if (total && end == n) ((T *)to)[n] = before;
    }
}

#endif
