// SPDX-License-Identifier: MIT
// One pass of a stable sort of keys K, with values V or without (VALUED): elements go to their places by one digit of at
// most eight bits. Counts and starts lie chunk by chunk, so that a chunk reads and writes its own at once. On a GPU a tile's
// values are on their way to shared memory while its keys are ranked, where there is room for both (TOGETHER); else they
// follow the keys through the same room.

#define DIGIT(key) ((u32)(ORDERED(key) >> shift) & mask)

// How many of each digit a chunk has.
K7(digit_counts, READ, keys_, WRITE, counts, COUNT, n, COUNT, chunk, WORD, order, WORD, shift, WORD, mask)
{
    ORDER(order);
    const K *keys = (const K *)keys_;
    const u64 begin = BLOCK * chunk, end = n - begin < chunk ? n : begin + chunk;
#if ON_GPU
    SHARED(u32, room, DIGITS * (THREADS / 32)); // a warp's own, so that few meet
    EACH_THREAD(t) UNROLL for (u32 w = 0; w < THREADS / 32; w++) room[w * DIGITS + t] = 0;
    BARRIER
    u32 *mine = room + threadIdx.x / 32 * DIGITS;
    u64 at = begin + threadIdx.x;
    for (; at + 3 * THREADS < end; at += 4 * THREADS) {
        K some[4];
        UNROLL for (u32 k = 0; k < 4; k++) some[k] = keys[at + k * THREADS];
        UNROLL for (u32 k = 0; k < 4; k++) ADD_SHARED(mine + DIGIT(some[k]));
    }
    for (; at < end; at += THREADS) ADD_SHARED(mine + DIGIT(keys[at]));
    BARRIER
    EACH_THREAD(t) {
        u32 sum = 0;
        UNROLL for (u32 w = 0; w < THREADS / 32; w++) sum += room[w * DIGITS + t];
        ((u32 *)counts)[(u64)BLOCK * DIGITS + t] = sum;
    }
#else
    u32 room[4][DIGITS] = {{0}}; /* four, so that equal digits in a row do not wait for one another */
    u64 at = begin;
    for (; at + 3 < end; at += 4)
        for (u32 k = 0; k < 4; k++) room[k][DIGIT(keys[at + k])]++;
    for (; at < end; at++) room[0][DIGIT(keys[at])]++;
    for (u32 d = 0; d < DIGITS; d++)
        ((u32 *)counts)[BLOCK * DIGITS + d] = room[0][d] + room[1][d] + room[2][d] + room[3][d];
#endif
}

#define AT_ONCE 8 // chunks of a thread's, which lie far apart: all are on their way before the first is used

// A block a digit: where each chunk's begin among those of the digit, and how many there are of it.
K4(digit_starts, READ, counts_, WRITE, starts_, WRITE, totals, COUNT, chunks)
{
    const u32 *counts = (const u32 *)counts_ + BLOCK;
    u64 *starts = (u64 *)starts_ + BLOCK;
    SHARED(u32, room, THREADS / 32);
    OWN(u32, value);
    OWN(u32, rank);
    OWNS(u32, some, AT_ONCE);
    u64 before = 0;
    for (u64 c = 0; c < chunks; c += AT_ONCE * THREADS) {
        EACH_THREAD(t) UNROLL for (u32 k = 0; k < AT_ONCE; k++) {
            const u64 i = c + k * THREADS + t;
            MINE(some, t)[k] = i < chunks ? counts[i * DIGITS] : 0;
        }
        UNROLL for (u32 k = 0; k < AT_ONCE; k++) {
            const u64 first = c + k * THREADS;
            if (first >= chunks) break;
            EACH_THREAD(t) MINE(value, t) = MINE(some, t)[k];
            RANK(value, rank, room, total);
            EACH_THREAD(t) if (first + t < chunks) starts[(first + t) * DIGITS] = before + MINE(rank, t);
            before += total;
        }
    }
    EACH_THREAD(t) if (t == 0) ((u64 *)totals)[BLOCK] = before;
}

#if ON_GPU

// Where each digit of this chunk goes: behind all lesser digits, and behind those of earlier chunks.
HELPER u64 digit_place(const u64 *starts, const u64 *totals, u64 *room)
{
    const u32 t = threadIdx.x, lane = t % 32;
    const u64 mine = totals[t];
    u64 sum = mine;
    UNROLL for (u32 d = 1; d < 32; d *= 2) {
        const u64 other = __shfl_up_sync(~0u, sum, d);
        if (lane >= d) sum += other;
    }
    if (lane == 31) room[t / 32] = sum;
    __syncthreads();
    for (u32 w = 0; w < t / 32; w++) sum += room[w];
    __syncthreads();
    return sum - mine + starts[(u64)BLOCK * DIGITS + t];
}

#define ITEMS (TILE / THREADS)

// Ranks among those of the warp with the same digit, item by item; counts in the warp's own row.
HELPER u32 rank_in_warp(u32 digit, u32 *counts)
{
    const u32 below = (1u << threadIdx.x % 32) - 1;
    u32 peers = ~0u;
    UNROLL for (u32 b = 0; b < 8; b++) {
        const bool bit = digit >> b & 1;
        const u32 votes = __ballot_sync(~0u, bit);
        peers &= bit ? votes : ~votes;
    }
    const u32 before = counts[digit];
    __syncwarp();
    if ((peers & below) == 0) counts[digit] = before + __popc(peers);
    __syncwarp();
    return before + __popc(peers & below);
}

