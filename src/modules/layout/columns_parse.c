/* SPDX-License-Identifier: MIT */
/*
 * The text is divided into as many pieces as there are threads, each of whole lines. Counting lines first says where in
 * the columns each piece begins, so that all are filled at once and nothing is copied, but for closing the gaps that
 * comments leave. A quoted field may hold lines only where the text is one piece.
 */
#include "modules/layout/columns_parse.h"

#include <math.h>
#include <string.h>

#include "modules/layout/number.h"

/* A name whose number is being looked for. */
typedef struct pending {
    interner *names;
    uint32_t *out; /* NULL: not kept */
    intern_key key;
} pending;

enum { PENDING = 32 };

typedef struct piece {
    const char *from, *to;
    uint64_t first_line, lines; /* lines before it, and in it */
    uint64_t row, rows;         /* where it writes, and how many it has written */
    interner *names;            /* by dictionary */
    char *scratch;              /* for texts with "" in them */
    size_t scratch_size;
    unsigned waiting;
    pending pending[PENDING]; /* memory is slow, so that many are looked for at a time */
    parse_error error;
} piece;

enum { TICK = 1 << 20 };

/* ---- Pieces ----------------------------------------------------------------------------------- */

static uint64_t count_lines(const char *at, const char *end, char newline) {
    uint64_t lines = 0;
    const char *last = at;
    for (; end - at >= 64; at += 64) {
        unsigned char sum = 0;
        for (int i = 0; i < 64; i++) sum += at[i] == newline;
        lines += sum;
    }
    for (; at < end; at++) lines += *at == newline;
    return lines + (end > last && end[-1] != newline);
}

static void count_piece(void *user, unsigned index) {
    parsing *p = user;
    piece *q = &p->pieces[index];
    q->lines = count_lines(q->from, q->to, p->dialect.newline);
}

static void divide(parsing *p) {
    size_t size = (size_t)(p->end - p->text);
    const char *from = p->text;
    for (unsigned i = 0; i < p->piece_count; i++) {
        const char *to = p->text + size / p->piece_count * (i + 1);
        if (i + 1 == p->piece_count) to = p->end;
        else if (to > from) to = gpumm_layout__line_end(&p->dialect, to - 1, p->end);
        if (to < from) to = from;
        p->pieces[i].from = from;
        p->pieces[i].to = from = to;
    }
}

static bool open_dictionaries(parsing *p, piece *q, uint64_t seed) {
    if (p->dictionaries == 0) return true;
    q->names = gpumm_layout__work_array(p->work, NULL, p->dictionaries, sizeof *q->names);
    for (unsigned d = 0; q->names && d < p->dictionaries; d++) gpumm_layout__intern_begin(&q->names[d], p->work, seed);
    return q->names != NULL;
}

bool gpumm_layout__parse_begin(parsing *p, uint64_t seed) {
    unsigned wanted = p->dialect.lines_in_quotes ? 1 : p->work->threads;
    p->pieces = gpumm_layout__work_array(p->work, NULL, wanted, sizeof *p->pieces);
    if (!p->pieces) return false;
    memset(p->pieces, 0, wanted * sizeof *p->pieces);
    p->piece_count = wanted;
    for (unsigned i = 0; i < wanted; i++)
        if (!open_dictionaries(p, &p->pieces[i], seed)) return false;
    divide(p);
    gpumm_layout__work_run(p->work, wanted, count_piece, p);
    p->lines = 0;
    for (unsigned i = 0; i < wanted; i++) {
        p->pieces[i].first_line = p->pieces[i].row = p->lines;
        p->lines += p->pieces[i].lines;
    }
    return true;
}

void gpumm_layout__parse_end(parsing *p) {
    for (unsigned i = 0; i < p->piece_count; i++) {
        for (unsigned d = 0; p->pieces[i].names && d < p->dictionaries; d++)
            gpumm_layout__intern_end(&p->pieces[i].names[d]);
        gpumm_layout__work_free(p->work, p->pieces[i].names);
        gpumm_layout__work_free(p->work, p->pieces[i].scratch);
    }
    if (p->work) gpumm_layout__work_free(p->work, p->pieces);
    p->pieces = NULL;
    p->piece_count = 0;
}

/* ---- Values ------------------------------------------------------------------------------------- */

static bool make_scratch(const parsing *p, piece *q, size_t size) {
    if (q->scratch_size >= size) return true;
    char *scratch = gpumm_layout__work_memory(p->work, q->scratch, 2 * size);
    if (!scratch) return false;
    q->scratch = scratch;
    q->scratch_size = 2 * size;
    return true;
}

