// SPDX-License-Identifier: MIT
// CUB's scan and sort, for primitives_bench.lua: primitives_cub N ROUNDS prints "scan SECONDS" and "pairs SECONDS",
// "keys SECONDS": medians of ROUNDS rounds of several calls each, by the device's clock.
#include <cub/cub.cuh>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

static void need(cudaError_t error)
{
    if (error == cudaSuccess) return;
    std::fprintf(stderr, "primitives_cub: %s\n", cudaGetErrorString(error));
    std::exit(1);
}

enum { CALLS = 20 };

template <class F> static double median(int rounds, F f)
{
    std::vector<double> times;
    cudaEvent_t from, to;
    need(cudaEventCreate(&from));
    need(cudaEventCreate(&to));
    for (int i = 0; i <= rounds; i++) {
        float ms = 0;
        need(cudaEventRecord(from));
        for (int k = 0; k < CALLS; k++) need(f());
        need(cudaEventRecord(to));
        need(cudaEventSynchronize(to));
        need(cudaEventElapsedTime(&ms, from, to));
        if (i > 0) times.push_back(ms / 1e3 / CALLS);
    }
    std::sort(times.begin(), times.end());
    return times[times.size() / 2];
}

int main(int argc, char **argv)
{
    const size_t n = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1 << 24;
    const int rounds = argc > 2 ? std::atoi(argv[2]) : 11;
    std::vector<unsigned> keys(n);
    unsigned *from, *to, *value, *to_value;
    void *room = nullptr;
    size_t bytes = 0, scan = 0, pairs = 0;
    for (size_t i = 0; i < n; i++) {
        const unsigned s = (unsigned)i * 2654435761u;
        keys[i] = s ^ s >> 13;
    }
    for (unsigned **p : {&from, &to, &value, &to_value}) need(cudaMalloc(p, 4 * n));
    need(cudaMemcpy(from, keys.data(), 4 * n, cudaMemcpyHostToDevice));
    need(cudaMemset(value, 0, 4 * n));
    need(cub::DeviceScan::InclusiveSum(nullptr, scan, from, to, n));
    need(cub::DeviceRadixSort::SortPairs(nullptr, pairs, from, to, value, to_value, n));
    bytes = std::max(scan, pairs) + 1;
    need(cudaMalloc(&room, bytes));
    std::printf("scan %.9f\n", median(rounds, [&] { return cub::DeviceScan::InclusiveSum(room, bytes, from, to, n); }));
    std::printf("pairs %.9f\n", median(rounds, [&] {
        return cub::DeviceRadixSort::SortPairs(room, bytes, from, to, value, to_value, n);
    }));
    std::printf("keys %.9f\n", median(rounds, [&] { return cub::DeviceRadixSort::SortKeys(room, bytes, from, to, n); }));
    return 0;
}
