/* SPDX-License-Identifier: MIT */
/*
 * Threads of a block are fibers of one thread, so that what is the thread's (thread_local) is the block's. A call that
 * waits comes back when others have run, and they have left their own index behind: it is put back.
 *
 * What a warp does together is one shape: each lane brings a cell on its stack, and the last to come fills all of them.
 */
#include "device/host/prelude_blocks.h"

#include <stddef.h>

#define TEXT(...) #__VA_ARGS__ "\n"

/* C++ as C++ */
/* clang-format off */
static const char waiting[] =
    "#define __shared__ thread_local\n"
    "#define GPUMM_SITE const char *gpumm_file = __builtin_FILE(), unsigned gpumm_line = __builtin_LINE()\n"
    TEXT(
    struct gpumm_block {
        unsigned index[3], size[3], grid[3], count, total;
        void (*barrier)(gpumm_block *b, int predicate, const char *file, unsigned line);
        void (*meet)(gpumm_block *b, unsigned mask, void *cell, void (*combine)(void *const *cells, unsigned members),
                     const char *file, unsigned line);
        unsigned (*active)(gpumm_block *b, const char *file, unsigned line);
        void (*yield)(gpumm_block *b);
    };
    static __thread gpumm_block *gpumm_here;
    GPUMM gpumm_block *gpumm_wait(int predicate, const char *file, unsigned line) {
        uint3 mine = threadIdx;
        gpumm_block *b = gpumm_here;
        b->barrier(b, predicate, file, line);
        threadIdx = mine;
        return b;
    }
    GPUMM void gpumm_meet(unsigned mask, void *cell, void (*combine)(void *const *cells, unsigned members),
                          const char *file, unsigned line) {
        uint3 mine = threadIdx;
        gpumm_here->meet(gpumm_here, mask, cell, combine, file, line);
        threadIdx = mine;
    }
    GPUMM void gpumm_yield() {
        uint3 mine = threadIdx;
        if (gpumm_here && gpumm_here->yield) gpumm_here->yield(gpumm_here);
        threadIdx = mine;
    }
    GPUMM unsigned gpumm_rank() {
        return threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
    }
    GPUMM unsigned gpumm_lane() { return gpumm_rank() % 32; }
    GPUMM int gpumm_next(unsigned &left) {
        int lane = __builtin_ctz(left);
        left &= left - 1;
        return lane;
    }
    GPUMM void __syncthreads(GPUMM_SITE) { gpumm_wait(0, gpumm_file, gpumm_line); }
    GPUMM int __syncthreads_count(int p, GPUMM_SITE) { return (int)gpumm_wait(p, gpumm_file, gpumm_line)->count; }
    GPUMM int __syncthreads_or(int p, GPUMM_SITE) { return gpumm_wait(p, gpumm_file, gpumm_line)->count > 0; }
    GPUMM int __syncthreads_and(int p, GPUMM_SITE) {
        gpumm_block *b = gpumm_wait(p, gpumm_file, gpumm_line);
        return b->count == b->total;
    }
    static void gpumm_nothing(void *const *, unsigned) {}
    GPUMM void __syncwarp(unsigned mask = 0xffffffffu, GPUMM_SITE) {
        gpumm_meet(mask, nullptr, gpumm_nothing, gpumm_file, gpumm_line);
    }
    GPUMM unsigned __activemask(GPUMM_SITE) {
        uint3 mine = threadIdx;
        unsigned lanes = gpumm_here->active(gpumm_here, gpumm_file, gpumm_line);
        threadIdx = mine;
        return lanes;
    }
);

