/* SPDX-License-Identifier: MIT */
/* Compiling for the host: CUDA C becomes one C++ file (prelude, declarations, the user's text under its own
   name and lines, one exported function a kernel), which the system's compiler makes a shared object of. */
#include "device/host/compile.h"

#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/status.h"
#include "device/host/complaint.h"
#include "device/host/module.h"
#include "device/host/prelude.h"
#include "device/host/prelude_blocks.h"
#include "device/host/prelude_groups.h"
#include "device/host/run_program.h"

enum { WORDS_MAX = 256, WORDS_TEXT = 8192, ERRORS_MAX = 4096, PATH_SIZE = 4096 };

/* Results must repeat bit for bit, however a launch is cut into ranges and whichever machine it is:
   so nothing is reordered and nothing contracted. Nobody reads errno or floating point traps. */
#define FLAGS \
    "-std=c++17 -O3 -march=native -fno-math-errno -fno-trapping-math -ffp-contract=off " \
    "-fno-strict-aliasing -fno-exceptions -fno-rtti -fvisibility=hidden -fPIC -shared -w " \
    "-fdiagnostics-color=never"
/* A division by what g++ can tell to be zero stays one, whose signal arithmetic.c knows: it would make an illegal
   instruction of it. And nobody else begins what is a thread's own. Other compilers have no such flags and refuse them. */
#define GNU_FLAG "-fno-isolate-erroneous-paths-dereference -fno-extern-tls-init"
#define LINK_FLAGS "-Wl,--as-needed -Wl,-z,defs -Wl,-z,noseparate-code"

/* ---- The compiler -------------------------------------------------------------------------- */

typedef struct words { /* an argument list, ended by NULL, and the text it points into */
    char *list[WORDS_MAX + 1];
    size_t count;
    char text[WORDS_TEXT];
    size_t used;
} words;

static bool word_add(words *w, const char *text, size_t length) {
    if (w->count == WORDS_MAX || w->used + length + 1 > sizeof w->text) return false;
    w->list[w->count++] = memcpy(w->text + w->used, text, length);
    w->list[w->count] = NULL;
    w->used += length;
    w->text[w->used++] = 0;
    return true;
}

static bool words_add(words *w, const char *text, bool (*wanted)(const char *word, size_t length)) {
    for (;;) {
        text += strspn(text, " \t\n");
        size_t length = strcspn(text, " \t\n");
        if (!length) return true;
        if ((!wanted || wanted(text, length)) && !word_add(w, text, length)) return false;
        text += length;
    }
}

static bool is_program(const char *path) {
    struct stat s;
    return stat(path, &s) == 0 && S_ISREG(s.st_mode) && access(path, X_OK) == 0;
}

/* The program of that name, as a shell would find it. */
static bool find_program(const char *name, size_t length, char path[static PATH_SIZE]) {
    if (memchr(name, '/', length)) {
        snprintf(path, PATH_SIZE, "%.*s", (int)length, name);
        return is_program(path);
    }
    const char *all = getenv("PATH");
    for (const char *at = all ? all : "/usr/local/bin:/usr/bin:/bin"; *at;) {
        size_t part = strcspn(at, ":");
        snprintf(path, PATH_SIZE, "%.*s/%.*s", (int)part, at, (int)length, name);
        if (part && is_program(path)) return true;
        at += part + (at[part] == ':');
    }
    return false;
}

/* A command such as "ccache g++" as words, the program by its path. */
static bool command(const char *text, words *out) {
    char path[PATH_SIZE];
    *out = (words){.count = 0};
    text += strspn(text, " \t");
    size_t length = strcspn(text, " \t");
    if (!length || !find_program(text, length, path)) return false;
    return word_add(out, path, strlen(path)) && words_add(out, text + length, NULL);
}

