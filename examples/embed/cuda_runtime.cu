// SPDX-License-Identifier: MIT
// An application that uses CUDA's runtime API, with streams and kernels of its own, shares its context with gpumm:
// both use the device's primary context, so addresses and streams go either way. gpumm_buffer_used declares what
// gpumm did not launch, and orders the two without a wait in the host. Buffers grow under the application's own
// kernels, and keep their address. Exits with 77 where there is no GPU.
//
//     nvcc cuda_runtime.cu -I… -lgpumm -o cuda_runtime
#include <cuda_runtime.h>
#include <gpumm.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

static void check(gpumm_status status, const char *what) {
    if (status == GPUMM_OK) return;
    std::fprintf(stderr, "%s: %s: %s\n", what, gpumm_status_name(status), gpumm_message());
    std::exit(EXIT_FAILURE);
}

static void check(cudaError_t error, const char *what) {
    if (error == cudaSuccess) return;
    std::fprintf(stderr, "%s: %s\n", what, cudaGetErrorString(error));
    std::exit(EXIT_FAILURE);
}

__global__ void add(float *values, unsigned long long first, unsigned long long count, float what) {
    unsigned long long i = blockIdx.x * (unsigned long long)blockDim.x + threadIdx.x;
    if (i < count) values[first + i] += what;
}

struct shared_buffer {
    gpumm_buffer *buffer;
    gpumm_stream *stream; // the application's, as gpumm knows it
    cudaStream_t native;
};

// Work of the application's own on a buffer of gpumm's.
static void add_all(const shared_buffer &s, float what) {
    gpumm_buffer_info info;
    check(gpumm_buffer_get_info(s.buffer, &info), "info");
    check(gpumm_buffer_used(s.buffer, s.stream, GPUMM_ACCESS_WRITE), "used"); // before it is enqueued
    unsigned blocks = static_cast<unsigned>((info.length + 255) / 256);
    add<<<blocks, 256, 0, s.native>>>(reinterpret_cast<float *>(info.address), 0, info.length, what);
    check(cudaGetLastError(), "add");
}

static gpumm_buffer *open_buffer(gpumm_manager *manager, uint64_t length) {
    gpumm_type *f32;
    gpumm_buffer *buffer;
    check(gpumm_type_parse("f32", &f32), "type");
    gpumm_buffer_options options = {};
    options.name = "values";
    options.type = f32;
    options.length = length;
    check(gpumm_manager_allocate(manager, &options, &buffer), "allocate");
    gpumm_type_release(f32);
    return buffer;
}

// Grows between kernels of the application's that are still running; what was there stays, what is new is zero.
static bool grow_under_work(const shared_buffer &s, uint64_t from, uint64_t to) {
    gpumm_buffer_info before, after;
    check(gpumm_buffer_get_info(s.buffer, &before), "info");
    for (int i = 0; i < 100; i++) add_all(s, 1);
    check(gpumm_buffer_resize(s.buffer, s.stream, to), "resize");
    add_all(s, 0.5f);
    check(gpumm_buffer_get_info(s.buffer, &after), "info");
    std::vector<float> values(to);
    check(gpumm_buffer_download(s.buffer, nullptr, 0, to, values.data()), "download"); // on gpumm's own stream
    uint64_t wrong = 0;
    for (uint64_t i = 0; i < to; i++) wrong += values[i] != (i < from ? 100.5f : 0.5f);
    std::printf("grown from %llu to %llu elements under work: %llu are wrong; the address %s\n",
                (unsigned long long)from, (unsigned long long)to, (unsigned long long)wrong,
                before.address == after.address ? "stayed" : "moved");
    bool stays = before.generation == after.generation; // true wherever memory grows in place
    return wrong == 0 && stays == (before.address == after.address);
}

