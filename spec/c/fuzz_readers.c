/* SPDX-License-Identifier: MIT */
/* Fuzzing what reads files: .npy, raw, PNG and graphs, on good files that were made worse, in contained states. What
   must hold: no crash (sanitizers), an answer for every file, nothing left behind, and no reading past the limits.
   First every good file is cut at every byte, and each of its bytes turned, whatever the time that was given. */
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "fuzz.h"

enum { SEEDS_MOST = 40, SIZE_MOST = 8192, FILES = 300 };

typedef struct bytes {
    size_t size;
    unsigned char at[SIZE_MOST];
} bytes;

static bytes seeds[SEEDS_MOST];
static size_t seed_count;
static char folder[64], path[96];

/* ---- Good files ----------------------------------------------------------------------------- */

static void load_seed(void) {
    bytes *b = &seeds[seed_count++];
    CHECK(seed_count <= SEEDS_MOST);
    FILE *file = fopen(path, "rb");
    CHECK(file);
    b->size = fread(b->at, 1, SIZE_MOST, file);
    fclose(file);
    CHECK(b->size > 0 && b->size < SIZE_MOST);
}

static void make(const char *script) {
    const char *folders[] = {folder, NULL};
    lua_State *L = fuzz_open((gpumm_lua_sandbox){.write = folders});
    lua_pushstring(L, path);
    fuzz_run(L, script, 1, 0);
    fuzz_close(L);
    load_seed();
}

static void text(const char *words) {
    bytes *b = &seeds[seed_count++];
    CHECK(seed_count <= SEEDS_MOST);
    b->size = strlen(words);
    memcpy(b->at, words, b->size);
}

/* As gzip writes it; twice over, where a file is two of them. */
static void compressed(const char *words, int times) {
    bytes *b = &seeds[seed_count++];
    CHECK(seed_count <= SEEDS_MOST);
    b->size = 0;
    for (int i = 0; i < times; i++) {
        z_stream z = {.next_in = (Bytef *)(uintptr_t)words,
                      .avail_in = (uInt)strlen(words),
                      .next_out = b->at + b->size,
                      .avail_out = (uInt)(SIZE_MOST - b->size)};
        CHECK(deflateInit2(&z, 9, Z_DEFLATED, MAX_WBITS + 16, 9, Z_DEFAULT_STRATEGY) == Z_OK);
        CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END);
        b->size += z.total_out;
        CHECK(deflateEnd(&z) == Z_OK);
    }
}

static void make_seeds(void) {
    make("assert(gpumm.npy.write(..., gpumm.view('f32', { 1, 2, 3, 4 })))");
    make("assert(gpumm.npy.write(..., gpumm.view('f32x3', { { 1, 2, 3 }, { 4, 5, 6 } })))");
    make("assert(gpumm.npy.write(..., gpumm.view('i64', { 1, -2 })))");
    make("local t = gpumm.struct { { 'from', 'u32' }, { 'to', 'u8' }, { 'at', 'f64x2' } }\n"
         "assert(gpumm.npy.write(..., gpumm.view(t, { { 1, 2, { 3, 4 } }, { 5, 6, { 7, 8 } } })))");
    make("assert(gpumm.image.write(..., gpumm.view('u8x3', ('abc'):rep(20)), 5, 4))");
    make("assert(gpumm.image.write(..., gpumm.view('u8x4', ('abcd'):rep(20)), 4, 5))");
    text("# a comment\na b\nb c 2.5\n\"with space\" d\r\nc,a\nd\ta\n");
    text("1 2\n2 3\n3 1\n1 1\n1 2\n% other\n");
    text("%%MatrixMarket matrix coordinate pattern symmetric\n% c\n3 3 3\n2 1\n3 1\n3 2\n");
    text("%%MatrixMarket matrix coordinate real general\n4 4 2\n1 2 0.5\n4 3 -1e3\n");
    text("source,target,weight,kind\n\"a, b\",c,1.5,x\nc,\"d \"\"e\"\"\",2,y\n");
    text("1 2 {'weight': 2.5}\n2 3 {}\n");
    text("% bip weighted\n1 1 1 9\n1 2 1 9\n2 1 1 9\n");
    text("4 4 001\n2 5 3 1\n1 5 4 1\n1 1 4 2\n2 1 3 2\n");
    text("c x\np edge 4 3\ne 1 2\ne 2 3\ne 3 4\n");
    text("graph [ node [ id 1 label \"&quot;A\" ] node [ id 2 ] edge [ source 1 target 2 value 2.5 ] ]");
    text("*Vertices 3\n1 \"Ann B\" 0.1 0.2\n*Edges\n1 2 2.0\n*Arcslist\n2 3 1\n*Matrix\n0 1 2\n");
    text(
        "<?xml version=\"1.0\"?><!DOCTYPE graphml [<!ELEMENT a ANY>]><graphml><key id=\"w\" for=\"edge\" attr.name=\"weight\">"
        "<default>3</default></key><graph><node id=\"a&amp;\"><data key=\"l\"><![CDATA[x]]></data></node>"
        "<edge source=\"a&amp;\" target=\"b\"><data key=\"w\">2</data></edge></graph></graphml>");
    text(
        "<gexf><graph><attributes class=\"node\"><attribute id=\"0\" title=\"t\" type=\"double\"/></attributes><nodes>"
        "<node id=\"0\" label=\"A\"><attvalues><attvalue for=\"0\" value=\"1.5\"/></attvalues><viz:position x=\"1\" y=\"2\"/>"
        "</node><node id=\"1\"/></nodes><edges><edge source=\"0\" target=\"1\" weight=\"2\"/></edges></graph></gexf>");
    text("\xff\xfe"
         "a\0 \0b\0\n\0");
    text("# name value\nb 2\na 1\nc, 3.5\n");
    compressed("a b\nb c 2.5\nc a\n", 1);
    compressed("1 2\n2 3\n", 2);
}

