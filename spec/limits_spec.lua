-- successes: 4
-- SPDX-License-Identifier: MIT
-- What the system limits: address space is taken as it is needed, and a limit that was met is named; descriptors are
-- given back.

local spec = require "gpumm.spec"

describe("address space", function()
    after_each(spec.close)

    it("is not taken for the whole machine by what is small", function()
        local m = spec.inject_faults({}, { debug = false })
        m:allocate("small", "u8", 100, { max_size_bytes = 1000, min_size_bytes = 0 })
        local x <close> = m:scratch(1000)
        m:stream():synchronize()
        assert.is_true(x.bytes >= 1000)
        assert.is_true(m.fault:live().reserved_bytes <= 80 << 20)
    end)

    -- A sanitizer takes terabytes of it for itself.
    it("that runs out is named, with what helps", function()
        if (os.getenv "GPUMM_SANITIZE" or "") ~= "" then return end
        local run = assert(os.getenv "GPUMM_RUN", "GPUMM_RUN names the program")
        local script = os.tmpname()
        local file = assert(io.open(script, "w"))
        file:write [[
            local m = require "gpumm".manager { device = "host" }
            local kept = {}
            for i = 1, 10 do
                local b, message = m:buffer { type = "f32", length = 4 }
                if not b then print(message) os.exit(0) end
                kept[i] = b
            end
            for i = 1, 100 do kept[i] = assert(m:buffer { type = "f32", length = 4, max_length = 100 }) end
            print "all there" ]]
        file:close()
        local output <close> = io.popen(("ulimit -v 4000000; exec '%s' --quiet '%s' 2>&1"):format(run, script))
        local said = output:read "a"
        os.remove(script)
        assert.matches("address space", said)
        assert.matches("ulimit %-v", said)
        assert.matches("max_length", said)
    end)
end)

describe("what may be written", function()
    it("is the quota of the host device, where the process has a limit on it", function()
        if (os.getenv "GPUMM_SANITIZE" or "") ~= "" then return end
        local run = assert(os.getenv "GPUMM_RUN", "GPUMM_RUN names the program")
        local script = os.tmpname()
        local file = assert(io.open(script, "w"))
        file:write [[
            local m = require "gpumm".manager { device = "host" }
            assert(m:device().total_bytes <= 200000 << 10)
            local kept = {}
            for i = 1, 100 do
                local b, message = m:buffer { type = "u8", length = 8 << 20 }
                if not b then print(message) os.exit(i > 10) end
                kept[i] = b
            end ]]
        file:close()
        local output <close> = io.popen(("ulimit -d 200000; exec '%s' --quiet '%s' 2>&1"):format(run, script))
        local said = output:read "a"
        os.remove(script)
        assert.matches("ulimit %-d", said)
        assert.matches("195.3 MiB", said, 1, true)
    end)
end)

describe("descriptors", function()
    it("of files whose reading raised are given back before there are many", function()
        local run = assert(os.getenv "GPUMM_RUN", "GPUMM_RUN names the program")
        local script, data = os.tmpname(), os.tmpname()
        local header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2000000,), }"
        header = header .. (" "):rep(117 - #header) .. "\n"
        local file = assert(io.open(data, "w"))
        file:write("\x93NUMPY\1\0", ("<I2"):pack(#header), header)
        file:seek("set", 127 + 8000000) -- more than the script may have
        file:write "\0"
        file:close()
        file = assert(io.open(script, "w"))
        file:write(([[
            for i = 1, 300 do
                local ok, message = pcall(gpumm.npy.read, "%s")
                if ok or not message:find "memory" then print(i, ok, message) return end
            end
            print "all of them" ]]):format(data))
        file:close()
        local command = "ulimit -n 64; exec '%s' --sandbox --allow-read '%s' --lua-memory 4MiB '%s' 2>&1"
        local output <close> = io.popen(command:format(run, data, script))
        local said = output:read "a"
        os.remove(script)
        os.remove(data)
        assert.equal("all of them\n", said)
    end)
end)
