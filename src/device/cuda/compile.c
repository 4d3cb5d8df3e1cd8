/* SPDX-License-Identifier: MIT */
/*
 * CUDA C to a binary for this device: NVRTC makes a cubin of the device's own architecture, which needs
 * no help from the driver. An NVRTC too old to know the architecture makes PTX of the newest that it
 * does know, and the driver compiles the rest when it is loaded.
 */
#include "device/cuda/compile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/size.h"
#include "base/status.h"
#include "device/cuda/prelude.h"
#include "device/cuda/rtc.h"
#include "device/cuda/state.h"

enum { OPTION_COUNT = 64, OPTION_TEXT = 1100 };

typedef struct target {
    int architecture;
    bool cubin; /* else PTX */
} target;

static const char *const fixed_options[] = {"--device-as-default-execution-space", "--generate-line-info"};
static const char standard[] = "--std=c++17"; /* unless the user's flags name one */

/* ---- For which architecture ---- */

static gpumm_status too_new_compiler(const cuda *c, int wanted) {
    return fail(GPUMM_COMPILE_FAILED,
                "NVRTC %d.%d compiles for sm_%d and later, and %s is sm_%d: install an older NVRTC "
                "(12 knows sm_50 and later)",
                gpumm__rtc.major, gpumm__rtc.minor, gpumm__rtc.architectures[0], c->base.info.name, wanted);
}

static gpumm_status choose_target(const cuda *c, target *out) {
    int wanted = c->base.info.compute_major * 10 + c->base.info.compute_minor, best = 0;
    for (int i = 0; i < gpumm__rtc.architecture_count; i++)
        if (gpumm__rtc.architectures[i] <= wanted && gpumm__rtc.architectures[i] > best)
            best = gpumm__rtc.architectures[i];
    if (best == 0) return too_new_compiler(c, wanted);
    out->architecture = best;
    out->cubin = best == wanted;
    return GPUMM_OK;
}

static void target_option(const target *t, char text[static 64]) {
    snprintf(text, 64, "--gpu-architecture=%s_%d", t->cubin ? "sm" : "compute", t->architecture);
}

gpumm_status gpumm__cuda_compiler(device *d, char *text, size_t size) {
    cuda *c = cuda_of(d);
    target t = {0};
    char architecture[64];
    TRY(gpumm__rtc_start());
    TRY(choose_target(c, &t));
    target_option(&t, architecture);
    int length =
        snprintf(text, size, "nvrtc %d.%d %s %s %s %s, prelude %llx", gpumm__rtc.major, gpumm__rtc.minor, architecture,
                 fixed_options[0], fixed_options[1], standard, (unsigned long long)gpumm__cuda_prelude_stamp());
    if (length >= 0 && (size_t)length < size) return GPUMM_OK;
    return fail(GPUMM_INVALID_ARGUMENT, "the compiler's name needs %d bytes, there is room for %zu", length + 1, size);
}

/* ---- Options ---- */

typedef struct options {
    const char *list[OPTION_COUNT];
    int count;
    char architecture[64], toolkit[OPTION_TEXT], libraries[OPTION_TEXT], beside[OPTION_TEXT];
    char *file;  /* the source's name, plain */
    char *flags; /* the user's, cut into words */
} options;

static void add(options *o, const char *option) { o->list[o->count++] = option; }

/* Includes are looked for beside the file too, as compilers do. */
static void add_folder_of(options *o, const char *file) {
    const char *end = strrchr(file, '/');
    int length = end ? (int)(end - file) : 1;
    if (snprintf(o->beside, sizeof o->beside, "--include-path=%.*s", length, end ? file : ".") < (int)sizeof o->beside)
        add(o, o->beside);
}