/* A lane that nobody can read from gives back one's own value. */
static const char shuffles[] =
    TEXT(
    template <class T> struct gpumm_shuffle {
        T value;
        unsigned from;
    };
    template <class T> static void gpumm_shuffle_all(void *const *cells, unsigned members) {
        alignas(T) unsigned char values[32][sizeof(T)];
        for (unsigned left = members; left;) {
            int lane = gpumm_next(left);
            __builtin_memcpy(values[lane], &((gpumm_shuffle<T> *)cells[lane])->value, sizeof(T));
        }
        for (unsigned left = members; left;) {
            gpumm_shuffle<T> *cell = (gpumm_shuffle<T> *)cells[gpumm_next(left)];
            if (members >> cell->from & 1) __builtin_memcpy(&cell->value, values[cell->from], sizeof(T));
        }
    }
    template <class T> GPUMM T gpumm_shuffled(unsigned mask, T value, unsigned from, const char *file, unsigned line) {
        gpumm_shuffle<T> cell = {value, from % 32};
        gpumm_meet(mask, &cell, gpumm_shuffle_all<T>, file, line);
        return cell.value;
    }
    template <class T> GPUMM T gpumm_shfl(unsigned mask, T v, int from, int width, const char *file, unsigned line) {
        unsigned lane = gpumm_lane();
        return gpumm_shuffled(mask, v, (lane & ~(unsigned)(width - 1)) | ((unsigned)from & (width - 1)), file, line);
    }
    template <class T> GPUMM T gpumm_shfl_up(unsigned mask, T v, unsigned by, int width, const char *file,
                                             unsigned line) {
        unsigned lane = gpumm_lane();
        return gpumm_shuffled(mask, v, (lane & (width - 1)) < by ? lane : lane - by, file, line);
    }
    template <class T> GPUMM T gpumm_shfl_down(unsigned mask, T v, unsigned by, int width, const char *file,
                                               unsigned line) {
        unsigned lane = gpumm_lane();
        unsigned within = lane & (width - 1);
        return gpumm_shuffled(mask, v, by >= width - within ? lane : lane + by, file, line);
    }
    template <class T> GPUMM T gpumm_shfl_xor(unsigned mask, T v, int with, int width, const char *file,
                                              unsigned line) {
        unsigned lane = gpumm_lane();
        unsigned from = lane ^ (unsigned)with;
        return gpumm_shuffled(mask, v, from > (lane | (width - 1)) ? lane : from, file, line);
    }
) "#define GPUMM_SHUFFLE(N, A)"
    " template <class T> GPUMM T __##N##_sync(unsigned mask, T v, A by, int width = 32, GPUMM_SITE) {"
    " static_assert(sizeof(T) <= 8, \"a shuffle takes values of 32 and 64 bits\");"
    " return gpumm_##N(mask, v, by, width, gpumm_file, gpumm_line); }\n"
    "GPUMM_SHUFFLE(shfl, int) GPUMM_SHUFFLE(shfl_up, unsigned)\n"
    "GPUMM_SHUFFLE(shfl_down, unsigned) GPUMM_SHUFFLE(shfl_xor, int)\n"
    "#undef GPUMM_SHUFFLE\n";