static row_fault find_pending(piece *q) {
    for (unsigned i = 0; i < q->waiting; i++) {
        const pending *n = &q->pending[i];
        uint32_t number;
        if (!gpumm_layout__intern_prepared(n->names, &n->key, false, &number)) return ROW_MEMORY;
        if (n->out) *n->out = number + 1;
    }
    q->waiting = 0;
    return ROW_RIGHT;
}

/* A name with "" in it is not in the text as it is. */
static row_fault put_doubled(const parsing *p, piece *q, interner *names, const field *f, uint32_t *out) {
    uint32_t number;
    if (find_pending(q) != ROW_RIGHT || !make_scratch(p, q, f->length)) return ROW_MEMORY;
    size_t length = gpumm_layout__field_text(f, q->scratch);
    if (!gpumm_layout__intern(names, q->scratch, length, q->scratch + length, true, &number)) return ROW_MEMORY;
    if (out) *out = number + 1;
    return ROW_RIGHT;
}

static row_fault put_name(const parsing *p, piece *q, const column *c, const field *f, uint64_t row) {
    uint32_t *out = c->out ? (uint32_t *)c->out + row : NULL;
    interner *names = &q->names[c->dictionary];
    if (f->doubled) return put_doubled(p, q, names, f, out);
    q->pending[q->waiting++] = (pending){names, out, gpumm_layout__intern_prepare(names, f->text, f->length, p->end)};
    return q->waiting == PENDING ? find_pending(q) : ROW_RIGHT;
}

static bool is_sign(const parsing *p, const field *f) {
    return f->length > 0 && !f->quoted && (p->dialect.sign[(unsigned char)*f->text] & SIGN_COMMENT);
}

/* Is there nothing for the column? A comment may stand where a number could, and alone where blanks separate. */
static bool is_empty(const parsing *p, const column *c, const field *f) {
    bool spaced = p->dialect.loose || p->dialect.delimiter == ' ';
    if (f->length == 0) return !(c->kind == COLUMN_NAME && f->quoted);
    if (!is_sign(p, f)) return false;
    return (c->kind == COLUMN_F64 || c->kind == COLUMN_I64) ? !c->required : spaced && f->length == 1;
}

static row_fault put_index(const column *c, const field *f, uint64_t row) {
    uint64_t value = 0;
    if (f->length == 0 || f->length > 12) return ROW_INTEGER;
    for (size_t i = 0; i < f->length; i++) {
        unsigned digit = (unsigned char)f->text[i] - '0';
        if (digit > 9) return ROW_INTEGER;
        value = value * 10 + digit;
    }
    if (value < c->least || value > c->most) return ROW_RANGE;
    ((uint32_t *)c->out)[row] = (uint32_t)value;
    return ROW_RIGHT;
}

/* Behind a value of a dict: at the comma that follows it, or at the end. Commas in quotes and brackets are the value's. */
static const char *value_end(const char *at, const char *end) {
    char quote = '\0';
    for (unsigned depth = 0; at < end; at++) {
        if (quote) {
            if (*at == '\\' && at + 1 < end) at++;
            else if (*at == quote) quote = '\0';
        } else if (*at == '\'' || *at == '"') quote = *at;
        else if (*at == '[' || *at == '(' || *at == '{') depth++;
        else if ((*at == ']' || *at == ')' || *at == '}') && depth > 0) depth--;
        else if (*at == ',' && depth == 0) break;
    }
    return at;
}

static bool is_weight(const char *from, const char *to) {
    return to - from == 8 && (*from == '\'' || *from == '"') && from[7] == *from && memcmp(from + 1, "weight", 6) == 0;
}

/* The number behind 'weight': in {'weight': 2.5, …}; an empty text where there is none. */
static row_fault find_weight(const field *f, field *out) {
    *out = (field){.text = f->text};
    if (f->length < 2 || f->text[0] != '{' || f->text[f->length - 1] != '}') return ROW_LITERAL;
    const char *end = f->text + f->length - 1, *next;
    for (const char *at = f->text + 1; at < end; at = next + 1) {
        next = value_end(at, end);
        while (at < next && *at == ' ') at++;
        const char *colon = memchr(at, ':', (size_t)(next - at)), *key = colon;
        while (key && key > at && key[-1] == ' ') key--;
        if (!colon || !is_weight(at, key)) continue;
        const char *to = next;
        for (at = colon + 1; at < to && *at == ' ';) at++;
        while (to > at && to[-1] == ' ') to--;
        *out = (field){.text = at, .length = (size_t)(to - at)};
    }
    return ROW_RIGHT;
}

