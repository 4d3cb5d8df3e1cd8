// SPDX-License-Identifier: MIT
// The same script (ring.lua) in a C++ application: gpumm's headers as they are, handles in smart pointers, errors
// as exceptions, and a growth schedule of the application's own for a buffer that it shares with the script.
//
//     c++ -std=c++17 application.cpp $(pkg-config --cflags --libs gpumm-lua lua5.4) -o application && ./application
#include <cstdint>
#include <gpumm.h>
#include <gpumm_lua.h>
#include <lua.hpp>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

void check(gpumm_status status) {
    if (status != GPUMM_OK) throw std::runtime_error(std::string(gpumm_status_name(status)) + ": " + gpumm_message());
}

template <auto release> struct releaser {
    template <typename T> void operator()(T *object) const { release(object); }
};
using manager_ptr = std::unique_ptr<gpumm_manager, releaser<gpumm_manager_release>>;
using buffer_ptr = std::unique_ptr<gpumm_buffer, releaser<gpumm_buffer_release>>;
using frame_ptr = std::unique_ptr<gpumm_frame, releaser<gpumm_frame_release>>;
using type_ptr = std::unique_ptr<gpumm_type, releaser<gpumm_type_release>>;
using state_ptr = std::unique_ptr<lua_State, releaser<lua_close>>;

manager_ptr open_manager() {
    gpumm_options options{};
    options.limit = std::uint64_t{256} << 20;
    gpumm_manager *manager;
    check(gpumm_manager_open(&options, &manager));
    return manager_ptr(manager);
}

// A buffer of the application's: the script may use it, not free it.
buffer_ptr open_weights(gpumm_manager *manager) {
    gpumm_type *f32;
    check(gpumm_type_parse("f32", &f32));
    type_ptr type(f32);
    gpumm_buffer_options options{};
    options.name = "weights";
    options.type = f32;
    options.length = 4;
    options.growth.kind = GPUMM_GROWTH_CALLBACK;
    options.growth.callback = [](void *, const gpumm_growth_request *request) { return request->required + 100; };
    gpumm_buffer *buffer;
    check(gpumm_manager_allocate(manager, &options, &buffer));
    return buffer_ptr(buffer);
}

// Runs in protected mode: Lua's errors pass through no C++ object that needs destroying.
struct given {
    gpumm_manager *manager;
    gpumm_buffer *weights;
};

int start_protected(lua_State *L) {
    auto *g = static_cast<given *>(lua_touserdata(L, 1));
    lua_settop(L, 0);
    luaL_openlibs(L);
    gpumm_lua_open(L);
    lua_pop(L, 1);
    gpumm_lua_push_buffer(L, g->weights, GPUMM_LUA_SHARE_BORROW);
    lua_setglobal(L, "weights");
    if (luaL_dostring(L, "weights:resize(6); weights:fill(2.5); weights:upload({ 7 }, 6)\n"
                         "assert(not pcall(weights.free, weights))") != LUA_OK)
        return lua_error(L);
    if (luaL_loadfilex(L, "ring.lua", "t") != LUA_OK) return lua_error(L);
    lua_call(L, 0, 1);
    lua_getfield(L, 1, "open");
    lua_pushvalue(L, 1);
    lua_createtable(L, 0, 1);
    gpumm_lua_push_manager(L, g->manager, GPUMM_LUA_SHARE_BORROW);
    lua_setfield(L, -2, "manager");
    lua_call(L, 2, 0);
    return 1;
}

void call(lua_State *L, int arguments, int results) {
    if (lua_pcall(L, arguments, results, 0) != LUA_OK) throw std::runtime_error(lua_tostring(L, -1));
}

void call_method(lua_State *L, const char *name) { // of the simulation in slot 1
    lua_getfield(L, 1, name);
    lua_pushvalue(L, 1);
    call(L, 1, 0);
}

std::vector<float> newest(gpumm_manager *manager, lua_State *L) {
    gpumm_buffer *found;
    check(gpumm_lua_find_buffer(L, 1, "nodes.place", &found));
    buffer_ptr place(found);
    gpumm_buffer_info info;
    check(gpumm_buffer_get_info(found, &info));
    std::vector<float> values(info.length * 2);
    check(gpumm_buffer_download(found, gpumm_manager_main(manager), 0, info.length, values.data()));
    return values;
}

bool run() {
    manager_ptr manager = open_manager();
    buffer_ptr weights = open_weights(manager.get());
    std::vector<float> places, seen(6);
    {
        state_ptr L(luaL_newstate());
        if (!L) throw std::bad_alloc();
        given g{manager.get(), weights.get()};
        lua_pushcfunction(L.get(), start_protected);
        lua_pushlightuserdata(L.get(), &g);
        call(L.get(), 1, 1);
        for (int step = 0; step < 200; step++) call_method(L.get(), "advance");
        places = newest(manager.get(), L.get());
        call_method(L.get(), "close");
    }
    check(gpumm_buffer_download(weights.get(), nullptr, 0, 6, seen.data())); // outlives the script
    gpumm_buffer_info info;
    check(gpumm_buffer_get_info(weights.get(), &info));
    std::printf("%zu nodes laid out; weights: %g … %g, room for %llu\n", places.size() / 2, seen[0], seen[5],
                static_cast<unsigned long long>(info.capacity));
    check(gpumm_buffer_close(weights.get()));
    return places.size() == 16 && seen[0] == 2.5f && seen[5] == 7.0f && info.capacity == 106;
}

} // namespace

int main() {
    try {
        return run() ? EXIT_SUCCESS : EXIT_FAILURE;
    } catch (const std::exception &error) {
        std::fprintf(stderr, "application: %s\n", error.what());
        return EXIT_FAILURE;
    }
}
