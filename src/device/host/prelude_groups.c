/* SPDX-License-Identifier: MIT */
/*
 * cooperative_groups.h as the host has it: a block, tiles of up to 32 threads, threads that are together by chance, and the
 * grid's numbers. Built on the warp functions of CUDA C, so that what is read from the text tells that threads wait.
 */
#include "device/host/prelude_groups.h"

#include <stddef.h>

#define TEXT(...) #__VA_ARGS__ "\n"

/* C++ as C++ */
/* clang-format off */
static const char blocks[] =
    "#pragma once\n" TEXT(
    namespace cooperative_groups {
    struct gpumm_group {};
    class thread_block : public gpumm_group {
      public:
        static void sync(GPUMM_SITE) { __syncthreads(gpumm_file, gpumm_line); }
        static unsigned thread_rank() { return gpumm_rank(); }
        static unsigned size() { return blockDim.x * blockDim.y * blockDim.z; }
        static unsigned num_threads() { return size(); }
        static dim3 group_index() { return blockIdx; }
        static dim3 thread_index() { return threadIdx; }
        static dim3 group_dim() { return blockDim; }
        static dim3 dim_threads() { return blockDim; }
    };
    GPUMM thread_block this_thread_block() { return thread_block(); }
    class grid_group : public gpumm_group {
      public:
        template <class T = void> static void sync() {
            static_assert(sizeof(T) == 0, "a grid's sync needs a cooperative launch, which gpumm does not make");
        }
        static bool is_valid() { return false; }
        static unsigned long long block_rank() {
            return blockIdx.x + (unsigned long long)gridDim.x * (blockIdx.y + (unsigned long long)gridDim.y * blockIdx.z);
        }
        static unsigned long long num_blocks() { return (unsigned long long)gridDim.x * gridDim.y * gridDim.z; }
        static unsigned long long thread_rank() { return block_rank() * thread_block::size() + gpumm_rank(); }
        static unsigned long long size() { return num_blocks() * thread_block::size(); }
        static unsigned long long num_threads() { return size(); }
        static dim3 group_dim() { return gridDim; }
        static dim3 dim_blocks() { return gridDim; }
        static dim3 block_index() { return blockIdx; }
    };
    GPUMM grid_group this_grid() { return grid_group(); }
    }
);

/* Threads of one warp, as a mask of its lanes; ranks are counted among them. */
static const char lanes[] = TEXT(
    namespace cooperative_groups {
    struct gpumm_lanes : gpumm_group {
        unsigned mask;
        unsigned lane_of(unsigned rank) const {
            unsigned left = mask;
            for (unsigned i = 0; i < rank && left; i++) left &= left - 1;
            return left ? __builtin_ctz(left) : 32;
        }
        unsigned packed(unsigned bits) const {
            unsigned result = 0;
            unsigned rank = 0;
            for (unsigned left = mask; left; rank++) result |= (bits >> gpumm_next(left) & 1) << rank;
            return result;
        }
        unsigned thread_rank() const { return __builtin_popcount(mask & ((1u << gpumm_lane()) - 1)); }
        unsigned size() const { return __builtin_popcount(mask); }
        unsigned num_threads() const { return size(); }
        void sync(GPUMM_SITE) const { __syncwarp(mask, gpumm_file, gpumm_line); }
        template <class T> T at(T v, unsigned rank, const char *file, unsigned line) const {
            unsigned lane = rank < size() ? lane_of(rank) : gpumm_lane();
            return gpumm_shuffled(mask, v, lane, file, line);
        }
        int any(int p, GPUMM_SITE) const { return __any_sync(mask, p, gpumm_file, gpumm_line); }
        int all(int p, GPUMM_SITE) const { return __all_sync(mask, p, gpumm_file, gpumm_line); }
        unsigned ballot(int p, GPUMM_SITE) const { return packed(__ballot_sync(mask, p, gpumm_file, gpumm_line)); }
        template <class T> unsigned match_any(T v, GPUMM_SITE) const {
            return packed(__match_any_sync(mask, v, gpumm_file, gpumm_line));
        }
        template <class T> unsigned match_all(T v, int &all, GPUMM_SITE) const {
            return packed(__match_all_sync(mask, v, &all, gpumm_file, gpumm_line));
        }
        template <class T> T shfl(T v, int rank, GPUMM_SITE) const {
            return at(v, (unsigned)rank % size(), gpumm_file, gpumm_line);
        }
        template <class T> T shfl_up(T v, unsigned by, GPUMM_SITE) const {
            unsigned rank = thread_rank();
            return at(v, rank < by ? rank : rank - by, gpumm_file, gpumm_line);
        }
        template <class T> T shfl_down(T v, unsigned by, GPUMM_SITE) const {
            unsigned rank = thread_rank();
            return at(v, by >= size() - rank ? rank : rank + by, gpumm_file, gpumm_line);
        }
    };
    class coalesced_group : public gpumm_lanes {
      public:
        explicit coalesced_group(unsigned lanes, unsigned rank = 0, unsigned count = 1) : of(rank), groups(count) {
            mask = lanes;
        }
        unsigned meta_group_rank() const { return of; }
        unsigned meta_group_size() const { return groups; }
      private:
        unsigned of;
        unsigned groups;
    };
    GPUMM coalesced_group coalesced_threads(GPUMM_SITE) {
        return coalesced_group(__activemask(gpumm_file, gpumm_line));
    }
    GPUMM coalesced_group labeled_partition(const gpumm_lanes &g, int label, GPUMM_SITE) {
        unsigned same = __match_any_sync(g.mask, label, gpumm_file, gpumm_line);
        unsigned first = __ballot_sync(g.mask, gpumm_lane() == (unsigned)__builtin_ctz(same), gpumm_file, gpumm_line);
        unsigned before = __builtin_popcount(first & ((1u << __builtin_ctz(same)) - 1));
        return coalesced_group(same, before, __builtin_popcount(first));
    }
    GPUMM coalesced_group binary_partition(const gpumm_lanes &g, bool p, GPUMM_SITE) {
        unsigned yes = __ballot_sync(g.mask, p, gpumm_file, gpumm_line);
        return coalesced_group(p ? yes : g.mask & ~yes, p ? 1 : 0, 2);
    }
    }
);

