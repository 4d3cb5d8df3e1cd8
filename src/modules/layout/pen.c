/* SPDX-License-Identifier: MIT */
/*
 * A pen is a Cairo context. A file whose pen is collected or closed before it is committed leaves nothing behind. Cairo takes
 * its memory by malloc; so that it counts against a contained script's, pixels are Lua's, and what Cairo keeps of a PDF's shapes
 * until its end is taken from the script's as well, about.
 */
#include "modules/layout/pen.h"

#include <lauxlib.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "gpumm_lua.h"
#include "modules/layout/class.h"
#include "modules/layout/files.h"
#include "modules/layout/pango.h"
#include "modules/layout/views.h"

static int pen_missing(lua_State *L) {
    const char *why = gpumm_layout__pango_missing();
    if (why) lua_pushstring(L, why);
    return why ? 1 : 0;
}

#ifdef GPUMM_HAVE_PANGO

#define PEN_CLASS "gpumm_layout.pen"
#define FONT "sans"

enum { SHAPE = 1024, MORE = 64 << 10 }; /* bytes: what Cairo keeps of a shape, about; by how much is counted at least */

typedef struct pen {
    const pango_calls *p;
    cairo_t *cr; /* NULL: it has ended */
    cairo_surface_t *surface;
    gpumm_lua_output *output; /* of a PDF */
    gpumm_allocator memory;
    void *counted; /* memory that nobody touches, as much as Cairo has elsewhere */
    size_t used, room;
    int width, height;
    double color[4], halo[4]; /* the halo's fourth is its width */
} pen;

static pen *check_pen(lua_State *L) {
    pen *q = luaL_checkudata(L, 1, PEN_CLASS);
    luaL_argcheck(L, q->cr, 1, "this drawing is complete, or given up");
    return q;
}

/* The pen, with room for one more shape. */
static pen *check_shape(lua_State *L) {
    pen *q = check_pen(L);
    q->used += q->output ? SHAPE : 0;
    if (q->used <= q->room) return q;
    size_t room = q->room + q->room / 4 + MORE;
    void *counted = q->memory.reallocate(q->memory.user, q->counted, room);
    if (!counted) {
        gpumm_lua_memory_refused(L);
        luaL_error(L, "not enough memory to draw so much as one PDF");
    }
    q->counted = counted;
    q->room = room;
    return q;
}

/* ---- Beginning and end ------------------------------------------------------------------------------ */

static pen *new_pen(lua_State *L, int width, int height) {
    const char *why = gpumm_layout__pango_missing();
    if (why) luaL_error(L, "text in a picture %s", why);
    pen *q = lua_newuserdatauv(L, sizeof *q, 1);
    *q = (pen){.p = gpumm_layout__pango(), .width = width, .height = height, .memory = gpumm_lua_allocator(L)};
    luaL_setmetatable(L, PEN_CLASS);
    return q;
}

/* False: there is no memory, or the surface is too large. */
static bool begin(pen *q, cairo_surface_t *surface) {
    q->surface = surface;
    if (q->p->cairo_surface_status(surface) != CAIRO_STATUS_SUCCESS) return false;
    q->cr = q->p->cairo_create(surface);
    q->p->cairo_set_line_cap(q->cr, CAIRO_LINE_CAP_ROUND);
    q->p->cairo_set_line_join(q->cr, CAIRO_LINE_JOIN_ROUND);
    return q->p->cairo_status(q->cr) == CAIRO_STATUS_SUCCESS;
}

/* NULL: all was drawn and written. */
static const char *end(pen *q) {
    cairo_status_t status = q->cr ? q->p->cairo_status(q->cr) : CAIRO_STATUS_SUCCESS;
    if (q->cr) q->p->cairo_destroy(q->cr);
    if (q->surface) {
        q->p->cairo_surface_finish(q->surface);
        if (status == CAIRO_STATUS_SUCCESS) status = q->p->cairo_surface_status(q->surface);
        q->p->cairo_surface_destroy(q->surface);
    }
    q->cr = NULL;
    q->surface = NULL;
    if (q->counted) q->memory.reallocate(q->memory.user, q->counted, 0);
    q->counted = NULL;
    return status == CAIRO_STATUS_SUCCESS ? NULL : q->p->cairo_status_to_string(status);
}

