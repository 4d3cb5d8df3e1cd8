-- successes: 3
-- SPDX-License-Identifier: MIT
-- scripts/test.sh in a small project of the same options: it never passes without having run a test.

local support = require "spec.support"

local folder = support.folder()
teardown(folder.remove)

local PROJECT = [[
cmake_minimum_required(VERSION 3.20)
project(small LANGUAGES NONE)
option(GPUMM_TESTS "" ON)
if(GPUMM_TESTS)
  enable_testing()
  add_test(NAME spec_allocate COMMAND ${CMAKE_COMMAND} -E touch ran)
endif()
]]

local function shell(line)
    local _, _, code = os.execute(("cd %s && ( %s ) >out 2>&1 </dev/null"):format(folder.path, line))
    return code, folder.read "out"
end

describe("scripts/test.sh", function()
    setup(function()
        folder.write("CMakeLists.txt", PROJECT)
        os.execute(("mkdir %s/scripts && cp scripts/test.sh %s/scripts"):format(folder.path, folder.path))
        folder.write("scripts/setup.sh", "#!/bin/sh\n")
        assert.equal(0, (shell "chmod +x scripts/setup.sh"))
    end)

    it("builds the tests in a folder that was made without them", function()
        local code, said = shell "cmake -S . -B build -DGPUMM_TESTS=OFF && scripts/test.sh -R allocate && test -e build/ran"
        assert.equal(0, code, said)
        support.contains("1 tests passed", (said:gsub("100%% tests passed, 0 tests failed out of 1", "1 tests passed")))
    end)

    it("fails where no test has the name", function()
        local code, said = shell "scripts/test.sh -R nonesuch"
        assert.not_equal(0, code)
        support.contains("No tests were found", said)
    end)

    it("fails where a project has none at all", function()
        folder.write("CMakeLists.txt", "cmake_minimum_required(VERSION 3.20)\nproject(small LANGUAGES NONE)\n")
        local code, said = shell "rm -r build && scripts/test.sh -R allocate"
        assert.not_equal(0, code)
        support.contains("No tests", said)
    end)
end)
