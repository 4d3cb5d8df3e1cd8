/* SPDX-License-Identifier: MIT */
/* One pass over what is encoded, into a string of the size that is known before. */
#include "modules/layout/encode.h"

#include <lauxlib.h>
#include <stdint.h>
#include <string.h>

#include "gpumm_lua.h"
#include "modules/layout/views.h"

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int encode_base64(lua_State *L) {
    size_t length;
    const unsigned char *from = (const unsigned char *)luaL_checklstring(L, 1, &length);
    luaL_Buffer b;
    size_t size = (length + 2) / 3 * 4;
    char *to = luaL_buffinitsize(L, &b, size);
    for (size_t i = 0; i < length; i += 3) {
        size_t left = length - i;
        uint32_t word =
            (uint32_t)from[i] << 16 | (left > 1 ? (uint32_t)from[i + 1] << 8 : 0) | (left > 2 ? from[i + 2] : 0);
        for (int k = 0; k < 4; k++) to[k] = letters[word >> (18 - 6 * k) & 63];
        if (left < 3) to[3] = '=';
        if (left < 2) to[2] = '=';
        to += 4;
    }
    luaL_pushresultsize(&b, size);
    return 1;
}

static void put(unsigned char *to, uint32_t value, int bytes) {
    for (int i = 0; i < bytes; i++) to[i] = (unsigned char)(value >> 8 * i);
}

static int encode_lanes(lua_State *L) {
    lua_Integer first = luaL_checkinteger(L, 2), last = luaL_checkinteger(L, 3);
    gpumm_lua_view view = gpumm_layout__points_at(L, 1);
    lua_Integer lanes = (lua_Integer)gpumm_type_lanes(view.type);
    luaL_argcheck(L, first >= 1 && last >= first && last <= lanes, 2, "there are no such lanes");
    luaL_Buffer b;
    size_t size = (size_t)view.count * (size_t)(last - first + 1) * 4;
    unsigned char *to = (unsigned char *)luaL_buffinitsize(L, &b, size);
    for (uint64_t i = 0; i < view.count; i++)
        for (lua_Integer k = first - 1; k < last; k++, to += 4) {
            uint32_t bits;
            memcpy(&bits, (const float *)view.bytes + i * (uint64_t)lanes + k, sizeof bits);
            put(to, bits, 4);
        }
    luaL_pushresultsize(&b, size);
    return 1;
}

static uint32_t short_of(double part) {
    double value = part * 65535 + 0.5;
    return value > 0 ? value < 65535 ? (uint32_t)value : 65535 : 0; /* what is not a number is 0 */
}

static int encode_shorts(lua_State *L) {
    double low[3] = {0}, size = luaL_checknumber(L, 3);
    luaL_checktype(L, 2, LUA_TTABLE);
    for (int k = 0; k < 3; k++) {
        lua_geti(L, 2, k + 1);
        low[k] = luaL_optnumber(L, -1, 0);
        lua_pop(L, 1);
    }
    gpumm_lua_view view = gpumm_layout__points_at(L, 1);
    unsigned lanes = (unsigned)gpumm_type_lanes(view.type);
    luaL_argcheck(L, lanes <= 3, 1, "up to three coordinates");
    luaL_Buffer b;
    size_t bytes = (size_t)view.count * lanes * 2;
    unsigned char *to = (unsigned char *)luaL_buffinitsize(L, &b, bytes);
    for (uint64_t i = 0; i < view.count * lanes; i++, to += 2)
        put(to, short_of((((const float *)view.bytes)[i] - low[i % lanes]) / size), 2);
    luaL_pushresultsize(&b, bytes);
    return 1;
}

static int encode_look_bytes(lua_State *L) {
    gpumm_lua_view view = gpumm_layout__points_at(L, 1);
    const float *look = view.bytes;
    luaL_Buffer b;
    size_t size = (size_t)view.count * 2;
    unsigned char *to = (unsigned char *)luaL_buffinitsize(L, &b, size);
    for (size_t i = 0; i < size; i += 2) {
        float wide = look[i] * 32 + 0.5f;
        to[i] = (unsigned char)(wide < 255 ? wide : 255);
        to[i + 1] = look[i + 1] < 0 ? 255 : 0;
    }
    luaL_pushresultsize(&b, size);
    return 1;
}

void gpumm_layout__open_encode(lua_State *L) {
    static const luaL_Reg functions[] = {{"base64", encode_base64},
                                         {"lanes", encode_lanes},
                                         {"shorts", encode_shorts},
                                         {"look_bytes", encode_look_bytes},
                                         {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
