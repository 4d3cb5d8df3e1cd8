# SPDX-License-Identifier: MIT
# What `cmake --install` puts where, and what CPack makes of it.
#
#   include/gpumm*.h*                         lib/libgpumm.so libgpumm_lua.so, and both as archives
#   lib/lua/5.4/gpumm.so gpumm_layout.so     the Lua modules, with the files of lua/gpumm inside
#   lib/lua/5.4/gpumm_live.so                the live page, where libwebsockets is
#   lib/lua/5.4/gpumm_mpi.so                 the ranks of an MPI program, where MPI is
#   include/gpumm_vulkan.h lib/libgpumm_vulkan.so  for renderers, where Vulkan's headers are; pkg-config gpumm-vulkan
#   lib/libgpumm_layout.a                    the layouts for applications that link statically
#   lib/cmake/gpumm, lib/pkgconfig           find_package(gpumm), pkg-config gpumm, pkg-config gpumm-lua
#   bin/gpumm-run, gpumm-layout  share/man/man1            share/gpumm: types for editors, examples
#
# Each component is a package: gpumm and gpumm-vulkan need libc only, gpumm-layout libpng and zlib too, gpumm-run all of these and Lua,
# gpumm-mpi the MPI library that it was built with.
#
# No Lua file is installed beside the module: `require "gpumm.graph"` would find it before the copy inside the module,
# and a Lua state would have both.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(GPUMM_LUA_MODULE_DIR lib/lua/5.4 CACHE STRING "Where the stock interpreter looks for modules, under the prefix")
set(GPUMM_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/gpumm)

# Imported targets use the installed headers; src/ is for this build only.
set_target_properties(gpumm PROPERTIES INTERFACE_INCLUDE_DIRECTORIES
  "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>;$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
set_target_properties(gpumm_lua PROPERTIES EXPORT_NAME lua INTERFACE_LINK_LIBRARIES gpumm)
# libgpumm_lua finds libgpumm beside it, also when the prefix is moved; gpumm-run needs neither.
set_target_properties(gpumm_lua PROPERTIES INSTALL_RPATH "$ORIGIN")

set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME gpumm)
install(TARGETS gpumm gpumm_lua EXPORT gpumm
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT gpumm NAMELINK_COMPONENT gpumm)
install(TARGETS gpumm_module LIBRARY DESTINATION ${GPUMM_LUA_MODULE_DIR} COMPONENT gpumm)
install(FILES ${gpumm_ARCHIVE} ${gpumm_lua_ARCHIVE} DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES src/gpumm.h src/gpumm.hpp src/gpumm_compat.h src/gpumm_lua.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES python/gpumm.py DESTINATION ${CMAKE_INSTALL_DATADIR}/gpumm/python)
if(GPUMM_HAVE_LAYOUT)
  install(TARGETS gpumm_layout LIBRARY DESTINATION ${GPUMM_LUA_MODULE_DIR} COMPONENT gpumm-layout)
  install(FILES ${gpumm_layout_ARCHIVE} DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT gpumm-layout)
endif()
if(GPUMM_HAVE_LIVE)
  install(TARGETS gpumm_live LIBRARY DESTINATION ${GPUMM_LUA_MODULE_DIR} COMPONENT gpumm-live)
endif()
if(TARGET gpumm_mpi)
  install(TARGETS gpumm_mpi LIBRARY DESTINATION ${GPUMM_LUA_MODULE_DIR} COMPONENT gpumm-mpi)
endif()
if(GPUMM_HAVE_VULKAN)
  set_target_properties(gpumm_vulkan PROPERTIES EXPORT_NAME vulkan INSTALL_RPATH "$ORIGIN" INTERFACE_LINK_LIBRARIES gpumm
    INTERFACE_INCLUDE_DIRECTORIES "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>"
    INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "$<BUILD_INTERFACE:${GPUMM_VULKAN_INCLUDE}>")
  install(TARGETS gpumm_vulkan EXPORT gpumm_vulkan
          LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT gpumm-vulkan NAMELINK_COMPONENT gpumm-vulkan)
  install(FILES src/gpumm_vulkan.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT gpumm-vulkan)
  install(EXPORT gpumm_vulkan NAMESPACE gpumm:: FILE gpummVulkanTargets.cmake DESTINATION ${GPUMM_CMAKE_DIR}
          COMPONENT gpumm-vulkan)
