-- SPDX-License-Identifier: MIT
-- The dependency graph of all packages that `apt-cache dumpavail` lists, read from standard input, on standard
-- output; scripts/debian-graph.sh says what it is.

local packages = dofile((arg[0]:match("^.*/") or "") .. "packages.lua")

local function each_name(fields, visit)
    for _, field in ipairs(fields) do
        for alternative in field:gmatch("[^,|]+") do visit(packages.name_of(alternative)) end
    end
end

-- The first package, by name, that provides a virtual one.
local function providers(all)
    local first = {}
    for _, name in ipairs(packages.sorted_names(all)) do
        each_name(all[name].provides, function(virtual) first[virtual] = first[virtual] or name end)
    end
    return first
end

local all = packages.read(io.stdin)
if not next(all) then
    io.stderr:write("debian-graph: apt knows no packages: run apt-get update first\n")
    os.exit(1)
end
local provided = providers(all)
packages.connect(all, function(package)
    local targets = {}
    each_name(package.needs, function(wanted) targets[#targets + 1] = all[wanted] and wanted or provided[wanted] end)
    return targets
end)
local order = packages.dependency_order(all, packages.largest_component(all))
local lines = packages.lines(all, order)
io.write(("# %d packages of Debian and %d dependencies (Depends and Pre-Depends, every alternative; virtual\n")
    :format(#order, #lines), "# packages by their first provider); the largest component. Made by scripts/debian-graph.sh\n",
    table.concat(lines, "\n"), "\n")
