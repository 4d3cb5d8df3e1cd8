-- successes: 8, numpy: 2, gpu: 1
-- SPDX-License-Identifier: MIT
-- Sharing with other processes, from Lua: an owner here, readers that gpumm-run or Python runs.

local gpumm = require "gpumm"
local spec = require "gpumm.spec"
local support = require "spec.support"

local run = assert(os.getenv "GPUMM_RUN", "GPUMM_RUN names gpumm-run")
local path

before_each(function()
    path = os.tmpname()
    os.remove(path)
end)

after_each(function()
    spec.close()
    os.remove(path)
end)

-- What a script says that another process runs; it finds the share as `path`.
local function elsewhere(script)
    local name = os.tmpname()
    local file = assert(io.open(name, "w"))
    file:write(("local gpumm, path = require 'gpumm', %q\n"):format(path), script)
    file:close()
    local pipe = assert(io.popen(("%s --quiet %s 2>&1"):format(run, name)))
    local output = pipe:read "a"
    local ok = pipe:close()
    os.remove(name)
    assert(ok, output)
    return output
end

local function python(script)
    local name = os.tmpname()
    local file = assert(io.open(name, "w"))
    file:write(("import sys\nsys.path.insert(0, 'python')\nimport gpumm, numpy\npath = %q\n"):format(path), script)
    file:close()
    local library = run:match "^(.*)/[^/]*$" .. "/libgpumm.so"
    local command = ("GPUMM_LIBRARY=%s PYTHONDONTWRITEBYTECODE=1 %s %s 2>&1")
        :format(library, os.getenv "GPUMM_PYTHON" or "python3", name)
    local pipe = assert(io.popen(command))
    local output = pipe:read "a"
    local ok = pipe:close()
    os.remove(name)
    assert(ok, output)
    return output
end

-- A graph's positions, which grow, and frames of them.
local function owner(m)
    local nodes = assert(m:group { { "position", "f32x2" }, { "mass", "u32" }, name = "nodes", length = 1000,
        max_length = 1e6, shareable = true })
    nodes.position:fill { 1, 2 }
    nodes.mass:fill(7)
    local watch = assert(nodes:readback { "position", "mass", slots = 4, where = "device", busy = "newest", shareable = true })
    local share = assert(m:share(path, { "nodes.position", nodes.mass, watch = watch }))
    return nodes, watch, share
end

-- What Python says of one that has a frame of its beginning, and grew since; its masses are 9.
local function python_of_grown(m, script)
    local nodes, watch = owner(m)
    assert(watch:capture(5))
    assert(nodes:resize(300000))
    assert(nodes.mass:fill(9))
    assert(m:synchronize())
    local output = python(script) -- no tail call: what it reads is held meanwhile
    return output
end

