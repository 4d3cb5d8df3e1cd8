// SPDX-License-Identifier: MIT
// How many elements of T fall into each of some bins.

#undef BIN
#if FLOATING // low, high, and bins a unit, as bits
#define BIN(value) \
    (value >= AS_FLOAT((u32)low) && value < AS_FLOAT((u32)high) \
         ? NAME(least_bin)((u32)((value - AS_FLOAT((u32)low)) * AS_FLOAT((u32)step)), bins) \
         : bins)
HELPER u32 NAME(least_bin)(u32 bin, u32 bins)
{
    return bin < bins ? bin : bins - 1;
}
#else // the least, one past the greatest, and values a bin
#define BIN(value) NAME(bin_of)((u64)(value) - low, high - low, step, bins)
HELPER u32 NAME(bin_of)(u64 above, u64 span, u64 step, u32 bins)
{
    return above >= span ? bins : step == 1 ? (u32)above : (u32)(above / step);
}
#endif

#define LOCAL_BINS 4096

K2(clear_bins, WRITE, sums, COUNT, bins)
{
    EACH_THREAD(t) {
        const u64 at = (u64)BLOCK * THREADS + t;
        if (at < bins) ((u64 *)sums)[at] = 0;
    }
}

// Few bins are counted in the block first.
K8(count_bins, READ, from_, WRITE, sums_, COUNT, n, COUNT, chunk, COUNT, low, COUNT, high, COUNT, step, WORD, bins)
{
    const T *from = (const T *)from_;
    u64 *sums = (u64 *)sums_;
    const u64 begin = BLOCK * chunk, end = n - begin < chunk ? n : begin + chunk;
    const bool local = bins <= LOCAL_BINS;
    SHARED(u32, room, LOCAL_BINS);
    if (local) EACH_THREAD(t) for (u32 b = t; b < bins; b += THREADS) room[b] = 0;
    BARRIER
    for (u64 at = begin; at < end; at += ROW) {
        EACH_THREAD(t) {
            u32 bin[4];
            UNROLL for (u32 k = 0; k < 4; k++) {
                const u64 i = at + k * THREADS + t;
                const T value = i < end ? from[i] : (T)0;
                bin[k] = i < end ? BIN(value) : bins;
            }
            UNROLL for (u32 k = 0; k < 4; k++) {
                if (bin[k] >= bins) continue;
                if (local) ADD_SHARED(room + bin[k]);
                else ADD_GLOBAL(sums + bin[k], (u64)1);
            }
        }
    }
    BARRIER
    if (local) EACH_THREAD(t) for (u32 b = t; b < bins; b += THREADS) if (room[b]) ADD_GLOBAL(sums + b, (u64)room[b]);
}

K4(put_bins, READ, sums, WRITE, to, COUNT, bins, COUNT, wide)
{
    EACH_THREAD(t) {
        const u64 at = (u64)BLOCK * THREADS + t;
        if (at < bins && wide == 8) ((u64 *)to)[at] = ((const u64 *)sums)[at];
        else if (at < bins) ((u32 *)to)[at] = (u32)((const u64 *)sums)[at];
    }
}
