-- SPDX-License-Identifier: MIT
-- Reads packages as `apt-cache dumpavail` lists them and makes the graph of their dependencies; used by debian-graph.lua
-- and debian-sample.lua. A package is { name, section, needs, provides, edges }: `needs` has the fields Depends and
-- Pre-Depends, `provides` the field Provides, `edges` the names of the packages that it depends on.

local packages = {}

--- Packages by name, from a stream of stanzas. The first stanza wins, as with apt (the newest version comes first).
function packages.read(stream)
    local all, current = {}, nil
    for line in stream:lines() do
        local field, value = line:match("^([%w-]+): (.*)$")
        if field == "Package" then
            current = { name = value, needs = {}, provides = {}, edges = {} }
            all[value] = all[value] or current
        elseif field == "Section" then
            current.section = value
        elseif field == "Depends" or field == "Pre-Depends" then
            table.insert(current.needs, value)
        elseif field == "Provides" then
            table.insert(current.provides, value)
        end
    end
    return all
end

--- The name that a clause such as "libc6 (>= 2.36)" begins with.
function packages.name_of(clause) return clause:match("^%s*([%w.+-]+)") end

function packages.sorted_names(all)
    local names = {}
    for name in pairs(all) do names[#names + 1] = name end
    table.sort(names)
    return names
end

--- Gives every package an edge to each of the names that targets(package) returns, itself and repetitions left out.
function packages.connect(all, targets)
    for name, package in pairs(all) do
        local seen = { [name] = true }
        for _, target in ipairs(targets(package)) do
            if not seen[target] then
                seen[target] = true
                table.insert(package.edges, target)
            end
        end
        table.sort(package.edges)
    end
end

local function both_ways(all)
    local near = {}
    for name in pairs(all) do near[name] = {} end
    for name, package in pairs(all) do
        for _, target in ipairs(package.edges) do
            table.insert(near[name], target)
            table.insert(near[target], name)
        end
    end
    return near
end

--- The names of the largest component, sorted.
function packages.largest_component(all)
    local near, seen, largest = both_ways(all), {}, {}
    for _, start in ipairs(packages.sorted_names(all)) do
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

--- Dependencies before dependents, ties by name. Cycles exist: a package is entered once only.
function packages.dependency_order(all, names)
    local order, entered = {}, {}
    local function visit(name)
        if entered[name] then return end
        entered[name] = true
        for _, target in ipairs(all[name].edges) do visit(target) end
        order[#order + 1] = name
    end
    for _, name in ipairs(names) do visit(name) end
    return order
end

--- The edges of the packages in that order, a line each: "package<TAB>depends on".
function packages.lines(all, order)
    local lines = {}
    for _, name in ipairs(order) do
        for _, target in ipairs(all[name].edges) do lines[#lines + 1] = name .. "\t" .. target end
    end
    return lines
end

return packages
