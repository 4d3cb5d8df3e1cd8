-- SPDX-License-Identifier: MIT
-- Writes C for tests from the public headers: from_headers.lua ROOT null_calls.h|statuses.h > FILE
--   null_calls.h   calls of every function with NULL: for all its pointers, and for each alone
--   statuses.h     which statuses each function names

local root, what = arg[1], arg[2]
package.path = root .. "/?.lua;" .. package.path
local header = require "spec.header"

local RAISING = { luaopen_gpumm = true }

-- Pointers that may be NULL, by function and name; any stream may where it comes second.
local OPTIONAL = {
    gpumm_manager_open = { options = true }, gpumm_manager_find = { type = true }, gpumm_manager_trim = { freed = true },
    gpumm_manager_promote = { promoted = true },
    gpumm_readback_capture = { ticket = true }, gpumm_readback_try_capture = { ticket = true },
    gpumm_frame_device = { event = true }, gpumm_attachment_find = { type = true },
    gpumm_type_struct = { name = true }, gpumm_fault_plan = { plan = true },
    gpumm_type_parse_with = { allocator = true }, gpumm_type_struct_with = { allocator = true, name = true },
    gpumm_recording_open = { options = true }, gpumm_recording_launch = { bindings = true },
    gpumm_recording_launch_with = { options = true, bindings = true },
    gpumm_recording_capture = { name = true }, gpumm_recording_replay = { tickets = true },
    gpumm_fault_resume = { kind = true }, gpumm_fault_calls = { call = true },
    gpumm_manager_allocate_config = { type = true, config = true, out = true }, gpumm_buffer_append = { data = true },
    gpumm_kernel_launch_with = { options = true },
}

-- A value of each type that a function may be given, from the fixture `x`.
local VALUES = {
    ["gpumm_manager *"] = "x->manager", ["gpumm_buffer *"] = "x->buffer", ["gpumm_group *"] = "x->group",
    ["gpumm_stream *"] = "x->stream", ["gpumm_event *"] = "x->event", ["gpumm_semaphore *"] = "x->semaphore",
    ["const gpumm_semaphore *"] = "x->semaphore", ["gpumm_readback *"] = "x->readback",
    ["const gpumm_frame *"] = "x->frame", ["gpumm_frame *"] = "x->frame", ["gpumm_kernel *"] = "x->kernel",
    ["gpumm_scratch *"] = "x->scratch", ["gpumm_recording *"] = "x->recording",
    ["const gpumm_recording *"] = "x->recording", ["const gpumm_recording_options *"] = "&x->recording_options",
    ["const gpumm_binding *"] = "x->bindings", ["const gpumm_value *"] = "x->values", ["gpumm_ticket *"] = "x->tickets",
    ["const gpumm_type *"] = "x->type", ["gpumm_budget *"] = "x->budget",
    ["const gpumm_config *"] = "&x->config", ["const gpumm_growth *"] = "&x->growth",
    ["const gpumm_growth_request *"] = "&x->request", ["const gpumm_options *"] = "&x->options",
    ["const gpumm_buffer_options *"] = "&x->buffer_options", ["const gpumm_group_options *"] = "&x->group_options",
    ["gpumm_share *"] = "x->share", ["const gpumm_share *"] = "x->share", ["gpumm_attachment *"] = "x->attachment",
    ["const gpumm_share_options *"] = "&x->share_options", ["const gpumm_attach_options *"] = "&x->attach_options",
    ["const gpumm_readback_options *"] = "&x->readback_options", ["const gpumm_kernel_options *"] = "&x->kernel_options",
    ["gpumm_trace *"] = "x->trace", ["const gpumm_trace_options *"] = "&x->trace_options",
    ["const gpumm_launch_options *"] = "&x->launch_options",
    ["const gpumm_field *"] = "x->fields", ["const gpumm_argument *"] = "x->arguments", ["const gpumm_fault *"] = "&x->fault",
    ["const char *"] = '"f32"', ["void *"] = "x->bytes", ["const void *"] = "x->bytes",
    ["const void *const *"] = "(const void *const *)x->columns",
}

