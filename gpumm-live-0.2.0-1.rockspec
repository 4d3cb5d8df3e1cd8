-- SPDX-License-Identifier: MIT
rockspec_format = "3.0"
package = "gpumm-live"
version = "0.2.0-1"
source = { url = "git+https://github.com/gpumm/gpumm.git", tag = "v0.2.0" }
description = {
    summary = "A page that shows a gpumm simulation while it runs",
    detailed = [[
        Serves a page that follows a simulation in the browser and acts on it: pause, step, drag a node, change a parameter.
        Its part is gpumm.live, which gpumm finds by itself; gpumm-run --live uses it.
    ]],
    homepage = "https://github.com/gpumm/gpumm",
    license = "MIT",
}
supported_platforms = { "linux" }
dependencies = { "lua ~> 5.4", "gpumm == 0.2.0" }
external_dependencies = { WEBSOCKETS = { header = "libwebsockets.h" } }
build = {
    type = "command",
    build_command = "cmake -S . -B build-rock-live -DCMAKE_BUILD_TYPE=Release -DGPUMM_TESTS=OFF -DGPUMM_LIVE=on"
        .. " -DGPUMM_LAYOUT=off -DGPUMM_CUDA=off -DLUA_INCLUDE_DIR=$(LUA_INCDIR) -DLUA_LIBDIR=$(LUA_LIBDIR)"
        .. " && cmake --build build-rock-live --target gpumm_live",
    install_command = "cp build-rock-live/gpumm_live.so $(LIBDIR)/",
}
