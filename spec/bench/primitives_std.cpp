// SPDX-License-Identifier: MIT
// The standard library's scan and stable sort on one core, for primitives_bench.lua: as primitives_cub.cu.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <vector>

struct pair {
    unsigned key, value;
};

static double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// `prepare` does not count.
template <class P, class F> static double median(int rounds, P prepare, F f) {
    std::vector<double> times;
    for (int i = 0; i < rounds; i++) {
        prepare();
        const double from = now();
        f();
        times.push_back(now() - from);
    }
    std::sort(times.begin(), times.end());
    return times[times.size() / 2];
}

int main(int argc, char **argv) {
    const size_t n = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1 << 24;
    const int rounds = argc > 2 ? std::atoi(argv[2]) : 5;
    std::vector<unsigned> keys(n), to(n);
    std::vector<pair> pairs(n);
    for (size_t i = 0; i < n; i++) {
        const unsigned s = (unsigned)i * 2654435761u;
        keys[i] = s ^ s >> 13;
    }
    std::printf("scan %.9f\n", median(
                                   rounds, [] {}, [&] { std::inclusive_scan(keys.begin(), keys.end(), to.begin()); }));
    std::printf("pairs %.9f\n", median(
                                    1,
                                    [&] {
                                        for (size_t i = 0; i < n; i++) pairs[i] = {keys[i], (unsigned)i};
                                    },
                                    [&] {
                                        std::stable_sort(pairs.begin(), pairs.end(),
                                                         [](const pair &a, const pair &b) { return a.key < b.key; });
                                    }));
    std::printf("keys %.9f\n", median(
                                   1, [&] { to = keys; }, [&] { std::stable_sort(to.begin(), to.end()); }));
    return 0;
}
