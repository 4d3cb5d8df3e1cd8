-- SPDX-License-Identifier: MIT
-- What the specs of memory share: errors taken apart, a manager's whole state compared, gpumm-run as a user runs it.

local assert = require "luassert"

local support = { bytes = require "spec.bytes" }

function support.contains(text, message)
    assert(tostring(message):find(text, 1, true), ("%q\n  is not in\n%s"):format(text, tostring(message)))
end

--- The call raises an error whose message has `text` in it, to the letter; returns the message.
function support.raises(text, f, ...)
    local ok, message = pcall(f, ...)
    assert(not ok, ("it did not raise %q"):format(text))
    support.contains(text, message)
    return message
end

--- What a call that must raise says.
function support.message_of(f, ...)
    local ok, message = pcall(f, ...)
    assert.is_false(ok)
    return tostring(message)
end

--- Every one of the words is in the text.
function support.says(text, ...)
    for _, words in ipairs { ... } do support.contains(words, text) end
end

--- What follows `text` are the results of a call that failed: nil, "CODE: … text …", "CODE". Returns the message.
function support.fails(code, text, value, message, got)
    assert.is_nil(value)
    assert.equal(code, got)
    assert.equal(code .. ": ", message:sub(1, #code + 2))
    support.contains(text, message)
    return message
end

--- This line of the file that calls, as the books write it: "free_spec.lua:12".
function support.here()
    local info = debug.getinfo(2, "Sl")
    return info.short_src:match("[^/]*$") .. ":" .. info.currentline
end

-- ---- A manager's state -------------------------------------------------------------------------

local function contents(buffer)
    return { length = buffer.length, capacity = buffer.capacity, address = buffer.address,
        generation = buffer.generation, bytes = buffer:download():bytes() }
end

--- Every named buffer's contents, those of the buffers given, and the books.
function support.state(manager, ...)
    local state = { buffers = {} }
    for _, name in ipairs(manager:names()) do state.buffers[name] = contents(manager:get_buffer(name)) end
    for i, buffer in ipairs { ... } do state.buffers[i] = contents(buffer) end
    state.stats, state.names, state.leaks = manager:stats(), manager:names(), manager:leaks()
    -- What was held for a moment is history, not state.
    for key, value in pairs(state.stats) do
        if key:find "^peak_" then state.stats[key] = nil end
        if type(value) == "table" then value.peak = nil end
    end
    for _, category in ipairs { "precommitted", "cached", "slack", "staging", "pinned" } do state.stats[category].total = nil end
    return state
end

local function difference(a, b, path)
    if type(a) ~= "table" or type(b) ~= "table" then
        if a == b then return nil end
        if type(a) == "string" and #a > 200 then return path .. " changed" end
        return ("%s was %s, and is %s"):format(path, tostring(a), tostring(b))
    end
    for key, value in pairs(a) do
        local found = difference(value, b[key], path .. "." .. tostring(key))
        if found then return found end
    end
    for key in pairs(b) do
        if a[key] == nil then return ("%s.%s is new"):format(path, tostring(key)) end
    end
end

function support.same_state(before, after)
    assert.is_nil(difference(before, after, "state"))
end

--- Calls f, which must change nothing; returns what f returns. Further buffers may be a list at `buffers`.
function support.unchanged(manager, f, buffers)
    support.state(manager, table.unpack(buffers or {})) -- the first download makes the blocks that downloads use
    local before = support.state(manager, table.unpack(buffers or {}))
    local results = table.pack(f())
    support.same_state(before, support.state(manager, table.unpack(buffers or {})))
    return table.unpack(results, 1, results.n)
end

--- Memory is exchanged in the background: waits until the buffer holds so many bytes.
function support.wait_for_committed(manager, buffer, bytes)
    local deadline = os.time() + 20
    while buffer.committed_bytes ~= bytes do
        assert(os.time() < deadline, ("%d bytes are held, not %d"):format(buffer.committed_bytes, bytes))
        manager:poll()
    end
    assert(buffer:ensure_capacity(0)) -- waits for the exchange's lock: what it counts comes last
end

-- ---- Data --------------------------------------------------------------------------------------

--- { from, from + 1, … }, n of them.
function support.count(n, from)
    local list = {}
    for i = 1, n do list[i] = (from or 1) + i - 1 end
    return list
end

--- A buffer of m that holds the data, a list, and nothing else.
function support.buffer(m, type, data)
    local b = assert(m:buffer { type = type, length = #data })
    assert(b:upload(data))
    return b
end

-- ---- Files -------------------------------------------------------------------------------------

--- A new folder: its path, write(name, text) (the new file's path), read(name or path), and remove(), for teardown.
function support.folder()
    local folder = { path = os.tmpname() }
    os.remove(folder.path)
    assert(os.execute("mkdir " .. folder.path))

    function folder.beside(name)
        return folder.path .. "/" .. name
    end

    function folder.write(name, text)
        local file <close> = assert(io.open(folder.beside(name), "wb"))
        assert(file:write(text))
        return folder.beside(name)
    end

    function folder.read(name)
        local file <close> = assert(io.open(folder.beside(name), "rb"))
        return file:read "a"
    end

    function folder.remove()
        os.execute("rm -r " .. folder.path)
    end

    return folder
end

-- ---- gpumm-run -----------------------------------------------------------------------------------

--- The gpumm-run under test.
function support.gpumm_run()
    local lowest = 0
    while arg and arg[lowest - 1] do lowest = lowest - 1 end
    return os.getenv("GPUMM_RUN") or arg[lowest]
end

--- What a shell command says on both streams, and its exit code.
function support.said(line)
    local pipe = assert(io.popen(("{ %s ; } 2>&1"):format(line)))
    local text = pipe:read "a"
    local _, _, code = pipe:close()
    return text, code
end

--- Runs a script's text in gpumm-run with options, in an environment with more ("NAME=value") where it is given; returns
--- what it wrote (both streams) and its exit code.
function support.run(options, script, environment)
    local path = os.tmpname()
    local file <close> = assert(io.open(path, "w"))
    file:write(script)
    file:close()
    local text, code = support.said(("%s '%s' %s '%s' </dev/null"):format(environment or "", support.gpumm_run(), options, path))
    os.remove(path)
    return text, code
end

-- ---- Growth, in place or by moving -----------------------------------------------------------------

--- Calls so far for device memory: commits in place, or whole blocks.
function support.memory_calls(manager)
    return manager.fault:calls("commit") + manager.fault:calls("alloc")
end

local function places(object)
    local addresses = {}
    if getmetatable(object) == "gpumm.buffer" then return { object.address } end
    for i, name in ipairs(object:members()) do addresses[i] = object:member(name).address end
    return addresses
end

--- A function that holds a buffer or group to what its device promises, and says whether it has moved since the last
--- call: in place never; else the generation counts every move.
function support.watch_moves(manager, object)
    local before, generation = places(object), object.generation
    return function()
        local now, moved = places(object), false
        for i, address in ipairs(now) do moved = moved or address ~= before[i] end
        if manager:device().in_place then assert.same(before, now) end
        assert.equal(generation + (moved and 1 or 0), object.generation)
        before, generation = now, object.generation
        return moved
    end
end

return support
