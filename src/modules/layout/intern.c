/* SPDX-License-Identifier: MIT */
/*
 * A slot holds a name of up to 8 bytes, or in another table of up to 16, itself, so that most look-ups touch one line of
 * memory. Of a longer name it holds two hashes, and the text is compared where those are equal.
 *
 * Merging: every name has a hash, and by its hash one task. Each task goes through the pieces in their order and finds
 * who was first. The firsts are then numbered in the order of the pieces, which is that of the whole file.
 */
#include "modules/layout/intern.h"

#include <string.h>

typedef struct intern_slot {
    uint64_t word;
    uint32_t length, number; /* number + 1; 0: empty */
} slot;

typedef struct intern_long_slot {
    uint64_t word, more;
    uint32_t length, number;
} long_slot;

struct intern_block {
    struct intern_block *next;
    size_t used, size;
    char bytes[];
};

enum { SHORT = 8, WHOLE = 16, FIRST_SLOTS = 64, BLOCK = 1 << 16 };

/* ---- Hashing ---------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t x) {
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93;
    x ^= x >> 32;
    x *= 0xa0761d6478bd642f;
    return x ^ x >> 29;
}

static uint64_t word(const char *text, size_t length) {
    uint64_t w = 0;
    memcpy(&w, text, length);
    return w;
}

/* Its first `length` bytes, 8 at the most, of which 8 may be read. */
static uint64_t masked(const char *text, size_t length) {
    uint64_t w;
    memcpy(&w, text, sizeof w);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return length >= 8 ? w : w & ((1ULL << 8 * length) - 1);
#else
    return length >= 8 ? w : w & ~(~0ULL >> 8 * length);
#endif
}

/* Two hashes of a name that is longer than a slot. */
static void hash_long(intern_key *key, uint64_t seed) {
    const char *text = key->text;
    uint64_t a = seed, b = ~seed;
    for (size_t i = 0; i + 16 <= key->length; i += 16) {
        a = (a ^ word(text + i, 8)) * 0x9e3779b97f4a7c15;
        b = (b ^ word(text + i + 8, 8)) * 0xd6e8feb86659fd93;
        a ^= a >> 29;
        b ^= b >> 31;
    }
    key->word = mix(a ^ word(text + key->length - 16, 8)); /* the last 16, some of them again */
    key->more = mix(b + word(text + key->length - 8, 8));
}

static void take_words(intern_key *key, const char *limit) {
    const char *text = key->text;
    size_t length = key->length;
    if (limit - text >= WHOLE) {
        key->word = masked(text, length);
        if (length > SHORT) key->more = masked(text + SHORT, length - SHORT);
    } else {
        key->word = word(text, length < SHORT ? length : SHORT);
        if (length > SHORT) key->more = word(text + SHORT, length - SHORT);
    }
}

intern_key gpumm_layout__intern_prepare(const interner *t, const char *text, size_t length, const char *limit) {
    intern_key key = {.text = text, .length = length > UINT32_MAX / 2 ? UINT32_MAX : (uint32_t)length};
    if (key.length == UINT32_MAX) return key;
    if (length > WHOLE) hash_long(&key, t->seed);
    else take_words(&key, limit);
    if (length <= SHORT) {
        key.hash = (uint32_t)mix((key.word ^ t->seed) + ((uint64_t)length << 56));
        if (t->slots) __builtin_prefetch(&t->slots[key.hash & t->mask], 1);
    } else {
        key.hash = (uint32_t)mix((key.word ^ t->seed) * 0x9e3779b97f4a7c15 + key.more + length);
        if (t->longs) __builtin_prefetch(&t->longs[key.hash & t->long_mask], 1);
    }
    return key;
}

/* ---- One dictionary ----------------------------------------------------------------------------- */

void gpumm_layout__intern_begin(interner *t, const work *w, uint64_t seed) { *t = (interner){.work = w, .seed = seed}; }

