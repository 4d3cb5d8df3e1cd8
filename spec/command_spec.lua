-- successes: 13
-- SPDX-License-Identifier: MIT
-- gpumm-run as somebody meets it who knows lua: code on the command line, standard input, a prompt, mistakes, and what it shows
-- on terminals of all kinds.

local contains = require "spec.support".says
local support = require "spec.support"

local run = support.gpumm_run()
local folder = support.folder()
teardown(folder.remove)

-- Runs a shell command line in which RUN is gpumm-run; its exit code, standard output and standard error.
local function shell(line, input)
    folder.write("in", input or "")
    line = line:gsub("RUN", function() return run end)
    local _, how, code = os.execute(("cd %s; ( %s ) >out 2>err <%s"):format(folder.path, line, input and "in" or "/dev/null"))
    assert.equal("exit", how)
    return code, folder.read "out", folder.read "err"
end

local function lines_of(text) return select(2, text:gsub("\n", "")) end

-- A mistake: exit code 1, nothing on standard output, these lines and no traceback.
local function refuses(line, most, ...)
    local code, out, err = shell(line)
    assert.equal(1, code, line)
    assert.equal("", out)
    contains(err, "gpumm-run: ", ...)
    assert.is_true(lines_of(err) <= most, err)
    assert.is_nil(err:find("traceback", 1, true), err)
end

local PROGRESS = [[
local gpumm = require "gpumm"
return gpumm.simulation { b = gpumm.buffer { type = "f32", length = 8 }, steps = 10, step = function(s, i)
    s.b:fill(i) s:progress("%s of step %d", ("wörter "):rep(20), i) end }]]

