-- SPDX-License-Identifier: MIT
rockspec_format = "3.0"
package = "gpumm"
version = "0.1.0-1"
source = { url = "git+https://github.com/gpumm/gpumm.git", tag = "v0.1.0" }
description = {
    summary = "GPU memory for simulations, scripted in Lua",
    detailed = [[
        Buffers that grow without moving, snapshots that stream out while the simulation runs, and books that
        balance. The same script runs on an NVIDIA GPU and on a machine without one.
    ]],
    homepage = "https://github.com/gpumm/gpumm",
    issues_url = "https://github.com/gpumm/gpumm/issues",
    license = "MIT",
    maintainer = "the gpumm authors",
}
supported_platforms = { "linux" }
dependencies = { "lua ~> 5.4" }
external_dependencies = {
    PNG = { header = "png.h" },
    ZLIB = { header = "zlib.h" },
}
-- The module has its Lua files inside, so one file is all there is to install.
build = {
    type = "command",
    build_command = "cmake -S . -B build-rock -DCMAKE_BUILD_TYPE=Release -DGPUMM_TESTS=OFF"
        .. " && cmake --build build-rock --target gpumm_module gpumm-run",
    install = {
        lib = { gpumm = "build-rock/gpumm.so" },
        bin = { ["gpumm-run"] = "build-rock/gpumm-run" },
    },
}
