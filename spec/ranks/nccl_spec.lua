-- successes: 9
-- SPDX-License-Identifier: MIT
-- gpumm.world by NCCL: where each rank has a GPU of its own, elements go from one to the other. Run with a driver and an NCCL
-- that are none, of as many GPUs as FAKE_CUDA_DEVICES says; on a machine with two GPUs, TWO_GPUS=1 has it run with what is there.

local ranks = require "spec.ranks.start"
local support = require "spec.support"
local real = os.getenv "TWO_GPUS"

local function makes_all(n, way, more)
    local text, code, said = ranks(n, 120, "collectives.lua", 40, way, more)
    assert.equal(0, code, text)
    for r = 0, n - 1 do assert.equal("balanced done\n", said[r], text) end
end

local function gpus(n) return not real and "FAKE_CUDA_DEVICES=" .. n or nil end

describe("a world of GPUs", function()
    it("makes every call right on every type, on two", function() makes_all(2, "NCCL", gpus(2)) end)
    it("makes every call right on every type, on three", function() makes_all(real and 2 or 3, "NCCL", gpus(3)) end)
    it("does so by MPI where it is told to", function() makes_all(2, "MPI: GPUMM_NCCL=0", "GPUMM_NCCL=0 " .. (gpus(2) or "")) end)
    it("does so by MPI where ranks share a GPU", function()
        makes_all(real and 3 or 2, "MPI: ranks shared a GPU in the first call of all on GPUs", gpus(1))
    end)
    it("does so by MPI where NCCL does not start on one rank", function()
        if real then return end
        makes_all(2, "MPI: it did not start on every rank", gpus(2) .. " FAKE_NCCL_REFUSES=1")
    end)
    it("does so on the host where GPUMM_DEVICE says so", function()
        makes_all(2, "MPI: no call on buffers of a GPU was made yet", "GPUMM_DEVICE=host " .. (gpus(2) or ""))
    end)
    it("has one failure for all where a call is wrong, and goes on", function()
        local text, code, said = ranks(2, 60, "wrong_calls.lua", 20, nil, gpus(2))
        assert.equal(0, code, text)
        for r = 0, 1 do assert.equal("balanced done\n", said[r], text) end
    end)
    local function ends(how, more, ...)
        local text, code, said = ranks(2, 60, "ends_later.lua", 20, how, (gpus(2) or "") .. more)
        assert.not_equal(0, code, text)
        assert.equal("balanced", tostring(said[0]):match "^%w+", text)
        support.says(said[0], ...)
    end

    it("ends where a rank does while a call is under way that is waited for later", function()
        ends(nil, " FAKE_CUDA_LATE=500", "rank 1 ended", "allgather, call 2")
    end)
    it("ends by the launcher's signal while such a call is under way", function()
        ends("idle", " FAKE_CUDA_LATE=5000", "rank 1 has ended, and the launcher ends the others")
    end)
end)