static const char tiles[] = TEXT(
    namespace cooperative_groups {
    template <unsigned N, class Parent = void> class thread_block_tile : public gpumm_lanes {
        static_assert(N && N <= 32 && !(N & (N - 1)), "a tile has 1, 2, 4, 8, 16 or 32 threads on the host device");
      public:
        explicit thread_block_tile(unsigned rank, unsigned count) : of(rank), groups(count) {
            mask = (N == 32 ? 0xffffffffu : (1u << N % 32) - 1) << (gpumm_lane() & ~(N - 1));
        }
        template <class Other> thread_block_tile(const thread_block_tile<N, Other> &t)
            : of(t.meta_group_rank()), groups(t.meta_group_size()) {
            mask = t.mask;
        }
        unsigned meta_group_rank() const { return of; }
        unsigned meta_group_size() const { return groups; }
        static unsigned thread_rank() { return gpumm_lane() & (N - 1); }
        static constexpr unsigned size() { return N; }
        static constexpr unsigned num_threads() { return N; }
        template <class T> T shfl(T v, int rank, GPUMM_SITE) const {
            return gpumm_shfl(mask, v, rank, N, gpumm_file, gpumm_line);
        }
        template <class T> T shfl_up(T v, unsigned by, GPUMM_SITE) const {
            return gpumm_shfl_up(mask, v, by, N, gpumm_file, gpumm_line);
        }
        template <class T> T shfl_down(T v, unsigned by, GPUMM_SITE) const {
            return gpumm_shfl_down(mask, v, by, N, gpumm_file, gpumm_line);
        }
        template <class T> T shfl_xor(T v, unsigned with, GPUMM_SITE) const {
            return gpumm_shfl_xor(mask, v, (int)with, N, gpumm_file, gpumm_line);
        }
      private:
        unsigned of;
        unsigned groups;
    };
    template <unsigned N> GPUMM thread_block_tile<N, thread_block> tiled_partition(const thread_block &b) {
        return thread_block_tile<N, thread_block>(b.thread_rank() / N, (b.size() + N - 1) / N);
    }
    template <unsigned N, unsigned M, class P>
    GPUMM thread_block_tile<N, thread_block_tile<M, P>> tiled_partition(const thread_block_tile<M, P> &t) {
        static_assert(N <= M, "a tile's tiles are no larger than it");
        return thread_block_tile<N, thread_block_tile<M, P>>(t.thread_rank() / N, M / N);
    }
    GPUMM coalesced_group tiled_partition(const coalesced_group &g, unsigned n) {
        unsigned rank = g.thread_rank() / n;
        unsigned mask = 0;
        for (unsigned i = rank * n; i < (rank + 1) * n && i < g.size(); i++) mask |= 1u << g.lane_of(i);
        return coalesced_group(mask, rank, (g.size() + n - 1) / n);
    }
    template <class G> GPUMM void sync(const G &g, GPUMM_SITE) { g.sync(gpumm_file, gpumm_line); }
    template <class G> GPUMM auto thread_rank(const G &g) { return g.thread_rank(); }
    template <class G> GPUMM auto group_size(const G &g) { return g.size(); }
    }
);

