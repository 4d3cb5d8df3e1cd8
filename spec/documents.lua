-- SPDX-License-Identifier: MIT
-- Runs what the pages of the documentation show. A page is Markdown; what is done with a block between ``` is said by its
-- language, and by a comment on the line above it:
--
--     ```lua                    continues the page's program, which is run as one; print(x) --> y says what is printed
--     <!-- fresh -->            … a new program begins here
--     <!-- file: NAME -->       any language: written to the page's folder, under that name
--     ```sh                     run in the page's folder, one after the other, before the program
--     ```text                   a part of what those said so far, line by line; "…" stands for anything
--     <!-- excerpt: PATH -->    its lines stand in that file of the project, in this order; "…" leaves some out
--     <!-- needs: COMMAND -->   run, and held to what it says, only where this command succeeds
--     <!-- not run: WHY -->     said, for what needs another machine
--
-- The folder has `examples`, and gpumm-run and gpumm-layout in its PATH, and pkg-config knows gpumm as it was built.

local support = require "spec.support"

local documents = {}

--- The blocks of a page: { { language =, mark =, code =, line = } }.
function documents.blocks(text)
    local list, open, mark, number = {}, nil, nil, 0
    for line in (text .. "\n"):gmatch "(.-)\n" do
        number = number + 1
        local language = line:match "^```(%w*)"
        if open and line == "```" then
            open.code = table.concat(open, "\n") .. "\n"
            list[#list + 1], open, mark = open, nil, nil
        elseif open then open[#open + 1] = line
        elseif language then open = { language = language, mark = mark, line = number + 1 }
        elseif line ~= "" then mark = line:match "^<!%-%- (.-) %-%->$"
        end
    end
    return list
end

local function read(path)
    local file <close> = assert(io.open(path, "rb"))
    return file:read "a"
end

local function bare(line) return (line:gsub("^%s+", ""):gsub("%s+$", ""):gsub("%s+", " ")) end

-- The first line of `code` that is not in `text` behind the one before it; nil: all are. "…" in a line stands for anything.
local function missing(code, text)
    local at, lines = 1, {}
    for line in text:gmatch "[^\n]+" do lines[#lines + 1] = bare(line) end
    for line in code:gmatch "[^\n]+" do
        local wanted = bare(line)
        local pattern = "^" .. wanted:gsub("…", "\0"):gsub("%p", "%%%0"):gsub("%z", ".*") .. "$"
        while wanted ~= "…" and at <= #lines and not lines[at]:find(pattern) do at = at + 1 end
        if wanted ~= "…" and at > #lines then return line end
    end
end

-- ---- A page ---------------------------------------------------------------------------------------

local Page = {}
Page.__index = Page

local function root() return assert(io.popen "pwd"):read "l" end

local PACKAGE = "Name: %s\nDescription: as it was built\nVersion: 0.2.0\nCflags: -I%s/src\nLibs: -L%s -Wl,-rpath,%s %s\n"

-- What stands around a shell's block.
function Page:prepare()
    local home, run = root(), support.gpumm_run()
    if run:sub(1, 1) ~= "/" then run = home .. "/" .. run end
    local build = run:match "^(.*)/"
    self.folder.write("gpumm.pc", PACKAGE:format("gpumm", home, build, build, "-lgpumm"))
    self.folder.write("gpumm-lua.pc", PACKAGE:format("gpumm-lua", home, build, build, "-lgpumm_lua -lgpumm"))
    self.folder.write("environment", ([[
set -e
cd '%s'
export PATH='%s':'%s/scripts':"$PATH" PKG_CONFIG_PATH=. PYTHONPATH='%s/python' GPUMM_LIBRARY='%s/libgpumm.so'
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
[ -e examples ] || ln -s '%s/examples' examples
]]):format(self.folder.path, build, home, home, build, home))
end

function Page:complain(block, text, ...)
    table.insert(self.found, ("%s:%d: "):format(self.path, block.line) .. text:format(...))
end

function Page:shell(block, code)
    self.folder.write("block.sh", code)
    local environment, script = self.folder.beside "environment", self.folder.beside "block.sh"
    local said, status = support.said((". '%s' && timeout 120 bash -e '%s' </dev/null"):format(environment, script))
    self.said = self.said .. said
    if status ~= 0 then self:complain(block, "exit code %d:\n%s", status, said) end
end

local BY_LANGUAGE = {
    sh = function(page, block)
        page.skipping = false
        page:shell(block, block.code)
    end,
    text = function(page, block)
        local line = not page.skipping and missing(block.code, page.said)
        if line then page:complain(block, "nothing said %q, but:\n%s", line, page.said) end
    end,
    lua = function(page, block)
        if block.mark == "fresh" or not page.programs[1] then table.insert(page.programs, { first = block }) end
        local program = page.programs[#page.programs]
        local lines = select(2, table.concat(program):gsub("\n", ""))
        program[#program + 1] = ("\n"):rep(block.line - 1 - lines) .. block.code -- errors have the page's lines
    end,
}

local BY_MARK = {
    file = function(page, block, name)
        page.folder.write(name, block.code)
        if block.language == "lua" then
            local ok, message = load(block.code, "=" .. name, "t")
            if not ok then page:complain(block, "%s", message) end
        end
    end,
    excerpt = function(page, block, path)
        local line = missing(block.code, read(path))
        if line then page:complain(block, "%s has no line %q there", path, line) end
    end,
    needs = function(page, block, command)
        local line = (". '%s' && { %s ; } >/dev/null 2>&1"):format(page.folder.beside "environment", command)
        page.skipping = not os.execute(line)
        if not page.skipping then BY_LANGUAGE[block.language](page, block) end
    end,
    ["not run"] = function(page, _, why) table.insert(page.left_out, why) end,
}

function Page:block(block)
    local mark, value = (block.mark or ""):match "^([%a ]+): (.+)$"
    local does = BY_MARK[mark] or block.mark ~= "file" and BY_LANGUAGE[block.language]
    if not does then return self:complain(block, "nothing runs this %s", block.language) end
    does(self, block, value)
end

function Page:program(program)
    local name = self.path:match "[^/]+$" .. ".lua"
    self.folder.write(name, table.concat(program))
    self:shell(program.first, ("gpumm-run --quiet '%s/spec/listing.lua' %s"):format(root(), name))
end

--- Runs all of a page; returns what was wrong, a list, why blocks were not run, another one, and how many there are.
function documents.run(path)
    local page = setmetatable({ path = path, folder = support.folder(), found = {}, left_out = {}, said = "",
        programs = {} }, Page)
    page:prepare()
    local blocks = documents.blocks(read(path))
    for _, block in ipairs(blocks) do page:block(block) end
    for _, program in ipairs(page.programs) do page:program(program) end
    page.folder.remove()
    return page.found, page.left_out, #blocks
end

return documents