static gpumm_status add_flags(device *d, options *o, const char *flags) {
    char *rest = NULL;
    o->flags = gpumm__mem_string(d->memory, flags ? flags : "");
    if (!o->flags) return fail_host_memory(flags ? strlen(flags) : 1);
    for (char *word = strtok_r(o->flags, " \t\n", &rest); word; word = strtok_r(NULL, " \t\n", &rest)) {
        if (o->count == OPTION_COUNT) return fail(GPUMM_INVALID_ARGUMENT, "more compiler flags than %d", OPTION_COUNT);
        add(o, word);
    }
    return GPUMM_OK;
}

/* The file's name where a string of C and PTX's line table take it as it is. */
static void plain_name(char *name) {
    for (; *name; name++)
        if (*name == '"' || *name == '\\') *name = '\'';
        else if ((unsigned char)*name < ' ') *name = ' ';
}

/* The Toolkit's headers, and libcu++ where newer ones keep it, which cooperative_groups.h includes. */
static void add_toolkit(options *o) {
    if (!gpumm__rtc.include[0]) return;
    snprintf(o->toolkit, sizeof o->toolkit, "--include-path=%s", gpumm__rtc.include);
    snprintf(o->libraries, sizeof o->libraries, "--include-path=%s/cccl", gpumm__rtc.include);
    add(o, o->toolkit);
    add(o, o->libraries);
}

/* The user's flags come last and may say otherwise. */
static gpumm_status options_make(device *d, const device_source *source, const target *t, options *o) {
    memset(o, 0, sizeof *o);
    target_option(t, o->architecture);
    add(o, o->architecture);
    for (size_t i = 0; i < sizeof fixed_options / sizeof *fixed_options; i++) add(o, fixed_options[i]);
    if (!source->flags || !strstr(source->flags, "-std")) add(o, standard);
    add_folder_of(o, source->file);
    add_toolkit(o);
    o->file = gpumm__mem_string(d->memory, source->file);
    if (!o->file) return fail_host_memory(strlen(source->file));
    plain_name(o->file);
    return add_flags(d, o, source->flags);
}

/* ---- The text ---- */

static bool mentions(const device_source *source, const char *word) {
    return strstr(source->text, word) || strstr(source->prelude ? source->prelude : "", word);
}

/* Half precision is a header's there, not the compiler's: included where the source speaks of it. */
static const char *half_include(const device_source *source) {
    return gpumm__rtc.include[0] && mentions(source, "half") ? "#include <cuda_fp16.h>\n" : "";
}

static const char *or_nothing(const char *text) { return text ? text : ""; }

/* The messages' lines are those of the user's file: #line starts them anew behind what was put before. What is only
   preprocessed keeps the word that makes a kernel. */
static gpumm_status text_make(device *d, const device_source *source, const char *name, bool plain, char **out) {
    static const char format[] =
        "#line 1 \"" DEVICE_OWN_TEXT "\"\n%s%s%s\n#line 1 \"%s\"\n%s\n#line 1 \"" DEVICE_OWN_TEXT "\"\n%s\n";
    const char
        *half = half_include(source),
        *kept = "#undef __global__\n#define __global__ __global__\n#undef __shared__\n#define __shared__ __shared__\n";
    const char *before = plain ? kept : or_nothing(source->prelude),
               *behind = plain ? "" : or_nothing(source->epilogue);
    uint64_t size = sizeof format + strlen(gpumm__cuda_prelude) + strlen(half);
    size += strlen(before) + strlen(name) + strlen(source->text) + strlen(behind);
    char *text = gpumm__mem_new(d->memory, size);
    if (text) snprintf(text, size, format, gpumm__cuda_prelude, half, before, name, source->text, behind);
    *out = text;
    return text ? GPUMM_OK : fail_host_memory(size);
}

/* ---- Compiling ---- */

typedef struct job {
    target target;
    options options;
    char *text;
} job;

static gpumm_status rtc_failed(const char *what, nvrtcResult result) {
    return fail(result == NVRTC_ERROR_OUT_OF_MEMORY ? GPUMM_OUT_OF_MEMORY : GPUMM_COMPILE_FAILED, "NVRTC %d.%d, %s: %s",
                gpumm__rtc.major, gpumm__rtc.minor, what, gpumm__rtc.nvrtcGetErrorString(result));
}