static void put_missing(column *c, uint64_t row) {
    if (!atomic_load_explicit(&c->missing, memory_order_relaxed)) atomic_store(&c->missing, true);
    if (!c->out) return;
    if (c->kind == COLUMN_F64 || c->kind == COLUMN_DICT) ((double *)c->out)[row] = NAN;
    else if (c->kind == COLUMN_I64) ((int64_t *)c->out)[row] = 0;
    else ((uint32_t *)c->out)[row] = 0;
}

static row_fault put_value(const parsing *p, piece *q, column *c, const field *f, uint64_t row) {
    field weight;
    double number;
    switch (c->kind) {
    case COLUMN_NAME: return put_name(p, q, c, f, row);
    case COLUMN_ABSENT: return is_sign(p, f) ? ROW_RIGHT : ROW_EXTRA;
    case COLUMN_INDEX: return put_index(c, f, row);
    case COLUMN_LITERAL:
        return strlen(c->literal) == f->length && memcmp(c->literal, f->text, f->length) == 0 ? ROW_RIGHT : ROW_LITERAL;
    case COLUMN_I64:
        return gpumm_layout__integer(f->text, f->length, &((int64_t *)c->out)[row]) ? ROW_RIGHT : ROW_INTEGER;
    case COLUMN_DICT:
        if (find_weight(f, &weight) != ROW_RIGHT) return ROW_LITERAL;
        if (weight.length == 0) {
            put_missing(c, row);
            return ROW_RIGHT;
        }
        f = &weight; /* fall through */
    case COLUMN_F64:
        if (!gpumm_layout__number(f->text, f->length, p->dialect.comma, &number)) return ROW_NUMBER;
        ((double *)c->out)[row] = number;
        break;
    default: return ROW_RIGHT;
    }
    if (!atomic_load_explicit(&c->present, memory_order_relaxed)) atomic_store(&c->present, true);
    return ROW_RIGHT;
}

/* ---- Rows --------------------------------------------------------------------------------------- */

static row_fault fault_of(field_outcome outcome) { return outcome == FIELD_OPEN ? ROW_OPEN : ROW_QUOTE; }

static row_fault read_row(parsing *p, piece *q, const char **at, field *f, unsigned *number) {
    field_outcome outcome = FIELD_READ;
    uint64_t row = q->row + q->rows;
    for (unsigned i = 0; i < p->count; i++) {
        column *c = &p->columns[i];
        row_fault fault = ROW_RIGHT;
        *number = i;
        if (outcome == FIELD_READ) outcome = gpumm_layout__field(&p->dialect, at, q->to, c->kind == COLUMN_DICT, f);
        if (outcome == FIELD_BROKEN || outcome == FIELD_OPEN) return fault_of(outcome);
        if (c->kind == COLUMN_SKIP) continue;
        if (outcome == FIELD_READ && !is_empty(p, c, f)) fault = put_value(p, q, c, f, row);
        else if (c->kind == COLUMN_ABSENT) break;
        else if (c->required) fault = ROW_SHORT;
        else put_missing(c, row);
        if (fault != ROW_RIGHT) return fault;
    }
    if (!p->exact || outcome != FIELD_READ) return ROW_RIGHT;
    outcome = gpumm_layout__field(&p->dialect, at, q->to, false, f);
    return outcome == FIELD_READ && f->length > 0 && !is_sign(p, f) ? ROW_LONG : ROW_RIGHT;
}

static void note_error(const parsing *p, piece *q, row_fault fault, uint64_t line, unsigned number, const char *from,
                       const field *f) {
    parse_error *e = &q->error;
    const char *text = f->text;
    size_t length = f->length;
    if (fault == ROW_SHORT || fault == ROW_QUOTE || fault == ROW_OPEN || fault == ROW_LONG || !text) {
        const char *stop = memchr(from, p->dialect.newline, (size_t)(q->to - from));
        text = from;
        length = (size_t)((stop ? stop : q->to) - from);
        if (length > 0 && text[length - 1] == '\r') length--;
    }
    if (length >= sizeof e->text) length = sizeof e->text - 1;
    *e = (parse_error){.fault = fault, .line = p->first_line + q->first_line + line, .column = number};
    memcpy(e->text, text, length);
}