/* Trees of the shape that a tile's threads make by exchanging with the one at half the distance. */
static const char reductions[] = TEXT(
    namespace cooperative_groups {
    template <class T = void> struct plus;
    template <> struct plus<void> { template <class T> T operator()(T a, T b) const { return a + b; } };
    template <class T> struct plus : plus<void> {};
    template <class T = void> struct less;
    template <> struct less<void> { template <class T> T operator()(T a, T b) const { return b < a ? b : a; } };
    template <class T> struct less : less<void> {};
    template <class T = void> struct greater;
    template <> struct greater<void> { template <class T> T operator()(T a, T b) const { return a < b ? b : a; } };
    template <class T> struct greater : greater<void> {};
    template <class T = void> struct bit_and;
    template <> struct bit_and<void> { template <class T> T operator()(T a, T b) const { return a & b; } };
    template <class T> struct bit_and : bit_and<void> {};
    template <class T = void> struct bit_or;
    template <> struct bit_or<void> { template <class T> T operator()(T a, T b) const { return a | b; } };
    template <class T> struct bit_or : bit_or<void> {};
    template <class T = void> struct bit_xor;
    template <> struct bit_xor<void> { template <class T> T operator()(T a, T b) const { return a ^ b; } };
    template <class T> struct bit_xor : bit_xor<void> {};
    template <unsigned N, class P, class T, class F>
    GPUMM T reduce(const thread_block_tile<N, P> &g, T v, F f, GPUMM_SITE) {
        for (unsigned half = N / 2; half > 0; half /= 2) v = f(v, g.shfl_xor(v, half, gpumm_file, gpumm_line));
        return v;
    }
    template <class T, class F> GPUMM T reduce(const coalesced_group &g, T v, F f, GPUMM_SITE) {
        unsigned rank = g.thread_rank();
        for (unsigned count = g.size(); count > 1; count = (count + 1) / 2) {
            unsigned half = (count + 1) / 2;
            T other = g.shfl_down(v, half, gpumm_file, gpumm_line);
            if (rank + half < count) v = f(v, other);
        }
        return g.shfl(v, 0, gpumm_file, gpumm_line);
    }
    template <class G, class T, class F> GPUMM T inclusive_scan(const G &g, T v, F f, GPUMM_SITE) {
        for (unsigned by = 1; by < g.size(); by *= 2) {
            T other = g.shfl_up(v, by, gpumm_file, gpumm_line);
            if (g.thread_rank() >= by) v = f(other, v);
        }
        return v;
    }
    template <class G, class T> GPUMM T inclusive_scan(const G &g, T v, GPUMM_SITE) {
        return inclusive_scan(g, v, plus<T>(), gpumm_file, gpumm_line);
    }
    template <class G, class T, class F> GPUMM T exclusive_scan(const G &g, T v, F f, GPUMM_SITE) {
        T all = inclusive_scan(g, v, f, gpumm_file, gpumm_line);
        T before = g.shfl_up(all, 1, gpumm_file, gpumm_line);
        return g.thread_rank() ? before : T();
    }
    template <class G, class T> GPUMM T exclusive_scan(const G &g, T v, GPUMM_SITE) {
        return exclusive_scan(g, v, plus<T>(), gpumm_file, gpumm_line);
    }
    }
);

/* Copies are made at once, each thread's part by itself. */
static const char copies[] = TEXT(
    namespace cooperative_groups {
    template <class G, class T> GPUMM void memcpy_async(const G &g, T *to, const T *from, size_t bytes) {
        for (size_t i = g.thread_rank(); i < bytes; i += g.size()) ((char *)to)[i] = ((const char *)from)[i];
    }
    template <class G> GPUMM void wait(const G &g, GPUMM_SITE) { g.sync(gpumm_file, gpumm_line); }
    template <unsigned N, class G> GPUMM void wait_prior(const G &g, GPUMM_SITE) { g.sync(gpumm_file, gpumm_line); }
    }
);
/* clang-format on */

const char *const gpumm__host_prelude_groups[] = {blocks, lanes, tiles, reductions, copies, NULL};
