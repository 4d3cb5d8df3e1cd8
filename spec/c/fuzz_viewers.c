/* SPDX-License-Identifier: MIT */
/* Fuzzing what a viewer sends: commands, right ones with something changed and any bytes; and connections, with requests and
   frames that are cut, repeated, changed and mixed. What must hold: no crash (sanitizers), what is taken is within its
   bounds, the server then serves a viewer as ever, and nothing is left behind. */
#include "fuzz.h"
#include "live_client.h"

static const char *const words[] = {"pause",
                                    "go",
                                    "finish",
                                    "step",
                                    "rate",
                                    "drag",
                                    "drop",
                                    "free",
                                    "pick",
                                    "set",
                                    "tell",
                                    "want",
                                    "f32",
                                    "u16",
                                    "0",
                                    "1",
                                    "17",
                                    "-1",
                                    "1e9",
                                    "1e30",
                                    "1e31",
                                    ".5",
                                    "1.5e-7",
                                    "nan",
                                    "inf",
                                    "0x10",
                                    "a",
                                    "A_b9",
                                    "_",
                                    "",
                                    "2147483647",
                                    "2147483648",
                                    "99999999999999999999",
                                    "0000000000000000000000000000000000000000000001"};

static size_t put_word(fuzz *f, char *out, size_t room) {
    const char *word = words[fuzz_below(f, sizeof words / sizeof *words)];
    size_t length = strlen(word);
    if (length > room) return 0;
    memcpy(out, word, length);
    return length;
}

/* A few words, of which some bytes are changed at times. */
static size_t command(fuzz *f, char *out, size_t room) {
    size_t length = 0, count = fuzz_below(f, 7);
    for (size_t i = 0; i < count; i++) {
        if (length < room && i > 0) out[length++] = ' ';
        length += put_word(f, out + length, room - length);
    }
    for (size_t changes = fuzz_below(f, 4) == 0 ? fuzz_below(f, 4) : 0; changes > 0 && length > 0; changes--)
        out[fuzz_below(f, length)] = (char)fuzz_next(f);
    return length;
}

static void check_event(const live_event *e) {
    CHECK(e->kind < LIVE_KINDS && e->node <= LIVE_NODES_MOST && e->count <= 3);
    CHECK(memchr(e->word, '\0', sizeof e->word));
    for (unsigned i = 0; i < e->count; i++) CHECK(e->values[i] >= -1e30 && e->values[i] <= 1e30);
}

static void fuzz_commands(fuzz *f, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        char text[300];
        live_event event;
        size_t length = command(f, text, sizeof text);
        char *exact = malloc(length ? length : 1); /* so that a byte too far is seen */
        CHECK(exact);
        memcpy(exact, text, length);
        if (gpumm_live__event_parse(exact, length, &event)) check_event(&event);
        free(exact);
    }
}

/* ---- Connections --------------------------------------------------------------------------------- */

static size_t ws_frame(fuzz *f, unsigned char *out) {
    static const unsigned char kinds[] = {0x81, 0x81, 0x81, 0x82, 0x01, 0x80, 0x88, 0x89, 0x8a, 0x83, 0xf1, 0x00};
    char text[300];
    size_t length = command(f, text, 120), at = 0;
    out[at++] = kinds[fuzz_below(f, sizeof kinds)];
    if (fuzz_below(f, 8) == 0) { /* a length that is not its own */
        out[at++] = (unsigned char)(0x80 | (126 + fuzz_below(f, 2)));
        for (int i = 0; i < 8; i++) out[at++] = (unsigned char)(fuzz_below(f, 3) ? 0 : fuzz_next(f));
    } else {
        out[at++] = (unsigned char)((fuzz_below(f, 10) ? 0x80 : 0) | length);
    }
    memset(out + at, 0, 4); /* the mask */
    memcpy(out + at + 4, text, length);
    return at + 4 + length;
}

static void send_some(fuzz *f, const live_server *server, int fd) {
    unsigned char bytes[4096];
    size_t length = 0;
    if (fuzz_below(f, 4) && !live_join(fd, server)) return;
    for (size_t i = fuzz_below(f, 12); i > 0 && length < 3500; i--) length += ws_frame(f, bytes + length);
    for (size_t changes = fuzz_below(f, 3) == 0 ? fuzz_below(f, 6) : 0; changes > 0 && length > 0; changes--)
        bytes[fuzz_below(f, length)] = (unsigned char)fuzz_next(f);
    live_send(fd, bytes, length);
}

/* Requests with a part cut, doubled or changed. */
static void send_request(fuzz *f, const live_server *server, int fd) {
    char text[1500];
    int port = gpumm_live__server_port(server);
    size_t length =
        (size_t)snprintf(text, 700,
                         "%s /%s/%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: Upgrade\r\nUpgrade: %s\r\n"
                         "Sec-WebSocket-Protocol: gpumm-live\r\nSec-WebSocket-Version: %zu\r\n"
                         "Content-Length: %zu\r\n\r\n",
                         fuzz_below(f, 3) ? "GET" : "POST", live_test_token, fuzz_below(f, 2) ? "socket" : "", port,
                         fuzz_below(f, 2) ? "websocket" : "h2c", fuzz_below(f, 15), fuzz_below(f, 100));
    size_t from = fuzz_below(f, length), part = fuzz_below(f, length - from);
    if (fuzz_below(f, 2)) memmove(text + length, text + from, part), length += part;
    else if (fuzz_below(f, 2)) length = from;
    for (size_t changes = fuzz_below(f, 4); changes > 0 && length > 0; changes--)
        text[fuzz_below(f, length)] = (char)fuzz_next(f);
    live_send(fd, text, length);
}

static void drain(live_server *server) {
    live_event event;
    while (gpumm_live__server_next(server, &event)) check_event(&event);
}

static void fuzz_connection(fuzz *f, live_server *server) {
    int fd = live_connect(server);
    if (fuzz_below(f, 3)) send_some(f, server, fd);
    else send_request(f, server, fd);
    if (fuzz_below(f, 2)) shutdown(fd, SHUT_WR);
    drain(server);
    close(fd);
}

/* A viewer that speaks sense is heard, after all that. */
static void check_serves(live_server *server) {
    live_event event;
    bool heard = false;
    int fd = live_connect(server);
    CHECK(live_join(fd, server));
    CHECK(live_say(fd, "tell fuzz_is_over 7"));
    for (int i = 0; i < 2000 && !heard; i++) {
        gpumm_live__server_wait(server, 0.01);
        gpumm_live__server_wants(server);
        while (!heard && gpumm_live__server_next(server, &event)) heard = strcmp(event.word, "fuzz_is_over") == 0;
    }
    CHECK(heard);
    close(fd);
}

int main(int argc, char **argv) {
    char *own[] = {argv[0], (char *)"1", (char *)"3"};
    fuzz f = argc > 1 ? fuzz_begin(argc, argv) : fuzz_begin(3, own);
    gpumm_allocator counted = {.reallocate = fuzz_memory};
    live_options options = live_test_options(counted, 8);
    live_server *server;
    unsigned connections = 0;
    CHECK_OK(gpumm_live__server_open(&options, &server));
    gpumm_live__server_state(server, gpumm_live__blob_new(counted, "{}", 2, true));
    for (; gpumm__clock_seconds() < f.until; connections++) {
        fuzz_commands(&f, 200);
        fuzz_connection(&f, server);
        if (connections % 64 == 63) check_serves(server);
    }
    check_serves(server);
    gpumm_live__server_close(server);
    CHECK(atomic_load(&fuzz_live) == 0);
    printf("%u connections\n", connections);
    return 0;
}