void gpumm_layout__intern_end(interner *t) {
    if (!t->work) return;
    for (struct intern_block *b = t->blocks, *next; b; b = next) {
        next = b->next;
        gpumm_layout__work_free(t->work, b);
    }
    gpumm_layout__work_free(t->work, t->slots);
    gpumm_layout__work_free(t->work, t->longs);
    gpumm_layout__work_free(t->work, t->names);
    *t = (interner){0};
}

void gpumm_layout__intern_settle(interner *t) {
    if (!t->work) return;
    gpumm_layout__work_free(t->work, t->slots);
    gpumm_layout__work_free(t->work, t->longs);
    t->slots = NULL;
    t->longs = NULL;
}

static bool grow_slots(interner *t) {
    size_t size = t->slots ? 2 * (t->mask + 1) : FIRST_SLOTS;
    slot *slots = gpumm_layout__work_array(t->work, NULL, size, sizeof *slots);
    if (!slots) return false;
    memset(slots, 0, size * sizeof *slots);
    for (size_t i = 0; t->slots && i <= t->mask; i++) {
        if (t->slots[i].number == 0) continue;
        size_t at = t->names[t->slots[i].number - 1].hash & (size - 1);
        while (slots[at].number) at = (at + 1) & (size - 1);
        slots[at] = t->slots[i];
    }
    gpumm_layout__work_free(t->work, t->slots);
    t->slots = slots;
    t->mask = size - 1;
    return true;
}

static bool grow_longs(interner *t) {
    size_t size = t->longs ? 2 * (t->long_mask + 1) : FIRST_SLOTS;
    long_slot *longs = gpumm_layout__work_array(t->work, NULL, size, sizeof *longs);
    if (!longs) return false;
    memset(longs, 0, size * sizeof *longs);
    for (size_t i = 0; t->longs && i <= t->long_mask; i++) {
        if (t->longs[i].number == 0) continue;
        size_t at = t->names[t->longs[i].number - 1].hash & (size - 1);
        while (longs[at].number) at = (at + 1) & (size - 1);
        longs[at] = t->longs[i];
    }
    gpumm_layout__work_free(t->work, t->longs);
    t->longs = longs;
    t->long_mask = size - 1;
    return true;
}

static bool grow_names(interner *t) {
    if (t->count >= INTERN_MOST) return false;
    uint32_t room = t->room ? t->room + t->room / 2 : FIRST_SLOTS;
    intern_name *names = gpumm_layout__work_array(t->work, t->names, room, sizeof *names);
    if (!names) return false;
    t->names = names;
    t->room = room;
    return true;
}

static const char *keep_copy(interner *t, const char *text, size_t length) {
    struct intern_block *b = t->blocks;
    if (!b || b->size - b->used < length) {
        size_t size = length > BLOCK / 4 ? length : BLOCK;
        b = gpumm_layout__work_memory(t->work, NULL, sizeof *b + size);
        if (!b) return NULL;
        *b = (struct intern_block){.next = t->blocks, .size = size};
        t->blocks = b;
    }
    char *at = b->bytes + b->used;
    memcpy(at, text, length);
    b->used += length;
    return at;
}

/* The slot of the key, or the empty one where it belongs. */
static slot *look(const interner *t, const intern_key *key) {
    for (size_t at = key->hash & t->mask;; at = (at + 1) & t->mask) {
        slot *s = &t->slots[at];
        if (s->number == 0 || (s->word == key->word && s->length == key->length)) return s;
    }
}

static long_slot *look_long(const interner *t, const intern_key *key) {
    for (size_t at = key->hash & t->long_mask;; at = (at + 1) & t->long_mask) {
        long_slot *s = &t->longs[at];
        if (s->number == 0) return s;
        if (s->word != key->word || s->more != key->more || s->length != key->length) continue;
        if (key->length <= WHOLE || memcmp(t->names[s->number - 1].text, key->text, key->length) == 0) return s;
    }
}

