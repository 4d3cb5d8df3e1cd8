-- successes: 5
-- SPDX-License-Identifier: MIT
-- What the pages of the documentation show works as it stands there (spec/documents.lua says how it is run), and the
-- environment that they name is the one that is read.

local documents = require "spec.documents"
local support = require "spec.support"

local function read(path)
    local file <close> = assert(io.open(path))
    return file:read "a"
end

local function pages()
    local list = { "README.md" }
    for path in assert(io.popen "ls doc/*.md"):lines() do list[#list + 1] = path end
    return list
end

describe("the documentation", function()
    it("shows what runs", function()
        local found, shown = {}, 0
        for _, path in ipairs(pages()) do
            local of_page, left_out, blocks = documents.run(path)
            table.move(of_page, 1, #of_page, #found + 1, found)
            for _, why in ipairs(left_out) do assert.is_true(#why > 10, path .. ": " .. why) end
            shown = shown + blocks
        end
        assert.equal("", table.concat(found, "\n"))
        assert.is_true(shown > 50, shown .. " blocks")
    end)

    it("names every environment variable that is read, as the manual does, and no other of ours", function()
        local page, manual, known = read "doc/command.md", read "doc/gpumm-run.1", {}
        for name in assert(io.popen [[grep -rhoE 'getenv\("[A-Z_]+"' src]]):read "a":gmatch '"([A-Z_]+)"' do
            if name ~= "HOME" and name ~= "PATH" then
                known[name] = true
                assert.truthy(page:find("`" .. name .. "[`=]"), "doc/command.md does not name " .. name)
                assert.truthy(manual:find(name, 1, true), "the manual does not name " .. name)
            end
        end
        assert.is_true(known.GPUMM_DEVICE and known.GPUMM_CACHE_DIR)
        local rows = assert(page:match "| environment | meaning |\n(.-)\n\n")
        for name in (rows .. manual:match "%.SH ENVIRONMENT(.-)%.SH"):gmatch "GPUMM_[A-Z_]+" do
            assert.is_true(known[name], name .. " is named, and nobody reads it")
        end
    end)

    it("names every option of gpumm-run", function()
        local page, help = read "doc/command.md", support.said(support.gpumm_run() .. " --help")
        for option in help:gmatch "\n +(%-%-?[%w-]+)" do
            assert.truthy(page:find("`" .. option, 1, true) or page:find(", `" .. option, 1, true), option)
        end
    end)

    it("says of every status what to do", function()
        local page = read "doc/faq.md"
        for name in pairs(require "gpumm".statuses) do
            assert.truthy(name == "OK" or page:find("\n| `" .. name .. "` |", 1, true), name)
        end
    end)

    it("has a check for owners of a GPU that leaves nothing out for a mistyped part", function()
        local folder = support.folder()
        local out, code = support.said(("GPUMM_NO_SETUP=1 GPUMM_CHECK='layout tets' timeout 20 scripts/gpu-check.sh %s")
            :format(folder.path))
        folder.remove()
        assert.equal(2, code)
        support.contains("GPUMM_CHECK names 'tets'; there are: tests sanitizer layout bench", out)
    end)
end)
