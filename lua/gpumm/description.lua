-- SPDX-License-Identifier: MIT
-- Descriptions of a simulation's resources, made without a device by gpumm.group, gpumm.buffer, gpumm.kernel,
-- gpumm.readback and gpumm.stream. Each takes the options of the manager's method of the same name. A description knows
-- the script and line where it was written (files are found beside that script, and statistics name the line) and its
-- place in the order of descriptions: resources are made in that order.

local gpumm = require "gpumm"
local placed = require "gpumm.inside".placed
local nearest = require "gpumm.words".nearest

local description = {}
local Description = { __name = "gpumm.description", __metatable = "gpumm.description" }
local serial = 0

-- Errors have no place of their own: `placed` puts the script's line before them.
local function fail(message, ...)
    error(message:format(...), 0)
end

--- " (did you mean 'growth'?)" where one of the names is near the word, else "".
function description.meant(word, names)
    local near = type(word) == "string" and nearest(word, names)
    return near and (" (did you mean '%s'?)"):format(near) or ""
end

local function unknown(kind, key, valid)
    local names = {}
    for name in pairs(valid) do
        if type(name) == "string" then names[#names + 1] = name end
    end
    table.sort(names)
    fail("gpumm.%s: unknown option '%s'%s; valid: %s", kind, tostring(key), description.meant(key, names),
        #names > 0 and table.concat(names, ", ") or "none")
end

-- Entries by position are those of a list: what stands elsewhere, as at [0], would be lost.
local function check_options(kind, options, valid)
    local listed = valid[1] and #options or 0
    for i = 1, listed do
        if options[i] == nil then fail("gpumm.%s: entry %d of %d is nil", kind, i, listed) end
    end
    for key in pairs(options) do
        local entry = math.type(key) == "integer" and key >= 1 and key <= listed
        if not entry and not (type(key) == "string" and valid[key]) then unknown(kind, key, valid) end
    end
end

-- As an integer: 1e1 is 10. nil for anything that is not a whole number.
local function whole(value)
    return type(value) == "number" and math.tointeger(value) or nil
end

local function set(...)
    local keys = {}
    for _, key in ipairs { ... } do keys[key] = true end
    return keys
end

-- The options of what has entries by position too.
local function list(...)
    local keys = set(...)
    keys[1] = true
    return keys
end

local function make(kind, options, valid, check)
    if type(options) ~= "table" then fail("gpumm.%s takes a table, not a %s", kind, type(options)) end
    check_options(kind, options, valid)
    local copy = {}
    for key, value in pairs(options) do copy[key] = value end
    if check then check(copy) end
    serial = serial + 1
    return setmetatable({ kind = kind, options = copy, serial = serial, tag = gpumm.caller() }, Description)
end

--- The kind of a description, nil for any other value.
function description.kind(value)
    return type(value) == "table" and getmetatable(value) == "gpumm.description" and value.kind or nil
end

-- ---- The kinds -------------------------------------------------------------------------------

local GROUP = list("growth", "align", "ahead", "length", "max_length", "min_length", "name", "shareable")
local BUFFER = set("type", "length", "growth", "align", "ahead", "max_length", "max_size_bytes", "min_size_bytes",
    "enable_async", "bytes_per_element", "growth_factor", "shareable", "devices", "stripe")
local KERNEL = set("file", "source", "name", "threads", "block", "grid", "types", "flags", "signature", "shared_bytes")
local READBACK = list("every", "slots", "direct", "busy", "inline_bytes", "where", "shareable")

local function type_of(what, value)
    local ok, result = pcall(gpumm.type, value)
    if ok then return result end
    fail("%s: %s", what, (tostring(result):gsub("^INVALID_ARGUMENT: ", "")))
end

local function check_group(options)
    if #options == 0 then fail("gpumm.group: no members; write { \"position\", \"f32x2\" }, …") end
    for i = 1, #options do
        local member = options[i]
        if type(member) ~= "table" or type(member[1]) ~= "string" or member[2] == nil then
            fail("gpumm.group: member %d is not { name, type }", i)
        end
        if #member > 2 then fail("gpumm.group: member '%s' is { name, type }, and has %d entries", member[1], #member) end
        options[i] = { member[1], type_of(("gpumm.group: member '%s'"):format(member[1]), member[2]) }
    end
end

local function check_buffer(options)
    if options.type == nil then fail("gpumm.buffer: type is missing, as in type = \"f32x3\"") end
    options.type = type_of("gpumm.buffer", options.type)
end

local function check_kernel(options)
    if options.file ~= nil and type(options.file) ~= "string" then
        fail("gpumm.kernel: file is a name, not a %s", type(options.file))
    end
    if not options.file and not options.source then fail("gpumm.kernel: file or source is missing") end
    if options.file then options.file = gpumm.beside(options.file) end
end

local function check_readback(options)
    if #options == 0 then fail("gpumm.readback: name what it reads, as in { \"nodes.position\" }") end
    for i = 1, #options do
        local name = options[i]
        if type(name) ~= "string" then fail("gpumm.readback: entry %d is a %s, not a name", i, type(name)) end
    end
    local every = options.every
    options.every = whole(every) or every
    if every ~= nil and every ~= false and not (whole(every) and every >= 1) then
        fail("gpumm.readback: every is a whole number of steps from 1, not %s (1 is the default; false: captured by hand only)",
            tostring(every))
    end
    local slots = options.slots
    options.slots = whole(slots) or slots
    if slots ~= nil and not (whole(slots) and slots >= 2 and slots <= 64) then
        fail("gpumm.readback: slots is a whole number from 2 to 64, not %s", tostring(slots))
    end
    local busy = options.busy
    if busy ~= nil and busy ~= "wait" and busy ~= "newest" and busy ~= "drop" then
        fail("gpumm.readback: busy is \"wait\" (the default: nothing is lost), \"newest\" or \"drop\", not %s%s",
            tostring(busy), description.meant(busy, { "wait", "newest", "drop" }))
    end
end

--- Buffers that grow together: gpumm.group { { "position", "f32x2" }, …, growth =, ahead =, max_length = }.
function description.group(options) return make("group", options, GROUP, check_group) end

--- One buffer: gpumm.buffer { type = "u32", length = 1 }.
function description.buffer(options) return make("buffer", options, BUFFER, check_buffer) end

--- A kernel from a CUDA C file beside the script. Its name is its key in the simulation, unless `name` is given.
function description.kernel(options) return make("kernel", options, KERNEL, check_kernel) end

--- Snapshots, captured after every `every`th step (default 1; false: by hand only) and at the end:
--- gpumm.readback { "nodes.position", every = 5, slots = 3 }.
function description.readback(options) return make("readback", options, READBACK, check_readback) end

--- A stream besides the main stream.
function description.stream(options) return make("stream", options or {}, {}) end

for _, kind in ipairs { "group", "buffer", "kernel", "readback", "stream" } do
    description[kind] = placed(description[kind])
end

return description
