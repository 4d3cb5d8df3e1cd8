// SPDX-License-Identifier: MIT
// The same script (ring.lua) in a C++ application: gpumm.hpp, whose handles release themselves, errors as exceptions, and a
// growth schedule of the application's own for a buffer that it shares with the script.
//
//     c++ -std=c++17 application.cpp $(pkg-config --cflags --libs gpumm-lua lua5.4) -o application && ./application
#include <cstdint>
#include <gpumm.hpp>
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

struct state_closer {
    void operator()(lua_State *L) const { lua_close(L); }
};
using state_ptr = std::unique_ptr<lua_State, state_closer>;

gpumm::manager open_manager() {
    gpumm_options options{};
    options.limit = std::uint64_t{256} << 20;
    return gpumm::manager::open(options).value();
}

// A buffer of the application's: the script may use it, not free it.
gpumm::buffer open_weights(gpumm::manager &manager) {
    gpumm::type f32 = gpumm::type::parse("f32").value();
    gpumm_buffer_options options{};
    options.name = "weights";
    options.type = f32.get();
    options.length = 4;
    options.growth.kind = GPUMM_GROWTH_CALLBACK;
    options.growth.callback = [](void *, const gpumm_growth_request *request) { return request->required + 100; };
    return manager.allocate(options).value();
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

std::vector<float> newest(const gpumm::manager &manager, lua_State *L) {
    gpumm::buffer place = gpumm::made<gpumm::buffer>([&](gpumm_buffer **out) {
                              return gpumm_lua_find_buffer(L, 1, "nodes.place", out);
                          }).value();
    std::uint64_t length = place.info().value().length;
    std::vector<float> values(length * 2);
    place.download(0, length, values.data(), manager.main()).check();
    return values;
}

bool run() {
    gpumm::manager manager = open_manager();
    gpumm::buffer weights = open_weights(manager);
    std::vector<float> places, seen(6);
    {
        state_ptr L(luaL_newstate());
        if (!L) throw std::bad_alloc();
        given g{manager.get(), weights.get()};
        lua_pushcfunction(L.get(), start_protected);
        lua_pushlightuserdata(L.get(), &g);
        call(L.get(), 1, 1);
        for (int step = 0; step < 200; step++) call_method(L.get(), "advance");
        places = newest(manager, L.get());
        call_method(L.get(), "close");
    }
    weights.download(0, 6, seen.data()).check(); // outlives the script
    gpumm_buffer_info info = weights.info().value();
    std::printf("%zu nodes laid out; weights: %g … %g, room for %llu\n", places.size() / 2, seen[0], seen[5],
                static_cast<unsigned long long>(info.capacity));
    weights.close().check();
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
