-- SPDX-License-Identifier: MIT
rockspec_format = "3.0"
package = "gpumm"
version = "0.2.0-1"
source = { url = "git+https://github.com/gpumm/gpumm.git", tag = "v0.2.0" }
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
-- The module has its Lua files inside, so one file is all there is to install. gpumm-run comes along where Lua's library
-- is found beside its headers.
build = {
    type = "command",
    build_command = "cmake -S . -B build-rock -DCMAKE_BUILD_TYPE=Release -DGPUMM_TESTS=OFF"
        .. " -DLUA_INCLUDE_DIR=$(LUA_INCDIR) -DLUA_LIBDIR=$(LUA_LIBDIR)"
        .. " && cmake --build build-rock --target gpumm_module"
        .. " && { ! cmake --build build-rock --target help | grep -q gpumm-run"
        .. " || cmake --build build-rock --target gpumm-run; }",
    install_command = "cp build-rock/gpumm.so $(LIBDIR)/ && { ! test -x build-rock/gpumm-run || cp build-rock/gpumm-run $(BINDIR)/; }",
}
