# SPDX-License-Identifier: MIT
"""What stands beside gpumm's small blocks: allocate + free of one by RMM's pool, PyTorch's allocator and CuPy's pool.

RMM's pool is called from C++: its packages librmm and rapids_logger have headers and libraries.

Prints lines "name|bytes|nanoseconds", the median of many batches; any other line says what is missing.
"""
import ctypes
import os
import statistics
import subprocess
import sys
import tempfile
import time

SIZES = (256, 4096, 65536, 1 << 20)
BATCHES, PAIRS = 31, 1000

SOURCE = r"""
#include <c10/cuda/CUDACachingAllocator.h>
extern "C" void pairs(size_t bytes, int count) {
    for (int i = 0; i < count; i++) {
        void *block = c10::cuda::CUDACachingAllocator::raw_alloc(bytes);
        c10::cuda::CUDACachingAllocator::raw_delete(block);
    }
}
"""

RMM_SOURCE = r"""
#include <rmm/cuda_stream_view.hpp>
#include <rmm/mr/cuda_memory_resource.hpp>
#include <rmm/mr/pool_memory_resource.hpp>
extern "C" void pairs(size_t bytes, int count) {
    static rmm::mr::cuda_memory_resource device;
    static rmm::mr::pool_memory_resource pool{device, size_t{256} << 20};
    rmm::cuda_stream_view stream = rmm::cuda_stream_per_thread;
    for (int i = 0; i < count; i++) {
        void *block = pool.allocate(stream, bytes, 256);
        pool.deallocate(stream, block, bytes, 256);
    }
}
"""


def pairs_of(library):
    function = ctypes.CDLL(library).pairs
    function.argtypes = (ctypes.c_size_t, ctypes.c_int)
    function.restype = None
    return function


def report(name, pairs):
    for size in SIZES:
        pairs(size, PAIRS)
        times = []
        for _ in range(BATCHES):
            start = time.perf_counter_ns()
            pairs(size, PAIRS)
            times.append((time.perf_counter_ns() - start) / PAIRS)
        print(f"{name}|{size}|{statistics.median(times):.1f}", flush=True)


def toolkit():
    return os.environ.get("CUDA_HOME", "/usr/local/cuda")


def measure_rmm():
    try:
        import librmm
        import rapids_logger
    except ImportError as error:
        print(f"RMM is not here ({error}): no row of its pool")
        return
    librmm.load_library()
    parts = [os.path.dirname(package.__file__) for package in (librmm, rapids_logger)]
    headers = [os.path.join(part, "include") for part in parts]
    headers += [os.path.join(headers[0], "rapids"), os.path.join(toolkit(), "include")]
    folders = [os.path.join(part, "lib64") for part in [*parts, toolkit()]]
    with tempfile.TemporaryDirectory() as folder:
        source, library = os.path.join(folder, "pairs.cpp"), os.path.join(folder, "pairs.so")
        with open(source, "w", encoding="utf-8") as file:
            file.write(RMM_SOURCE)
        command = ["c++", "-O2", "-shared", "-fPIC", "-std=c++20", source, "-o", library,
                   *[f"-I{path}" for path in headers], *[f"-L{path}" for path in folders],
                   "-lrmm", "-lrapids_logger", "-lcudart"]
        try:
            subprocess.run(command, check=True, timeout=120, capture_output=True, text=True)
        except subprocess.CalledProcessError as error:
            print(f"RMM's pool could not be called: {error.stderr.strip().splitlines()[:2]}")
            return
        report(f"RMM {librmm.__version__} pool from C++", pairs_of(library))


def cuda_headers(torch):
    from torch.utils import cpp_extension

    home = cpp_extension.CUDA_HOME
    found = [os.path.join(home, "include")] if home else []
    site = os.path.dirname(os.path.dirname(torch.__file__))
    found += [os.path.join(site, "nvidia", part, "include") for part in ("cu13", "cuda_runtime")]
    return [path for path in found if os.path.isdir(path)]


def torch_in_cpp(torch, folder):
    """The allocator as C++ calls it: a small library against libc10 alone, compiled in seconds."""
    source, library = os.path.join(folder, "pairs.cpp"), os.path.join(folder, "pairs.so")
    with open(source, "w", encoding="utf-8") as file:
        file.write(SOURCE)
    root = os.path.dirname(torch.__file__)
    command = ["c++", "-O2", "-shared", "-fPIC", "-std=c++17", source, "-o", library,
               f"-I{os.path.join(root, 'include')}", *[f"-I{path}" for path in cuda_headers(torch)],
               f"-L{os.path.join(root, 'lib')}", "-lc10", "-lc10_cuda",
               f"-D_GLIBCXX_USE_CXX11_ABI={int(torch.compiled_with_cxx11_abi())}"]
    subprocess.run(command, check=True, timeout=40, capture_output=True, text=True)
    return pairs_of(library)


def torch_in_python(torch):
    def pairs(size, count):
        take, give = torch.cuda.caching_allocator_alloc, torch.cuda.caching_allocator_delete
        for _ in range(count):
            give(take(size))
    return pairs


def measure_torch():
    try:
        import torch
    except ImportError as error:
        print(f"PyTorch is not here ({error}): no row of its allocator")
        return
    torch.cuda.init()
    torch.empty(1, device="cuda")
    with tempfile.TemporaryDirectory() as folder:
        try:
            function, how = torch_in_cpp(torch, folder), "C++"
        except (OSError, AttributeError, subprocess.SubprocessError) as error:
            words = (getattr(error, "stderr", None) or str(error)).strip().splitlines()[:2]
            print(f"PyTorch's allocator not called from C++ ({' / '.join(words)}): from Python instead")
            function, how = torch_in_python(torch), "Python"
        report(f"PyTorch {torch.__version__} from {how}", function)


def measure_cupy():
    try:
        import cupy
    except ImportError as error:
        print(f"CuPy is not here ({error}): no row of its pool")
        return
    pool = cupy.get_default_memory_pool()

    def pairs(size, count):
        for _ in range(count):
            pool.malloc(size)  # the block goes with its last reference, at once
    report(f"CuPy {cupy.__version__} from Python", pairs)


def main():
    for measure in (measure_rmm, measure_torch, measure_cupy):
        try:
            measure()
        except Exception as error:  # one library's failure is not the other's
            print(f"{measure.__name__}: {type(error).__name__}: {error}")
    return 0


sys.exit(main())