static int pen_close(lua_State *L) {
    pen *q = luaL_checkudata(L, 1, PEN_CLASS);
    end(q);
    if (q->output) {
        gpumm_lua_output_abandon(q->output);
        gpumm_layout__files_closed(L);
        q->output = NULL;
    }
    return 0;
}

static int pen_pixels(lua_State *L) {
    lua_Integer width = luaL_checkinteger(L, 1), height = luaL_checkinteger(L, 2);
    luaL_argcheck(L, width >= 1 && width <= 32767 && height >= 1 && height <= 32767, 1, "a side is 1 to 32767 pixels");
    pen *q = new_pen(L, (int)width, (int)height);
    unsigned char *pixels = lua_newuserdatauv(L, (size_t)width * (size_t)height * 4, 0);
    memset(pixels, 0, (size_t)width * (size_t)height * 4);
    lua_setiuservalue(L, -2, 1);
    if (!begin(q, q->p->cairo_image_surface_create_for_data(pixels, CAIRO_FORMAT_ARGB32, q->width, q->height,
                                                            4 * q->width)))
        return luaL_error(L, "there is no memory to draw %d x %d pixels", q->width, q->height);
    return 1;
}

static cairo_status_t put(void *stream, const unsigned char *data, unsigned int length) {
    return fwrite(data, 1, length, stream) == length ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

static int pen_pdf(lua_State *L) {
    const char *path = gpumm_lua_check_path(L, 1, GPUMM_LUA_ACCESS_WRITE);
    double width = luaL_checknumber(L, 2), height = luaL_checknumber(L, 3);
    pen *q = new_pen(L, (int)width, (int)height);
    gpumm_layout__files_room(L);
    gpumm_status status = gpumm_lua_output_open(path, &q->output);
    if (status != GPUMM_OK) return gpumm_lua_result(L, status);
    gpumm_layout__files_opened(L);
    FILE *stream = gpumm_lua_output_stream(q->output);
    if (!begin(q, q->p->cairo_pdf_surface_create_for_stream(put, stream, width, height)))
        return luaL_error(L, "there is no memory to draw");
    return 1;
}

static int pen_commit(lua_State *L) {
    pen *q = check_pen(L);
    luaL_argcheck(L, q->output, 1, "this drawing is no file's");
    const char *why = end(q);
    gpumm_lua_output *output = q->output;
    q->output = NULL;
    gpumm_layout__files_closed(L);
    if (!why) return gpumm_lua_result(L, gpumm_lua_output_commit(output));
    gpumm_status status = gpumm_lua_fail(GPUMM_IO, "writing the picture failed: %s", why);
    gpumm_lua_output_abandon(output);
    return gpumm_lua_result(L, status);
}

/* ---- Shapes ----------------------------------------------------------------------------------------- */

static void use(pen *q) { q->p->cairo_set_source_rgba(q->cr, q->color[0], q->color[1], q->color[2], q->color[3]); }

static int pen_color(lua_State *L) {
    pen *q = check_pen(L);
    for (int i = 0; i < 4; i++) q->color[i] = i < 3 ? luaL_checknumber(L, 2 + i) : luaL_optnumber(L, 2 + i, 1);
    use(q);
    return 0;
}

static int pen_halo(lua_State *L) {
    pen *q = check_pen(L);
    for (int i = 0; i < 4; i++) q->halo[i] = luaL_checknumber(L, 2 + i);
    return 0;
}

static int pen_line(lua_State *L) {
    pen *q = check_shape(L);
    q->p->cairo_move_to(q->cr, luaL_checknumber(L, 2), luaL_checknumber(L, 3));
    q->p->cairo_line_to(q->cr, luaL_checknumber(L, 4), luaL_checknumber(L, 5));
    q->p->cairo_set_line_width(q->cr, luaL_checknumber(L, 6));
    q->p->cairo_stroke(q->cr);
    return 0;
}

static int pen_disc(lua_State *L) {
    pen *q = check_shape(L);
    q->p->cairo_new_path(q->cr);
    q->p->cairo_arc(q->cr, luaL_checknumber(L, 2), luaL_checknumber(L, 3), luaL_checknumber(L, 4), 0, 2 * acos(-1.0));
    q->p->cairo_fill(q->cr);
    return 0;
}

static int pen_triangle(lua_State *L) {
    pen *q = check_shape(L);
    q->p->cairo_move_to(q->cr, luaL_checknumber(L, 2), luaL_checknumber(L, 3));
    q->p->cairo_line_to(q->cr, luaL_checknumber(L, 4), luaL_checknumber(L, 5));
    q->p->cairo_line_to(q->cr, luaL_checknumber(L, 6), luaL_checknumber(L, 7));
    q->p->cairo_close_path(q->cr);
    q->p->cairo_fill(q->cr);
    return 0;
}

static void rectangle(lua_State *L, pen *q) {
    q->p->cairo_rectangle(q->cr, luaL_checknumber(L, 2), luaL_checknumber(L, 3), luaL_checknumber(L, 4),
                          luaL_checknumber(L, 5));
}

static int pen_box(lua_State *L) {
    pen *q = check_shape(L);
    rectangle(L, q);
    q->p->cairo_fill(q->cr);
    return 0;
}

static double channel(lua_State *L, lua_Integer i) {
    lua_rawgeti(L, 6, i); /* what a metamethod does might end the pen */
    double value = luaL_checknumber(L, -1);
    lua_pop(L, 1);
    return value;
}

static int pen_shade(lua_State *L) {
    pen *q = check_shape(L);
    luaL_checktype(L, 6, LUA_TTABLE);
    double y = luaL_checknumber(L, 3), h = luaL_checknumber(L, 5);
    lua_Integer steps = (lua_Integer)lua_rawlen(L, 6) / 3;
    for (lua_Integer i = 1; i <= 3 * steps; i++) channel(L, i); /* nothing may raise while there is a pattern */
    rectangle(L, q);
    cairo_pattern_t *pattern = q->p->cairo_pattern_create_linear(0, y + h, 0, y);
    for (lua_Integer k = 0; k < steps; k++)
        q->p->cairo_pattern_add_color_stop_rgb(pattern, steps > 1 ? (double)k / (double)(steps - 1) : 0,
                                               channel(L, 3 * k + 1), channel(L, 3 * k + 2), channel(L, 3 * k + 3));
    q->p->cairo_set_source(q->cr, pattern);
    q->p->cairo_fill(q->cr);
    q->p->cairo_pattern_destroy(pattern);
    use(q);
    return 0;
}

/* ---- Text ------------------------------------------------------------------------------------------- */

static PangoLayout *layout_of(pen *q, const char *text, size_t length, double size) {
    PangoFontDescription *font = q->p->pango_font_description_new();
    q->p->pango_font_description_set_family(font, FONT);
    q->p->pango_font_description_set_absolute_size(font, size * PANGO_SCALE);
    PangoLayout *layout = q->p->pango_cairo_create_layout(q->cr);
    q->p->pango_layout_set_font_description(layout, font);
    q->p->pango_layout_set_single_paragraph_mode(layout, 1);
    q->p->pango_layout_set_text(layout, text, (int)length);
    q->p->pango_font_description_free(font);
    return layout;
}

static double baseline_of(const pen *q, PangoLayout *layout) {
    return (double)q->p->pango_layout_get_baseline(layout) / PANGO_SCALE;
}

static int pen_measure(lua_State *L) {
    pen *q = check_pen(L);
    size_t length;
    const char *text = luaL_checklstring(L, 2, &length);
    PangoLayout *layout = layout_of(q, text, length, luaL_checknumber(L, 3));
    int width, height;
    q->p->pango_layout_get_size(layout, &width, &height);
    double baseline = baseline_of(q, layout);
    q->p->g_object_unref(layout);
    lua_pushnumber(L, (double)width / PANGO_SCALE);
    lua_pushnumber(L, (double)height / PANGO_SCALE);
    lua_pushnumber(L, baseline);
    return 3;
}

static void draw_halo(pen *q, PangoLayout *layout) {
    q->p->cairo_set_source_rgba(q->cr, q->halo[0], q->halo[1], q->halo[2], 0.85);
    q->p->cairo_set_line_width(q->cr, 2 * q->halo[3]);
    q->p->pango_cairo_layout_path(q->cr, layout);
    q->p->cairo_stroke(q->cr);
    use(q);
}

static int pen_text(lua_State *L) {
    pen *q = check_shape(L);
    size_t length;
    double x = luaL_checknumber(L, 2), y = luaL_checknumber(L, 3);
    const char *text = luaL_checklstring(L, 4, &length);
    PangoLayout *layout = layout_of(q, text, length, luaL_checknumber(L, 5));
    double top = y - baseline_of(q, layout);
    q->p->cairo_move_to(q->cr, x, top);
    if (q->halo[3] > 0) draw_halo(q, layout);
    q->p->cairo_move_to(q->cr, x, top);
    q->p->pango_cairo_show_layout(q->cr, layout);
    q->p->cairo_new_path(q->cr);
    q->p->g_object_unref(layout);
    return 0;
}

/* ---- Pixels ----------------------------------------------------------------------------------------- */

/* Cairo's are 32 bits a pixel, multiplied with their alpha. */
static void blend(const unsigned char *under, uint32_t over, unsigned char *out) {
    uint32_t rest = 255 - (over >> 24);
    for (int c = 0; c < 3; c++) {
        uint32_t value = (over >> (16 - 8 * c) & 255) + (under[c] * rest + 127) / 255;
        out[c] = (unsigned char)(value < 255 ? value : 255);
    }
    out[3] = 255;
}

static int pen_over(lua_State *L) {
    gpumm_lua_view under = gpumm_layout__view_at(L, 2, "u8x4"); /* first: what takes memory may run what ends the pen */
    pen *q = check_pen(L);
    uint64_t count = (uint64_t)q->width * (uint64_t)q->height;
    luaL_argcheck(L, !q->output && under.count == count, 2, "there are other pixels than the pen has");
    unsigned char *out = gpumm_lua_push_view(L, "u8x4", count);
    q->p->cairo_surface_flush(q->surface);
    const unsigned char *rows = q->p->cairo_image_surface_get_data(q->surface);
    int stride = q->p->cairo_image_surface_get_stride(q->surface);
    for (int y = 0; y < q->height; y++) {
        for (int x = 0; x < q->width; x++) {
            uint32_t over;
            uint64_t at = (uint64_t)y * (uint64_t)q->width + (uint64_t)x;
            memcpy(&over, rows + (size_t)y * (size_t)stride + 4 * (size_t)x, sizeof over);
            blend((const unsigned char *)under.bytes + 4 * at, over, out + 4 * at);
        }
    }
    return 1;
}

static void make_class(lua_State *L) {
    static const luaL_Reg methods[] = {{"color", pen_color},     {"halo", pen_halo},     {"line", pen_line},
                                       {"disc", pen_disc},       {"box", pen_box},       {"triangle", pen_triangle},
                                       {"shade", pen_shade},     {"text", pen_text},     {"over", pen_over},
                                       {"measure", pen_measure}, {"commit", pen_commit}, {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__gc", pen_close}, {"__close", pen_close}, {NULL, NULL}};
    gpumm_layout__class_make(L, PEN_CLASS, meta, methods);
}

#endif

void gpumm_layout__open_pen(lua_State *L) {
#ifdef GPUMM_HAVE_PANGO
    static const luaL_Reg pens[] = {{"pen_pixels", pen_pixels}, {"pen_pdf", pen_pdf}, {NULL, NULL}};
    make_class(L);
    luaL_setfuncs(L, pens, 0);
#endif
    lua_pushcfunction(L, pen_missing);
    lua_setfield(L, -2, "pen_missing");
}