endif()
if(TARGET gpumm-run)
  install(TARGETS gpumm-run RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT gpumm-run)
  install(PROGRAMS scripts/gpumm-layout DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT gpumm-run)
  install(FILES doc/gpumm-run.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT gpumm-run)
endif()
install(EXPORT gpumm NAMESPACE gpumm:: FILE gpummTargets.cmake DESTINATION ${GPUMM_CMAKE_DIR})

configure_package_config_file(cmake/gpummConfig.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/gpummConfig.cmake
  INSTALL_DESTINATION ${GPUMM_CMAKE_DIR} PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR GPUMM_LUA_MODULE_DIR)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/gpummConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/gpummConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/gpummConfigVersion.cmake
  DESTINATION ${GPUMM_CMAKE_DIR})

# The prefix is relative to the .pc file, so that a moved or unpacked installation works too.
file(RELATIVE_PATH GPUMM_PC_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" GPUMM_PC_PREFIX "${GPUMM_PC_PREFIX}")
configure_file(gpumm.pc.in ${CMAKE_CURRENT_BINARY_DIR}/gpumm.pc @ONLY)
configure_file(gpumm-lua.pc.in ${CMAKE_CURRENT_BINARY_DIR}/gpumm-lua.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/gpumm.pc ${CMAKE_CURRENT_BINARY_DIR}/gpumm-lua.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

if(GPUMM_HAVE_VULKAN)
  configure_file(gpumm-vulkan.pc.in ${CMAKE_CURRENT_BINARY_DIR}/gpumm-vulkan.pc @ONLY)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/gpumm-vulkan.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
          COMPONENT gpumm-vulkan)
endif()

install(FILES README.md CHANGELOG.md SECURITY.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY library DESTINATION ${CMAKE_INSTALL_DATADIR}/gpumm OPTIONAL)
install(DIRECTORY examples DESTINATION ${CMAKE_INSTALL_DATADIR}/gpumm
  PATTERN "examples/embed/CMakeLists.txt" EXCLUDE PATTERN "examples/vulkan/CMakeLists.txt" EXCLUDE) # those belong to this build

# ---- cpack -G DEB: one package for each component --------------------------------------------------------
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME gpumm)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "the gpumm authors <https://github.com/gpumm/gpumm>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL gpumm)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION libs)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_GPUMM_PACKAGE_NAME gpumm)
set(CPACK_COMPONENT_GPUMM_DESCRIPTION "${PROJECT_DESCRIPTION}: the libraries and the Lua module")
# Host kernels are compiled by the system's C++ compiler; a GPU needs its driver and NVRTC, found at run time.
set(CPACK_DEBIAN_GPUMM_PACKAGE_RECOMMENDS "g++, lua5.4, gpumm-layout, gpumm-run")
set(CPACK_DEBIAN_GPUMM-RUN_PACKAGE_SUGGESTS "gpumm-live")
set(same "gpumm (= ${PROJECT_VERSION})")
if(GPUMM_HAVE_LAYOUT)
  list(APPEND CPACK_COMPONENTS_ALL gpumm-layout)
  set(CPACK_DEBIAN_GPUMM-LAYOUT_PACKAGE_NAME gpumm-layout)
  set(CPACK_COMPONENT_GPUMM-LAYOUT_DESCRIPTION "${PROJECT_DESCRIPTION}: graphs, layouts and pictures")
  set(CPACK_DEBIAN_GPUMM-LAYOUT_PACKAGE_RECOMMENDS "libpangocairo-1.0-0, fonts-dejavu-core")
  set(CPACK_DEBIAN_GPUMM-LAYOUT_PACKAGE_SUGGESTS "graphviz")
