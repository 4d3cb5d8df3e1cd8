/* SPDX-License-Identifier: MIT */
/* PNG by libpng's simplified interface, which catches its own longjmps. Between its calls that leave
   something to free nothing of Lua's runs. */
#include "modules/layout/image.h"

#include <errno.h>
#include <lauxlib.h>
#include <png.h>
#include <string.h>

#include "gpumm_lua.h"

/* ---- Writing ------------------------------------------------------------------------------ */

static gpumm_status write_png(const char *path, png_image *image, const void *pixels) {
    gpumm_lua_output *output;
    gpumm_status status = gpumm_lua_output_open(path, &output);
    if (status != GPUMM_OK) return status;
    errno = 0;
    bool written = png_image_write_to_stdio(image, gpumm_lua_output_stream(output), 0, pixels, 0, NULL) != 0;
    const char *why = errno ? strerror(errno) : image->message; /* libpng says "Write Error" for a full disk */
    if (written) return gpumm_lua_output_commit(output);
    status = gpumm_lua_fail(GPUMM_IO, "%s: writing the picture failed: %s", path, why);
    png_image_free(image);
    gpumm_lua_output_abandon(output);
    return status;
}

static png_uint_32 check_side(lua_State *L, int index) {
    lua_Integer side = luaL_checkinteger(L, index);
    luaL_argcheck(L, side >= 1 && side <= 1000000, index, "a picture's side is 1 to 1000000 pixels");
    return (png_uint_32)side;
}

/* PNG_FORMAT_RGB or RGBA; raises for a view of anything else. */
static png_uint_32 check_format(lua_State *L, const gpumm_type *type) {
    bool fits = gpumm_type_kind(type) == GPUMM_KIND_VECTOR && gpumm_type_scalar(type) == GPUMM_TYPE_U8;
    if (!fits || gpumm_type_lanes(type) < 3)
        luaL_error(L, "TYPE_MISMATCH: pixels are u8x3 (red, green, blue) or u8x4 (and alpha), not %s",
                   gpumm_type_name(type));
    return gpumm_type_lanes(type) == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_RGBA;
}

/* gpumm.image.write(path, view, width, height): rows from the top. */
static int image_write(lua_State *L) {
    const char *path = gpumm_lua_check_path(L, 1, GPUMM_LUA_ACCESS_WRITE);
    gpumm_lua_view pixels;
    png_image image;
    if (!gpumm_lua_to_view(L, 2, &pixels)) return luaL_typeerror(L, 2, "gpumm.view");
    memset(&image, 0, sizeof image);
    image.version = PNG_IMAGE_VERSION;
    image.format = check_format(L, pixels.type);
    image.width = check_side(L, 3);
    image.height = check_side(L, 4);
    uint64_t wanted = (uint64_t)image.width * image.height;
    if (pixels.count != wanted)
        return luaL_error(L, "a picture of %d x %d has %I pixels; the view has %I", (int)image.width, (int)image.height,
                          (LUAI_UACINT)wanted, (LUAI_UACINT)pixels.count);
    return gpumm_lua_result(L, write_png(path, &image, pixels.bytes));
}

/* ---- Reading ------------------------------------------------------------------------------ */

static gpumm_status bad_png(const char *path, png_image *image) {
    gpumm_status status = gpumm_lua_fail(GPUMM_IO, "%s: the picture cannot be read: %s", path, image->message);
    png_image_free(image);
    return status;
}

static gpumm_status begin_png(const char *path, png_image *image) {
    memset(image, 0, sizeof *image);
    image->version = PNG_IMAGE_VERSION;
    if (!png_image_begin_read_from_file(image, path)) return bad_png(path, image);
    image->format = PNG_FORMAT_RGBA;
    return GPUMM_OK;
}

static gpumm_status picture_size(const char *path, png_uint_32 *width, png_uint_32 *height) {
    png_image image;
    gpumm_status status = begin_png(path, &image);
    if (status != GPUMM_OK) return status;
    *width = image.width;
    *height = image.height;
    png_image_free(&image);
    return GPUMM_OK;
}

static gpumm_status read_png(const char *path, png_uint_32 width, png_uint_32 height, void *pixels) {
    png_image image;
    gpumm_status status = begin_png(path, &image);
    if (status != GPUMM_OK) return status;
    if (image.width != width || image.height != height) {
        png_image_free(&image);
        return gpumm_lua_fail(GPUMM_IO, "%s: the picture changed while it was read", path);
    }
    return png_image_finish_read(&image, NULL, pixels, 0, NULL) ? GPUMM_OK : bad_png(path, &image);
}

/* gpumm.image.read(path): a view of u8x4, its width and its height. The file is opened twice, because memory
   for the pixels is Lua's, and taking that may raise. */
static int image_read(lua_State *L) {
    const char *path = gpumm_lua_check_path(L, 1, GPUMM_LUA_ACCESS_READ);
    png_uint_32 width, height;
    gpumm_status status = picture_size(path, &width, &height);
    if (status != GPUMM_OK) return gpumm_lua_result(L, status);
    status = read_png(path, width, height, gpumm_lua_push_view(L, "u8x4", (uint64_t)width * height));
    if (status != GPUMM_OK) return gpumm_lua_result(L, status);
    lua_pushinteger(L, width);
    lua_pushinteger(L, height);
    return 3;
}

static const luaL_Reg functions[] = {{"write", image_write}, {"read", image_read}, {NULL, NULL}};

void gpumm_layout__open_image(lua_State *L) {
    luaL_newlib(L, functions);
    lua_setfield(L, -2, "image");
}
