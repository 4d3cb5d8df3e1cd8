-- SPDX-License-Identifier: MIT
rockspec_format = "3.0"
package = "gpumm-mpi"
version = "0.2.0-1"
source = { url = "git+https://github.com/gpumm/gpumm.git", tag = "v0.2.0" }
description = {
    summary = "The ranks of an MPI program on gpumm",
    detailed = [[
        gpumm.world: collective calls on GPU buffers between the processes of an MPI program, each with a GPU of its own or
        none. Needs an MPI library: Open MPI, MPICH or one of their kin.
    ]],
    homepage = "https://github.com/gpumm/gpumm",
    license = "MIT",
}
supported_platforms = { "linux" }
dependencies = { "lua ~> 5.4", "gpumm == 0.2.0" }
build = {
    type = "command",
    build_command = "cmake -S . -B build-rock-mpi -DCMAKE_BUILD_TYPE=Release -DGPUMM_TESTS=OFF -DGPUMM_LAYOUT=off -DGPUMM_MPI=on"
        .. " -DGPUMM_CUDA=off -DLUA_INCLUDE_DIR=$(LUA_INCDIR) -DLUA_LIBDIR=$(LUA_LIBDIR)"
        .. " && cmake --build build-rock-mpi --target gpumm_mpi",
    install_command = "cp build-rock-mpi/gpumm_mpi.so $(LIBDIR)/",
}