/* What a source includes NVRTC reads itself, and takes a byte order mark for a word: it says nothing that would help. */
static gpumm_status errors_of(const char *log) {
    if (!strstr(log, "\xEF\xBB\xBF")) return fail(GPUMM_COMPILE_FAILED, "%s", log);
    return fail(GPUMM_COMPILE_FAILED,
                "%.*s begins with a byte order mark, which NVRTC does not read: save it as UTF-8 without one",
                (int)strcspn(log, "("), log);
}

/* The compiler's own words, at the user's file and line. */
static gpumm_status rejected(device *d, nvrtcProgram program, const device_source *source, nvrtcResult result) {
    size_t size = 0;
    if (gpumm__rtc.nvrtcGetProgramLogSize(program, &size) != NVRTC_SUCCESS || size < 2)
        return rtc_failed(source->file, result);
    char *log = gpumm__mem_new(d->memory, size + 1);
    if (!log) return fail_host_memory(size);
    gpumm_status status;
    if (gpumm__rtc.nvrtcGetProgramLog(program, log) != NVRTC_SUCCESS) status = rtc_failed(source->file, result);
    else if (result == NVRTC_ERROR_COMPILATION) status = errors_of(log);
    else status = (rtc_failed(source->file, result), fail(GPUMM_COMPILE_FAILED, "%s\n%s", gpumm_message(), log));
    gpumm__mem_free(d->memory, log);
    return status;
}

static gpumm_status write_all(FILE *file, const char *binary, size_t size, const char *path) {
    bool written = fwrite(binary, 1, size, file) == size && fflush(file) == 0;
    int error = errno;
    if (fclose(file) == 0 && written) return GPUMM_OK;
    return fail(GPUMM_IO, "'%s' could not be written: %s", path, strerror(written ? errno : error));
}

/* Under another name first: who opens out_path finds the whole binary or none. */
static gpumm_status write_file(device *d, const char *binary, size_t size, const char *out_path) {
    size_t room = strlen(out_path) + sizeof ".XXXXXX";
    char *temporary = gpumm__mem_new(d->memory, room);
    if (!temporary) return fail_host_memory(room);
    snprintf(temporary, room, "%s.XXXXXX", out_path);
    int descriptor = mkostemp(temporary, O_CLOEXEC);
    FILE *file = descriptor >= 0 ? fdopen(descriptor, "wb") : NULL;
    gpumm_status status = GPUMM_OK;
    if (!file) status = fail(GPUMM_IO, "'%s' could not be made: %s", temporary, strerror(errno));
    else status = write_all(file, binary, size, out_path);
    if (!file && descriptor >= 0) close(descriptor);
    if (status == GPUMM_OK && rename(temporary, out_path) != 0)
        status = fail(GPUMM_IO, "'%s' could not be written: %s", out_path, strerror(errno));
    if (status != GPUMM_OK && descriptor >= 0) unlink(temporary);
    gpumm__mem_free(d->memory, temporary);
    return status;
}

/* PTX is counted with its end mark, which is no part of the file. */
static nvrtcResult fetch(nvrtcProgram program, bool cubin, char *binary) {
    return cubin ? gpumm__rtc.nvrtcGetCUBIN(program, binary) : gpumm__rtc.nvrtcGetPTX(program, binary);
}

static gpumm_status no_binary(const device_source *source, const target *t) {
    return fail(GPUMM_COMPILE_FAILED, "NVRTC %d.%d made no %s_%d binary of %s: its flags '%s' ask for something else",
                gpumm__rtc.major, gpumm__rtc.minor, t->cubin ? "sm" : "compute", t->architecture, source->file,
                source->flags);
}

