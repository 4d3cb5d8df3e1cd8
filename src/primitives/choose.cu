// SPDX-License-Identifier: MIT
// What of V is kept: where a flag says so, or (UNIQUE) where it differs from the element before.

#undef KEPT
#if UNIQUE
#define KEPT(i) ((i) == 0 || from[i] != from[(i) - 1])
#else
#define KEPT(i) (bytes == 1 ? ((const u8 *)flags)[i] != 0 : ((const u32 *)flags)[i] != 0)
#endif

// How many a chunk keeps.
K6(chunk_kept, READ, from_, READ, flags, WRITE, kept, COUNT, n, COUNT, chunk, WORD, bytes)
{
    const V *from = (const V *)from_;
    const u64 begin = BLOCK * chunk, end = n - begin < chunk ? n : begin + chunk;
    OWN(u64, sum);
    SHARED(u64, room, THREADS);
    (void)from, (void)flags, (void)bytes;
    EACH_THREAD(t) MINE(sum, t) = 0;
    for (u64 at = begin; at < end; at += ROW) {
        EACH_THREAD(t) {
            UNROLL for (u32 k = 0; k < 4; k++) {
                const u64 i = at + k * THREADS + t;
                if (i < end && KEPT(i)) MINE(sum, t)++;
            }
        }
    }
    EACH_THREAD(t) room[t] = MINE(sum, t);
    BARRIER
    for (u32 half = THREADS / 2; half > 0; half /= 2) {
        EACH_THREAD(t) if (t < half) room[t] += room[t + half];
        BARRIER
    }
    EACH_THREAD(t) if (t == 0) ((u64 *)kept)[BLOCK] = room[0];
}

// Puts what is kept behind what earlier chunks keep, and how many there are of all to `count`, if there is one. Without
// `from` it is the positions that are put there.
K10(chunk_choose, READ, from_, READ, flags, READ, kept_, WRITE, to_, WRITE, count, COUNT, n, COUNT, chunk, WORD, bytes,
    WORD, positions, WORD, wide)
{
    const V *from = (const V *)from_;
    const u64 *kept = (const u64 *)kept_;
    V *to = (V *)to_;
    const u64 begin = BLOCK * chunk, end = n - begin < chunk ? n : begin + chunk;
    SHARED(u64, room, THREADS);
    SHARED(u32, warps, THREADS / 32);
    OWN(u32, many);
    OWN(u32, rank);
    (void)flags, (void)bytes;
    EACH_THREAD(t) {
        u64 sum = 0;
        for (u64 c = t; c < BLOCK; c += THREADS) sum += kept[c];
        room[t] = sum;
    }
    BARRIER
    for (u32 half = THREADS / 2; half > 0; half /= 2) {
        EACH_THREAD(t) if (t < half) room[t] += room[t + half];
        BARRIER
    }
    u64 before = room[0];
    for (u64 at = begin; at < end; at += ROW) {
        EACH_THREAD(t) {
            u32 bits = 0;
            UNROLL for (u32 k = 0; k < 4; k++) {
                const u64 i = at + 4 * t + k;
                if (i < end && KEPT(i)) bits |= 1u << k;
            }
            MINE(many, t) = BITS_IN(bits);
        }
        RANK(many, rank, warps, total);
        EACH_THREAD(t) {
            u64 next = before + MINE(rank, t);
            if (MINE(many, t)) UNROLL for (u32 k = 0; k < 4; k++) {
                const u64 i = at + 4 * t + k;
                if (i < end && KEPT(i)) to[next++] = positions ? (V)i : from[i];
            }
        }
        before += total;
    }
    EACH_THREAD(t) if (t == 0 && wide && end == n) {
        if (wide == 8) *(u64 *)count = before;
        else *(u32 *)count = (u32)before;
    }
}