/* The lines that a row in quotes has taken. */
static uint64_t lines_between(const parsing *p, const char *from, const char *to) {
    return p->dialect.lines_in_quotes ? count_lines(from, to, p->dialect.newline) : 1;
}

static void parse_piece(void *user, unsigned index) {
    parsing *p = user;
    piece *q = &p->pieces[index];
    const char *at = q->from, *ticked = at;
    for (uint64_t line = 0; at < q->to;) {
        const char *from = at;
        if (gpumm_layout__line_begin(&p->dialect, &at, q->to)) {
            field f = {0};
            unsigned number = 0;
            row_fault fault = read_row(p, q, &at, &f, &number);
            if (fault != ROW_RIGHT) {
                note_error(p, q, fault, line, number, from, &f);
                return;
            }
            q->rows++;
        }
        at = gpumm_layout__line_end(&p->dialect, at, q->to);
        line += lines_between(p, from, at);
        if (at - ticked < TICK) continue;
        gpumm_layout__work_tick(p->work, index, (uint64_t)(at - ticked));
        ticked = at;
    }
    if (find_pending(q) != ROW_RIGHT) q->error = (parse_error){.fault = ROW_MEMORY};
}

static size_t size_of(const column *c) {
    return c->kind == COLUMN_F64 || c->kind == COLUMN_I64 || c->kind == COLUMN_DICT ? 8 : 4;
}

/* Rows follow one another where pieces had lines that are none. */
static void close_gaps(parsing *p) {
    for (unsigned i = 0; i < p->piece_count; i++) {
        piece *q = &p->pieces[i];
        for (unsigned k = 0; k < p->count && q->row != p->rows && q->rows > 0; k++) {
            size_t size = size_of(&p->columns[k]);
            char *out = p->columns[k].out;
            if (out) memmove(out + p->rows * size, out + q->row * size, q->rows * size);
        }
        q->row = p->rows;
        p->rows += q->rows;
    }
}

bool gpumm_layout__parse_rows(parsing *p) {
    p->rows = 0;
    gpumm_layout__work_run(p->work, p->piece_count, parse_piece, p);
    for (unsigned i = 0; i < p->piece_count; i++) {
        if (p->pieces[i].error.fault == ROW_RIGHT) continue;
        p->error = p->pieces[i].error;
        return false;
    }
    close_gaps(p);
    for (unsigned i = 0; i < p->piece_count; i++)
        for (unsigned d = 0; d < p->dictionaries; d++) gpumm_layout__intern_settle(&p->pieces[i].names[d]);
    return true;
}

/* ---- Names -------------------------------------------------------------------------------------- */

typedef struct renumbering {
    parsing *p;
    uint32_t **numbers;
    unsigned dictionary;
} renumbering;

static void renumber(void *user, unsigned index) {
    const renumbering *r = user;
    const piece *q = &r->p->pieces[index];
    const uint32_t *numbers = r->numbers[index];
    for (unsigned k = 0; k < r->p->count; k++) {
        const column *c = &r->p->columns[k];
        if (c->kind != COLUMN_NAME || c->dictionary != r->dictionary || !c->out) continue;
        uint32_t *out = (uint32_t *)c->out + q->row;
        for (uint64_t i = 0; i < q->rows; i++)
            if (out[i] > 0) out[i] = numbers[out[i] - 1] + 1;
    }
}

/* One piece's numbers are those of all. */
static bool copy_names(const parsing *p, const interner *from, intern_name **names, uint32_t *total) {
    *names = gpumm_layout__work_array(p->work, NULL, from->count, sizeof **names);
    if (!*names) return false;
    if (from->count > 0) memcpy(*names, from->names, from->count * sizeof **names);
    *total = from->count;
    return true;
}

bool gpumm_layout__parse_names(parsing *p, unsigned dictionary, intern_name **names, uint32_t *total) {
    uint32_t *numbers[64];
    interner pieces[64];
    if (p->piece_count == 1) return copy_names(p, &p->pieces[0].names[dictionary], names, total);
    for (unsigned i = 0; i < p->piece_count; i++) pieces[i] = p->pieces[i].names[dictionary];
    if (!gpumm_layout__intern_merge(p->work, pieces, p->piece_count, numbers, names, total)) return false;
    renumbering r = {p, numbers, dictionary};
    gpumm_layout__work_run(p->work, p->piece_count, renumber, &r);
    for (unsigned i = 0; i < p->piece_count; i++) gpumm_layout__work_free(p->work, numbers[i]);
    return true;
}
