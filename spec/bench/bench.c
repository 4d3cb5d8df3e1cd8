/* SPDX-License-Identifier: MIT */
/* gpumm measured against what stands beside it, in one run on one GPU: every row is a median, gpumm and the
   other are measured alternately, and the last line counts the rows that reached their mark. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

static const char usage[] =
    "usage: bench_gpumm [options] [GPUMM-RUN]\n"
    "  GPUMM-RUN     path of gpumm-run, for the start of a script; else GPUMM_RUN of the environment\n"
    "  --device N    the GPU, by ordinal (0)\n"
    "  --only NAME   one topic; may be given again\n"
    "  --host        a dry run of gpumm's side on the host device: nothing beside, no marks\n";

static const struct topic {
    const char *name;
    void (*run)(bench *b);
} topics[] = {
    {"growth", bench_growth},   {"ahead", bench_ahead},       {"peak", bench_peak},     {"move", bench_move},
    {"train", bench_train},     {"readback", bench_readback}, {"inline", bench_inline}, {"bandwidth", bench_bandwidth},
    {"overlap", bench_overlap}, {"launch", bench_launch},     {"record", bench_record}, {"slab", bench_slab},
    {"start", bench_start},     {"barrier", bench_barrier},   {"share", bench_share},   {"trace", bench_trace},
    {"spill", bench_spill},     {"stripe", bench_stripe},
};
enum { TOPICS = sizeof topics / sizeof *topics };

static void show_usage(FILE *out) {
    fputs(usage, out);
    fputs("topics:", out);
    for (size_t i = 0; i < TOPICS; i++) fprintf(out, " %s", topics[i].name);
    fputs("\n", out);
}

/* ---- What the topics need of gpumm ---------------------------------------------------------- */

gpumm_status open_manager(const bench *b, gpumm_manager **out) {
    return gpumm_manager_open(&(gpumm_options){.device = b->device}, out);
}

gpumm_status open_step(const bench *b, gpumm_manager *m, gpumm_kernel **out) {
    char path[1100];
    snprintf(path, sizeof path, "%s/bench_kernels.cu", b->folder);
    return gpumm_kernel_open(m, &(gpumm_kernel_options){.file = path, .name = "step", .block = BLOCK}, out);
}

gpumm_status open_buffer(gpumm_manager *m, const char *type, uint64_t count, uint64_t maximum, gpumm_buffer **out) {
    gpumm_type *element;
    TRY(gpumm_type_parse(type, &element));
    gpumm_buffer_options options = {.type = element,
                                    .length = count,
                                    .max_length = maximum,
                                    .tag = "bench",
                                    .growth = {.kind = GPUMM_GROWTH_GEOMETRIC, .factor_ppm = 1300000}};
    gpumm_status status = gpumm_manager_allocate(m, &options, out);
    gpumm_type_release(element);
    return status;
}

gpumm_status launch_step(gpumm_kernel *k, gpumm_stream *s, gpumm_buffer *nodes, uint64_t count, int turns) {
    int n = (int)count;
    gpumm_argument arguments[] = {
        {.value = &n, .size = sizeof n}, {.buffer = nodes}, {.value = &turns, .size = sizeof turns}};
    return gpumm_kernel_launch(k, s, count, arguments, 3);
}

gpumm_status make_cold(gpumm_manager *m) {
    gpumm_stats stats;
    uint64_t deadline = gpumm__clock_deadline(10);
    TRY(gpumm_manager_trim(m, NULL));
    for (;;) {
        gpumm_manager_get_stats(m, &stats);
        if (stats.entry[GPUMM_CATEGORY_CACHED].now_bytes == 0) return gpumm_manager_poll(m);
        if (gpumm__clock_ns() > deadline) return fail(GPUMM_TIMEOUT, "memory that was trimmed did not go within 10 s");
        gpumm__clock_sleep_ns(50000);
    }
}

/* ---- The command line ----------------------------------------------------------------------- */

typedef struct command {
    bool chosen[TOPICS], all, help;
} command;

static bool choose(command *c, const char *name) {
    for (size_t i = 0; name && i < TOPICS; i++)
        if (strcmp(name, topics[i].name) == 0) return c->chosen[i] = true, c->all = false, true;
    fprintf(stderr, "bench_gpumm: '%s' is no topic\n", name ? name : "");
    return false;
}

static bool parse(int argc, char **argv, bench *b, command *c) {
    c->all = true;
    for (int i = 1; i < argc; i++) {
        const char *text = argv[i], *next = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(text, "--host") == 0) b->host = true;
        else if (strcmp(text, "--help") == 0) c->help = true;
        else if (strcmp(text, "--device") == 0 && next) b->ordinal = atoi(argv[++i]);
        else if (strcmp(text, "--only") == 0) {
            if (!choose(c, next)) return false;
            i++;
        } else if (text[0] == '-') return fprintf(stderr, "bench_gpumm: unknown option %s\n", text), false;
        else b->run = text;
    }
    return true;
}

static void run_topics(bench *b, const command *c) {
    table_head(b);
    for (size_t i = 0; i < TOPICS; i++)
        if (c->all || c->chosen[i]) topics[i].run(b);
    table_end(b);
}

static void name_device(bench *b) {
    if (b->host) snprintf(b->device, sizeof b->device, "host");
    else snprintf(b->device, sizeof b->device, "cuda:%d", b->ordinal);
}

static void print_device(const bench *b) {
    gpumm_manager *m;
    gpumm_device_info info;
    if (open_manager(b, &m) != GPUMM_OK) return;
    if (gpumm_manager_get_info(m, &info) == GPUMM_OK)
        printf("%s, driver %d, growth in place: %s, pinned memory in place: %s\n", info.name, info.driver_version,
               info.in_place ? "yes" : "no", info.pinned_in_place ? "yes" : "no");
    gpumm_manager_release(m);
}

/* A row that misses its mark is a finding, one that fails is an error. */
int main(int argc, char **argv) {
    if (argc == 4 && strcmp(argv[1], "--attached") == 0) return bench_attached(argv[2], argv[3]);
    bench b = {.run = getenv("GPUMM_RUN"), .folder = BENCH_FOLDER};
    command c = {.all = true};
    if (!parse(argc, argv, &b, &c) || c.help) return show_usage(c.help ? stdout : stderr), c.help ? 0 : 2;
    name_device(&b);
    if (!b.host && bare_open(&b) != GPUMM_OK) {
        fprintf(stderr, "bench_gpumm: %s\n", gpumm_message());
        bare_close(&b);
        return 1;
    }
    print_device(&b);
    run_topics(&b, &c);
    bare_close(&b);
    return b.failed ? 1 : 0;
}