static gpumm_status find_compiler(words *out) {
    const char *wanted = getenv("GPUMM_CXX"), *usual = getenv("CXX");
    if (wanted && *wanted) {
        if (command(wanted, out)) return GPUMM_OK;
        return fail(GPUMM_COMPILE_FAILED, "no C++ compiler: GPUMM_CXX is '%s', and there is no such program", wanted);
    }
    const char *const names[] = {usual ? usual : "", "c++", "g++", "clang++"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (command(names[i], out)) return GPUMM_OK;
    return fail(GPUMM_COMPILE_FAILED, "no C++ compiler: install g++ (Debian: apt-get install g++) or set GPUMM_CXX");
}

/* ---- Its identity --------------------------------------------------------------------------- */

static bool tells_the_processor(const char *line) {
    static const char *const starts[] = {"vendor_id",       "cpu family",  "model",    "stepping", "flags", "Features",
                                         "CPU implementer", "CPU variant", "CPU part", "isa",      "uarch"};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (strncmp(line, starts[i], strlen(starts[i])) == 0) return true;
    return false;
}

/* What is the same for as long as the process lives, found out once: what -march=native would look at (the first
   processor's lines that do not change from day to day), and a stamp that changes whenever the prelude does. */
static char processor[PATH_SIZE];
static uint64_t prelude_stamp;

static void find_processor(void) {
    char line[PATH_SIZE];
    size_t used = 0;
    FILE *f = fopen("/proc/cpuinfo", "re");
    while (f && fgets(line, sizeof line, f) && *line != '\n') {
        line[strcspn(line, "\n")] = 0;
        if (!tells_the_processor(line) || used + strlen(line) + 2 > sizeof processor) continue;
        used += (size_t)snprintf(processor + used, sizeof processor - used, "%s;", line);
    }
    if (f) fclose(f);
}

static void stamp_pieces(const char *const *piece) {
    for (; *piece; piece++) prelude_stamp = hash_text(prelude_stamp, *piece);
}

static void find_constants(void) {
    find_processor();
    prelude_stamp = hash_start;
    for (size_t i = 0; gpumm__host_prelude[i]; i++) stamp_pieces(gpumm__host_prelude[i]);
    stamp_pieces(gpumm__host_prelude_blocks);
    stamp_pieces(gpumm__host_prelude_groups);
}

/* What compilers heed of the environment: where they look for headers and for their own parts, and what time it is. */
static uint64_t environment_stamp(void) {
    static const char *const names[] = {
        "CPATH",           "C_INCLUDE_PATH",    "CPLUS_INCLUDE_PATH", "LIBRARY_PATH",         "COMPILER_PATH",
        "GCC_EXEC_PREFIX", "SOURCE_DATE_EPOCH", "GCC_SPECS",          "CCC_OVERRIDE_OPTIONS", "SYSROOT"};
    uint64_t stamp = hash_start;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = getenv(names[i]);
        stamp = hash_text(hash_text(stamp, value ? names[i] : "-"), value ? value : "");
    }
    return stamp;
}

/* A word behind the first; of "ccache g++" it is another program, which may be another one tomorrow. */
static size_t name_word(const char *word, char *text, size_t size) {
    char path[PATH_SIZE];
    struct stat s;
    int length = *word == '-' || !find_program(word, strlen(word), path) || stat(path, &s) != 0
                     ? snprintf(text, size, " %s", word)
                     : snprintf(text, size, " %s %lld bytes of %lld.%09ld", path, (long long)s.st_size,
                                (long long)s.st_mtim.tv_sec, s.st_mtim.tv_nsec);
    return length > 0 ? (size_t)length : 0;
}

/* The program's size and time stand for its version: asking it would take longer than a warm start may. */
gpumm_status gpumm__host_compiler(device *d, char *text, size_t size) {
    (void)d;
    words found;
    struct stat s;
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    TRY(find_compiler(&found));
    if (stat(found.list[0], &s) != 0)
        return fail(GPUMM_COMPILE_FAILED, "the C++ compiler %s went away: %s", found.list[0], strerror(errno));
    pthread_once(&once, find_constants);
    size_t used = (size_t)snprintf(text, size,
                                   "host %s %lld bytes of %lld.%09ld, prelude %llx, environment %llx, " FLAGS
                                   " " GNU_FLAG " " LINK_FLAGS,
                                   found.list[0], (long long)s.st_size, (long long)s.st_mtim.tv_sec, s.st_mtim.tv_nsec,
                                   (unsigned long long)prelude_stamp, (unsigned long long)environment_stamp());
    for (size_t i = 1; i < found.count && used < size; i++) used += name_word(found.list[i], text + used, size - used);
    if (used < size) snprintf(text + used, size - used, ", %s", processor);
    for (char *c = text; *c; c++)
        if (iscntrl((unsigned char)*c)) *c = ' ';
    return GPUMM_OK;
}

/* ---- The C++ file --------------------------------------------------------------------------- */

static void write_line_mark(FILE *f, const char *file) {
    fputs("\n#line 1 \"", f);
    for (; *file; file++) {
        if (*file == '"' || *file == '\\') fputc('\\', f);
        if (*file != '\n') fputc(*file, f);
    }
    fputs("\"\n", f);
}

