/* SPDX-License-Identifier: MIT */
/* Cairo and Pango, for text in pictures and for PDF. They are opened at first use, like a GPU's driver: who draws neither
   needs neither, and starts as fast as before. The build needs their headers alone; without these there is no text. */
#ifndef MODULES_LAYOUT_PANGO_H
#define MODULES_LAYOUT_PANGO_H

#ifdef GPUMM_HAVE_PANGO
#include <cairo-pdf.h>
#include <pango/pangocairo.h>

#define PANGO_CALLS(X) \
    X(cairo_arc) \
    X(cairo_close_path) \
    X(cairo_create) \
    X(cairo_destroy) \
    X(cairo_fill) \
    X(cairo_image_surface_create_for_data) \
    X(cairo_image_surface_get_data) \
    X(cairo_image_surface_get_stride) \
    X(cairo_line_to) \
    X(cairo_move_to) \
    X(cairo_new_path) \
    X(cairo_pattern_add_color_stop_rgb) \
    X(cairo_pattern_create_linear) \
    X(cairo_pattern_destroy) \
    X(cairo_pdf_surface_create_for_stream) \
    X(cairo_rectangle) \
    X(cairo_set_line_cap) \
    X(cairo_set_line_join) \
    X(cairo_set_line_width) \
    X(cairo_set_source) \
    X(cairo_set_source_rgba) \
    X(cairo_status) \
    X(cairo_status_to_string) \
    X(cairo_stroke) \
    X(cairo_surface_destroy) \
    X(cairo_surface_finish) \
    X(cairo_surface_flush) \
    X(cairo_surface_status) \
    X(g_object_unref) \
    X(pango_cairo_create_layout) \
    X(pango_cairo_layout_path) \
    X(pango_cairo_show_layout) \
    X(pango_font_description_free) \
    X(pango_font_description_new) \
    X(pango_font_description_set_absolute_size) \
    X(pango_font_description_set_family) \
    X(pango_layout_get_baseline) \
    X(pango_layout_get_size) \
    X(pango_layout_set_font_description) \
    X(pango_layout_set_single_paragraph_mode) \
    X(pango_layout_set_text)

typedef struct pango_calls {
#define X(name) __typeof__(&(name)) name;
    PANGO_CALLS(X)
#undef X
} pango_calls;

/* The functions; NULL where the libraries are not on this machine. */
const pango_calls *gpumm_layout__pango(void);
#endif

/* What to do so that there is text; NULL: there is. */
const char *gpumm_layout__pango_missing(void);

#endif
