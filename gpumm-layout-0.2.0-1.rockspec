-- SPDX-License-Identifier: MIT
rockspec_format = "3.0"
package = "gpumm-layout"
version = "0.2.0-1"
source = { url = "git+https://github.com/gpumm/gpumm.git", tag = "v0.2.0" }
description = {
    summary = "Graphs, force-directed layouts and pictures on gpumm",
    detailed = [[
        Reads graphs from files of many formats, lays them out on the GPU, and draws pictures and pages. Its parts are
        gpumm.graph, gpumm.force, gpumm.picture and gpumm.page, which gpumm finds by itself.
    ]],
    homepage = "https://github.com/gpumm/gpumm",
    license = "MIT",
}
supported_platforms = { "linux" }
dependencies = { "lua ~> 5.4", "gpumm == 0.2.0" }
external_dependencies = {
    PNG = { header = "png.h" },
    ZLIB = { header = "zlib.h" },
}
build = {
    type = "command",
    build_command = "cmake -S . -B build-rock-layout -DCMAKE_BUILD_TYPE=Release -DGPUMM_TESTS=OFF -DGPUMM_LAYOUT=on"
        .. " -DGPUMM_CUDA=off -DLUA_INCLUDE_DIR=$(LUA_INCDIR) -DLUA_LIBDIR=$(LUA_LIBDIR)"
        .. " && cmake --build build-rock-layout --target gpumm_layout",
    install_command = "cp build-rock-layout/gpumm_layout.so $(LIBDIR)/",
}
