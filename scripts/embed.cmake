# SPDX-License-Identifier: MIT
# Writes a C file with the list NAME of gpumm_lua_file: the files below ROOT (lua/) whose paths match the regular
# expression PARTS and do not match NOT.
#   cmake -DROOT=… -DPARTS=… [-DNOT=…] -DNAME=… -DOUT=… -P embed.cmake
file(GLOB_RECURSE files RELATIVE ${ROOT} ${ROOT}/*.lua ${ROOT}/*.cu ${ROOT}/*.html ${ROOT}/*.js ${ROOT}/*.css)
list(FILTER files INCLUDE REGEX "${PARTS}")
if(NOT "${NOT}" STREQUAL "")
  list(FILTER files EXCLUDE REGEX "${NOT}")
endif()
list(SORT files)
set(arrays "")
set(table "")
set(index 0)
foreach(file IN LISTS files)
  file(READ ${ROOT}/${file} hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(APPEND arrays "static const unsigned char file_${index}[] = {${bytes}0};\n")
  string(APPEND table "    {\"${file}\", (const char *)file_${index}, sizeof file_${index} - 1, 0},\n")
  math(EXPR index "${index} + 1")
endforeach()
file(WRITE ${OUT}.new "/* Made by scripts/embed.cmake from lua/. */
#include \"gpumm_lua.h\"

${arrays}
extern const gpumm_lua_file ${NAME}[];
const gpumm_lua_file ${NAME}[] = {
${table}    {0, 0, 0, 0},
};
")
file(RENAME ${OUT}.new ${OUT})
