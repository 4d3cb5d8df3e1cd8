-- successes: 14
-- SPDX-License-Identifier: MIT
-- A hostile script: every metamethod of every class with objects that are not its own, every function and method
-- with wrong types and absurd values. What happens is a Lua error or a failed call, never a crash; afterwards
-- everything works and the books balance. The lists are found by looking (spec/exports.lua), so what is added
-- later is attacked as well. The sanitized build runs this too.

local gpumm = require "gpumm"
local spec = require "gpumm.spec"
local exports = require "spec.exports"

local KERNEL = [[
extern "C" __global__ void add(int n, float *v, float2 by) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) v[i] += by.x + by.y;
}]]

-- A share, and an attachment to one that has ended, so that nobody waits for its owner.
local function shared(m, w)
    local paths = { os.tmpname(), os.tmpname() }
    for _, path in ipairs(paths) do os.remove(path) end
    local g = assert(m:group { { "x", "f32" }, name = "shared", length = 3, shareable = true })
    local ending = assert(m:share(paths[1], { g }))
    w["gpumm.attachment"] = assert(gpumm.attach(paths[1]))
    ending:close()
    w["gpumm.share"] = assert(m:share(paths[2], { g }))
end

-- A state has one trace at a time.
local trace, trace_path = nil, os.tmpname()
local function traced()
    if trace then trace:close() end
    trace = assert(gpumm.trace { file = trace_path })
    return trace
end

local on_host = spec.device == "host"

-- One live object of every class, by the class's name.
local function world(m)
    m = m or spec.inject_faults()
    local w = { ["gpumm.manager"] = m }
    w["gpumm.buffer"] = assert(m:buffer { type = "f32", length = 10 })
    w["gpumm.group"] = assert(m:group { { "a", "f32" }, { "b", "u8" }, length = 3 })
    w["gpumm.scratch"] = assert(m:scratch("f32", 16))
    w["gpumm.stream"] = assert(m:stream())
    w["gpumm.event"] = assert(m:main():record())
    w["gpumm.readback"] = assert(w["gpumm.buffer"]:readback { slots = 3 })
    assert(w["gpumm.readback"]:capture(1))
    w["gpumm.frame"] = assert(w["gpumm.readback"]:wait()):keep()
    w["gpumm.kernel"] = assert(m:kernel { source = KERNEL })
    w["gpumm.fault"] = m.fault
    w["gpumm.recording"] = assert(m:record(function(r)
        for _ = 1, 3 do w["gpumm.kernel"](r:length(w["gpumm.buffer"]), w["gpumm.buffer"], r:scalar "name") end
        w["gpumm.buffer"]:fill(1)
    end))
    w["gpumm.view"] = gpumm.view("f32x2", { { 1, 2 }, { 3, 4 } })
    w["gpumm.type"] = gpumm.struct { { "x", "f32" }, { "y", "u8" } }
    local on_device = assert(w["gpumm.buffer"]:readback { where = "device" })
    assert(on_device:capture(1))
    w["gpumm.device_view"] = assert(on_device:wait()):keep().data
    w["gpumm.trace"] = traced()
    if on_host then w["gpumm.semaphore"] = assert(m:semaphore()) end -- on a GPU they are other APIs'
    shared(m, w)
    return w
end

-- A manager that has been through anything at all still works.
local function works(m)
    m.fault:release()
    m:raising(false)
    m.fault:plan {}
    local b = assert(m:buffer { type = "u32", length = 100 })
    assert(b:fill(5))
    assert.equal(5, b:download()[100])
    b:close()
end

local function foreign_values()
    return {
        0, 1, -1, 1.5, 0 / 0, math.huge, -math.huge, math.maxinteger, math.mininteger, 1 << 53, 2.0 ^ 63,
        "", "\0", "name", "12XB", ("x"):rep(10000), "/nowhere/at/all", true, false, {}, { 1, 2, 3 }, { x = 1 },
        { stream = 5 }, { [{}] = 1 }, print, io.stdout, coroutine.create(function() end), gpumm.null,
        setmetatable({}, { __index = function() error "index" end, __name = "gpumm.buffer" }),
        setmetatable({}, { __len = function() return 1 << 60 end, __tostring = function() return nil end }),
    }
