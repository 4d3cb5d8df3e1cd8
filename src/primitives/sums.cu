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

// `room` is another one than the tile before had, so that one barrier is enough.
HELPER T tile_scan(const T *from, T *to, u64 at, u64 end, T before, u32 exclusive, T *room)
{
    const u32 lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    const bool whole = end - at >= TILE;
    four some[ROWS];
    T sums[ROWS];
    at += 4 * threadIdx.x;
    UNROLL for (u32 r = 0; r < ROWS; r++) {
        if (whole) some[r] = *(const four *)(from + at + r * ROW);
        else UNROLL for (u32 k = 0; k < 4; k++) some[r].v[k] = at + r * ROW + k < end ? from[at + r * ROW + k] : (T)0;
        sums[r] = warp_sums(((some[r].v[0] + some[r].v[1]) + some[r].v[2]) + some[r].v[3]);
        if (lane == 31) room[r * 8 + warp] = sums[r];
    }
    __syncthreads();
    const T all = warp_sums(room[lane]);
    UNROLL for (u32 r = 0; r < ROWS; r++) {
        const T warps = before_lane(all, r * 8 + warp);
        T sum = (before + warps) + before_lane(sums[r], lane);
        UNROLL for (u32 k = 0; k < 4; k++) {
            const T one = some[r].v[k], next = sum + one;
            some[r].v[k] = exclusive ? sum : next;
            sum = next;
        }
        if (whole) *(four *)(to + at + r * ROW) = some[r];
        else UNROLL for (u32 k = 0; k < 4; k++) if (at + r * ROW + k < end) to[at + r * ROW + k] = some[r].v[k];
    }
    return before + __shfl_sync(~0u, all, 31);
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

#if !ON_GPU && !FLOATING

// Whole numbers on the host in one turn over the memory, by as many blocks as there are cores. Each takes the next chunk,
// sums it, adds what stands before, which the one before it has left, and goes over it again while it is in the cache.
// states[0] counts chunks that are taken; then each has one number that says whether it is known what stands before it,
// and that.

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
