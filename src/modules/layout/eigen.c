/* SPDX-License-Identifier: MIT */
/* Power iteration on all the vectors at once: it ends when none turns any more. */
#include "modules/layout/eigen.h"

#include <lauxlib.h>
#include <math.h>
#include <string.h>

#include "modules/layout/views.h"

/* The call cannot be interrupted: with these it ends within about a second. */
enum { ROUNDS = 100, SIDE_MOST = 1024, VECTORS_MOST = 8 };

static double dot(const double *a, const double *b, size_t n) {
    double sum = 0;
    for (size_t k = 0; k < n; k++) sum += a[k] * b[k];
    return sum;
}

static void times(const double *matrix, const double *v, size_t n, double *out) {
    for (size_t a = 0; a < n; a++) out[a] = dot(matrix + a * n, v, n);
}

/* Vector c, against those before it. */
static void make_orthonormal(double *vectors, size_t c, size_t n) {
    double *v = vectors + c * n;
    for (size_t b = 0; b < c; b++) {
        double along = dot(v, vectors + b * n, n);
        for (size_t k = 0; k < n; k++) v[k] -= along * vectors[b * n + k];
    }
    double length = sqrt(dot(v, v, n));
    for (size_t k = 0; k < n; k++) v[k] = length > 1e-30 ? v[k] / length : 0;
}

/* How far the vector that turned most did. */
static double turn(const double *matrix, const double *now, size_t n, size_t count, double *next) {
    double most = 0;
    for (size_t c = 0; c < count; c++) {
        times(matrix, now + c * n, n, next + c * n);
        make_orthonormal(next, c, n);
        most = fmax(most, 1 - fabs(dot(next + c * n, now + c * n, n)));
    }
    return most;
}

static const double *doubles_at(lua_State *L, int index, uint64_t *count) {
    gpumm_lua_view view = gpumm_layout__view_at(L, index, "f64");
    *count = view.count;
    return view.bytes;
}

static int layout_eigenvectors(lua_State *L) {
    uint64_t cells, numbers;
    const double *matrix = doubles_at(L, 1, &cells), *first = doubles_at(L, 2, &numbers);
    size_t n = (size_t)(sqrt((double)cells) + 0.5);
    if (n == 0 || n * n != cells || numbers % n != 0)
        return luaL_error(L, "a square matrix and vectors as long as its side, please");
    if (n > SIDE_MOST || numbers / n > VECTORS_MOST)
        return luaL_error(L, "a matrix of at most %d rows and at most %d vectors, please", SIDE_MOST, VECTORS_MOST);
    double *now = gpumm_lua_push_view(L, "f64", numbers), *next = lua_newuserdatauv(L, numbers * sizeof *next, 0);
    memcpy(now, first, numbers * sizeof *now);
    for (size_t c = 0; c < numbers / n; c++) make_orthonormal(now, c, n);
    for (int round = 0; round < ROUNDS; round++) {
        double turned = turn(matrix, now, n, numbers / n, next);
        memcpy(now, next, numbers * sizeof *now);
        if (turned < 1e-9) break;
    }
    lua_pop(L, 1);
    return 1;
}

static int layout_greatest(lua_State *L) {
    gpumm_lua_view view = gpumm_layout__view_at(L, 1, "u32");
    uint32_t most = 0;
    const uint32_t *at = view.bytes;
    for (uint64_t i = 0; i < view.count; i++) most = at[i] > most ? at[i] : most;
    lua_pushinteger(L, most);
    return 1;
}

void gpumm_layout__open_eigen(lua_State *L) {
    lua_pushcfunction(L, layout_eigenvectors);
    lua_setfield(L, -2, "eigenvectors");
    lua_pushcfunction(L, layout_greatest);
    lua_setfield(L, -2, "greatest");
}
