-- Makes examples/data/debian-sample.tsv, the graph that the examples lay out: packages of Debian
-- and what they depend on, for the sections named below, largest component only. It reads what
-- apt knows of this machine's release:
--
--     lua5.4 scripts/debian-sample.lua [SECTION...] > examples/data/debian-sample.tsv
--
-- Libraries of languages were chosen because each language is a community of its own, with a few
-- packages that reach across. Edges come dependencies first, so that a graph fed piece by piece
-- in the order of this file always grows at what is there already.

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

-- One package a name: the first paragraph wins, as with apt (the newest version comes first).
local function read_packages(wanted)
    local pipe = io.popen("apt-cache dumpavail", "r") or fail("cannot run apt-cache")
    local packages, current = {}, nil
    for line in pipe:lines() do
        local field, value = line:match("^([%w-]+): (.*)$")
        if field == "Package" then
            current = { name = value, needs = {} }
        elseif field == "Section" and wanted[value] and current then
            packages[current.name] = packages[current.name] or current
        elseif (field == "Depends" or field == "Pre-Depends") and current then
            current.needs[#current.needs + 1] = value
        end
    end
    if not pipe:close() then fail("apt-cache dumpavail failed") end
    return packages
end

-- The first alternative that is one of the packages stands for the whole "a | b | c".
local function resolve(packages)
    for name, package in pairs(packages) do
        local seen = { [name] = true }
        package.edges = {}
        for _, field in ipairs(package.needs) do
            for clause in field:gmatch("[^,]+") do
                for alternative in clause:gmatch("[^|]+") do
                    local target = alternative:match("^%s*([%w.+-]+)")
                    if packages[target] then
                        if not seen[target] then
                            seen[target] = true
                            package.edges[#package.edges + 1] = target
                        end
                        break
                    end
                end
            end
        end
        table.sort(package.edges)
    end
end

local function sorted_names(packages)
    local names = {}
    for name in pairs(packages) do names[#names + 1] = name end
    table.sort(names)
    return names
end

local function largest_component(packages)
    local near = {}
    for name in pairs(packages) do near[name] = {} end
    for name, package in pairs(packages) do
        for _, target in ipairs(package.edges) do
            table.insert(near[name], target)
            table.insert(near[target], name)
        end
    end
    local seen, largest = {}, {}
    for _, start in ipairs(sorted_names(packages)) do
        if not seen[start] then
            local members = { start }
            seen[start] = true
            for _, name in ipairs(members) do -- grows while it is walked
                for _, other in ipairs(near[name]) do
                    if not seen[other] then
                        seen[other] = true
                        members[#members + 1] = other
                    end
                end
            end
            if #members > #largest then largest = members end
        end
    end
    local inside = {}
    for _, name in ipairs(largest) do inside[name] = packages[name] end
    return inside
end

-- Dependencies before dependents, ties by name. Cycles exist: a package is entered once only.
local function dependency_order(packages)
    local order, entered = {}, {}
    local function visit(name)
        if entered[name] then return end
        entered[name] = true
        for _, target in ipairs(packages[name].edges) do visit(target) end
        order[#order + 1] = name
    end
    for _, name in ipairs(sorted_names(packages)) do visit(name) end
    return order
end

local wanted = {}
for _, section in ipairs(sections) do wanted[section] = true end
local packages = read_packages(wanted)
if not next(packages) then fail("apt knows no package of these sections: run apt-get update first") end
resolve(packages)
packages = largest_component(packages)

local order, lines = dependency_order(packages), {}
for _, name in ipairs(order) do
    for _, target in ipairs(packages[name].edges) do lines[#lines + 1] = name .. "\t" .. target end
end
io.write("# Packages of ", release(), " and their dependencies (Depends and Pre-Depends, the first\n",
    "# alternative that is in the graph), sections ", table.concat(sections, ", "), "; the largest component:\n",
    "# ", #order, " packages, ", #lines, " dependencies.\n",
    "# Made on ", os.date("!%Y-%m-%d"), " from `apt-cache dumpavail` by scripts/debian-sample.lua\n",
    "# package\tdepends on\n",
    table.concat(lines, "\n"), "\n")
