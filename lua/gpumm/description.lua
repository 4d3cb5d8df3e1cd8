-- SPDX-License-Identifier: MIT
-- Descriptions of a simulation's resources, made without a device by gpumm.group, gpumm.buffer, gpumm.kernel,
-- gpumm.readback and gpumm.stream. Each takes the options of the manager's method of the same name. A description knows
-- the script and line where it was written (files are found beside that script, and statistics name the line) and its
-- place in the order of descriptions: resources are made in that order.

local gpumm = require "gpumm"
local nearest = require "gpumm.words".nearest

local description = {}
local Description = { __name = "gpumm.description", __metatable = "gpumm.description" }
local serial = 0

local function fail(message, ...)
    error(message:format(...), 4)
end

-- " (did you mean 'growth'?)" where a word is near, else "".
local function meant(word, names)
    local near = type(word) == "string" and nearest(word, names)
    return near and (" (did you mean '%s'?)"):format(near) or ""
end

local function check_options(kind, options, valid)
    for key in pairs(options) do
        if type(key) ~= "number" and not valid[key] then
            local names = {}
            for name in pairs(valid) do names[#names + 1] = name end
            table.sort(names)
            fail("gpumm.%s: unknown option '%s'%s; valid: %s", kind, tostring(key), meant(key, names),
                table.concat(names, ", "))
        end
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

local function make(kind, options, valid, check)
    if type(options) ~= "table" then error(("gpumm.%s takes a table, not a %s"):format(kind, type(options)), 2) end
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

local GROUP = set("growth", "align", "ahead", "length", "max_length", "min_length", "name")
local BUFFER = set("type", "length", "growth", "align", "ahead", "max_length", "max_size_bytes", "min_size_bytes",
    "enable_async", "bytes_per_element", "growth_factor")
local KERNEL = set("file", "source", "name", "threads", "block", "types", "flags", "signature", "shared_bytes")
local READBACK = set("every", "slots", "direct", "busy", "inline_bytes")

local function type_of(what, value)
    local ok, result = pcall(gpumm.type, value)
    if ok then return result end
    error(("%s: %s"):format(what, (tostring(result):gsub("^INVALID_ARGUMENT: ", ""))), 4)
end

local function check_group(options)
    if #options == 0 then fail("gpumm.group: no members; write { \"position\", \"f32x2\" }, …") end
    for i, member in ipairs(options) do
        if type(member) ~= "table" or type(member[1]) ~= "string" or member[2] == nil then
            fail("gpumm.group: member %d is not { name, type }", i)
        end
        options[i] = { member[1], type_of(("gpumm.group: member '%s'"):format(member[1]), member[2]) }
    end
end

local function check_buffer(options)
    if options.type == nil then fail("gpumm.buffer: type is missing, as in type = \"f32x3\"") end
    options.type = type_of("gpumm.buffer", options.type)
end

local function check_kernel(options)
    if not options.file and not options.source then fail("gpumm.kernel: file or source is missing") end
    if options.file then options.file = gpumm.beside(options.file) end
end

local function check_readback(options)
    if #options == 0 then fail("gpumm.readback: name what it reads, as in { \"nodes.position\" }") end
    for i, name in ipairs(options) do
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
            tostring(busy), meant(busy, { "wait", "newest", "drop" }))
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

return description