/* ---- Worse files ---------------------------------------------------------------------------- */

static const char *const tokens[] = {"'descr': ",
                                     "'fortran_order': True",
                                     "'shape': (",
                                     "99999999999999999999",
                                     "-1",
                                     "(,)",
                                     "<f4",
                                     ">i8",
                                     "|V8",
                                     "|u1",
                                     "'<U4'",
                                     "[('a', '<f4'), ",
                                     "((((((((",
                                     "]]]]",
                                     "%%MatrixMarket matrix ",
                                     "coordinate ",
                                     "array",
                                     "complex hermitian",
                                     "4294967296 ",
                                     "2147483647 2147483647 0\n",
                                     "\n\n\n",
                                     "\r\n",
                                     "\0\0\0\0",
                                     "\377\377\377\377",
                                     "nan",
                                     "inf",
                                     "1e999",
                                     "#",
                                     "\"",
                                     "IHDR",
                                     "IDAT",
                                     "{'",
                                     "': False, '",
                                     "\\x00",
                                     "0x10",
                                     "<![CDATA[",
                                     "]]>",
                                     "<!--",
                                     "&#x110000;",
                                     "&amp;",
                                     "</node>",
                                     "<graph>",
                                     "graph [",
                                     "*Vertices 9",
                                     "p edge 2 1\n",
                                     "source,target\n",
                                     "\"\"",
                                     "\xff\xfe",
                                     "\303\251",
                                     "\x93NUMPY\3\0"};

static void insert(bytes *b, size_t at, const unsigned char *what, size_t size) {
    if (size > SIZE_MOST - b->size) size = SIZE_MOST - b->size;
    memmove(b->at + at + size, b->at + at, b->size - at);
    memmove(b->at + at, what, size);
    b->size += size;
}

static void cut(bytes *b, size_t at, size_t size) {
    if (size > b->size - at) size = b->size - at;
    memmove(b->at + at, b->at + at + size, b->size - at - size);
    b->size -= size;
}

