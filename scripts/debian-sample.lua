-- SPDX-License-Identifier: MIT
-- Makes examples/data/debian-sample.tsv, the graph of the examples: Debian packages and their
-- dependencies, of the sections named below, largest component only. It reads the package lists
-- of this machine's release:
--
--     lua5.4 scripts/debian-sample.lua [SECTION...] > examples/data/debian-sample.tsv
--
-- The sections are libraries of programming languages, because each language is a community, with
-- few dependencies on others. Edges are in order of dependencies, so that a graph that is read
-- piece by piece in the order of this file grows at its existing nodes.

local packages = dofile((arg[0]:match("^.*/") or "") .. "packages.lua")
local sections = #arg > 0 and arg or { "golang", "javascript", "ruby" }

local function fail(message)
    io.stderr:write("debian-sample: ", message, "\n")
    os.exit(1)
end

local function first_line(stream)
    local line = stream and stream:read("l")
    if stream then stream:close() end
    return line or "of an unknown kind"
end

local function release()
    return "Debian " .. first_line(io.open("/etc/debian_version")) ..
        " (" .. first_line(io.popen("dpkg --print-architecture")) .. ")"
end

local function read_packages(wanted)
    local pipe = io.popen("apt-cache dumpavail", "r") or fail("cannot run apt-cache")
    local all = packages.read(pipe)
    if not pipe:close() then fail("apt-cache dumpavail failed") end
    for name, package in pairs(all) do
        if not wanted[package.section] then all[name] = nil end
    end
    return all
end

-- The first alternative that is one of the packages stands for the whole "a | b | c".
local function first_alternative(all, clause)
    for alternative in clause:gmatch("[^|]+") do
        local target = packages.name_of(alternative)
        if all[target] then return target end
    end
end

local wanted = {}
for _, section in ipairs(sections) do wanted[section] = true end
local all = read_packages(wanted)
if not next(all) then fail("apt knows no package of these sections: run apt-get update first") end
packages.connect(all, function(package)
    local targets = {}
    for _, field in ipairs(package.needs) do
        for clause in field:gmatch("[^,]+") do targets[#targets + 1] = first_alternative(all, clause) end
    end
    return targets
end)
local order = packages.dependency_order(all, packages.largest_component(all))
local lines = packages.lines(all, order)
io.write("# Packages of ", release(), " and their dependencies (Depends and Pre-Depends, the first\n",
    "# alternative that is in the graph), sections ", table.concat(sections, ", "), "; the largest component:\n",
    "# ", #order, " packages, ", #lines, " dependencies.\n",
    "# Made on ", os.date("!%Y-%m-%d"), " from `apt-cache dumpavail` by scripts/debian-sample.lua\n",
    "# package\tdepends on\n",
    table.concat(lines, "\n"), "\n")
