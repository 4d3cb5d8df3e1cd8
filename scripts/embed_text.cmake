# SPDX-License-Identifier: MIT
# Writes a C file with the files FILES below ROOT, a semicolon between two, as strings gpumm__text_NAME, where NAME is the
# file's without its ending.
#   cmake -DROOT=… -DFILES=… -DOUT=… -P embed_text.cmake
set(text "/* Made by scripts/embed_text.cmake. */\n#include \"primitives/embedded.h\"\n")
foreach(file IN LISTS FILES)
  file(READ ${ROOT}/${file} hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  get_filename_component(name ${file} NAME_WE)
  string(APPEND text "\nconst char gpumm__text_${name}[] = {${bytes}0};\n")
endforeach()
file(WRITE ${OUT}.new "${text}")
file(RENAME ${OUT}.new ${OUT})
