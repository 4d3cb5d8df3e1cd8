/* SPDX-License-Identifier: MIT */
/* Every function of the public headers with NULL: for all its pointers at once, then for each alone where it must not be.
   The calls are made from the headers (spec/from_headers.lua), so that no function is forgotten. */
#include <unistd.h>

#include "check.h"
#include "gpumm_compat.h"
#include "gpumm_lua.h"

typedef struct fixture {
    gpumm_manager *manager;
    gpumm_budget *budget;
    gpumm_type *type;
    gpumm_buffer *buffer;
    gpumm_group *group;
    gpumm_stream *stream;
    gpumm_event *event;
    gpumm_semaphore *semaphore;
    gpumm_readback *readback;
    gpumm_frame *frame;
    gpumm_kernel *kernel;
    gpumm_share *share;
    gpumm_attachment *attachment;
    gpumm_trace *trace;
    gpumm_scratch *scratch;
    gpumm_recording *recording;
    gpumm_config config;
    gpumm_growth growth;
    gpumm_growth_request request;
    gpumm_options options;
    gpumm_buffer_options buffer_options;
    gpumm_group_options group_options;
    gpumm_readback_options readback_options;
    gpumm_kernel_options kernel_options;
    gpumm_launch_options launch_options;
    gpumm_recording_options recording_options;
    gpumm_share_options share_options;
    gpumm_attach_options attach_options;
    gpumm_trace_options trace_options;
    gpumm_fault fault;
    gpumm_field fields[1];
    gpumm_member members[1];
    gpumm_argument arguments[1];
    gpumm_binding bindings[1];
    gpumm_value values[1];
    gpumm_ticket tickets[1];
    const void *columns[1];
    const char *names[1];
    float bytes[16];
    _Alignas(max_align_t) unsigned char room[sizeof(gpumm_stats) + sizeof(gpumm_device_info)]; /* for any output */
} fixture;

#include "null_calls.h"

static void open_values(fixture *x) {
    CHECK_OK(gpumm_type_parse("f32", &x->type));
    x->config = gpumm_config_default();
    x->request = (gpumm_growth_request){.name = "", .max = 10};
    x->buffer_options = (gpumm_buffer_options){.name = "f32", .type = x->type, .length = 4};
    x->members[0] = (gpumm_member){.name = "a", .type = x->type};
    x->group_options = (gpumm_group_options){.members = x->members, .member_count = 1, .length = 4};
    x->launch_options = (gpumm_launch_options){.threads = 1};
    x->kernel_options =
        (gpumm_kernel_options){.source = "extern \"C\" __global__ void k(float *a) { a[0] = 1; }", .threads = ""};
    x->fields[0] = (gpumm_field){.name = "a", .type = x->type};
    x->columns[0] = x->bytes;
    x->options.device = "host";
}

static void open_share(fixture *x) {
    static char path[60];
    gpumm_buffer *shared;
    gpumm_buffer_options o = {.name = "shared", .type = x->type, .length = 4, .shareable = true};
    snprintf(path, sizeof path, "/tmp/gpumm-nulls-%d", (int)getpid());
    CHECK_OK(gpumm_manager_allocate(x->manager, &o, &shared));
    x->names[0] = "shared";
    x->share_options = (gpumm_share_options){.path = path, .names = x->names, .name_count = 1};
    x->attach_options = (gpumm_attach_options){.path = path};
    CHECK_OK(gpumm_share_open(x->manager, &x->share_options, &x->share));
    CHECK_OK(gpumm_attach(&x->attach_options, &x->attachment));
    gpumm_buffer_release(shared);
}

static void open_semaphore(fixture *x) {
    int descriptor;
    CHECK_OK(gpumm_semaphore_stand_in(&descriptor));
    CHECK_OK(gpumm_semaphore_import(x->manager, descriptor, &x->semaphore));
    close(descriptor);
}

static void open_all(fixture *x) {
    open_values(x);
    CHECK_OK(gpumm_budget_open(1 << 30, &x->budget));
    x->trace_options = (gpumm_trace_options){.path = "/dev/null"};
    CHECK_OK(gpumm_trace_open(&x->trace_options, &x->trace));
    CHECK_OK(gpumm_manager_open(&(gpumm_options){.device = "host", .inject_faults = true}, &x->manager));
    CHECK_OK(gpumm_manager_allocate(x->manager, &x->buffer_options, &x->buffer));
    CHECK_OK(gpumm_group_open(x->manager, &x->group_options, &x->group));
    CHECK_OK(gpumm_stream_open(x->manager, &x->stream));
    CHECK_OK(gpumm_stream_record(x->stream, &x->event));
    open_semaphore(x);
    x->readback_options = (gpumm_readback_options){.buffers = &x->buffer, .buffer_count = 1};
    CHECK_OK(gpumm_readback_open(&x->readback_options, &x->readback));
    CHECK_OK(gpumm_readback_capture(x->readback, NULL, 1, NULL));
    CHECK_OK(gpumm_readback_wait(x->readback, 0, -1, &x->frame));
    CHECK_OK(gpumm_kernel_open(x->manager, &x->kernel_options, &x->kernel));
    CHECK_OK(gpumm_scratch_open(x->manager, NULL, 100, &x->scratch));
    CHECK_OK(gpumm_recording_open(x->manager, NULL, &x->recording));
    x->arguments[0] = (gpumm_argument){.buffer = x->buffer};
    x->values[0] = (gpumm_value){.name = "f32", .value = x->bytes, .size = 4};
    open_share(x);
}

static void close_all(fixture *x) {
    gpumm_trace_release(x->trace);
    gpumm_attachment_release(x->attachment);
    gpumm_share_release(x->share);
    gpumm_recording_release(x->recording);
    gpumm_scratch_release(x->scratch);
    gpumm_kernel_release(x->kernel);
    gpumm_frame_release(x->frame);
    gpumm_readback_release(x->readback);
    gpumm_event_release(x->event);
    gpumm_semaphore_release(x->semaphore);
    gpumm_stream_release(x->stream);
    gpumm_group_release(x->group);
    gpumm_buffer_release(x->buffer);
    gpumm_manager_release(x->manager);
    gpumm_budget_release(x->budget);
    gpumm_type_release(x->type);
}

static void check_unharmed(fixture *x) {
    gpumm_stats stats;
    float seen[4];
    CHECK_OK(gpumm_manager_check(x->manager));
    CHECK_OK(gpumm_manager_get_stats(x->manager, &stats));
    CHECK(stats.buffer_count == 3);
    CHECK_OK(gpumm_buffer_download(x->buffer, NULL, 0, 4, seen));
    for (int i = 0; i < 4; i++) CHECK(seen[i] == 0);
}

int main(void) {
    static fixture x;
    CHECK(FUNCTIONS_CALLED > 120);
    all_null();
    open_all(&x);
    one_null(&x);
    check_unharmed(&x);
    close_all(&x);
    return 0;
}