/* Names that the C library's headers ask for: they must hold while the prelude includes those. */
static bool is_the_librarys(const char *name, size_t length) {
    return *name == '_' || (length == 6 && strncmp(name, "NDEBUG", 6) == 0);
}

/* Macros of the flags, -DT=float say, are the user's source's: while the prelude is read they are put aside. */
static void write_macros(FILE *f, const char *flags, bool aside) {
    bool next = false;
    for (const char *at = flags ? flags : ""; *at; at += strcspn(at, " \t\n")) {
        at += strspn(at, " \t\n");
        bool joined = strncmp(at, "-D", 2) == 0;
        const char *name = at + (joined ? 2 : 0);
        size_t length = strcspn(name, "=( \t\n");
        bool names = (joined || next) && length && !is_the_librarys(name, length);
        next = joined && !length;
        if (!names) continue;
        fprintf(f, "#pragma %s_macro(\"%.*s\")\n", aside ? "push" : "pop", (int)length, name);
        if (aside) fprintf(f, "#undef %.*s\n", (int)length, name);
    }
}

/* Is the word at `at` a flag that includes a file before the source? Then *file is the name, which may be the next word. */
static bool is_including(const char *at, const char **file) {
    static const char *const flags[] = {"-include", "--include"};
    size_t length = strcspn(at, " \t\n");
    if (strncmp(at, "--include=", 10) == 0 && length > 10) return *file = at + 10, true;
    for (size_t i = 0; i < 2; i++)
        if (length == strlen(flags[i]) && strncmp(at, flags[i], length) == 0)
            return *file = at + length + strspn(at + length, " \t\n"), true;
    return false;
}

/* What flags include comes behind the prelude, as it may use what that declares. As the compiler would find it: in the
   working directory first, else where headers are. */
static void write_included(FILE *f, const char *flags) {
    const char *file;
    char name[PATH_SIZE], path[PATH_SIZE];
    for (const char *at = flags ? flags : ""; *at; at += strcspn(at, " \t\n")) {
        at += strspn(at, " \t\n");
        if (!is_including(at, &file)) continue;
        size_t length = strcspn(file, " \t\n");
        if (!length || length >= sizeof name) continue;
        memcpy(name, file, length);
        name[length] = 0;
        fprintf(f, "#include \"%s\"\n", realpath(name, path) ? path : name);
        at = file;
    }
}

/* A kernel named as a function of the C library is called something else: its headers come first, and then the
   name is a macro. */
static void write_taken(FILE *f, const device_source *source) {
    static const char *const headers[] = {"cctype",  "cfloat", "climits", "cmath",     "cstdio",  "cstdlib",
                                          "cstring", "ctime",  "cwchar",  "strings.h", "unistd.h"};
    for (size_t i = 0; source->taken_count && i < sizeof headers / sizeof *headers; i++)
        fprintf(f, "#include <%s>\n", headers[i]);
    for (size_t i = 0; i < source->taken_count; i++)
        fprintf(f, "#define %s gpumm_kernel_%s\n", source->taken[i], source->taken[i]);
}

static void write_pieces(FILE *f, const char *const *piece) {
    for (; *piece; piece++) fputs(*piece, f);
}

static void write_prelude(FILE *f, const device_source *source) {
    write_line_mark(f, DEVICE_OWN_TEXT);
    write_macros(f, source->flags, true);
    for (size_t i = 0; gpumm__host_prelude[i]; i++) write_pieces(f, gpumm__host_prelude[i]);
    if (source->blocks) write_pieces(f, gpumm__host_prelude_blocks);
    write_taken(f, source);
    write_macros(f, source->flags, false);
    write_included(f, source->flags);
}

static void write_text(FILE *f, const device_source *source) {
    write_line_mark(f, source->file);
    fputs(source->text, f);
}

/* What preprocessing leaves where the compiler is GNU's. */
#define GNU_MARK "typedef int gpumm_gnu;"

/* What is to be preprocessed: the words that make a kernel, and shared memory, stay, whatever they stand for. */
static void write_plain(FILE *f, const device_source *source) {
    write_prelude(f, source);
    fputs(
        "#if defined(__GNUC__) && !defined(__clang__) && !defined(__NVCOMPILER) && !defined(__INTEL_COMPILER)\n" GNU_MARK
        "\n#endif\n",
        f);
    fputs("#undef __global__\n#define __global__ __global__\n#define __shared__ __shared__\n", f);
    write_text(f, source);
}

