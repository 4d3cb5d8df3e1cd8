/* SPDX-License-Identifier: MIT */
/* A table of lengths, and a scale on a stretch of time. */
#include "device/trace/lengths.h"

#include "base/size.h"

enum { LENGTH_UNKNOWN_NS = 1000 };

/* By name, by what a graph does, and by the size, of which the power of two counts: of bytes or threads. */
static uint64_t key_of(const operation *o) {
    uint64_t hash = UINT64_C(14695981039346656037);
    for (const char *at = o->name; *at; at++) hash = (hash ^ (unsigned char)*at) * UINT64_C(1099511628211);
    uint64_t size = o->field_count ? o->fields[o->field_count - 1].number : 0;
    for (; size; size >>= 1) hash = (hash ^ 1) * UINT64_C(1099511628211);
    return (hash ^ (uint64_t)(uintptr_t)o->list) * UINT64_C(1099511628211) | 1;
}

static size_t place_of(uint64_t key) { return (key >> 32) % LENGTHS_KNOWN; }

/* A quarter of the newest: a single one that something interrupted is soon forgotten. */
static uint64_t blend(uint64_t old, uint64_t ns) { return old ? old - old / 4 + ns / 4 : ns; }

void gpumm__lengths_learn(lengths *l, const operation *o, uint64_t ns) {
    uint64_t key = key_of(o);
    size_t i = place_of(key);
    bool same = l->known[i].key == key;
    l->known[i].ns = blend(same ? l->known[i].ns : 0, ns);
    l->known[i].key = key;
    l->mean = blend(l->mean, ns);
}

uint64_t gpumm__lengths_of(const lengths *l, const operation *o) {
    uint64_t key = key_of(o);
    size_t i = place_of(key);
    if (l->known[i].key == key) return l->known[i].ns;
    return l->mean ? l->mean : LENGTH_UNKNOWN_NS;
}

void gpumm__stretch_begin(stretch *s, uint64_t from, uint64_t to, bool busy) {
    *s = (stretch){.at = from, .to = size_max(from, to), .busy = busy};
}

void gpumm__stretch_add(stretch *s, const operation *o) {
    s->left += o->length;
    s->least += o->least;
}

/* Where there is less time than the rest would take they take as much less; where the stream was busy to the end, as
   much more. */
static uint64_t length_at(const stretch *s, uint64_t begin, uint64_t length) {
    double share = s->left && s->to > begin ? (double)(s->to - begin) / (double)s->left : 0;
    return share < 1 || s->busy ? (uint64_t)((double)length * share) : length;
}

static uint64_t less(uint64_t a, uint64_t b) { return a > b ? a - b : 0; }

void gpumm__stretch_put(stretch *s, const operation *o, uint64_t *begin, uint64_t *end) {
    uint64_t latest = less(s->to, s->least);
    *begin = size_max(s->at, size_min(*begin, latest));
    *end = size_max(size_min(*end, latest + o->least), *begin + o->least);
    s->left = less(s->left, o->length);
    s->least = less(s->least, o->least);
    s->at = *end;
}

void gpumm__stretch_place(stretch *s, const operation *o, uint64_t *begin, uint64_t *end) {
    *begin = size_max(s->at, size_min(o->enqueued, less(s->to, s->least)));
    *end = *begin + length_at(s, *begin, o->length);
    gpumm__stretch_put(s, o, begin, end);
}