endif()
if(GPUMM_HAVE_LIVE)
  list(APPEND CPACK_COMPONENTS_ALL gpumm-live)
  set(CPACK_DEBIAN_GPUMM-LIVE_PACKAGE_NAME gpumm-live)
  set(CPACK_COMPONENT_GPUMM-LIVE_DESCRIPTION "${PROJECT_DESCRIPTION}: a page that shows a simulation while it runs")
endif()
if(GPUMM_HAVE_VULKAN)
  list(APPEND CPACK_COMPONENTS_ALL gpumm-vulkan)
  set(CPACK_DEBIAN_GPUMM-VULKAN_PACKAGE_NAME gpumm-vulkan)
  set(CPACK_COMPONENT_GPUMM-VULKAN_DESCRIPTION "${PROJECT_DESCRIPTION}: its memory in Vulkan, for renderers")
  set(CPACK_DEBIAN_GPUMM-VULKAN_PACKAGE_RECOMMENDS "libvulkan-dev")
endif()
if(TARGET gpumm_mpi)
  list(APPEND CPACK_COMPONENTS_ALL gpumm-mpi)
  set(CPACK_DEBIAN_GPUMM-MPI_PACKAGE_NAME gpumm-mpi)
  set(CPACK_COMPONENT_GPUMM-MPI_DESCRIPTION "${PROJECT_DESCRIPTION}: the ranks of an MPI program")
  set(CPACK_DEBIAN_GPUMM-MPI_PACKAGE_RECOMMENDS "gpumm-run, openmpi-bin")
endif()
if(TARGET gpumm-run)
  list(APPEND CPACK_COMPONENTS_ALL gpumm-run)
  set(CPACK_DEBIAN_GPUMM-RUN_PACKAGE_NAME gpumm-run)
  set(CPACK_DEBIAN_GPUMM-RUN_PACKAGE_RECOMMENDS "libpangocairo-1.0-0, fonts-dejavu-core")
  set(CPACK_COMPONENT_GPUMM-RUN_DESCRIPTION "${PROJECT_DESCRIPTION}: the interpreter, with the layouts inside")
endif()
find_program(GPUMM_SHLIBDEPS dpkg-shlibdeps)
find_program(GPUMM_FILE file) # CPack runs it to find out which files are programs
mark_as_advanced(GPUMM_SHLIBDEPS GPUMM_FILE)
if(GPUMM_SHLIBDEPS AND GPUMM_FILE)
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${CMAKE_CURRENT_BINARY_DIR})
  set(CPACK_DEBIAN_GPUMM-LAYOUT_PACKAGE_DEPENDS "${same}") # dpkg-shlibdeps adds the libraries
  set(CPACK_DEBIAN_GPUMM-LIVE_PACKAGE_DEPENDS "${same}")
  set(CPACK_DEBIAN_GPUMM-MPI_PACKAGE_DEPENDS "${same}")
  set(CPACK_DEBIAN_GPUMM-VULKAN_PACKAGE_DEPENDS "${same}")
else()
  set(CPACK_DEBIAN_GPUMM_PACKAGE_DEPENDS "libc6")
  set(CPACK_DEBIAN_GPUMM-LAYOUT_PACKAGE_DEPENDS "libc6, libpng16-16, zlib1g, ${same}")
  set(CPACK_DEBIAN_GPUMM-LIVE_PACKAGE_DEPENDS "libc6, libwebsockets17, ${same}")
  set(CPACK_DEBIAN_GPUMM-MPI_PACKAGE_DEPENDS "libc6, libopenmpi3, ${same}")
  set(CPACK_DEBIAN_GPUMM-VULKAN_PACKAGE_DEPENDS "libc6, ${same}")
  set(CPACK_DEBIAN_GPUMM-RUN_PACKAGE_DEPENDS "libc6, libpng16-16, zlib1g, liblua5.4-0")
endif()
include(CPack)