/* What is a thread's own has a function that begins it, which a compiler calls that takes it for another file's: it does
   nothing. */
static void write_array(FILE *f, const char *name) {
    fprintf(f, ".globl %s\\n.hidden %s\\n.set %s, gpumm_dynamic\\n", name, name, name);
    bool mangled = strncmp(name, "_Z", 2) == 0;
    char begins[PATH_SIZE];
    if (mangled) snprintf(begins, sizeof begins, "_ZTH%s", name + 2);
    else snprintf(begins, sizeof begins, "_ZTH%zu%s", strlen(name), name);
    fprintf(f, ".globl %s\\n.hidden %s\\n.set %s, gpumm_no_beginning\\n", begins, begins, begins);
}

/* A block's dynamic arrays are one place, which is its thread's own, under as many names as the text has for it. */
static void write_arrays(FILE *f, const device_source *source) {
    if (!source->array_count) return;
    fprintf(f,
            "extern \"C\" __attribute__((used, visibility(\"hidden\"))) void gpumm_no_beginning() {}\n"
            "#if defined(__x86_64__) || defined(__i386__)\n#define GPUMM_NOBITS \"@nobits\"\n#else\n"
            "#define GPUMM_NOBITS \"%%nobits\"\n#endif\n"
            "__asm__(\".pushsection .tbss,\\\"awT\\\",\" GPUMM_NOBITS \"\\n.balign 128\\ngpumm_dynamic:\\n"
            ".zero %d\\n",
            HOST_SHARED_MOST);
    for (size_t i = 0; i < source->array_count; i++) write_array(f, source->arrays[i]);
    fputs(".popsection\");\n", f);
}

static void write_whole(FILE *f, const device_source *source) {
    write_prelude(f, source);
    write_line_mark(f, COMPLAINT_DECLARATIONS);
    fputs(source->prelude ? source->prelude : "", f);
    write_text(f, source);
    write_line_mark(f, DEVICE_OWN_TEXT);
    fputs(source->epilogue ? source->epilogue : "", f);
    write_arrays(f, source);
}

static gpumm_status write_file(const char *folder, const char *name,
                               void (*write)(FILE *f, const device_source *source), const device_source *source) {
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "we");
    if (!f) return fail(GPUMM_IO, "%s: %s", path, strerror(errno));
    if (write) write(f, source);
    bool bad = ferror(f) != 0;
    bad |= fclose(f) != 0;
    return bad ? fail(GPUMM_IO, "%s: %s", path, strerror(errno)) : GPUMM_OK;
}

/* ---- Headers -------------------------------------------------------------------------------- */

#define HEADERS "headers" /* the folder's folder of them */

/* Headers of CUDA's whose contents the prelude has: empty ones, found before those of a toolkit that is here,
   which are not for this compiler. */
static void write_groups(FILE *f, const device_source *source) {
    (void)source;
    write_pieces(f, gpumm__host_prelude_groups);
}

/* The parts of cooperative_groups are one file. */
static void write_group_part(FILE *f, const device_source *source) {
    (void)source;
    fputs("#include <cooperative_groups.h>\n", f);
}

static gpumm_status make_groups(const char *folder) {
    static const char *const parts[] = {"reduce.h", "scan.h", "memcpy_async.h"};
    char path[PATH_SIZE];
    TRY(write_file(folder, HEADERS "/cooperative_groups.h", write_groups, NULL));
    snprintf(path, sizeof path, "%s/" HEADERS "/cooperative_groups", folder);
    if (mkdir(path, 0700) != 0 && errno != EEXIST) return fail(GPUMM_IO, "%s: %s", path, strerror(errno));
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) TRY(write_file(path, parts[i], write_group_part, NULL));
    return GPUMM_OK;
}

static gpumm_status make_headers(const char *folder) {
    static const char *const names[] = {"cuda_runtime.h",   "cuda_runtime_api.h", "device_launch_parameters.h",
                                        "vector_types.h",   "vector_functions.h", "builtin_types.h",
                                        "cuda_fp16.h",      "device_functions.h", "device_atomic_functions.h",
                                        "math_constants.h", "math_functions.h",   "sm_61_intrinsics.h"};
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/" HEADERS, folder);
    if (mkdir(path, 0700) != 0 && errno != EEXIST) return fail(GPUMM_IO, "%s: %s", path, strerror(errno));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) TRY(write_file(path, names[i], NULL, NULL));
    return make_groups(folder);
}

