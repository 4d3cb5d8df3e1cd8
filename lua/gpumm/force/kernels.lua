-- SPDX-License-Identifier: MIT
-- The force library's kernels: compiled when first used, once a manager, file and prefix. The prefix is text
-- before the file: the dimension, and a model's forces as CUDA C expressions.

local gpumm = require "gpumm"

local kernels = {}
local compiled = setmetatable({}, { __mode = "k" }) -- by manager: by prefix and file: by name

--- The world's failures come back as nil and a message; here they raise, for nothing can go on without.
function kernels.need(value, message)
    if value == nil or value == false then error(message, 0) end
    return value
end

local need = kernels.need

--- What every file needs to know of the dimension.
function kernels.dimension(dimensions)
    return ("#define DIM %d\ntypedef float%d vec;\n"):format(dimensions, dimensions)
end

--- What every file needs to know of distances: in edges, or along the lengths of the rows' edges.
function kernels.distances(rows)
    if rows.lengths then return "#define LENGTHS\ntypedef float hops;\n#define DISTANT 3.0e38f\n" end
    return "typedef unsigned short hops;\n#define DISTANT 0xffffu\n"
end

-- A GPU divides in a fifth of the time where neither the last two bits nor numbers below 1e-38 are asked for.
local FLAGS = { cuda = "--ftz=true --prec-div=false --prec-sqrt=false" }

--- With what the kernels of layouts are compiled for a manager's device.
function kernels.flags(manager) return FLAGS[manager:device().kind] end

local function compile(manager, file, prefix, name)
    local path = "gpumm/force/" .. file -- its name, whoever asks for it: programs share what the cache has
    return need(manager:kernel { source = prefix .. gpumm.resource(path), file = path, name = name,
        flags = kernels.flags(manager) })
end

--- A table of a file's kernels by name.
function kernels.of(manager, file, prefix)
    prefix = prefix or ""
    local mine = compiled[manager] or {}
    compiled[manager] = mine
    local key = prefix .. "\0" .. file
    if not mine[key] then
        -- The table must not hold its manager, which it is weak by.
        local weak = setmetatable({ manager = manager }, { __mode = "v" })
        mine[key] = setmetatable({}, { __index = function(all, name)
            local kernel = compile(weak.manager, file, prefix, name)
            all[name] = kernel
            return kernel
        end })
    end
    return mine[key]
end

--- An anonymous buffer of at least that length: the old one, where its address space has room. What it holds is
--- not kept.
function kernels.buffer(manager, type, length, old)
    if old and old.max_length >= length then
        if #old < length then need(old:resize(length)) end
        return old
    end
    if old then old:close() end
    return need(manager:buffer { type = type, length = length, growth = gpumm.growth.geometric(1.3),
        max_length = math.max(2 * length, 1 << 24) })
end

--- An empty buffer for up to `most` elements: it takes address space for these, and memory for what it holds.
function kernels.empty(manager, type, most)
    return need(manager:buffer { type = type, length = 0, growth = gpumm.growth.geometric(1.3), max_length = math.max(1, most) })
end

--- out[k] becomes the sum of values[0] to values[k - 1], for k from 0 to n: where rows of so many entries begin.
function kernels.starts(manager, n, values, out)
    need(manager:scan { from = values, to = out, exclusive = true, total = true, n = n })
end

return kernels
