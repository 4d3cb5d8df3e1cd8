-- The dependency graph of all packages that `apt-cache dumpavail` lists, read from standard input, on standard
-- output; scripts/debian-graph.sh says what it is.

-- One package a name: the first paragraph wins, as with apt (the newest version comes first).
local function read_packages(input)
    local packages, current = {}, nil
    for line in input:lines() do
        local field, value = line:match("^([%w-]+): (.*)$")
        if field == "Package" then
            current = { needs = {}, provides = {}, edges = {} }
            packages[value] = packages[value] or current
        elseif field == "Depends" or field == "Pre-Depends" then
            current.needs[#current.needs + 1] = value
        elseif field == "Provides" then
            current.provides[#current.provides + 1] = value
        end
    end
    return packages
end

local function sorted_names(packages)
    local names = {}
    for name in pairs(packages) do names[#names + 1] = name end
    table.sort(names)
    return names
end

local function each_name(fields, visit)
    for _, field in ipairs(fields) do
        for alternative in field:gmatch("[^,|]+") do visit(alternative:match("^%s*([%w.+-]+)")) end
    end
end

local function providers(packages, names)
    local first = {}
    for _, name in ipairs(names) do
        each_name(packages[name].provides, function(virtual) first[virtual] = first[virtual] or name end)
    end
    return first
end

local function resolve(packages, names)
    local provided = providers(packages, names)
    for _, name in ipairs(names) do
        local seen, edges = { [name] = true }, packages[name].edges
        each_name(packages[name].needs, function(wanted)
            local target = packages[wanted] and wanted or provided[wanted]
            if target and not seen[target] then
                seen[target] = true
                edges[#edges + 1] = target
            end
        end)
        table.sort(edges)
    end
end

local function largest_component(packages, names)
    local near, seen, largest = {}, {}, {}
    for _, name in ipairs(names) do near[name] = {} end
    for _, name in ipairs(names) do
        for _, target in ipairs(packages[name].edges) do
            table.insert(near[name], target)
            table.insert(near[target], name)
        end
    end
    for _, start in ipairs(names) do
        local members = seen[start] and {} or { start }
        seen[start] = true
        for _, name in ipairs(members) do -- grows while it is walked
            for _, other in ipairs(near[name]) do
                if not seen[other] then
                    seen[other], members[#members + 1] = true, other
                end
            end
        end
        if #members > #largest then largest = members end
    end
    table.sort(largest)
    return largest
end

-- Dependencies before dependents, ties by name. Cycles exist: a package is entered once only.
local function dependency_order(packages, names)
    local order, entered = {}, {}
    local function visit(name)
        if entered[name] then return end
        entered[name] = true
        for _, target in ipairs(packages[name].edges) do visit(target) end
        order[#order + 1] = name
    end
    for _, name in ipairs(names) do visit(name) end
    return order
end

local packages = read_packages(io.stdin)
local names = sorted_names(packages)
if #names == 0 then
    io.stderr:write("debian-graph: apt knows no packages: run apt-get update first\n")
    os.exit(1)
end
resolve(packages, names)
local order, lines = dependency_order(packages, largest_component(packages, names)), {}
for _, name in ipairs(order) do
    for _, target in ipairs(packages[name].edges) do lines[#lines + 1] = name .. "\t" .. target end
end
io.write(("# %d packages of Debian and %d dependencies (Depends and Pre-Depends, every alternative; virtual\n")
    :format(#order, #lines), "# packages by their first provider); the largest component. Made by scripts/debian-graph.sh\n",
    table.concat(lines, "\n"), "\n")
