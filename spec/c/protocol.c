/* SPDX-License-Identifier: MIT */
/* What the peers of a share say, as bytes: types survive the way there and back, and whatever else is said is refused or means
   something, and is never read past its end. */
#include "hard.h"
#include "share/protocol.h"

enum { ROUNDS = 60000 / HARD_SLOW, ROOM = 2000 };

#define memory gpumm__alloc_default

static gpumm_type *parse(const char *text) {
    gpumm_type *t;
    CHECK_OK(gpumm_type_parse(text, &t));
    return t;
}

static gpumm_type *structure(const char *name, const gpumm_field *fields, size_t count) {
    gpumm_type *t;
    CHECK_OK(gpumm_type_struct(name, fields, count, &t));
    return t;
}

static gpumm_type *nested(void) {
    gpumm_type *u32 = parse("u32"), *f32x3 = parse("f32x3");
    gpumm_field ends[] = {{.name = "from", .type = u32}, {.name = "to", .type = u32}};
    gpumm_type *pair = structure("ends", ends, 2);
    gpumm_field all[] = {{.name = "pair", .type = pair}, {.name = "at", .type = f32x3}, {.name = "id", .type = u32}};
    gpumm_type *t = structure(NULL, all, 3);
    gpumm_type_release(u32);
    gpumm_type_release(f32x3);
    gpumm_type_release(pair);
    return t;
}

/* The text of a type in exactly so many bytes of its own, so that a sanitizer sees who reads past them. */
static char *write_type(const gpumm_type *type, size_t *bytes) {
    char room[ROOM];
    share_text t = {room, sizeof room};
    CHECK(gpumm__protocol_put_type(&t, type));
    *bytes = sizeof room - t.left;
    char *exact = malloc(*bytes);
    memcpy(exact, room, *bytes);
    share_text small = {room, *bytes - 1};
    CHECK(!gpumm__protocol_put_type(&small, type));
    return exact;
}

static void there_and_back(const gpumm_type *type) {
    size_t bytes;
    char *text = write_type(type, &bytes);
    share_text t = {text, bytes};
    gpumm_type *read;
    CHECK_OK(gpumm__protocol_get_type(&t, &memory, &read));
    CHECK(t.left == 0 && gpumm_type_equal(type, read) && gpumm_type_size(type) == gpumm_type_size(read));
    CHECK(strcmp(gpumm_type_struct_name(type), gpumm_type_struct_name(read)) == 0);
    gpumm_type_release(read);
    free(text);
}

static void mutate(dice *d, char *text, size_t bytes) {
    static const char pieces[] = "={}\0xu32f";
    for (uint64_t i = 1 + below(d, 4); i; i--)
        text[below(d, bytes)] = below(d, 2) ? pieces[below(d, sizeof pieces)] : (char)roll(d);
}

static void strange_types(const gpumm_type *type, uint64_t seed) {
    dice d = dice_of(seed);
    size_t bytes, whole = 0;
    for (int round = 0; round < ROUNDS; round++) {
        char *text = write_type(type, &bytes);
        mutate(&d, text, bytes);
        share_text t = {text, below(&d, 4) ? bytes : below(&d, bytes)};
        gpumm_type *read;
        if (gpumm__protocol_get_type(&t, &memory, &read) == GPUMM_OK) {
            there_and_back(read);
            gpumm_type_release(read);
            whole++;
        }
        free(text);
    }
    CHECK(whole > 0 && whole < ROUNDS);
}

/* So deep that it would take the stack, so wide that it would take the memory. */
static void monsters(void) {
    enum { DEEP = 20000 };
    char *text = malloc(4 * DEEP);
    size_t used = 0;
    for (int i = 0; i < DEEP; i++) memcpy(text + used, "{\0x\0", 4), used += 4;
    share_text t = {text, used};
    gpumm_type *read;
    CHECK_STATUS(gpumm__protocol_get_type(&t, &memory, &read), GPUMM_INVALID_ARGUMENT);
    used = 0;
    memcpy(text, "{\0", 2), used = 2;
    while (used + 8 < 4 * DEEP) memcpy(text + used, "a\0=u8\0", 6), used += 6;
    t = (share_text){text, used};
    CHECK_STATUS(gpumm__protocol_get_type(&t, &memory, &read), GPUMM_INVALID_ARGUMENT);
    free(text);
}

static void strange_packets(void) {
    dice d = dice_of(9);
    share_packet *p = calloc(1, sizeof *p);
    unsigned good[2] = {0};
    for (int round = 0; round < ROUNDS; round++) {
        memset(&p->message, 0, sizeof p->message);
        p->message.kind = (uint32_t)below(&d, SHARE_KINDS + 2);
        p->message.item = (uint32_t)below(&d, SHARE_ITEMS + 2);
        p->message.text_bytes = below(&d, 2) ? (uint32_t)below(&d, 40) : 0;
        p->message.status = (uint32_t)below(&d, GPUMM_STATUS_COUNT + 1);
        p->message.reserved = below(&d, 8) == 0;
        p->text[p->message.text_bytes ? p->message.text_bytes - 1 : 0] = below(&d, 2) ? 'x' : 0;
        size_t bytes = below(&d, 8) ? sizeof p->message + p->message.text_bytes : below(&d, 200);
        bool from_owner = below(&d, 2);
        if (gpumm__protocol_check(p, bytes, from_owner) != GPUMM_OK) continue;
        CHECK(bytes == sizeof p->message + p->message.text_bytes && p->message.item < SHARE_ITEMS);
        CHECK(from_owner ? p->message.kind < SHARE_TAKE
                         : p->message.kind == SHARE_HELLO || p->message.kind >= SHARE_TAKE);
        good[from_owner]++;
    }
    CHECK(good[0] > 10 && good[1] > 100);
    free(p);
}

int main(void) {
    static const char *const simple[] = {"u8", "f16", "i64", "f32x2", "u32x4", "bytes48"};
    for (size_t i = 0; i < sizeof simple / sizeof *simple; i++) {
        gpumm_type *t = parse(simple[i]);
        there_and_back(t);
        gpumm_type_release(t);
    }
    gpumm_type *t = nested(), *flat = parse("f32x3");
    there_and_back(t);
    strange_types(t, 1);
    strange_types(flat, 2);
    gpumm_type_release(t);
    gpumm_type_release(flat);
    monsters();
    strange_packets();
    return 0;
}