end

-- What is done runs in a coroutine of its own, since some of it yields. True, results… or false, message.
local function attempt(f, ...)
    local co = coroutine.create(f)
    return coroutine.resume(co, ...)
end

local CLASSES = exports.classes()
local NAMES = {}
for name in pairs(CLASSES) do NAMES[#NAMES + 1] = name end
table.sort(NAMES)
if not on_host then
    for i = #NAMES, 1, -1 do
        if NAMES[i] == "gpumm.semaphore" then table.remove(NAMES, i) end
    end
end

local function each(list)
    local keys = {}
    for key in pairs(list) do keys[#keys + 1] = key end
    table.sort(keys)
    local i = 0
    return function()
        i = i + 1
        return keys[i], list[keys[i]]
    end
end

after_each(spec.close)
after_each(function() if trace then trace = trace:close() and nil end end)
teardown(function() os.remove(trace_path) end)
after_each(function() os.remove("f32") end) -- what the writers make of a type's name where a path is meant

describe("the list of classes", function()
    it("is what this file has an object of", function()
        local w, have = world(), {}
        for name, object in pairs(w) do
            assert.equal(name, getmetatable(object)) -- sealed: it says no more
            have[#have + 1] = name
        end
        table.sort(have)
        assert.same(have, NAMES)
        for _, name in ipairs(NAMES) do assert.is_not_nil(next(CLASSES[name].methods), name) end
    end)
end)

describe("a metamethod", function()
    -- __eq may say that they differ, and tostring knows every object of gpumm's; everything else raises.
    local CALM = { __eq = true }

    it("raises for every object that is not of its class", function()
        local w = world()
        for _, name in ipairs(NAMES) do
            for key, metamethod in each(CLASSES[name].meta) do
                local others = foreign_values()
                for other, object in pairs(w) do
                    if other ~= name and key ~= "__tostring" then others[#others + 1] = object end
                end
                for _, other in ipairs(others) do
                    local ok, result = attempt(metamethod, other, "name", 1)
                    if CALM[key] then ok = ok and result end
                    assert.is_false(ok, ("%s.%s took a %s"):format(name, key, type(other)))
                end
                local ok, result = attempt(metamethod)
                assert.is_false(ok and not (CALM[key] and not result), ("%s.%s took nothing"):format(name, key))
            end
        end
        works(w["gpumm.manager"])
    end)

    it("of the right class takes any key or value, or raises", function()
        local w = world()
        for _, name in ipairs(NAMES) do
            for key, metamethod in each(CLASSES[name].meta) do
                if key ~= "__gc" and key ~= "__close" then
                    for _, value in ipairs(foreign_values()) do
                        attempt(metamethod, w[name], value)
                        attempt(metamethod, w[name], value, value)
                        attempt(metamethod, value, w[name])
                    end
                    attempt(metamethod, w[name])
                end
            end
        end
        works(w["gpumm.manager"])
    end)

    it("__gc called by hand leaves an object that is closed, once and again", function()
        for _, name in ipairs(NAMES) do
            local w = world(assert(gpumm.manager { device = spec.device, fault = {} }))
            local object, meta = w[name], CLASSES[name].meta
            local collect = name == "gpumm.scratch" and meta.__close or meta.__gc -- scratch has no finaliser of its own
            assert.is_function(collect, name)
            collect(object)
            collect(object)
            for _, method in each(CLASSES[name].methods) do attempt(method, object, 1, 1) end
            for key in each(CLASSES[name].properties) do attempt(function() return object[key] end) end
            attempt(tostring, object)
            attempt(function() return #object end)
            attempt(function() return object[1] end)
            if name ~= "gpumm.manager" then works(w["gpumm.manager"]) end
        end
    end)
end)

describe("a method", function()
    it("raises for every self that is not of its class", function()
        local w = world()
        for _, name in ipairs(NAMES) do
            for key, method in each(CLASSES[name].methods) do
                for _, other in ipairs(foreign_values()) do
                    assert.is_false(attempt(method, other), ("%s:%s took a %s"):format(name, key, type(other)))
                end
                for other, object in pairs(w) do
                    if other ~= name then
                        assert.is_false(attempt(method, object), ("%s:%s took a %s"):format(name, key, other))
                    end
                end
                assert.is_false(attempt(method), ("%s:%s took nothing"):format(name, key))
            end
        end
        works(w["gpumm.manager"])
    end)

    it("takes no argument for what it is not", function()
        for _, name in ipairs(NAMES) do
            for key, method in each(CLASSES[name].methods) do
                local w = world()
                for _, value in ipairs(foreign_values()) do
                    attempt(method, w[name], value)
                    attempt(method, w[name], "name", value)
                    attempt(method, w[name], 1, value)
                    attempt(method, w[name], value, value, value)
                    attempt(method, w[name], "other", "f32", value, value)
                end
                for _, object in each(w) do
                    attempt(method, w[name], object)
                    attempt(method, w[name], 1, object)
                    attempt(method, w[name], object, object)
                end
                if not (name == "gpumm.manager" and key == "close") then works(w["gpumm.manager"]) end
                spec.close()
            end
        end
    end)

    it("of a closed object raises CLOSED or STALE, or says so as an outcome, or does nothing", function()
        for _, name in ipairs(NAMES) do
            local close = CLASSES[name].methods.close or CLASSES[name].methods.release
            if close and name ~= "gpumm.fault" then
                local w = world()
                close(w[name])
                for key, method in each(CLASSES[name].methods) do
                    for _, value in ipairs { 1, "name", {}, w["gpumm.stream"] } do attempt(method, w[name], value) end
                    attempt(method, w[name])
                    assert.is_true((attempt(close, w[name])), name .. ":" .. key)
                end
                if name ~= "gpumm.manager" then works(w["gpumm.manager"]) end
            end
        end
    end)

    it("of what a closed manager made raises, whatever is asked", function()
        local w = world()
        w["gpumm.manager"]:close()
        for _, name in ipairs(NAMES) do
            for _, method in each(CLASSES[name].methods) do
                for _, value in ipairs { 1, "name", {}, w["gpumm.stream"], w["gpumm.buffer"], w["gpumm.event"] } do
                    attempt(method, w[name], value, value)
                end
                attempt(method, w[name])
            end
            for key in each(CLASSES[name].properties) do attempt(function() return w[name][key] end) end
            attempt(tostring, w[name])
        end
        for _, call in ipairs {
            function() w["gpumm.buffer"]:fill(1) end, function() w["gpumm.buffer"]:download() end,
            function() return w["gpumm.buffer"].length end, function() w["gpumm.group"]:resize(5) end,
            function() w["gpumm.manager"]:allocate("x", "f32", 1) end, function() w["gpumm.readback"]:capture(1) end,
            function() w["gpumm.kernel"](1, w["gpumm.buffer"], { 1, 2 }) end, function() w["gpumm.stream"]:record() end,
        } do
            assert.error_matches(call, "CLOSED")
        end
    end)
end)

describe("a function of the module", function()
    -- These take anything, or nothing and do not look: what they return is no object.
    local CALM = { caller = true, clock = true, traceback = true, status_of = true, ["config.default"] = true,
        ["config.for_positions"] = true, ["config.for_velocities"] = true, ["config.for_edges"] = true,
        ["config.for_grid_cells"] = true }

    local function functions()
        local list = exports.module()
        for path in pairs(list) do
            if path:find "^spec%." then list[path] = nil end -- it closes the managers of this test
        end
        return each(list)
    end

    it("raises for values that it cannot take", function()
        local w = world()
        local wrong = { true, print, io.stdout, coroutine.create(print), w["gpumm.buffer"], w["gpumm.manager"] }
        for path, f in functions() do
            for _, value in ipairs(wrong) do
                local ok, result, message = attempt(f, value)
                local refused = not ok or (result == nil and type(message) == "string") or CALM[path]
                    or path:find "^force%." -- it checks what is given to the kernels that it makes
                assert.truthy(refused, ("gpumm.%s took a %s"):format(path, type(value)))
            end
        end
        works(w["gpumm.manager"])
    end)

    it("never crashes, whatever it is given", function()
        local w = world()
        for path, f in functions() do
            local function call(...)
                local ok, result = attempt(f, ...)
                if ok and path == "manager" and result then result:close() end
            end
            for _, value in ipairs(foreign_values()) do
                call(value, value)
                call("f32", value)
                call("/nowhere/at/all", value)
                call({}, value)
                call(w["gpumm.view"], value)
                call("/nowhere/at/all", w["gpumm.view"], value, value)
                call(value, 1, 2, 3)
            end
            for _, object in pairs(w) do
                call("/nowhere/at/all", object, 1, 1)
                call("f32", object)
            end
        end
        works(w["gpumm.manager"])
    end)
end)

describe("a script", function()
    it("cannot get at, or change, what is behind an object", function()
        for name, object in pairs(world()) do
            assert.equal(name, getmetatable(object))
            assert.has_error(function() setmetatable(object, {}) end)
            if name ~= "gpumm.view" then assert.has_error(function() object.length = 5 end) end
            assert.has_error(function() object.close = print end)
            if name ~= "gpumm.group" and name ~= "gpumm.frame" then
                assert.is_nil(select(2, pcall(rawget, {}, object)))
            end
        end
    end)

    it("that drops every handle keeps what has a name, and loses what has none", function()
        local m = spec.manager()
        do
            local named = assert(m:allocate("named", "u32", 100))
            assert(named:fill(6))
            local group = assert(m:group { { "a", "u32" }, length = 50, name = "pair" })
            assert(group.a:fill(7))
            local anonymous = assert(m:buffer { type = "u32", length = 100000 })
            assert(anonymous:fill(8))
            assert(anonymous:readback {}:capture(1))
            assert.equal(3, m:stats().buffer_count)
        end
        collectgarbage()
        collectgarbage()
        local stats = m:stats()
        assert.equal(2, stats.buffer_count)
        assert.equal(4096 + 200, stats.buffers.now)
        assert.equal(0, stats.pinned.now)
        local named = assert(m:get_buffer("named", "u32"))
        for i = 1, 100 do assert.equal(6, named:download(i, 1)[1]) end
        assert.is_true(rawequal(named, m:get_buffer "named"))
        assert.is_true(m:free "named")
        assert.error_matches(function() return #named end, "STALE")
    end)

    it("may call from finalisers, hooks, iterators and coroutines that are never ended", function()
        local m = spec.manager()
        local b = assert(m:buffer { type = "f32", length = 100 })
        local r = assert(b:readback { slots = 2 })
        local seen = 0
        for i = 1, 200 do
            setmetatable({}, { __gc = function()
                seen = seen + 1
                pcall(b.fill, b, i)
                pcall(r.capture, r, i)
                pcall(m.buffer, m, { type = "u8", length = i })
            end })
            local co = coroutine.wrap(function() return r:await() end)
            if r:capture(i) then co() end
        end
        debug.sethook(function() pcall(b.fill, b, 1) end, "l", 0)
        assert(b:upload { 1, 2, 3 })
        local v = b:download()
        debug.sethook()
        assert.equal(100, #v)
        collectgarbage()
        collectgarbage()
        assert.is_true(seen >= 199)
        assert(m:check())
        assert(b:fill(3))
        assert.equal(3.0, b:download()[100])
    end)

    it("that gives growth a function which misbehaves gets its error, and nothing changes", function()
        local m = spec.manager()
        local b, answer
        b = assert(m:buffer { type = "u32", length = 10, growth = function(request)
            if type(answer) == "function" then return answer(request) end
            return answer
        end })
        assert(b:fill(4))
        local capacity, used = b.capacity, m:stats().used_bytes
        for _, bad in ipairs { "many", -5, 0 / 0, 1.5, {}, function() error "no" end, function() error {} end,
            function() b:free() end, function() b:resize(1 << 40) end, function() coroutine.yield() end } do
            answer = bad
            if pcall(function() return #b end) then
                local before = b.capacity
                local ok, result = attempt(b.resize, b, before + 1000)
                assert.is_false(ok and result == true, tostring(bad))
            end
        end
        if pcall(function() return #b end) then
            assert.equal(capacity, b.capacity)
            assert.equal(used, m:stats().used_bytes)
        end
        assert(m:check())
    end)
end)
