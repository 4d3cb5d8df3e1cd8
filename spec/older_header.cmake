# SPDX-License-Identifier: MIT
# Writes to OUT a gpumm.h as an older release would have had it: the structs that gpumm fills, and its options, lack their
# last field. cmake -DFROM=src/gpumm.h -DOUT=older/gpumm.h -P older_header.cmake
file(READ ${FROM} text)
foreach(struct options device_info stats buffer_info buffer_options group_options readback_options frame_info
        kernel_options launch_options live)
  # The last line that ends a field, and the rest of its comment.
  string(REGEX REPLACE "\n[^\n;]*;[^\n]*(\n[^\n;]*)?\n} gpumm_${struct};" "\n} gpumm_${struct};" shorter "${text}")
  if(shorter STREQUAL text)
    message(FATAL_ERROR "older_header: gpumm_${struct} has no last field")
  endif()
  set(text "${shorter}")
endforeach()
file(WRITE ${OUT} "${text}")