static gpumm_status write_binary(device *d, nvrtcProgram program, const device_source *source, const target *t,
                                 const char *out_path) {
    size_t size = 0;
    nvrtcResult result =
        t->cubin ? gpumm__rtc.nvrtcGetCUBINSize(program, &size) : gpumm__rtc.nvrtcGetPTXSize(program, &size);
    if (result != NVRTC_SUCCESS) return rtc_failed("its binary", result);
    if (size < 2) return no_binary(source, t);
    char *binary = gpumm__mem_new(d->memory, size);
    if (!binary) return fail_host_memory(size);
    result = fetch(program, t->cubin, binary);
    gpumm_status status = result == NVRTC_SUCCESS ? write_file(d, binary, t->cubin ? size : size - 1, out_path)
                                                  : rtc_failed("its binary", result);
    gpumm__mem_free(d->memory, binary);
    return status;
}

static gpumm_status program_make(const options *o, const char *text, nvrtcProgram *out) {
    nvrtcResult result = gpumm__rtc.nvrtcCreateProgram(out, text, o->file, gpumm__cuda_header_count,
                                                       gpumm__cuda_header_texts, gpumm__cuda_header_names);
    return result == NVRTC_SUCCESS ? GPUMM_OK : rtc_failed(o->file, result);
}

static gpumm_status compile_text(device *d, const device_source *source, const target *t, const options *o,
                                 const char *text, const char *out_path) {
    nvrtcProgram program = NULL;
    TRY(program_make(o, text, &program));
    nvrtcResult result = gpumm__rtc.nvrtcCompileProgram(program, o->count, o->list);
    gpumm_status status =
        result == NVRTC_SUCCESS ? write_binary(d, program, source, t, out_path) : rejected(d, program, source, result);
    gpumm__rtc.nvrtcDestroyProgram(&program);
    return status;
}

static void job_close(device *d, job *j) {
    gpumm__mem_free(d->memory, j->text);
    gpumm__mem_free(d->memory, j->options.flags);
    gpumm__mem_free(d->memory, j->options.file);
}

/* What both ways begin with. */
static gpumm_status job_open(device *d, const device_source *source, bool plain, job *j) {
    *j = (job){.text = NULL};
    TRY(gpumm__rtc_start());
    TRY(choose_target(cuda_of(d), &j->target));
    gpumm_status status = options_make(d, source, &j->target, &j->options);
    if (status == GPUMM_OK) status = text_make(d, source, j->options.file, plain, &j->text);
    if (status != GPUMM_OK) job_close(d, j);
    return status;
}

gpumm_status gpumm__cuda_compile(device *d, const device_source *source, const char *out_path) {
    job j;
    TRY(job_open(d, source, false, &j));
    gpumm_status status = compile_text(d, source, &j.target, &j.options, j.text, out_path);
    job_close(d, &j);
    return status;
}

/* ---- Preprocessing ---- */

/* NVRTC has no option of its own for it; its front end has, and names every header that it opens. */
typedef struct front_end {
    char output[OPTION_TEXT], trace[OPTION_TEXT], text_path[OPTION_TEXT], read_path[OPTION_TEXT];
} front_end;

static gpumm_status add_front_end(const char *folder, front_end *f, options *o) {
    int room = OPTION_TEXT - (int)sizeof "--error_output=" - 1;
    if (snprintf(f->text_path, sizeof f->text_path, "%s/" DEVICE_PREPROCESSED, folder) > room ||
        snprintf(f->read_path, sizeof f->read_path, "%s/" DEVICE_READ, folder) > room || o->count + 8 > OPTION_COUNT)
        return fail(GPUMM_INVALID_ARGUMENT, "%s: the compiler's flags are too long", o->file);
    snprintf(f->output, sizeof f->output, "--output=%.*s", room, f->text_path);
    snprintf(f->trace, sizeof f->trace, "--error_output=%.*s", room, f->read_path);
    const char *const words[] = {"--preprocess", f->output, "--trace_includes", f->trace};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        add(o, "-Xcudafe");
        add(o, words[i]);
    }
    return GPUMM_OK;
}