local NUMBERS = { ["int"] = "1", ["double"] = "0", ["bool"] = "false", ["gpumm_block_fn"] = "NULL", ["gpumm_name_fn"] = "NULL",
    ["gpumm_log_fn"] = "NULL" }

local function is_pointer(p) return p.type:find("*", 1, true) ~= nil end

local function value(p, null, parameters)
    if p.type == "..." then return nil end
    if is_pointer(p) then
        if null then return "NULL" end
        local fixture = VALUES[p.type]
        if fixture then return fixture end
        return ("(%s)x->room"):format(p.type) -- an output
    end
    if p.name == "size" and parameters[2] and parameters[2].name == "out" then
        return ("sizeof(%s)"):format((parameters[2].type:gsub(" %*$", "")))
    end
    return NUMBERS[p.type] or "1"
end

local function call(f, is_null)
    local values = {}
    for i, p in ipairs(f.parameters) do values[#values + 1] = value(p, is_null(i, p), f.parameters) end
    return ("%s(%s)"):format(f.name, table.concat(values, ", "))
end

local function may_be_null(f, i, p)
    if i == 2 and p.type == "gpumm_stream *" or f.name == "gpumm_stream_wait" and i == 1 then return true end
    return OPTIONAL[f.name] and OPTIONAL[f.name][p.name] or p.name == "text" and f.name == "gpumm_manager_name"
end

-- Of every pointer at once.
local function all_null(f)
    local text = call(f, function() return true end)
    if f.result == "gpumm_status" then return ("    CHECK_STATUS(%s, GPUMM_INVALID_ARGUMENT);"):format(text) end
    if f.result:find("*", 1, true) then return ("    CHECK(%s == NULL);"):format(text) end
    return ("    (void)%s;"):format(text)
end

-- Of each alone, the others being right.
local function one_null(f, lines)
    for i, p in ipairs(f.parameters) do
        if is_pointer(p) and #f.parameters > 1 and f.result == "gpumm_status" and not may_be_null(f, i, p) then
            local text = call(f, function(k) return k == i end)
            lines[#lines + 1] = ("    CHECK_STATUS(%s, GPUMM_INVALID_ARGUMENT); CHECK_SAYS(\"NULL\");"):format(text)
        end
    end
end

local function takes_pointers(f)
    for _, p in ipairs(f.parameters) do
        if is_pointer(p) then return true end
    end
    return false
end

local function null_calls()
    local all, alone, count = {}, {}, 0
    for _, name in ipairs { "gpumm.h", "gpumm_compat.h", "gpumm_lua.h" } do
        for _, f in ipairs(header.functions(root, name)) do
            if takes_pointers(f) and not RAISING[f.name] then
                all[#all + 1] = all_null(f)
                if name ~= "gpumm_lua.h" then one_null(f, alone) end
                count = count + 1
            end
        end
    end
    return ([[
/* Made by spec/from_headers.lua. */
enum { FUNCTIONS_CALLED = %d };

static void all_null(void) {
%s
}

static void one_null(fixture *x) {
%s
}
]]):format(count, table.concat(all, "\n"), table.concat(alone, "\n"))
end

local function statuses()
    local lines = {}
    for _, name in ipairs { "gpumm.h", "gpumm_compat.h", "gpumm_lua.h" } do
        for _, f in ipairs(header.functions(root, name)) do
            for _, status in ipairs(f.result == "gpumm_status" and f.statuses or {}) do
                lines[#lines + 1] = ('    {"%s", GPUMM_%s},'):format(f.name, status)
            end
        end
    end
    local text = "/* Made by spec/from_headers.lua. */\nstatic const promise promises[] = {\n%s\n};\n"
    return text:format(table.concat(lines, "\n"))
end

io.write(({ ["null_calls.h"] = null_calls, ["statuses.h"] = statuses })[what]())
