// SPDX-License-Identifier: MIT
// The least of K, and where it stands first. Keys are compared as unsigned numbers in the order that key.cu makes.

FOUR(K, NAME(four));

// The least key of every chunk.
K5(chunk_least, READ, from_, WRITE, least, COUNT, n, COUNT, chunk, WORD, order)
{
    ORDER(order);
    const K *from = (const K *)from_;
    const u64 begin = BLOCK * chunk, end = n - begin < chunk ? n : begin + chunk;
    u64 row = (end - begin) / ROW;
    OWNS(K, low, 4);
    SHARED(K, room, THREADS);
    EACH_THREAD(t) {
        UNROLL for (u32 k = 0; k < 4; k++) {
            const u64 at = begin + row * ROW + 4 * t + k;
            MINE(low, t)[k] = at < end ? ORDERED(from[at]) : (K)~(K)0;
        }
    }
    UNROLL_ROWS for (; row > 0; row--) {
        const NAME(four) *rows = (const NAME(four) *)(from + begin + (row - 1) * ROW);
        EACH_THREAD(t) {
            const NAME(four) some = rows[t];
            UNROLL for (u32 k = 0; k < 4; k++) {
                const K key = ORDERED(some.v[k]);
                MINE(low, t)[k] = key < MINE(low, t)[k] ? key : MINE(low, t)[k];
            }
        }
    }
    EACH_THREAD(t) {
        K low_ = MINE(low, t)[0];
        UNROLL for (u32 k = 1; k < 4; k++) low_ = MINE(low, t)[k] < low_ ? MINE(low, t)[k] : low_;
        room[t] = low_;
    }
    BARRIER
    LEAST(room)
    EACH_THREAD(t) if (t == 0) ((K *)least)[BLOCK] = room[0];
}

// Of all chunks, in one block: what it is (wide: 0), or its position, as a u32 or u64 (wide: 4, 8).
K8(least_of_all, READ, from, READ, chunks_, WRITE, to, COUNT, count, COUNT, n, COUNT, chunk, WORD, order, WORD, wide)
{
    ORDER(order);
    const K *chunks = (const K *)chunks_;
    SHARED(K, room, THREADS);
    SHARED(u64, places, THREADS);
    (void)BLOCK;
    EACH_THREAD(t) {
        K low = (K)~(K)0;
        for (u64 c = t; c < count; c += THREADS) low = chunks[c] < low ? chunks[c] : low;
        room[t] = low;
    }
    BARRIER
    LEAST(room)
    const K key = room[0];
    if (!wide) {
        EACH_THREAD(t) if (t == 0) *(K *)to = RESTORED(key);
        return;
    }
    EACH_THREAD(t) {
        u64 first = ~(u64)0;
        for (u64 c = t; c < count && first > c; c += THREADS) first = chunks[c] == key ? c : first;
        places[t] = first;
    }
    BARRIER
    LEAST(places)
    const u64 begin = places[0] * chunk, end = n - begin < chunk ? n : begin + chunk;
    BARRIER
    EACH_THREAD(t) places[t] = ~(u64)0;
    for (u64 at = begin; n > 0 && at < end; at += THREADS) {
        EACH_THREAD(t) if (at + t < end && at + t < places[t] && ORDERED(((const K *)from)[at + t]) == key)
            places[t] = at + t;
    }
    BARRIER
    LEAST(places)
    EACH_THREAD(t) if (t == 0) {
        if (wide == 8) *(u64 *)to = places[0];
        else *(u32 *)to = (u32)places[0];
    }
}