/* An NVRTC that does not know it: the text is read as it stands, and nobody can tell what else is. */
static gpumm_status take_as_it_is(const device_source *source, const front_end *f) {
    FILE *file = fopen(f->text_path, "we");
    unlink(f->read_path);
    if (!file) return fail(GPUMM_IO, "'%s' could not be made: %s", f->text_path, strerror(errno));
    fprintf(file, "#line 1 \"%s\"\n", source->file);
    return write_all(file, source->text, strlen(source->text), f->text_path);
}

/* The compiler's words; NULL where there are none. */
static char *log_of(device *d, nvrtcProgram program) {
    size_t size = 0;
    if (gpumm__rtc.nvrtcGetProgramLogSize(program, &size) != NVRTC_SUCCESS || size < 2) return NULL;
    char *log = gpumm__mem_new(d->memory, size + 1);
    if (log && gpumm__rtc.nvrtcGetProgramLog(program, log) != NVRTC_SUCCESS) *log = '\0';
    return log;
}

/* Headers that headers include are indented by as much as they are deep. */
static gpumm_status unindent(device *d, const char *path) {
    FILE *file = fopen(path, "r+e");
    if (!file) return GPUMM_OK;
    fseek(file, 0, SEEK_END);
    long size = ftell(file), used = 0;
    char *text = size > 0 ? gpumm__mem_new(d->memory, (size_t)size + 1) : NULL;
    rewind(file);
    size_t got = text ? fread(text, 1, (size_t)size, file) : 0;
    for (size_t i = 0; i < got; i++)
        if (text[i] != ' ' || (used > 0 && text[used - 1] != '\n')) text[used++] = text[i];
    rewind(file);
    bool written = !text || (fwrite(text, 1, (size_t)used, file) == (size_t)used && ftruncate(fileno(file), used) == 0);
    gpumm__mem_free(d->memory, text);
    return fclose(file) == 0 && written ? GPUMM_OK : fail(GPUMM_IO, "'%s' could not be written", path);
}

/* It "fails" also where it has done what it was asked for. */
static gpumm_status preprocess_text(device *d, job *j, const front_end *f, bool *done) {
    nvrtcProgram program = NULL;
    TRY(program_make(&j->options, j->text, &program));
    nvrtcResult result = gpumm__rtc.nvrtcCompileProgram(program, j->options.count, j->options.list);
    bool known = result == NVRTC_ERROR_COMPILATION || result == NVRTC_SUCCESS;
    char *log = log_of(d, program);
    *done = known && access(f->text_path, R_OK) == 0 && !(log && strstr(log, "error: "));
    gpumm__mem_free(d->memory, log);
    gpumm__rtc.nvrtcDestroyProgram(&program);
    return GPUMM_OK;
}

/* What is wrong is for the compiler to say; where nothing is, its front end cannot be asked. */
static gpumm_status compile_instead(device *d, const device_source *source, const front_end *f) {
    job j;
    nvrtcProgram program = NULL;
    TRY(job_open(d, source, false, &j));
    gpumm_status status = program_make(&j.options, j.text, &program);
    if (status == GPUMM_OK) {
        nvrtcResult result = gpumm__rtc.nvrtcCompileProgram(program, j.options.count, j.options.list);
        status = result == NVRTC_SUCCESS ? take_as_it_is(source, f) : rejected(d, program, source, result);
        gpumm__rtc.nvrtcDestroyProgram(&program);
    }
    job_close(d, &j);
    return status;
}

gpumm_status gpumm__cuda_preprocess(device *d, const device_source *source) {
    job j;
    front_end f;
    TRY(job_open(d, source, true, &j));
    gpumm_status status = add_front_end(source->folder, &f, &j.options);
    bool done = false;
    if (status == GPUMM_OK) status = preprocess_text(d, &j, &f, &done);
    job_close(d, &j);
    if (status == GPUMM_OK && done) return unindent(d, f.read_path);
    return status == GPUMM_OK ? compile_instead(d, source, &f) : status;
}
