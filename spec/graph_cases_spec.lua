-- successes: 200
-- SPDX-License-Identifier: MIT
-- Small files of all formats, by spec/graph_cases.lua: each as it is, gzip'd, and read by several threads.

local gpumm = require "gpumm"
local graph = gpumm.graph
local cases = require "spec.graph_cases"

local folder = os.tmpname()
os.remove(folder)
assert(os.execute("mkdir " .. folder))
teardown(function() os.execute("rm -r " .. folder) end)

local function write(name, text)
    local path = folder .. "/" .. name
    local file = assert(io.open(path, "wb"))
    file:write(text)
    file:close()
    return path
end

local function split(text, by)
    local list = {}
    for part in (text .. by):gmatch("(.-)" .. by:gsub("%p", "%%%0")) do list[#list + 1] = part end
    return list
end

local function numbers(text)
    local list = split(text, ",")
    for i, word in ipairs(list) do list[i] = tonumber(word) + 0.0 end
    return list
end

local function check(case, path)
    local read, g = pcall(graph.read, path, case.options)
    if case.refused then
        assert.is_false(read)
        assert.is_truthy(tostring(g):find(case.refused, 1, true), tostring(g):sub(1, 300))
        return
    end
    assert.is_true(read, tostring(g):sub(1, 300))
    assert.same({ case[3], case[4] }, { g.nodes, g.edges })
    assert.equal(g.nodes, #g.names)
    assert.equal(g.edges, #g.from)
    if case.names then assert.same(split(case.names, "|"), g.names:totable()) end
    if case.labels then assert.same(split(case.labels, "|"), g.labels:totable()) end
    if case.weights then assert.same(numbers(case.weights), g.weights:totable()) end
    if case.weights == false then assert.is_nil(g.weights) end
    if case.loops then assert.equal(case.loops, g.loops) end
    return g
end

describe("a small file", function()
    for _, case in ipairs(cases) do
        it(case[1] .. (case.refused and " is refused" or " is read"), function()
            local path = write(case[1], case[2])
            check(case, path)
            assert(os.execute(("gzip -f '%s'"):format(path)))
            check(case, path .. ".gz")
        end)
    end
end)