describe("a share", function()
    it("shows buffers and frames to another process, types and lengths with them", function()
        local m = spec.manager()
        local nodes, watch = owner(m)
        assert(watch:capture(5))
        assert(m:synchronize())
        local output = elsewhere [[
            local a <close> = assert(gpumm.attach(path))
            local position, mass = assert(a:buffer "nodes.position"), assert(a:buffer("nodes.mass", "u32"))
            print(table.concat(a:names(), " "))
            print(#position, position.type.name, #mass, mass:download()[1000])
            print(a.manager:get_buffer "nodes.mass" == mass)
            local frame = assert(a:readback "watch":wait(nil, 20))
            print(frame.step, #frame, frame.mass:download()[1000], frame.position:download():get(3))
        ]]
        support.says(output, "nodes.position nodes.mass watch", "1000\tf32x2\t1000\t7", "true", "5\t1000\t7\t1.0\t2.0")
        assert.equal(1000, #nodes)
    end)

    it("follows growth and new contents at one address", function()
        local m = spec.manager()
        local nodes, _, share = owner(m)
        local output
        local reader = coroutine.wrap(function() output = elsewhere [[
            local a <close> = assert(gpumm.attach(path))
            local mass = assert(a:buffer "nodes.mass")
            print(#mass, mass:download()[#mass])
        ]] end)
        for i = 1, 5 do
            assert(nodes:resize(i * 100000))
            assert(nodes.mass:fill(i))
            assert(m:synchronize())
        end
        reader()
        support.contains("500000\t5", output)
        assert.equal(0, share.readers)
    end)

    it("is followed by an attachment in the same process, too", function()
        local m = spec.manager()
        local nodes, watch, share = owner(m)
        local a = assert(gpumm.attach(path))
        local mass, frames = assert(a:buffer "nodes.mass"), assert(a:readback "watch")
        local address = mass.address
        for step = 1, 20 do
            assert(nodes:resize(1000 * step))
            assert(nodes.mass:fill(step))
            assert(watch:capture(step))
            assert(m:synchronize())
            local frame = assert(frames:wait(nil, 20))
            while frame.step < step do frame = assert(frames:wait(nil, 20)) end
            assert.equal(1000 * step, #frame.mass)
            assert.equal(step, frame.mass:download()[1000 * step])
            while #mass < 1000 * step do assert(a:wait(20)) end
            assert.equal(step, mass:download()[1000 * step])
        end
        assert.equal(address, mass.address)
        assert.equal(1, share.readers)
        a:close()
    end)

    it("is read only at the other end", function()
        local m = spec.manager()
        owner(m)
        local a <close> = assert(gpumm.attach(path))
        local mass = assert(a:buffer "nodes.mass")
        for _, write in ipairs { function() mass:fill(1) end, function() mass:resize(1) end, function() mass:upload { 1 } end } do
            support.contains("another process's", support.message_of(write))
        end
        local k = assert(a.manager:kernel { source = [[extern "C" __global__ void k(unsigned *to, const unsigned *from, int n)
            { int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) to[i] = from[i]; }]] })
        support.contains("another process's", support.message_of(k, mass, mass, 1000))
        local mine = assert(a.manager:buffer { type = "u32", length = 1000 })
        assert(k(mine, mass, 1000))
        assert.equal(7, mine:download()[1000])
    end)

    it("ends for its readers when it closes, when a buffer is freed, and when its manager closes", function()
        local m = spec.manager()
        local nodes, _, share = owner(m)
        local a, b = assert(gpumm.attach(path)), nil
        local position = assert(a:buffer "nodes.position")
        share:close()
        while a:wait(20) do b = true end
        support.fails("CLOSED", "closed the share", a:poll())
        support.contains("STALE", support.message_of(function() return position:download() end))
        assert.is_nil(b)
        support.fails("NOT_FOUND", "nobody shares there", gpumm.attach(path))
        local again = assert(m:share(path, { nodes }))
        local c = assert(gpumm.attach(path))
        local mass = assert(c:buffer "nodes.mass")
        assert(nodes:free())
        local ok = true
        while ok do
            assert(c:wait(20))
            ok = pcall(function() return mass.length end)
        end
        assert(c:poll())
        again:close()
        m:close()
        while c:wait(20) do b = true end
        assert.is_true(b == nil or b)
    end)

    it("refuses what cannot be shared, and says what would help", function()
        local m = spec.manager()
        local plain = assert(m:allocate("plain", "u32", 10))
        local shared = assert(m:buffer { type = "u32", length = 10, shareable = true })
        local frames = assert(plain:readback { where = "device" })
        support.contains("shareable = true", support.message_of(m.share, m, path, { "plain" }))
        support.contains("no name", support.message_of(m.share, m, path, { shared }))
        support.contains("shareable = true", support.message_of(m.share, m, path, { watch = frames }))
        support.contains('"watch": a readback expected', support.message_of(m.share, m, path, { watch = 1 }))
        support.contains("a buffer, a group or a name expected", support.message_of(m.share, m, path, { 1 }))
        support.fails("NOT_FOUND", "nobody", m:share(path, { "nobody" }))
        m:free "plain"
    end)

    it("clears what a killed owner left, and leaves a living one alone", function()
        local m = spec.manager()
        local b = assert(m:allocate("b", "u32", 10, { shareable = true }))
        local first = assert(m:share(path, { b }))
        support.fails("ALREADY_EXISTS", "something is there", m:share(path, { b }))
        first:close()
        elsewhere(("os.execute(%q)"):format(("sh -c 'exec 3<>/dev/null'; true")))
        local again = assert(m:share(path, { b }))
        again:close()
        assert.is_nil(io.open(path))
        m:free "b"
    end)

    it("is not for contained scripts", function()
        local name = os.tmpname()
        local file = assert(io.open(name, "w"))
        file:write(("gpumm.attach(%q)"):format(path))
        file:close()
        local pipe = assert(io.popen(("%s --quiet --sandbox %s 2>&1"):format(run, name)))
        local output = pipe:read "a"
        assert.is_nil((pipe:close()))
        support.contains("a contained script does not share memory", output)
        os.remove(name)
    end)

    it("#numpy is read by Python as arrays, without copies, as it grows", function()
        local m = spec.manager { device = "host" } -- NumPy reads the memory of the host
        local output = python_of_grown(m, [[
with gpumm.attach(path) as share:
    print(share.names())
    position, mass = share.buffer("nodes.position"), share.buffer("nodes.mass")
    print(position.array().shape, position.array().dtype, mass.array().dtype, mass.array()[-1], len(mass))
    print((position.array()[:1000] == [1, 2]).all(), (position.array()[1000:] == 0).all(), mass.array().flags.writeable)
    same = numpy.from_dlpack(mass)
    at = [a.__array_interface__["data"][0] for a in (same, mass.array())]
    print(same.shape, same[-1], mass.__dlpack_device__(), at[0] == at[1])
    frame = share.frames("watch").wait(20)
    print(frame.step, frame.length, frame["mass"][-1], frame["position"].mean(axis=0))
    frame.release()
]])
        support.says(output, "['nodes.position', 'nodes.mass', 'watch']", "(300000, 2) float32 uint32 9 300000",
            "True True False",
            "(300000,) 9 (1, 0) True", "5 1000 7 [1. 2.]")
    end)

    it("#gpu is read by CuPy and PyTorch where it lies, as it grows", function()
        local m = spec.manager { device = "cuda" }
        local output = python_of_grown(m, [[
def says(what, name, import_of):
    try:
        __import__(name)
    except ImportError:
        return print("skipped:", name, "is not here")
    a = import_of()
    print(what, type(a).__module__.split(".")[0], tuple(a.shape), float(a[:1000].sum()), float(a[1000:].sum()))
with gpumm.attach(path) as share:
    position, mass = share.buffer("nodes.position"), share.buffer("nodes.mass")
    frame = share.frames("watch").wait(20)
    says("lent", "torch", lambda: __import__("torch").from_dlpack(position))
    says("array", "cupy", position.array)
    says("frame", "cupy", lambda: frame["position"])
    sys.modules["cupy"] = None
    says("array", "torch", position.array)
    says("frame", "torch", lambda: frame["position"])
    print(position.__dlpack_device__()[0], len(mass), frame.length)
    frame.release()
]])
        for _, name in ipairs { "torch", "cupy" } do
            local is_here = not output:find("skipped: " .. name, 1, true)
            local of = name .. " (%d, 2) 3000.0 0.0"
            if is_here then support.says(output, "array " .. of:format(300000), "frame " .. of:format(1000)) end
            if is_here and name == "torch" then support.contains("lent " .. of:format(300000), output) end
        end
        support.contains("2 300000 1000", output)
    end)

    it("#numpy keeps what Python holds an array of", function()
        local m = spec.manager { device = "host" }
        local nodes = owner(m)
        assert(nodes.mass:fill(3))
        assert(m:synchronize())
        local script = [[
import threading
share = gpumm.attach(path)
mass = share.buffer("nodes.mass")
held = mass.array()
print("attached", flush=True)
while share.wait(20):
    pass
print(held.sum(), share.poll())
del held
share.poll()
try:
    mass.array()
except gpumm.Error as error:
    print(error.code)
]]
        local name = os.tmpname()
        local file = assert(io.open(name, "w"))
        file:write(("import sys\nsys.path.insert(0, 'python')\nimport gpumm, numpy\npath = %q\n"):format(path), script)
        file:close()
        local library = run:match "^(.*)/[^/]*$" .. "/libgpumm.so"
        local pipe = assert(io.popen(("GPUMM_LIBRARY=%s PYTHONDONTWRITEBYTECODE=1 %s %s 2>&1")
            :format(library, os.getenv "GPUMM_PYTHON" or "python3", name)))
        assert.equal("attached", pipe:read "l")
        assert(nodes:free())
        m:close()
        local output = pipe:read "a"
        assert(pipe:close(), output)
        os.remove(name)
        support.says(output, "3000 False", "STALE")
    end)
end)