// In the tile, for the thread's own digit: the warps' counts become where theirs begin.
HELPER u32 start_digit(u32 *counts, u32 *room, u32 *sum)
{
    const u32 t = threadIdx.x;
    u32 all = 0, total;
    UNROLL for (u32 w = 0; w < THREADS / 32; w++) {
        const u32 one = counts[w * DIGITS + t];
        counts[w * DIGITS + t] = all;
        all += one;
    }
    const u32 start = rank_of(all, room, &total);
    UNROLL for (u32 w = 0; w < THREADS / 32; w++) counts[w * DIGITS + t] += start;
    *sum = all;
    return start;
}

#if TOGETHER

// Values of a tile begin their way to shared memory, past the registers.
HELPER void fetch_values(const V *values, V *room, u32 first, u32 count)
{
    UNROLL for (u32 i = 0; i < ITEMS; i++) {
        const u32 slot = first + 32 * i, to = (u32)__cvta_generic_to_shared(room + slot);
        if (slot < count) asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" ::"r"(to), "l"(values + slot) : "memory");
    }
}

// Those that this thread fetched are there.
HELPER void await_values(void) { asm volatile("cp.async.wait_all;" ::: "memory"); }

#endif

#endif

K11(scatter, READ, keys_, READ, values_, READ, starts, READ, totals, WRITE, to_keys, WRITE, to_values, COUNT, n, COUNT,
    chunk, WORD, order, WORD, shift, WORD, mask)
{
    ORDER(order);
    const K *keys = (const K *)keys_;
    const u64 begin = BLOCK * chunk, end = n - begin < chunk ? n : begin + chunk;
#if VALUED
    const V *values = (const V *)values_;
#else
    (void)values_, (void)to_values;
#endif
#if ON_GPU
    __shared__ STAGED room[TILE]; // of the larger of K and V
#if TOGETHER
    __shared__ V fetched[TILE];
#endif
    __shared__ u32 counts[THREADS / 32 * DIGITS], warps[THREADS / 32];
    __shared__ u64 places[DIGITS], next[DIGITS]; // of a tile's slots, and of what comes after it
    const u32 t = threadIdx.x, warp = t / 32, lane = t % 32;
    next[t] = digit_place((const u64 *)starts, (const u64 *)totals, places);
    for (u64 at = begin; at < end; at += TILE) {
        const u32 count = end - at < TILE ? (u32)(end - at) : TILE, first = warp * (32 * ITEMS) + lane;
        K key[ITEMS];
        u32 rank[ITEMS], sum;
        UNROLL for (u32 w = 0; w < THREADS / 32; w++) counts[w * DIGITS + t] = 0;
#if TOGETHER
        fetch_values(values + at, fetched, first, count);
#endif
        UNROLL for (u32 i = 0; i < ITEMS; i++) // what is not there comes last
            key[i] = first + 32 * i < count ? keys[at + first + 32 * i] : RESTORED((K)~(K)0);
        __syncthreads();
        UNROLL for (u32 i = 0; i < ITEMS; i++) { // with the digit above it
            const u32 digit = DIGIT(key[i]);
            rank[i] = digit << 16 | rank_in_warp(digit, counts + warp * DIGITS);
        }
        __syncthreads();
#if !TOGETHER
        u32 digits[ITEMS / 4];
#endif
        const u32 start = start_digit(counts, warps, &sum);
        places[t] = next[t] - start;
        next[t] += sum;
        __syncthreads();
        UNROLL for (u32 i = 0; i < ITEMS; i++) {
            rank[i] = (rank[i] & 0xffff) + counts[warp * DIGITS + (rank[i] >> 16)];
            room[rank[i]] = (STAGED)key[i];
        }
#if TOGETHER // to their places in the tile as the keys, which are done with, and out with them
        await_values();
        UNROLL for (u32 i = 0; i < ITEMS; i++)
            if (first + 32 * i < count) key[i] = (K)fetched[first + 32 * i];
        __syncthreads();
        UNROLL for (u32 i = 0; i < ITEMS; i++) fetched[rank[i]] = (V)key[i];
        __syncthreads();
        UNROLL_EIGHT for (u32 i = 0; i < ITEMS; i++) {
            const u32 slot = t + i * THREADS;
            const u64 to = places[DIGIT((K)room[slot])] + slot;
            if (slot < count) {
                ((K *)to_keys)[to] = (K)room[slot];
                ((V *)to_values)[to] = fetched[slot];
            }
        }
        __syncthreads();
#else
        __syncthreads();
        UNROLL for (u32 i = 0; i < ITEMS; i++) {
            const u32 slot = t + i * THREADS, digit = DIGIT((K)room[slot]);
            digits[i / 4] = (i % 4 ? digits[i / 4] : 0) | digit << i % 4 * 8;
            if (slot < count) ((K *)to_keys)[places[digit] + slot] = (K)room[slot];
        }
        __syncthreads();
#endif
#if VALUED && !TOGETHER
        UNROLL for (u32 i = 0; i < ITEMS; i++)
            if (first + 32 * i < count) room[rank[i]] = (STAGED)values[at + first + 32 * i];
        __syncthreads();
        UNROLL for (u32 i = 0; i < ITEMS; i++) {
            const u32 slot = t + i * THREADS, digit = digits[i / 4] >> i % 4 * 8 & 255;
            if (slot < count) ((V *)to_values)[places[digit] + slot] = (V)room[slot];
        }
        __syncthreads();
#endif
    }
#else
    u64 next[DIGITS], before = 0;
    for (u32 d = 0; d < DIGITS; d++) {
        next[d] = before + ((const u64 *)starts)[BLOCK * DIGITS + d];
        before += ((const u64 *)totals)[d];
    }
    for (u64 i = begin; i < end; i++) {
        const u64 at = next[DIGIT(keys[i])]++;
        ((K *)to_keys)[at] = keys[i];
#if VALUED
        ((V *)to_values)[at] = values[i];
#endif
    }
#endif
}