static void worsen(fuzz *f, bytes *b) {
    static const unsigned char extremes[] = {0, 1, 0x7f, 0x80, 0xff, '0', '9', '-', ' ', '\n', '(', ')', '\'', ','};
    size_t at = fuzz_below(f, b->size);
    unsigned char copy[256];
    switch (fuzz_below(f, 8)) {
    case 0:
        if (b->size) b->at[at] ^= (unsigned char)(1u << fuzz_below(f, 8));
        break;
    case 1:
        if (b->size) b->at[at] = extremes[fuzz_below(f, sizeof extremes)];
        break;
    case 2: cut(b, at, 1 + fuzz_below(f, 16)); break;
    case 3: b->size = at; break;
    case 4: {
        const char *token = tokens[fuzz_below(f, sizeof tokens / sizeof *tokens)];
        insert(b, at, (const unsigned char *)token, strlen(token));
        break;
    }
    case 5: { /* a piece again, elsewhere */
        size_t size = fuzz_below(f, sizeof copy), from = fuzz_below(f, b->size);
        if (size > b->size - from) size = b->size - from;
        memcpy(copy, b->at + from, size);
        insert(b, at, copy, size);
        break;
    }
    case 6: { /* a piece of another */
        const bytes *other = &seeds[fuzz_below(f, seed_count)];
        size_t from = fuzz_below(f, other->size), size = fuzz_below(f, other->size - from);
        insert(b, at, other->at + from, size);
        break;
    }
    default:
        if (b->size) b->at[at] = (unsigned char)fuzz_next(f);
        break;
    }
}

static void write_file(const bytes *b) {
    FILE *file = fopen(path, "wb");
    CHECK(file);
    CHECK(fwrite(b->at, 1, b->size, file) == b->size);
    CHECK(fclose(file) == 0);
}

/* ---- Reading ------------------------------------------------------------------------------ */

/* Everything that reads, and something that uses what was read. Returns how many readers were content. */
static const char reading[] =
    "local path = ...\n"
    "local content = 0\n"
    "local function use(v)\n"
    "  content = content + 1\n"
    "  if type(v) == 'userdata' then\n"
    "    if #v <= 4096 then v:totable() end\n"
    "    return v:type().name, v:get(1), v:get(#v), #v:copy()\n"
    "  end\n"
    "  if v.rows then for _, c in ipairs(v.columns) do assert(#c == v.rows and (c[1] or true)) end return end\n"
    "  if v[1] then return end\n" /* a column */
    "  assert(v.nodes >= 1 and v.edges >= 0 and #v.names == v.nodes)\n"
    "  if v.nodes <= 1000 then\n"
    "    local label, sizes = v:communities()\n"
    "    assert(#label == v.nodes and #sizes >= 1 and #v:components() == v.nodes and #v:bfs(1) == v.nodes)\n"
    "    for name, c in pairs(v.node_columns) do assert(#c == v.nodes, name) end\n"
    "    for name, c in pairs(v.edge_columns) do assert(#c == v.edges, name) end\n"
    "  end\n"
    "  if v.nodes <= 1000 then for part in v:batches(3) do assert(part) end end\n"
    "end\n"
    "local function try(read, ...)\n"
    "  local ok, v, message, code = pcall(read, ...)\n"
    "  if ok and v then use(v)\n"
    "  elseif ok then assert(type(message) == 'string' and code, 'no reason')\n"
    "  else assert(type(v) == 'string', 'no message') end\n"
    "end\n"
    "try(gpumm.npy.read, path)\n"
    "try(gpumm.raw.read, path, 'f32x2')\n"
    "try(gpumm.raw.read, path, 'u8')\n"
    "try(gpumm.image.read, path)\n"
    "try(gpumm.graph.read, path)\n"
    "try(gpumm.graph.read, path, { threads = 3, duplicates = 'count' })\n"
    "try(gpumm.columns.read, path)\n"
    "try(gpumm.picture.column, path, { names = { 'a', 'b', 'c' } })\n"
    "return content\n";

/* ---- Every byte ----------------------------------------------------------------------------- */

/* A graph that holds together, or an error that names the file. */
static const char answering[] =
    "local path = ...\n"
    "local ok, g = pcall(gpumm.graph.read, path)\n"
    "if not ok then\n"
    "  assert(type(g) == 'string' and g:find(path, 1, true), g)\n"
    "  return 0\n"
    "end\n"
    "assert(g.nodes >= 1 and #g.names == g.nodes and #g.from == g.edges and #g.to == g.edges)\n"
    "for e = 1, g.edges do\n"
    "  local a, b = g.from[e], g.to[e]\n"
    "  assert(a >= 1 and a <= g.nodes and b >= 1 and b <= g.nodes and a ~= b)\n"
    "  assert(not g.weights or g.weights[e] - g.weights[e] == 0)\n"
    "end\n"
    "for i = 1, g.nodes do assert(type(g.names[i]) == 'string') end\n"
    "assert(not g.labels or #g.labels == g.nodes)\n"
    "for name, c in pairs(g.node_columns) do assert(#c == g.nodes, name) end\n"
    "for name, c in pairs(g.edge_columns) do assert(#c == g.edges, name) end\n"
    "return 1\n";

