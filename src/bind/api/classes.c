/* SPDX-License-Identifier: MIT */
/* Every class of handles, and what a class gets from the file of another thing: m:buffer {…} is a method of managers that
   buffer.c has. So no file of a userdata knows what is made from it. */
#include "bind/api/classes.h"

#include "bind/api/buffer.h"
#include "bind/api/device_view.h"
#include "bind/api/fault.h"
#include "bind/api/frame.h"
#include "bind/api/group.h"
#include "bind/api/kernel.h"
#include "bind/api/manager.h"
#include "bind/api/primitives.h"
#include "bind/api/readback.h"
#include "bind/api/recorder.h"
#include "bind/api/recording.h"
#include "bind/api/report.h"
#include "bind/api/scratch.h"
#include "bind/api/share.h"
#include "bind/api/stream.h"
#include "bind/api/trace.h"

static const bind_class *const classes[] = {
    &gpumm_lua__manager_class, &gpumm_lua__buffer_class,      &gpumm_lua__group_class,     &gpumm_lua__scratch_class,
    &gpumm_lua__stream_class,  &gpumm_lua__event_class,       &gpumm_lua__readback_class,  &gpumm_lua__frame_class,
    &gpumm_lua__kernel_class,  &gpumm_lua__fault_class,       &gpumm_lua__recording_class, &gpumm_lua__recorder_class,
    &gpumm_lua__token_class,   &gpumm_lua__device_view_class, &gpumm_lua__share_class,     &gpumm_lua__attachment_class,
    &gpumm_lua__trace_class,   &gpumm_lua__semaphore_class};

static const struct addition {
    const bind_class *class;
    const luaL_Reg *methods, *properties;
} additions[] = {
    {&gpumm_lua__manager_class, gpumm_lua__manager_buffers, NULL},
    {&gpumm_lua__manager_class, gpumm_lua__manager_groups, NULL},
    {&gpumm_lua__manager_class, gpumm_lua__manager_scratch, NULL},
    {&gpumm_lua__manager_class, gpumm_lua__manager_streams, NULL},
    {&gpumm_lua__manager_class, gpumm_lua__manager_readbacks, NULL},
    {&gpumm_lua__manager_class, gpumm_lua__manager_kernels, NULL},
    {&gpumm_lua__manager_class, gpumm_lua__manager_primitives, NULL},
    {&gpumm_lua__manager_class, gpumm_lua__manager_recordings, NULL},
    {&gpumm_lua__manager_class, gpumm_lua__manager_report, NULL},
    {&gpumm_lua__manager_class, gpumm_lua__manager_shares, NULL},
    {&gpumm_lua__manager_class, NULL, gpumm_lua__manager_faults},
    {&gpumm_lua__buffer_class, NULL, gpumm_lua__buffer_groups},
    {&gpumm_lua__buffer_class, gpumm_lua__buffer_readbacks, NULL},
    {&gpumm_lua__group_class, gpumm_lua__group_readbacks, NULL},
    {&gpumm_lua__frame_class, NULL, gpumm_lua__frame_readbacks},
};

void gpumm_lua__open_classes(lua_State *L) {
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) gpumm_lua__class_open(L, classes[i]);
    for (size_t i = 0; i < sizeof additions / sizeof *additions; i++)
        gpumm_lua__class_add(L, additions[i].class, additions[i].methods, additions[i].properties);
}
