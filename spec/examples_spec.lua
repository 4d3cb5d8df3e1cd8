-- successes: 3
-- SPDX-License-Identifier: MIT
-- The examples as contained scripts: they need kernels, a folder to read and one to write, and no more.

local support = require "spec.support"

local folder = support.folder()
teardown(folder.remove)

describe("contained, with kernels and two folders,", function()
    for _, case in ipairs {
        { "growing.lua", "--first 2000 --batch 3000 --every 2 --page %s/growing.html", "stress" },
        { "layout.lua", "--steps 3", "4147 nodes, 9005 edges" },
        { "own_kernels.lua", "--positions %s/positions.csv", "dropped frames" },
    } do
        it("examples/" .. case[1] .. " draws a picture", function()
            local line = ([[%s --quiet --device host --sandbox --allow-kernels --allow-read examples --allow-write F examples/%s
                examples/data/debian-sample.tsv --out F/picture.png --steps 3 %s >F/out 2>&1]])
                :format(support.gpumm_run(), case[1], case[2]:gsub("%%s", folder.path)):gsub("%f[%w]F%f[/ ]", folder.path)
                :gsub("\n", " ")
            local _, _, code = os.execute(line)
            local said = folder.read "out"
            assert.equal(0, code, said)
            support.contains(case[3], said)
            assert.equal("\137PNG", folder.read("picture.png"):sub(1, 4))
            os.remove(folder.beside "picture.png")
        end)
    end
end)