/* Its number + 1; 0: there is no memory. */
static uint32_t add(interner *t, const intern_key *key, bool copy) {
    const char *text = key->text;
    if (t->count == t->room && !grow_names(t)) return 0;
    if (copy && !(text = keep_copy(t, text, key->length))) return 0;
    t->names[t->count] = (intern_name){text, key->length, key->hash};
    return ++t->count;
}

static uint32_t find_short(interner *t, const intern_key *key, bool copy) {
    if ((!t->slots || t->short_count > t->mask / 4 * 3) && !grow_slots(t)) return 0;
    slot *s = look(t, key);
    if (s->number > 0) return s->number;
    uint32_t number = add(t, key, copy);
    if (number == 0) return 0;
    *s = (slot){key->word, key->length, number};
    t->short_count++;
    return number;
}

static uint32_t find_long(interner *t, const intern_key *key, bool copy) {
    if ((!t->longs || t->count - t->short_count > t->long_mask / 4 * 3) && !grow_longs(t)) return 0;
    long_slot *s = look_long(t, key);
    if (s->number > 0) return s->number;
    uint32_t number = add(t, key, copy);
    if (number > 0) *s = (long_slot){key->word, key->more, key->length, number};
    return number;
}

bool gpumm_layout__intern_prepared(interner *t, const intern_key *key, bool copy, uint32_t *number) {
    if (key->length == UINT32_MAX) return false;
    uint32_t found = key->length <= SHORT ? find_short(t, key, copy) : find_long(t, key, copy);
    *number = found - 1;
    return found > 0;
}

bool gpumm_layout__intern(interner *t, const char *text, size_t length, const char *limit, bool copy,
                          uint32_t *number) {
    intern_key key = gpumm_layout__intern_prepare(t, text, length, limit);
    return gpumm_layout__intern_prepared(t, &key, copy, number);
}

bool gpumm_layout__intern_find(const interner *t, const char *text, size_t length, uint32_t *number) {
    intern_key key = gpumm_layout__intern_prepare(t, text, length, text + length);
    uint32_t found = 0;
    if (length <= SHORT) found = t->slots ? look(t, &key)->number : 0;
    else if (key.length != UINT32_MAX) found = t->longs ? look_long(t, &key)->number : 0;
    *number = found - 1;
    return found > 0;
}

/* ---- Several made one ----------------------------------------------------------------------------- */

typedef struct merging {
    work *work;
    interner *pieces;
    unsigned count, tasks;
    uint64_t **owners;  /* of each name, where it was first: piece << 32 | number there */
    uint32_t **numbers; /* in all */
    uint32_t *first;    /* of each piece, how many are new in it; then where its numbers begin */
    intern_name *names;
    atomic_bool failed;
} merging;

static unsigned task_of(const merging *m, uint32_t hash) { return (unsigned)(((uint64_t)hash * m->tasks) >> 32); }

/* The names of one task's hashes, piece by piece. A name's number in `all` says which it is in `places`. */
static void find_firsts(void *user, unsigned task) {
    merging *m = user;
    interner all;
    uint64_t *places = NULL;
    size_t room = 0;
    gpumm_layout__intern_begin(&all, m->work, m->pieces[0].seed);
    for (unsigned p = 0; p < m->count; p++) {
        const interner *piece = &m->pieces[p];
        for (uint32_t k = 0; k < piece->count; k++) {
            const intern_name *n = &piece->names[k];
            uint32_t number;
            if (task_of(m, n->hash) != task) continue;
            if (all.count == room) {
                room = room ? 2 * room : 1024;
                uint64_t *more = gpumm_layout__work_array(m->work, places, room, sizeof *places);
                if (!more) goto fail;
                places = more;
            }
            uint32_t before = all.count;
            if (!gpumm_layout__intern(&all, n->text, n->length, n->text + n->length, false, &number)) goto fail;
            if (all.count > before) places[number] = (uint64_t)p << 32 | k;
            m->owners[p][k] = places[number];
        }
    }
    goto done;
fail:
    atomic_store(&m->failed, true);
done:
    gpumm_layout__work_free(m->work, places);
    gpumm_layout__intern_end(&all);
}