/* The folder that "x" is looked for in: the source's own. */
static void folder_of(const char *file, char path[static PATH_SIZE]) {
    const char *slash = strrchr(file, '/');
    int length = slash ? (int)(slash - file) + (slash == file) : 1;
    snprintf(path, PATH_SIZE, "%.*s", length, slash ? file : ".");
}

/* A pipe that is called as a header would keep the compiler waiting: the header of that name elsewhere is meant, and
   is found by way of one in our folder, which is looked in first. */
static gpumm_status pass_over(const device_source *source, const char *name, size_t length) {
    char beside[PATH_SIZE], path[2 * PATH_SIZE];
    struct stat s;
    folder_of(source->file, beside);
    snprintf(path, sizeof path, "%s/%.*s", beside, (int)length, name);
    if (memchr(name, '/', length) || stat(path, &s) != 0 || S_ISREG(s.st_mode) || S_ISDIR(s.st_mode)) return GPUMM_OK;
    snprintf(path, sizeof path, "%s/%.*s", source->folder, (int)length, name);
    FILE *f = fopen(path, "we");
    if (!f) return fail(GPUMM_IO, "%s: %s", path, strerror(errno));
    fprintf(f, "#include <%.*s>\n", (int)length, name);
    return fclose(f) == 0 ? GPUMM_OK : fail(GPUMM_IO, "%s: %s", path, strerror(errno));
}

static gpumm_status pass_over_pipes(const device_source *source) {
    for (const char *at = source->text; (at = strstr(at, "include")); at++) {
        const char *name = at + 7 + strspn(at + 7, " \t");
        if (*name != '"') continue;
        size_t length = strcspn(++name, "\"\n");
        if (name[length] == '"') TRY(pass_over(source, name, length));
    }
    return GPUMM_OK;
}

/* ---- Running the compiler ------------------------------------------------------------------- */

/* What only NVIDIA's compilers know is left out, as are standards before the one that is needed here. */
static bool flag_wanted(const char *word, size_t length) {
    static const char *const starts[] = {"--",
                                         "-arch",
                                         "-use_fast_math",
                                         "-lineinfo",
                                         "-G",
                                         "-maxrregcount",
                                         "-ftz=",
                                         "-prec-",
                                         "-fmad=",
                                         "-dlto",
                                         "-rdc=",
                                         "-default-device",
                                         "-restrict",
                                         "-extra-device-vectorization",
                                         "-std=c++03",
                                         "-std=c++11",
                                         "-std=c++14"};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (length >= strlen(starts[i]) && strncmp(word, starts[i], strlen(starts[i])) == 0) return false;
    return true;
}

/* The other flags. */
static bool flags_add(words *a, const char *flags) {
    const char *file;
    for (const char *at = flags; *at; at += strcspn(at, " \t\n")) {
        at += strspn(at, " \t\n");
        size_t length = strcspn(at, " \t\n");
        if (!length) break;
        if (is_including(at, &file)) at = file;
        else if (flag_wanted(at, length) && !word_add(a, at, length)) return false;
    }
    return true;
}

static bool add_beside(words *a, const char *file) {
    char path[PATH_SIZE];
    folder_of(file, path);
    return word_add(a, "-iquote", 7) && word_add(a, path, strlen(path));
}

static bool add_path(words *a, const char *before, const char *folder, const char *name) {
    char path[PATH_SIZE];
    int length = snprintf(path, sizeof path, "%s%s/%s", before, folder, name);
    return length > 0 && (size_t)length < sizeof path && word_add(a, path, (size_t)length);
}

/* As preprocessing has found it. */
static bool is_gnu(const device_source *source) {
    char path[PATH_SIZE], line[256];
    bool found = false;
    snprintf(path, sizeof path, "%s/" DEVICE_PREPROCESSED, source->folder);
    FILE *f = fopen(path, "re");
    while (f && !found && fgets(line, sizeof line, f)) found = strncmp(line, GNU_MARK, strlen(GNU_MARK)) == 0;
    if (f) fclose(f);
    return found;
}

#define UNIT "unit.cpp"
#define RULES "rules.d" /* what was read, as a rule for make */