describe("gpumm-run reads code", function()
    it("by -e, which may be repeated, before a script, joined, and in a sandbox", function()
        local code, out = shell "RUN -e 'x = 1 + 1' -e 'print(x, ...)'"
        assert.equal(0, code)
        assert.equal("2\n", out)
        folder.write("after.lua", "print(x, ...)")
        code, out = shell "RUN -e'x = 5' after.lua a b"
        assert.equal(0, code)
        assert.equal("5\ta\tb\n", out)
        code, out = shell [[RUN --sandbox -e 'print(io, require "gpumm" == gpumm)']]
        assert.equal(0, code)
        assert.equal("nil\ttrue\n", out)
    end)

    it("by -e that gives a simulation, and --describe describes it", function()
        local code, out = shell [[RUN --describe -e 'gpumm = require "gpumm"' -e 'return gpumm.simulation {
            b = gpumm.buffer { type = "f32", length = 8 }, steps = 1, step = print }']]
        assert.equal(0, code)
        contains(out, "buffer b")
    end)

    it("by -e that is wrong, and says where", function()
        refuses("RUN -e 'print('", 1, "(command line):1: unexpected symbol near <eof>")
        local code, _, err = shell [[RUN -e 'error "oh no"']]
        assert.equal(1, code)
        contains(err, "gpumm-run: (command line):1: oh no\nstack traceback:")
    end)

    it("from standard input without being told", function()
        local code, out = shell("RUN", "print('in', arg[0])")
        assert.equal(0, code)
        assert.equal("in\t-\n", out)
        code, out = shell("cat in | RUN --sandbox", "print('in', io)")
        assert.equal(0, code)
        assert.equal("in\tnil\n", out)
    end)

    it("line by line with -i: expressions, blocks, mistakes that end nothing", function()
        local code, out, err = shell("RUN -i", "1 + 1\nfor i = 7, 8 do\nprint(i) end\nerror 'oh no'\nx y\ngpumm == nil\n")
        assert.equal(0, code)
        assert.equal("> 2\n> >> 7\n8\n> > > true\n> \n", out)
        assert.equal("stdin:1: oh no\nstack traceback:\n\t[C]: in function 'error'\n\tstdin:1: in main chunk\n"
            .. "stdin:1: syntax error near 'y'\n", err)
        folder.write("before.lua", "y = 6")
        code, out = shell("RUN -i before.lua", "y\n")
        assert.equal(0, code)
        assert.equal("> 6\n> \n", out)
    end)

    it("with -h and -v as with the long ones", function()
        local _, help = shell "RUN --help"
        local _, version = shell "RUN --version"
        assert.same({ 0, help, "" }, { shell "RUN -h" })
        assert.same({ 0, version, "" }, { shell "RUN -v" })
    end)
end)

describe("a user's mistake", function()
    it("with gpumm-run's own options is two lines, with the option that was meant", function()
        refuses("RUN --limits 5 x.lua", 2, "unknown option --limits (did you mean --limit?)")
        refuses("RUN -device host x.lua", 2, "unknown option -device (did you mean --device?)")
        refuses("RUN --stat=json x.lua", 2, "(did you mean --stats?)")
        refuses("RUN -e", 2, "-e needs Lua code")
        refuses("RUN --watch -e 'x = 1'", 2, "--watch needs the file of a script")
        refuses("RUN --sandbox -i", 2, "-i does not go with --sandbox")
    end)

    it("with a module or a trace is one", function()
        refuses("RUN -m nosuch", 1, "-m nosuch: module 'nosuch' not found")
        refuses("RUN --trace /nowhere/x -e 'x = 1'", 1, "/nowhere/x: cannot be written")
    end)

    it("with a script's options is two lines, contained or not; --help has the usage", function()
        folder.write("opt.lua", 'require "gpumm".options(arg, { "graph", steps = 5 })')
        for _, how in ipairs { "RUN opt.lua", "RUN --sandbox opt.lua" } do
            refuses(how, 2, "the argument GRAPH is missing\nusage: opt.lua [options] GRAPH; --help says more\n")
            refuses(how .. " a b", 2, 'one argument too many: "b"')
            refuses(how .. " a --step 3", 2, "unknown option --step (did you mean --steps?)\n")
            refuses(how .. " a --live", 2, "--live is gpumm-run's: put it before opt.lua\n")
            refuses(how .. " a --device=host", 2, "--device is gpumm-run's: put it before opt.lua\n")
            refuses(how .. " a --steps x", 2, '--steps needs a number, not "x"\n')
        end
        refuses("RUN -m gpumm.layout a --quiet", 2, "--quiet is gpumm-run's: put it before -m\n")
        local _, out = shell "RUN opt.lua --help"
        contains(out, "--steps N", "default: 5")
    end)

    it("with a file is one line", function()
        folder.write("read.lua", 'local gpumm = require "gpumm" gpumm.graph.read(arg[1])')
        refuses("RUN read.lua nowhere.tsv", 1, "nowhere.tsv: No such file or directory\n")
    end)
end)

describe("gpumm-layout", function()
    it("hands on gpumm-run's options wherever they stand, and its own", function()
        folder.write("gpumm-run", "#!/bin/sh\nfor word; do printf '[%s]' \"$word\"; done\n")
        local command = ("chmod +x gpumm-run; PATH=.:$PATH '%s/scripts/gpumm-layout' "):format(assert(io.popen "pwd"):read "l")
        for words, expected in pairs {
            [""] = "[-m][gpumm.layout]", ["'a b' --out 'c d'"] = "[-m][gpumm.layout][a b][--out][c d]",
            ["--live 8081 a"] = "[--live][8081][-m][gpumm.layout][a]", ["a --live"] = "[--live][-m][gpumm.layout][a]",
            ["--live --rate 5 a --quiet"] = "[--live][--rate][5][--quiet][-m][gpumm.layout][a]",
            ["--steps 9 a --device host"] = "[--device][host][-m][gpumm.layout][--steps][9][a]",
            ["--stats=json --trace 'a b' -- --live"] = "[--stats=json][--trace][a b][-m][gpumm.layout][--][--live]",
        } do
            assert.same({ 0, expected, "" }, { shell(command .. words) })
        end
        assert.same({ 2, "", "gpumm-layout: the last option has no value\n" }, { shell(command .. "a --trace") })
    end)
end)

describe("progress", function()
    it("ends with the last step, also where it is not on a terminal, and with the step that failed", function()
        folder.write("p.lua", PROGRESS)
        local code, _, err = shell "RUN --device host p.lua"
        assert.equal(0, code)
        assert.matches("\nstep 10 of 10: wörter [^\n]* of step 10\n$", "\n" .. err)
        assert.is_nil(err:find("[\27\r]"))
        folder.write("p.lua", (PROGRESS:gsub("i%) end", "i) if i == 4 then error 'oh no' end end")))
        code, _, err = shell "RUN --device host p.lua"
        assert.equal(1, code)
        contains(err, "of step 4\ngpumm-run: p.lua:3: oh no")
        code, _, err = shell "RUN --quiet --device host p.lua"
        assert.equal(1, code)
        assert.is_nil(err:find("of step", 1, true))
    end)

    it("keeps to one row of any terminal, and sends none of its codes to a dumb one", function()
        folder.write("p.lua", PROGRESS)
        if not os.execute "command -v script >/dev/null" then return end
        local on = [[TERM=%s script -qec "stty cols %d; 'RUN' --device host p.lua" /dev/null]]
        local code, out = shell(on:format("xterm", 30))
        assert.equal(0, code)
        local rows = 0
        for row in out:gmatch "\r\27%[K([^\r\n]*)" do
            rows = rows + 1
            assert.equal(29, utf8.len(row), row)
        end
        assert.equal(11, rows) -- each step, and the last one's number
        code, out = shell(on:format("dumb", 30))
        assert.equal(0, code)
        assert.is_nil(out:find "\27")
        contains(out, "step 10 of 10: ")
    end)
end)