static const char votes[] =
    TEXT(
    struct gpumm_vote {
        unsigned long long key;
        unsigned mask;
        int all;
    };
    GPUMM gpumm_vote *gpumm_vote_of(void *cell) { return (gpumm_vote *)cell; }
    static void gpumm_ballot_all(void *const *cells, unsigned members) {
        unsigned mask = 0;
        for (unsigned left = members; left;) {
            int lane = gpumm_next(left);
            mask |= (unsigned)(gpumm_vote_of(cells[lane])->key != 0) << lane;
        }
        for (unsigned left = members; left;) {
            gpumm_vote *vote = gpumm_vote_of(cells[gpumm_next(left)]);
            vote->mask = mask;
            vote->all = mask == members;
        }
    }
    static void gpumm_match_all(void *const *cells, unsigned members) {
        for (unsigned left = members; left;) {
            unsigned long long key = gpumm_vote_of(cells[__builtin_ctz(left)])->key;
            unsigned mask = 0;
            for (unsigned others = left; others;) {
                int lane = gpumm_next(others);
                mask |= (unsigned)(gpumm_vote_of(cells[lane])->key == key) << lane;
            }
            left &= ~mask;
            for (unsigned same = mask; same;) {
                gpumm_vote *vote = gpumm_vote_of(cells[gpumm_next(same)]);
                vote->mask = mask;
                vote->all = mask == members;
            }
        }
    }
    GPUMM gpumm_vote gpumm_ballot(unsigned mask, int p, const char *file, unsigned line) {
        gpumm_vote vote = {p != 0, 0, 0};
        gpumm_meet(mask, &vote, gpumm_ballot_all, file, line);
        return vote;
    }
    template <class T>
    GPUMM gpumm_vote gpumm_match(unsigned mask, T v, const char *file, unsigned line) {
        static_assert(sizeof(T) <= 8, "a match takes values of 32 and 64 bits");
        gpumm_vote vote = {0, 0, 0};
        __builtin_memcpy(&vote.key, &v, sizeof v);
        gpumm_meet(mask, &vote, gpumm_match_all, file, line);
        return vote;
    }
    GPUMM unsigned __ballot_sync(unsigned mask, int p, GPUMM_SITE) {
        return gpumm_ballot(mask, p, gpumm_file, gpumm_line).mask;
    }
    GPUMM int __any_sync(unsigned mask, int p, GPUMM_SITE) {
        return gpumm_ballot(mask, p, gpumm_file, gpumm_line).mask != 0;
    }
    GPUMM int __all_sync(unsigned mask, int p, GPUMM_SITE) { return gpumm_ballot(mask, p, gpumm_file, gpumm_line).all; }
    template <class T> GPUMM unsigned __match_any_sync(unsigned mask, T v, GPUMM_SITE) {
        return gpumm_match(mask, v, gpumm_file, gpumm_line).mask;
    }
    template <class T> GPUMM unsigned __match_all_sync(unsigned mask, T v, int *all, GPUMM_SITE) {
        gpumm_vote vote = gpumm_match(mask, v, gpumm_file, gpumm_line);
        *all = vote.all;
        return vote.all ? vote.mask : 0;
    }
);

static const char reductions[] =
    "#define GPUMM_REDUCE(N, T, A)"
    " static void gpumm_reduce_##N(void *const *cells, unsigned members) {"
    " unsigned left = members; T a = *(T *)cells[gpumm_next(left)];"
    " while (left) { T b = *(T *)cells[gpumm_next(left)]; a = A; }"
    " for (left = members; left;) *(T *)cells[gpumm_next(left)] = a; }\n"
    "#define GPUMM_REDUCED(F, N, T)"
    " GPUMM T F(unsigned mask, T v, GPUMM_SITE) {"
    " gpumm_meet(mask, &v, gpumm_reduce_##N, gpumm_file, gpumm_line); return v; }\n"
    "GPUMM_REDUCE(addu, unsigned, a + b)\n"
    "GPUMM_REDUCE(addi, int, (int)((unsigned)a + (unsigned)b))\n"
    "GPUMM_REDUCE(minu, unsigned, b < a ? b : a) GPUMM_REDUCE(mini, int, b < a ? b : a)\n"
    "GPUMM_REDUCE(maxu, unsigned, b > a ? b : a) GPUMM_REDUCE(maxi, int, b > a ? b : a)\n"
    "GPUMM_REDUCE(andu, unsigned, a & b) GPUMM_REDUCE(oru, unsigned, a | b) GPUMM_REDUCE(xoru, unsigned, a ^ b)\n"
    "GPUMM_REDUCED(__reduce_add_sync, addu, unsigned) GPUMM_REDUCED(__reduce_add_sync, addi, int)\n"
    "GPUMM_REDUCED(__reduce_min_sync, minu, unsigned) GPUMM_REDUCED(__reduce_min_sync, mini, int)\n"
    "GPUMM_REDUCED(__reduce_max_sync, maxu, unsigned) GPUMM_REDUCED(__reduce_max_sync, maxi, int)\n"
    "GPUMM_REDUCED(__reduce_and_sync, andu, unsigned) GPUMM_REDUCED(__reduce_or_sync, oru, unsigned)\n"
    "GPUMM_REDUCED(__reduce_xor_sync, xoru, unsigned)\n"
    "#undef GPUMM_REDUCE\n#undef GPUMM_REDUCED\n";

/* What a thread that looks again and again for another's deed calls between its looks: the other gets its turn. A lock
   that was not had is such a look. */
