-- successes: 21
-- SPDX-License-Identifier: MIT
-- A script's command line: what is accepted, what is converted, and how mistakes read.

local gpumm = require "gpumm"
local message_of = require "spec.support".message_of

local SPEC = { "graph", out = "layout.png", steps = 600, scale = 1.5, quiet = false, color = true, max_length = 8 }

local function parse(...)
    return gpumm.options({ [0] = "examples/layout.lua", ... }, SPEC)
end

describe("options", function()
    it("gives arguments by name and options their defaults", function()
        assert.same({
            graph = "g.txt", out = "layout.png", steps = 600, scale = 1.5, quiet = false, color = true, max_length = 8,
        }, parse("g.txt"))
    end)

    it("reads --name value and --name=value", function()
        assert.equal("a.png", parse("g", "--out", "a.png").out)
        assert.equal("b=c.png", parse("--out=b=c.png", "g").out)
        assert.equal("", parse("g", "--out=").out)
    end)

    it("keeps whole numbers whole, in whatever notation", function()
        for text, value in pairs { ["1000"] = 1000, ["1e3"] = 1000, ["0x10"] = 16, ["-5"] = -5 } do
            local steps = parse("g", "--steps", text).steps
            assert.equal(value, steps)
            assert.equal("integer", math.type(steps))
        end
    end)

    it("makes a float where the default is one", function()
        assert.equal("float", math.type(parse("g", "--scale", "2").scale))
    end)

    it("refuses what is no number, not whole or not finite", function()
        assert.equal('--steps needs a whole number, not "1.5"', message_of(parse, "g", "--steps", "1.5"))
        assert.equal('--steps needs a number, not "many"', message_of(parse, "g", "--steps", "many"))
        assert.equal('--scale needs a number, not "1e999"', message_of(parse, "g", "--scale", "1e999"))
        assert.equal('--scale needs a number, not "nan"', message_of(parse, "g", "--scale", "nan"))
        assert.equal('--steps needs a number, not ""', message_of(parse, "g", "--steps="))
    end)

    it("switches flags on and off", function()
        assert.is_true(parse("g", "--quiet").quiet)
        assert.is_false(parse("g", "--no-color").color)
        assert.is_false(parse("g", "--quiet", "--no-quiet").quiet)
        assert.is_false(parse("g", "--color=off").color)
        assert.equal('--color is true or false, not "red"', message_of(parse, "g", "--color=red"))
    end)

    it("does not take the next word for a flag's value", function()
        local opt = parse("--quiet", "g")
        assert.is_true(opt.quiet)
        assert.equal("g", opt.graph)
    end)

    it("reads a dash and an underscore in a name alike", function()
        assert.equal(9, parse("g", "--max-length", "9").max_length)
        assert.equal(9, parse("g", "--max_length=9").max_length)
    end)

    it("lets the last of two win", function()
        assert.equal(3, parse("g", "--steps", "2", "--steps", "3").steps)
    end)

    it("ends options at --", function()
        assert.equal("--out", parse("--", "--out").graph)
    end)

    it("takes a dash alone as an argument", function()
        assert.equal("-", parse("-").graph)
    end)

    it("names the valid options and the nearest for an unknown one", function()
        assert.equal("unknown option --step (did you mean --steps?); valid: --color, --max-length, --out, " ..
            "--quiet, --scale, --steps, --help", message_of(parse, "g", "--step", "5"))
        assert.matches("^unknown option %-%-zebra; valid: ", message_of(parse, "g", "--zebra=1"))
        assert.matches("^unknown option %-x; valid: ", message_of(parse, "g", "-x"))
    end)

    it("does not know --no- for what is no flag", function()
        assert.matches("^unknown option %-%-no%-steps; valid: ", message_of(parse, "g", "--no-steps"))
    end)

    it("asks for a value that is missing", function()
        assert.equal("--out needs a value: --out TEXT", message_of(parse, "g", "--out"))
        assert.equal("--steps needs a value: --steps N", message_of(parse, "g", "--steps", "--quiet"))
    end)

    it("shows the usage where an argument is missing", function()
        local message = message_of(parse, "--quiet")
        assert.matches("^the argument GRAPH is missing\nusage: layout.lua %[options%] GRAPH\n", message)
        assert.matches("%-%-steps N +default: 600", message)
        assert.matches("%-%-out TEXT +default: layout.png", message)
        assert.matches("%-%-no%-color", message)
    end)

    it("refuses an argument too many", function()
        assert.matches('^one argument too many: "h"\nusage: ', message_of(parse, "g", "h"))
    end)

    it("raises a user's mistakes without a position", function()
        assert.not_matches("^[^ ]*%.lua:%d+:", message_of(parse, "g", "--zebra"))
    end)

    it("prints the usage for --help and ends with 0", function()
        local write, exit, printed, code = io.stdout, os.exit, {}, nil
        io.stdout = { write = function(_, ...) printed[#printed + 1] = table.concat { ... } end } -- luacheck: ignore
        os.exit = function(status) -- luacheck: ignore
            code = status
            error("the end", 0)
        end
        local message = message_of(parse, "g", "--steps", "bad", "--help")
        io.stdout, os.exit = write, exit -- luacheck: ignore
        assert.equal("the end", message)
        assert.is_true(code)
        assert.matches("^usage: layout.lua", table.concat(printed))
    end)

    it("leaves what it was given as it was", function()
        local words = { "g", "--steps", "1" }
        gpumm.options(words, SPEC)
        assert.same({ "g", "--steps", "1" }, words)
        assert.equal(600, SPEC.steps)
    end)

    it("works without a script's name", function()
        assert.matches("usage: script", message_of(gpumm.options, {}, { "graph" }))
    end)

    it("blames the script for a bad description", function()
        assert.matches("the default of 'x' is a table", message_of(gpumm.options, {}, { x = {} }))
        assert.matches("cannot be the name of an option", message_of(gpumm.options, {}, { ["a b"] = 1 }))
        assert.matches("%-%-help is taken", message_of(gpumm.options, {}, { help = true }))
        assert.matches("argument 1 needs a name of its own", message_of(gpumm.options, {}, { "out", out = "x" }))
        assert.matches("needs the script's arg table, not nil", message_of(gpumm.options, nil, {}))
        assert.matches("needs a table of arguments", message_of(gpumm.options, {}))
        assert.matches("word 2 is a number, not text", message_of(gpumm.options, { "a", 1 }, { "a", "b" }))
    end)
end)
