#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The checks that need an NVIDIA GPU: builds, runs every C test and every spec on cuda, looks for memory errors and
# races with compute-sanitizer, runs the layout example and the benchmarks, and ends with a summary.
#   scripts/gpu-check.sh [OUT]     logs and the picture go to the folder OUT (default: gpu-check)
# GPUMM_CHECK selects parts: some of "tests sanitizer layout bench". GPUMM_NO_SETUP=1 installs nothing.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
out=${1:-gpu-check}
mkdir -p "$out"
out=$(cd "$out" && pwd)
all="tests sanitizer layout bench"
parts=${GPUMM_CHECK:-$all}
for part in $parts; do # a mistyped part must not be left out silently
  [[ " $all " == *" $part "* ]] || { echo "gpu-check.sh: GPUMM_CHECK names '$part'; there are: $all" >&2; exit 2; }
done
[ -n "${GPUMM_NO_SETUP:-}" ] || scripts/setup.sh test || exit 1
summary="$out/summary.txt"
: >"$summary"

note() { printf '%s\n' "$*" | tee -a "$summary"; }
part() { # name, log, command…
  local name=$1 log=$out/$2 start=$SECONDS
  shift 2
  if "$@" >"$log" 2>&1; then note "ok      $name ($((SECONDS - start)) s)"
  else
    note "FAILED  $name ($((SECONDS - start)) s), see $(basename "$log")"
    tail -n 25 "$log"
    failed=1
  fi
}
wanted() { [[ " $parts " == *" $1 "* ]]; }
failed=0

note "device: $(nvidia-smi --query-gpu=name,driver_version --format=csv,noheader 2>&1 | head -n 1)"
build="build-gpu"
jobs=$((($(nproc) + 1) / 2)) # the tests share one GPU
part "build" build.log bash -c "cmake -S . -B $build -DGPUMM_CUDA=on -DGPUMM_WERROR=ON && cmake --build $build -j $(nproc)"
export GPUMM_DEVICE=cuda GPUMM_CACHE_DIR=$PWD/$build/kernel-cache
run=$build/gpumm-run

if wanted tests; then
  check_with="ctest --no-tests=error --output-on-failure"
  part "C tests and specs on cuda" tests.log bash -c "cd $build && $check_with -LE fills_device -j $jobs"
  part "tests that fill the device, each alone" tests-alone.log bash -c "cd $build && $check_with -L fills_device -j 1"
  part "primitives of 10^8 elements" primitives.log env GPUMM_PRIMITIVES_MOST=100000000 "$build/spec/c_primitives"
  export GPUMM_NO_VMM=1
  part "specs, relocating (GPUMM_NO_VMM=1)" relocating.log bash -c "cd $build && $check_with -R '^spec_' -LE fills_device -j $jobs"
  part "relocating, those that fill the device" relocating-alone.log bash -c "cd $build && $check_with -R '^spec_' -L fills_device -j 1"
  unset GPUMM_NO_VMM
  grep -hE 'tests passed|Total Test time|skipped' "$out/tests.log" "$out/tests-alone.log" | tail -n 8 | tee -a "$summary"
fi

graph=examples/data/debian-sample.tsv
if wanted layout; then
  part "layout of $graph" layout.log "$run" examples/layout.lua "$graph" --out "$out/layout.png" --grow 500
  grep -E 'stress|dropped' "$out/layout.log" | tee -a "$summary"
fi

vulkan() { # buffers or frames
  (cd examples/vulkan && "../../$build/examples/vulkan/example_vulkan" --device cuda --first 1000000 --last 4000000 --steps 3000 \
    --width 1920 --height 1080 --from "$1" --png "$out/vulkan-$1.png")
}
if wanted layout && [ -x "$build/examples/vulkan/example_vulkan" ]; then
  for from in buffers frames; do
    part "drawn by Vulkan from $from" "vulkan-$from.log" vulkan "$from"
    cat "$out/vulkan-$from.log" >>"$summary"
  done
fi

if wanted sanitizer; then
  check() { compute-sanitizer --error-exitcode 9 --tool "$1" "${@:2}"; }
  # API errors are not reported, because some are expected: cuFuncGetParamInfo fails where a kernel has no more
  # parameters, and tests make calls that must fail. Memory errors are reported all the same.
  memory() { check memcheck --report-api-errors no "$@"; }
  part "memcheck, device" memcheck-device.log memory "$build/spec/c_device_cuda" --memory
  part "memcheck, layout" memcheck.log memory "$run" examples/layout.lua "$graph" --out "$out/checked.png" --steps 20 --grow 1000
  part "initcheck, layout" initcheck.log check initcheck "$run" examples/layout.lua "$graph" --out "$out/checked.png" --steps 20 --grow 1000
  part "racecheck, shared memory" racecheck.log check racecheck "$run" spec/bench/shared.lua
  # A hundred times as slow: the blocks in two parts, the primitives' every kernel once.
  blocks() { check racecheck "$run" --quiet "$(command -v busted)" --helper=spec/helper.lua "$@" spec/blocks_spec.lua; }
  part "racecheck, blocks" racecheck-blocks.log blocks --filter="shared memory and barriers"
  part "racecheck, warps, groups, geometry" racecheck-warps.log blocks --filter-out="shared memory and barriers"
  part "racecheck, primitives" racecheck-primitives.log env GPUMM_PRIMITIVES_MOST=600 compute-sanitizer --error-exitcode 9 --tool racecheck "$build/spec/c_primitives"
  part "racecheck, recorded primitives" racecheck-recorded.log check racecheck "$build/spec/c_gpu_recorded_primitives" --kernels
fi

if wanted bench; then
  part "primitives beside CUB" bench-primitives.log "$run" --quiet spec/bench/primitives_bench.lua --device cuda
  grep -E ' \| |rows with a mark|no peer' "$out/bench-primitives.log" | tee -a "$summary"
  part "a layout that is traced" bench-trace.log "$run" --quiet spec/bench/trace_bench.lua --device cuda
  grep ratio "$out/bench-trace.log" | tee -a "$summary"
  part "a buffer across GPUs" bench-stripe.log "$run" --quiet spec/bench/stripe_bench.lua
  tee -a "$summary" <"$out/bench-stripe.log"
  part "benchmarks" bench.log "$build/spec/bench_gpumm" "$run"
  grep -E ' \| |rows with a mark|^beside.py|in place' "$out/bench.log" | tee -a "$summary"
fi
exit $failed