static gpumm_status arguments(const device_source *source, const char *out_path, words *a) {
    const char *folder = source->folder;
    TRY(find_compiler(a));
    bool fits = words_add(a, FLAGS, NULL) && add_beside(a, source->file) && add_path(a, "-I", folder, HEADERS);
    fits = fits && flags_add(a, source->flags ? source->flags : "");
    if (out_path) {
        fits = fits && (!is_gnu(source) || words_add(a, GNU_FLAG, NULL));
        fits = fits && word_add(a, "-o", 2) && word_add(a, out_path, strlen(out_path));
        fits = fits && add_path(a, "", folder, UNIT) && words_add(a, LINK_FLAGS, NULL);
    } else {
        fits = fits && words_add(a, "-E -MD -MF", NULL) && add_path(a, "", folder, RULES) && word_add(a, "-o", 2);
        fits = fits && add_path(a, "", folder, DEVICE_PREPROCESSED) && add_path(a, "", folder, UNIT);
    }
    return fits ? GPUMM_OK : fail(GPUMM_INVALID_ARGUMENT, "%s: the compiler's flags are too long", source->file);
}

/* The compiler's words, cut at a line's end, as this thread's message. */
static gpumm_status complain(const device_source *source, int result) {
    char text[ERRORS_MAX];
    size_t length = gpumm__run_program_said(source->folder, text, sizeof text);
    if (length) gpumm__complaint_cut(text);
    if (length) return fail(GPUMM_COMPILE_FAILED, "%s does not compile:\n%s", source->file, text);
    int code = WIFSIGNALED(result) ? 128 + WTERMSIG(result) : WEXITSTATUS(result);
    if (code > 128)
        return fail(GPUMM_COMPILE_FAILED, "%s: the compiler was ended by signal %d", source->file, code - 128);
    return fail(GPUMM_COMPILE_FAILED, "%s: the compiler failed with status %d and no words", source->file, code);
}

static bool is_made(const char *path) {
    struct stat s;
    return stat(path, &s) == 0 && s.st_size > 0;
}

static gpumm_status run_on(device *d, const device_source *source, const char *out_path, int *result) {
    words a;
    TRY(make_headers(source->folder));
    TRY(pass_over_pipes(source));
    TRY(write_file(source->folder, UNIT, out_path ? write_whole : write_plain, source));
    TRY(arguments(source, out_path, &a));
    return gpumm__run_program(d->memory, source->folder, a.list, result);
}

gpumm_status gpumm__host_compile(device *d, const device_source *source, const char *out_path) {
    int result = 0;
    TRY(run_on(d, source, out_path, &result));
    if (result == 0 && is_made(out_path)) return GPUMM_OK;
    unlink(out_path);
    return complain(source, result);
}

/* ---- What was read -------------------------------------------------------------------------- */

/* The next name of a rule for make, its escapes undone; false: there is none. */
static bool next_name(FILE *rules, char name[static PATH_SIZE]) {
    size_t used = 0;
    for (int c; (c = fgetc(rules)) != EOF;) {
        bool escaped = c == '\\' || c == '$';
        int next = escaped ? fgetc(rules) : 0;
        if (escaped && next == '\n') c = ' ', escaped = false;
        else if (escaped && (next == ' ' || next == '#' || next == '$')) c = next;
        else if (escaped && next != EOF) ungetc(next, rules), escaped = false;
        if (!escaped && isspace(c)) {
            if (used) break;
        } else if (used + 1 < PATH_SIZE) {
            name[used++] = (char)c;
        }
    }
    name[used] = 0;
    return used > 0;
}

/* One a line, without what is ours. */
static gpumm_status list_read(const device_source *source) {
    char path[PATH_SIZE], name[PATH_SIZE];
    size_t own = strlen(source->folder);
    snprintf(path, sizeof path, "%s/" RULES, source->folder);
    FILE *rules = fopen(path, "re");
    if (!rules) return GPUMM_OK;
    snprintf(path, sizeof path, "%s/" DEVICE_READ, source->folder);
    FILE *out = fopen(path, "we");
    if (!out) return fclose(rules), fail(GPUMM_IO, "%s: %s", path, strerror(errno));
    next_name(rules, name); /* the rule's target */
    while (next_name(rules, name))
        if (strncmp(name, source->folder, own) != 0) fprintf(out, "%s\n", name);
    fclose(rules);
    return fclose(out) == 0 ? GPUMM_OK : fail(GPUMM_IO, "%s: %s", path, strerror(errno));
}

gpumm_status gpumm__host_preprocess(device *d, const device_source *source) {
    char path[PATH_SIZE];
    int result = 0;
    snprintf(path, sizeof path, "%s/" DEVICE_PREPROCESSED, source->folder);
    TRY(run_on(d, source, NULL, &result));
    return result == 0 && is_made(path) ? list_read(source) : complain(source, result);
}
