-- successes: 6
-- SPDX-License-Identifier: MIT
-- Debug mode: a kernel that writes past the end of its buffer is found, and the buffer named.

local spec = require "gpumm.spec"
local support = require "spec.support"
local fails = support.fails

local SOURCE = [[
extern "C" __global__ void poke(int n, unsigned char *out, int at) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) out[at + i] = 0x11;
}
]]

describe("canaries", function()
    after_each(spec.close)

    local function kernel(m) return m:kernel { source = SOURCE, name = "poke" } end

    it("are left alone by kernels that stay within, to the last byte", function()
        local m = spec.manager()
        local b = m:allocate("b", "u8", 5000)
        local poke = kernel(m)
        poke(5000, b, 0)
        assert.is_true(m:check())
        assert.equal(string.rep("\x11", 5000), b:download():bytes())
        b:resize(9000)
        poke(9000, b, 0)
        assert.is_true(m:check())
        b:resize(100)
        b:shrink_to_fit()
        poke(100, b, 0)
        assert.is_true(m:check())
        assert.equal(string.rep("\x11", 100), b:download():bytes())
    end)

    it("name the buffer, its capacity and the byte", function()
        local m = spec.manager()
        m:allocate("innocent", "u8", 5000)
        local b = m:allocate("culprit", "u8", 5000)
        kernel(m)(3, b, 5001)
        local message = fails("DRIVER", "buffer 'culprit' was written past its capacity of 5000 elements (5000 bytes): byte 5001",
            m:check())
        assert.is_nil(message:find("innocent", 1, true))
        fails("DRIVER", "'culprit'", b:free())
        assert.same({ "innocent" }, m:names()) -- it is free all the same
        assert.is_true(m:check())
    end)

    it("are looked at by free by name, for small buffers too", function()
        local m = spec.manager()
        local b = m:allocate("small", "u8", 100, { max_size_bytes = 1000, min_size_bytes = 0 })
        kernel(m)(1, b, 1000)
        fails("DRIVER", "buffer 'small' was written past its capacity of 100 elements (100 bytes): byte 1000", m:free("small"))
        assert.same({}, m:names())
    end)

    it("are looked at before a growth would hide it", function()
        local m = spec.manager()
        local b = m:allocate("b", "u8", 5000)
        b:fill(9)
        kernel(m)(1, b, 5000)
        fails("DRIVER", "'b' was written past its capacity", b:resize(5001))
        assert.equal(5000, b.length)
        assert.equal(string.rep("\9", 5000), b:download():bytes())
        b:free()
    end)

    it("stand behind each member of a group", function()
        local m = spec.manager()
        local g = m:group { { "p", "u8" }, { "q", "u8" }, name = "nodes", length = 5000 }
        kernel(m)(1, g.q, 5000)
        fails("DRIVER", "buffer 'nodes.q' was written past its capacity", m:check())
        fails("DRIVER", "'nodes.q'", g:free())
        assert.is_true(m:check())
    end)

    it("are not kept without debug", function()
        local m = spec.manager { debug = false }
        local b = m:allocate("b", "u8", 5000)
        kernel(m)(1, b, 5000)
        assert.is_true(m:check())
        assert.is_true(b:free())
    end)
end)