/* The script of `answering` is at 1. Returns whether there is a graph. */
static unsigned long answer(lua_State *L, const bytes *b) {
    write_file(b);
    lua_pushvalue(L, 1);
    lua_pushstring(L, path);
    int outcome = lua_pcall(L, 1, 1, 0);
    if (outcome != LUA_OK) fprintf(stderr, "%s\nthe file is %s\n", lua_tostring(L, -1), path);
    CHECK(outcome == LUA_OK); /* these are far from every limit */
    unsigned long graphs = (unsigned long)lua_tointeger(L, -1);
    lua_settop(L, 1);
    return graphs;
}

/* Returns how many files were graphs. */
static unsigned long every_byte(const bytes *good, unsigned long *files) {
    const char *folders[] = {folder, NULL};
    unsigned long graphs = 0;
    lua_State *L = fuzz_open((gpumm_lua_sandbox){.read = folders, .timeout = 60});
    CHECK(luaL_loadbufferx(L, answering, sizeof answering - 1, "=answering", "t") == LUA_OK);
    for (size_t i = 0; i <= good->size; i++) {
        bytes b = *good;
        b.size = i;
        graphs += answer(L, &b);
        b.size = good->size;
        for (unsigned bit = 0; bit < 8 && i < good->size; bit += 2) {
            b.at[i] = good->at[i] ^ (unsigned char)(1u << (bit + i % 2));
            graphs += answer(L, &b);
            ++*files;
        }
        ++*files;
    }
    fuzz_close(L);
    return graphs;
}

/* ---- By chance ------------------------------------------------------------------------------ */

static unsigned long one_state(fuzz *f, unsigned long *content) {
    const char *folders[] = {folder, NULL};
    unsigned long files = 0;
    lua_State *L = fuzz_open((gpumm_lua_sandbox){.read = folders, .timeout = 20});
    for (; files < FILES && gpumm__clock_seconds() < f->until; files++) {
        bytes b = seeds[fuzz_below(f, seed_count)];
        for (size_t n = fuzz_below(f, 6); n > 0; n--) worsen(f, &b);
        write_file(&b);
        CHECK(luaL_loadbufferx(L, reading, sizeof reading - 1, "=reading", "t") == LUA_OK);
        lua_pushstring(L, path);
        int outcome = lua_pcall(L, 1, 1, 0);
        if (outcome != LUA_OK && gpumm_lua_sandbox_ended(L, NULL)) break; /* a limit, which did its work */
        if (outcome != LUA_OK) fprintf(stderr, "%s\nthe file is %s\n", lua_tostring(L, -1), path);
        CHECK(outcome == LUA_OK);
        *content += (unsigned long)lua_tointeger(L, -1);
        lua_settop(L, 0);
    }
    fuzz_close(L);
    return files;
}

int main(int argc, char **argv) {
    fuzz f = fuzz_begin(argc, argv);
    double start = gpumm__clock_seconds();
    unsigned long files = 0, content = 0;
    snprintf(folder, sizeof folder, "/tmp/gpumm-fuzz-XXXXXX");
    CHECK(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/file", folder);
    make_seeds();
    for (size_t i = 0; i < seed_count; i++) content += every_byte(&seeds[i], &files);
    printf("%lu files at every byte, %lu are graphs\n", files, content);
    CHECK(content > files / 10);
    f.until += gpumm__clock_seconds() - start; /* the time is for what comes by chance */
    files = content = 0;
    while (gpumm__clock_seconds() < f.until) files += one_state(&f, &content);
    unlink(path);
    rmdir(folder);
    printf("%lu files, %lu readings went well\n", files, content);
    CHECK(files > 0 && content > files); /* the good ones were among them */
    return 0;
}
