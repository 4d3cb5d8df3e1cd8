/* SPDX-License-Identifier: MIT */
/* Headers that let the page do what it does and nothing else, and then the page, part by part. */
#include "modules/live/page.h"

#include <libwebsockets.h>
#include <string.h>

static bool add(struct lws *wsi, const char *name, const char *value, unsigned char **at, unsigned char *end) {
    return lws_add_http_header_by_name(wsi, (const unsigned char *)name, (const unsigned char *)value,
                                       (int)strlen(value), at, end) == 0;
}

int gpumm_live__page_begin(struct lws *wsi, const live_blob *page) {
    unsigned char room[LWS_PRE + 2048], *start = room + LWS_PRE, *at = start, *end = room + sizeof room - 1;
    if (lws_add_http_common_headers(wsi, HTTP_STATUS_OK, "text/html; charset=utf-8", page->size, &at, end) != 0)
        return -1;
    if (!add(wsi, "content-security-policy:",
             "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; "
             "img-src blob: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
             &at, end) ||
        !add(wsi, "referrer-policy:", "no-referrer", &at, end) ||
        !add(wsi, "x-content-type-options:", "nosniff", &at, end) || !add(wsi, "cache-control:", "no-store", &at, end))
        return -1;
    if (lws_finalize_write_http_header(wsi, start, &at, end) != 0) return -1;
    lws_callback_on_writable(wsi);
    return 0;
}

int gpumm_live__page_send(struct lws *wsi, const live_blob *page, live_reader *r) {
    unsigned char room[LWS_PRE + 8192];
    size_t left = page->size - r->done, part = left < sizeof room - LWS_PRE ? left : sizeof room - LWS_PRE;
    bool last = part == left;
    memcpy(room + LWS_PRE, page->bytes + r->done, part);
    if (lws_write(wsi, room + LWS_PRE, part, last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) < (int)part) return -1;
    r->done += part;
    if (last) {
        r->done = 0;
        return lws_http_transaction_completed(wsi) ? -1 : 0;
    }
    lws_callback_on_writable(wsi);
    return 0;
}