static bool is_first(const merging *m, unsigned p, uint32_t k) { return m->owners[p][k] == ((uint64_t)p << 32 | k); }

static void count_firsts(void *user, unsigned p) {
    merging *m = user;
    uint32_t count = 0;
    for (uint32_t k = 0; k < m->pieces[p].count; k++) count += is_first(m, p, k);
    m->first[p] = count;
}

static void number_firsts(void *user, unsigned p) {
    merging *m = user;
    uint32_t next = m->first[p];
    for (uint32_t k = 0; k < m->pieces[p].count; k++) {
        if (!is_first(m, p, k)) continue;
        m->names[next] = m->pieces[p].names[k];
        m->numbers[p][k] = next++;
    }
}

static void number_others(void *user, unsigned p) {
    merging *m = user;
    for (uint32_t k = 0; k < m->pieces[p].count; k++) {
        uint64_t owner = m->owners[p][k];
        if (!is_first(m, p, k)) m->numbers[p][k] = m->numbers[owner >> 32][(uint32_t)owner];
    }
}

static bool number_all(merging *m, uint32_t *total) {
    uint64_t sum = 0;
    gpumm_layout__work_run(m->work, m->tasks, find_firsts, m);
    if (atomic_load(&m->failed)) return false;
    gpumm_layout__work_run(m->work, m->count, count_firsts, m);
    for (unsigned p = 0; p < m->count; p++) {
        uint32_t here = m->first[p];
        m->first[p] = (uint32_t)sum;
        sum += here;
    }
    if (sum > INTERN_MOST) return false;
    m->names = gpumm_layout__work_array(m->work, NULL, (size_t)sum, sizeof *m->names);
    if (!m->names) return false;
    gpumm_layout__work_run(m->work, m->count, number_firsts, m);
    gpumm_layout__work_run(m->work, m->count, number_others, m);
    *total = (uint32_t)sum;
    return true;
}

static bool take_arrays(merging *m) {
    m->owners = gpumm_layout__work_array(m->work, NULL, m->count, sizeof *m->owners);
    m->first = gpumm_layout__work_array(m->work, NULL, m->count, sizeof *m->first);
    if (!m->owners || !m->first) return false;
    memset(m->owners, 0, m->count * sizeof *m->owners);
    for (unsigned p = 0; p < m->count; p++) {
        m->owners[p] = gpumm_layout__work_array(m->work, NULL, m->pieces[p].count, sizeof **m->owners);
        m->numbers[p] = gpumm_layout__work_array(m->work, NULL, m->pieces[p].count, sizeof **m->numbers);
        if (!m->owners[p] || !m->numbers[p]) return false;
    }
    return true;
}

bool gpumm_layout__intern_merge(work *w, interner *pieces, unsigned count, uint32_t **numbers, intern_name **names,
                                uint32_t *total) {
    merging m = {.work = w, .pieces = pieces, .count = count, .tasks = w->threads, .numbers = numbers};
    atomic_init(&m.failed, false);
    for (unsigned p = 0; p < count; p++) numbers[p] = NULL;
    bool done = take_arrays(&m) && number_all(&m, total);
    for (unsigned p = 0; m.owners && p < count; p++) gpumm_layout__work_free(w, m.owners[p]);
    gpumm_layout__work_free(w, m.owners);
    gpumm_layout__work_free(w, m.first);
    for (unsigned p = 0; !done && p < count; p++) {
        gpumm_layout__work_free(w, numbers[p]);
        numbers[p] = NULL;
    }
    if (!done) gpumm_layout__work_free(w, m.names);
    else *names = m.names;
    return done;
}