static const char turns[] =
    TEXT(
    template <class T> struct gpumm_as { typedef T type; };
    GPUMM void gpumm_nanosleep(unsigned ns) {
        if (gpumm_here && gpumm_here->yield) gpumm_yield();
        else (__nanosleep)(ns);
    }
    template <class T>
    GPUMM T gpumm_cas(T *p, typename gpumm_as<T>::type compare, typename gpumm_as<T>::type v) {
        T was = (atomicCAS)(p, compare, v);
        if (was != compare) gpumm_yield();
        return was;
    }
    template <class T> GPUMM T gpumm_exchange(T *p, typename gpumm_as<T>::type v) {
        T was = (atomicExch)(p, v);
        if (was == v) gpumm_yield();
        return was;
    }
) "#define __nanosleep(ns) gpumm_nanosleep(ns)\n#define atomicCAS(...) gpumm_cas(__VA_ARGS__)\n"
  "#define atomicExch(...) gpumm_exchange(__VA_ARGS__)\n";

/* Threads [begin, end) of a block, in their order: x first. Kernels whose threads run one by one find what theirs have
   left. */
static const char parts[] =
    TEXT(
    template <auto F, class... P>
    GPUMM void gpumm_turns(gpumm_block *b, unsigned begin, unsigned end, P... p) {
        unsigned x = begin % b->size[0];
        unsigned y = begin / b->size[0] % b->size[1];
        unsigned z = begin / b->size[0] / b->size[1];
        gpumm_here = b;
        blockIdx = {b->index[0], b->index[1], b->index[2]};
        blockDim = {b->size[0], b->size[1], b->size[2]};
        gridDim = {b->grid[0], b->grid[1], b->grid[2]};
        for (unsigned t = begin; t < end; x = 0) {
            unsigned last = end - t < blockDim.x - x ? x + (end - t) : blockDim.x;
            t += last - x;
            for (; x < last; x++) {
                threadIdx = {x, y, z};
                F(p...);
            }
            if (++y == blockDim.y) {
                y = 0;
                z++;
            }
        }
    }
    GPUMM void gpumm_alone() {
        gpumm_here = nullptr;
        blockDim = gridDim = {1, 1, 1};
        blockIdx = threadIdx = {0, 0, 0};
    }
    template <auto F, class... P, unsigned... I>
    GPUMM void gpumm_part(void (*)(P...), gpumm_list<I...>, void *const *a, gpumm_block *b, unsigned begin,
                          unsigned end) {
        gpumm_turns<F, P...>(b, begin, end, (P)gpumm_box<typename gpumm_held<P>::type>(a[I]).value()...);
    }
)
    "#define GPUMM_BLOCKS(gpumm_k, gpumm_path)"
    " extern \"C\" __attribute__((visibility(\"default\"))) void gpumm_block_##gpumm_k("
    "void *const *gpumm_a, gpumm_block *gpumm_b, unsigned gpumm_begin, unsigned gpumm_end) {"
    " gpumm_part<&gpumm_path>(&gpumm_path, gpumm_upto<gpumm_arity(&gpumm_path)>::gpumm_made(), gpumm_a, gpumm_b, "
    "gpumm_begin, gpumm_end); }\n"
    "#undef GPUMM_EXPORT\n"
    "#define GPUMM_EXPORT(gpumm_k, gpumm_path)"
    " extern \"C\" __attribute__((visibility(\"default\"))) void gpumm_run_##gpumm_k("
    "void *const *gpumm_a, uint64_t gpumm_begin, uint64_t gpumm_end, uint64_t gpumm_threads, "
    "unsigned gpumm_block) { gpumm_alone(); gpumm_range<&gpumm_path>(&gpumm_path, "
    "gpumm_upto<gpumm_arity(&gpumm_path)>::gpumm_made(), gpumm_a, "
    "gpumm_begin, gpumm_end, gpumm_threads, gpumm_block); }\n";
/* clang-format on */

const char *const gpumm__host_prelude_blocks[] = {waiting, shuffles, votes, reductions, turns, parts, NULL};