// gpumm captures on its own stream what the application's stream wrote; the application goes on at once.
static bool snapshot(const shared_buffer &s) {
    gpumm_readback_options options = {};
    options.buffers = &s.buffer;
    options.buffer_count = 1;
    gpumm_readback *readback;
    gpumm_frame *frame;
    gpumm_frame_info info;
    const void *data;
    check(gpumm_readback_open(&options, &readback), "readback");
    check(gpumm_readback_capture(readback, nullptr, 1, nullptr), "capture");
    add_all(s, 1000); // after the snapshot, so not in it
    check(gpumm_readback_wait(readback, 0, -1, &frame), "wait");
    check(gpumm_frame_data(frame, 0, &data), "frame");
    gpumm_frame_get_info(frame, &info);
    uint64_t wrong = 0;
    for (uint64_t i = 0; i < info.length; i++) wrong += static_cast<const float *>(data)[i] >= 1000;
    std::printf("snapshot of %llu elements: %llu are of a later moment\n", (unsigned long long)info.length,
                (unsigned long long)wrong);
    gpumm_frame_release(frame);
    gpumm_readback_release(readback);
    return wrong == 0;
}

// Memory of the application's, beside gpumm's in the books; a copy by the runtime from a buffer of gpumm's.
static bool copy_out(gpumm_manager *manager, const shared_buffer &s, uint64_t length) {
    float *mine, last = 0;
    gpumm_buffer_info info;
    check(cudaMalloc(reinterpret_cast<void **>(&mine), length * sizeof(float)), "cudaMalloc");
    check(gpumm_manager_external(manager, (int64_t)(length * sizeof(float))), "external");
    check(gpumm_buffer_get_info(s.buffer, &info), "info");
    check(gpumm_buffer_used(s.buffer, s.stream, GPUMM_ACCESS_READ), "used");
    check(cudaMemcpyAsync(mine, reinterpret_cast<void *>(info.address), length * sizeof(float),
                          cudaMemcpyDeviceToDevice, s.native), "copy");
    check(cudaMemcpyAsync(&last, mine + length - 1, sizeof last, cudaMemcpyDeviceToHost, s.native), "copy");
    check(cudaStreamSynchronize(s.native), "synchronize");
    check(cudaFree(mine), "cudaFree");
    check(gpumm_manager_external(manager, -(int64_t)(length * sizeof(float))), "external");
    std::printf("the runtime copied them out; the last is %g\n", last);
    return last == 1000.5f;
}

int main() {
    int devices = 0;
    if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) {
        std::puts("skipped: no GPU");
        return 77;
    }
    const uint64_t few = 1 << 20, many = 12 << 20;
    check(cudaSetDevice(0), "cudaSetDevice");
    check(cudaFree(nullptr), "context"); // the runtime makes the primary context current
    shared_buffer s;
    check(cudaStreamCreateWithFlags(&s.native, cudaStreamNonBlocking), "stream");
    gpumm_options options = {};
    options.device = "cuda:0";
    gpumm_manager *manager;
    check(gpumm_manager_open(&options, &manager), "manager");
    check(gpumm_stream_wrap(manager, s.native, &s.stream), "wrap");
    s.buffer = open_buffer(manager, few);
    bool good = gpumm_stream_native(s.stream) == s.native;
    good = grow_under_work(s, few, many) && good;
    good = snapshot(s) && good;
    good = copy_out(manager, s, many) && good;
    check(gpumm_buffer_close(s.buffer), "free");
    gpumm_buffer_release(s.buffer);
    gpumm_stream_release(s.stream);
    gpumm_manager_close(manager);
    gpumm_stats stats;
    gpumm_manager_get_stats(manager, &stats);
    good = stats.used_bytes == 0 && stats.committed_bytes == 0 && good;
    gpumm_manager_release(manager);
    check(cudaStreamDestroy(s.native), "cudaStreamDestroy"); // gpumm wrapped it, and let it live
    std::puts(good ? "all is as it should be" : "something is wrong");
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
