-- successes: 9
-- SPDX-License-Identifier: MIT
-- The default configuration and the four presets, as values and as the buffers that they make.

local gpumm = require "gpumm"
local spec = require "gpumm.spec"
local support = require "spec.support"

local MiB = 1 << 20

describe("defaults and presets", function()
    after_each(spec.close)

    it("are the seed's five fields", function()
        local config = gpumm.config
        assert.same({ bytes_per_element = 4, growth_factor = 1.5, max_size_bytes = 1024 * MiB, min_size_bytes = 4096,
            enable_async = false }, config.default())
        assert.same({ bytes_per_element = 12, growth_factor = 1.3, max_size_bytes = 512 * MiB, min_size_bytes = 4096,
            enable_async = true }, config.for_positions())
        assert.same(config.for_positions(), config.for_velocities())
        assert.same({ bytes_per_element = 32, growth_factor = 2.0, max_size_bytes = 2048 * MiB, min_size_bytes = 8192,
            enable_async = false }, config.for_edges())
        assert.same({ bytes_per_element = 8, growth_factor = 1.5, max_size_bytes = 256 * MiB, min_size_bytes = 2048,
            enable_async = false }, config.for_grid_cells())
    end)

    it("are fresh tables, which a script may change", function()
        local mine = gpumm.config.for_edges()
        mine.growth_factor = 3
        assert.equal(2.0, gpumm.config.for_edges().growth_factor)
        local b = spec.manager():allocate("b", "u8", 10000, mine)
        b:ensure_capacity(10001)
        assert.equal(30000, b.capacity)
    end)

    it("without any config make a buffer like the default one", function()
        local m = spec.manager()
        local a, b = m:allocate("a", nil, 10), m:allocate("b", nil, 10, gpumm.config.default())
        for _, property in ipairs { "capacity", "max_length", "capacity_bytes" } do
            assert.equal(a[property], b[property])
        end
        assert.equal(1024, a.capacity)
        assert.equal(256 * MiB, a.max_length)
        assert.is_true(a.type == b.type)
        a:ensure_capacity(1025)
        assert.equal(1536, a.capacity)
        support.fails("ASYNC_DISABLED", "'a'", m:start_async_download("a"))
    end)

    local presets = {
        for_positions = { type = "bytes12", capacity = 342, max = 512 * MiB // 12, next = 445, async = true },
        for_velocities = { type = "bytes12", capacity = 342, max = 512 * MiB // 12, next = 445, async = true },
        for_edges = { type = "bytes32", capacity = 256, max = 64 * MiB, next = 512, async = false },
        for_grid_cells = { type = "bytes8", capacity = 256, max = 32 * MiB, next = 384, async = false },
    }
    for preset, wanted in pairs(presets) do
        it("make the buffer of " .. preset, function()
            local m = spec.manager()
            local b = m:allocate("b", nil, 1, gpumm.config[preset]())
            assert.equal(wanted.type, b.type.name)
            assert.equal(wanted.capacity, b.capacity)
            assert.equal(wanted.max, b.max_length)
            b:ensure_capacity(wanted.capacity + 1)
            assert.equal(wanted.next, b.capacity)
            b:upload(string.rep("\7", b.type.size))
            if wanted.async then
                assert.is_true(m:start_async_download("b"))
                assert.equal(string.rep("\7", b.type.size), m:wait_for_download("b"):bytes())
            else
                support.fails("ASYNC_DISABLED", "'b'", m:start_async_download("b"))
            end
        end)
    end

    it("leave the element's size to the type where there is one", function()
        local b = spec.manager():allocate("b", "f64", 1, gpumm.config.for_positions())
        assert.equal("f64", b.type.name)
        assert.equal(512, b.capacity)
        assert.equal(64 * MiB, b.max_length)
    end)

    it("apply to anonymous buffers without the minimum", function()
        local b = spec.manager():buffer { type = "u8", length = 3 }
        assert.equal(3, b.capacity)
        b:resize(4)
        assert.equal(5, b.capacity)
        assert.view_equals({ 0, 0, 0, 0 }, b:download())
    end)
end)
