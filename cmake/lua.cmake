# SPDX-License-Identifier: MIT
# Finds Lua 5.4: gpumm_lua_headers has its headers, for modules; gpumm_stock_lua its library, where there is one, for
# programs. pkg-config is asked for both, unless LUA_INCLUDE_DIR (and LUA_LIBRARY, or LUA_LIBDIR to look in) are
# given, as luarocks gives them.
add_library(gpumm_lua_headers INTERFACE)
if(LUA_INCLUDE_DIR)
  find_library(LUA_LIBRARY NAMES lua5.4 lua54 lua liblua.a HINTS ${LUA_LIBDIR} ${LUA_INCLUDE_DIR}/../lib NO_DEFAULT_PATH)
  set(GPUMM_LUA_LIBRARY ${LUA_LIBRARY})
  set(GPUMM_LUA_INCLUDE ${LUA_INCLUDE_DIR})
else()
  find_package(PkgConfig REQUIRED)
  pkg_check_modules(LUA REQUIRED IMPORTED_TARGET lua5.4)
  set(GPUMM_LUA_LIBRARY PkgConfig::LUA)
  set(GPUMM_LUA_INCLUDE ${LUA_INCLUDE_DIRS})
endif()
target_include_directories(gpumm_lua_headers SYSTEM INTERFACE ${GPUMM_LUA_INCLUDE})
if(GPUMM_LUA_LIBRARY)
  add_library(gpumm_stock_lua INTERFACE)
  target_link_libraries(gpumm_stock_lua INTERFACE gpumm_lua_headers ${GPUMM_LUA_LIBRARY})
else()
  message(STATUS "gpumm: no gpumm-run (Lua's headers are here, its library is not)")
endif()
