// SPDX-License-Identifier: MIT
// Keys K that compare as unsigned numbers. `order` says how: 1 turns the sign, 2 the order of negative floats, whose bits
// count backwards, and 4 all of it. Floats are in the order of IEEE 754's totalOrder.

#define KEY_BITS ((u32)(8 * sizeof(K)))
#define SIGN_OF(bits) ((K)((bits) >> (KEY_BITS - 1)))
#define ORDER(order) \
    const K top = (order) & 1 ? (K)1 << (KEY_BITS - 1) : 0, fold = (order) & 2 ? (K)~(K)0 : 0, \
            turn = (order) & 4 ? (K)~(K)0 : 0
#define ORDERED(value) NAME(ordered)((value), top, fold, turn)
#define RESTORED(key) NAME(restored)((key), top, fold, turn)

HELPER K NAME(ordered)(K bits, K top, K fold, K turn)
{
    return bits ^ (top | ((K)(0 - SIGN_OF(bits)) & fold)) ^ turn;
}

HELPER K NAME(restored)(K key, K top, K fold, K turn)
{
    key ^= turn;
    return fold && !SIGN_OF(key) ? (K)~key : (K)(key ^ top);
}

#define LEAST(room) \
    for (u32 half = THREADS / 2; half > 0; half /= 2) { \
        EACH_THREAD(t) if (t < half) room[t] = room[t + half] < room[t] ? room[t + half] : room[t]; \
        BARRIER \
    }
