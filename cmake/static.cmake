# SPDX-License-Identifier: MIT
# Makes an archive of one object whose hidden symbols are local, so that a linker sees public names only. The compiler
# links this object, because ld -r cannot read objects made with -flto.
#   gpumm_static_library(NAME OBJECT-LIBRARY…) makes libNAME.a, its target NAME_static, and sets NAME_ARCHIVE
include(CheckCSourceCompiles)
set(CMAKE_REQUIRED_FLAGS "-flinker-output=nolto-rel")
check_c_source_compiles("int main(void) { return 0; }" GPUMM_LINKER_OUTPUT)
unset(CMAKE_REQUIRED_FLAGS)
separate_arguments(GPUMM_RELOCATABLE UNIX_COMMAND "${CMAKE_C_FLAGS}")
list(APPEND GPUMM_RELOCATABLE -r -nostdlib -w)
if(GPUMM_LINKER_OUTPUT)
  list(APPEND GPUMM_RELOCATABLE -flinker-output=nolto-rel)
endif()

function(gpumm_static_library name)
  set(archive ${CMAKE_CURRENT_BINARY_DIR}/lib${name}.a)
  set(whole ${CMAKE_CURRENT_BINARY_DIR}/${name}_all.o)
  set(objects "")
  foreach(library IN LISTS ARGN)
    list(APPEND objects $<TARGET_OBJECTS:${library}>)
  endforeach()
  add_custom_command(OUTPUT ${archive}
    COMMAND ${CMAKE_C_COMPILER} ${GPUMM_RELOCATABLE} -o ${whole} ${objects}
    COMMAND ${CMAKE_OBJCOPY} --localize-hidden ${whole}
    COMMAND ${CMAKE_COMMAND} -E rm -f ${archive}
    COMMAND ${CMAKE_AR} rcs ${archive} ${whole}
    DEPENDS ${ARGN} ${objects}
    COMMAND_EXPAND_LISTS VERBATIM COMMENT "Linking static library lib${name}.a")
  add_custom_target(${name}_static ALL DEPENDS ${archive})
  set(${name}_ARCHIVE ${archive} PARENT_SCOPE)
endfunction()
