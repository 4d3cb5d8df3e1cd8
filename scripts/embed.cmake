# SPDX-License-Identifier: MIT
# Turns every file under ROOT (lua/) into a C array: cmake -DROOT=… -DOUT=… -P embed.cmake
file(GLOB_RECURSE files RELATIVE ${ROOT} ${ROOT}/*.lua ${ROOT}/*.cu ${ROOT}/*.html)
list(SORT files)
set(arrays "")
set(table "")
set(index 0)
foreach(file IN LISTS files)
  file(READ ${ROOT}/${file} hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(APPEND arrays "static const unsigned char file_${index}[] = {${bytes}0};\n")
  string(APPEND table "    {\"${file}\", (const char *)file_${index}, sizeof file_${index} - 1},\n")
  math(EXPR index "${index} + 1")
endforeach()
file(WRITE ${OUT}.new "/* Made by scripts/embed.cmake from lua/. */
#include \"bind/lua/embedded.h\"

${arrays}
const struct embedded_file gpumm_lua__embedded_files[] = {
${table}    {0, 0, 0},
};
")
file(RENAME ${OUT}.new ${OUT})
