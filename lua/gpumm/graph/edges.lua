-- SPDX-License-Identifier: MIT
-- Delimited text: two names a line, perhaps a weight; CSV with a header, networkx's {'weight': 2}, KONECT.

local cells = require "gpumm.graph.cells"
local dialect = require "gpumm.columns.dialect"
local kinds = require "gpumm.columns.kinds"
local native = require "gpumm.layout.native"
local text = require "gpumm.columns.text"

local edges = {}

-- Words for what a column holds, as headers have them.
local ROLES = {
    from = { "source", "from", "src", "sourceid", "source_id", "fromnodeid", "from_node", "from_id", "start", "tail",
        "node1", "id1", "node_1" },
    to = { "target", "to", "dst", "dest", "destination", "targetid", "target_id", "tonodeid", "to_node", "to_id", "end",
        "head", "node2", "id2", "node_2" },
    weight = { "weight", "weights", "w" },
}

-- Words that say weight where nothing better does, above a column of numbers.
local MEASURES = { "value", "score", "count", "strength", "cost", "distance", "length", "similarity" }

local function role_of(word)
    if #word > 40 then return nil end
    word = word:lower():gsub("^[#%%]+%s*", "")
    for role, words in pairs(ROLES) do
        for _, known in ipairs(words) do
            if word == known then return role end
        end
    end
end

-- Which column plays which role by the header; nil where it names no two ends. "from to 12" counts two words.
local function roles_by_header(row)
    local roles, number = {}, false
    for i, word in ipairs(row) do
        local role = role_of(word)
        if role and not roles[role] then roles[role] = i end
        number = number or tonumber(word) ~= nil
    end
    if not (roles.from and roles.to) then return nil end
    if number and not (row[roles.from]:lower() == "source" and row[roles.to]:lower() == "target") then return nil end
    return roles
end

-- node1,node2 over node2,node3 is an edge like the others.
local function is_node_below(sample, roles)
    local names = { [sample[1][roles.from]] = true, [sample[1][roles.to]] = true }
    for name in pairs(names) do
        if not name:find "%d$" then return false end
    end
    for k = 2, #sample do
        if names[sample[k][roles.from]] or names[sample[k][roles.to]] then return true end
    end
    return false
end

local function is_measure(word)
    word = word:lower()
    for _, measure in ipairs(MEASURES) do
        if word == measure or word:find("[_ ]" .. measure .. "$") then return true end
    end
    return role_of(word) == "weight"
end

-- Roles where the first line has no word for the ends, but one for a weight that stands above numbers alone.
local function roles_by_measure(sample, d)
    local at
    for i, word in ipairs(sample[1] or {}) do
        if tonumber(word) then return nil end
        local kind = i > 2 and #sample > 1 and is_measure(word) and kinds.of_column(sample, 2, i, d)
        if not at and (kind == "i64" or kind == "f64") then at = i end
    end
    return at and { from = 1, to = 2, weight = at }
end

-- Which columns the caller has said: { source = "from", target = 2, … }.
local function roles_by_option(asked, row, path)
    local roles = {}
    for key, name in pairs(asked) do
        local role = role_of(tostring(key))
        if not role then error(("%s: columns are source, target and weight, not %s"):format(path, tostring(key)), 0) end
        local found = math.type(name) == "integer" and name >= 1 and name <= #row and name or nil
        for i, word in ipairs(row) do
            if word == name then found = i end
        end
        if not found then error(("%s: there is no column %q"):format(path, tostring(name)), 0) end
        roles[role] = found
    end
    if not (roles.from and roles.to) then error(path .. ": the columns of both ends are needed: source and target", 0) end
    if roles.from == roles.to then error(path .. ": source and target are two columns", 0) end
    return roles
end

local function is_named(columns)
    for _, name in pairs(columns or {}) do
        if type(name) == "string" then return true end
    end
    return false
end

local function is_integer(word) return word and word:find "^[-+]?%d+$" end

-- Words over numbers: "a,b" over "1,2".
local function is_headline(sample)
    if #sample < 2 or #sample[1] < 2 then return false end
    for i = 1, 2 do
        local word = sample[1][i]
        if word == "" or tonumber(word) then return false end
        for k = 2, #sample do
            if not is_integer(sample[k][i]) then return false end
        end
    end
    return true
end

local function find_roles(sample, options, path, d)
    local first = sample[1] or {}
    local named = roles_by_header(first)
    if named and options.header == nil and is_node_below(sample, named) then named = nil end
    named = named or options.header == nil and not options.columns and roles_by_measure(sample, d) or nil
    local header = options.header
    if header == nil then header = named ~= nil or is_named(options.columns) or is_headline(sample) end
    if options.columns then return roles_by_option(options.columns, first, path), header end
    if header and named then return named, header, true end
    return { from = 1, to = 2, weight = 3 }, header
end

-- ---- Flavours ---------------------------------------------------------------------------------

local function all_match(lines, pattern)
    for _, line in ipairs(lines) do
        if not line:find(pattern) then return false end
    end
    return #lines > 0
end

-- networkx: a b {'weight': 2.5}, a b {}; what separates the names there, nil: it is not that.
local function networkx_delimiter(lines)
    if all_match(lines, "^%s*%S+ +%S+ +{.*}%s*$") then return " " end
    for _, sign in ipairs { "\t", ",", ";", "|" } do
        if all_match(lines, ("^[^%s]+%s[^%s]+%s *{.*}%%s*$"):format(sign, sign, sign, sign)) then return sign end
    end
    return all_match(lines, "^%s*%S+%s+%S+%s+{.*}%s*$") and " " or nil
end

-- KONECT's first line: % bip weighted
local function konect_of(signs)
    local kind, weights = (signs[1] or ""):match "^%%%s*(%a+)%s+(%a+)%s*$"
    if kind == "bip" or kind == "sym" or kind == "asym" then return kind, weights end
end

-- ---- Reading ----------------------------------------------------------------------------------

-- Has any of the first rows something there? A column of nothing needs no memory.
local function is_seen(sample, i)
    for _, row in ipairs(sample) do
        if row[i] and row[i] ~= "" then return true end
    end
    return false
end

local function described(input, roles, count, sample, header, named)
    local list = {}
    local last = math.max(roles.from, roles.to, roles.weight or 0)
    for i = 1, named and count or last do list[i] = { kind = "skip" } end
    list[roles.from] = { kind = "name", required = true, dictionary = 0 }
    list[roles.to] = { kind = "name", required = true, dictionary = input.two_kinds and 1 or 0 }
    if roles.weight then list[roles.weight] = { kind = is_seen(sample, roles.weight) and "f64" or "absent" } end
    if not named then return list end
    local dictionaries = input.two_kinds and 2 or 1
    for i, word in ipairs(sample[1]) do
        if list[i].kind == "skip" and word ~= "" then
            list[i] = { kind = header and kinds.of_column(sample, 2, i, input.dialect) or "name", free = true, name = word }
            if list[i].kind == "name" then list[i].dictionary, dictionaries = dictionaries, dictionaries + 1 end
        end
    end
    return list
end

local function refuse(input, list, fault, line, column, said)
    local path, one = input.path, list[column] or {}
    if fault == "short" then text.fail(path, line, "an edge needs two names, this line has one: %q", said) end
    if fault == "number" and not one.name then
        local comma = said:find "^[-+]?%d+,%d+$" and ' (decimal = "," reads it)' or ""
        text.fail(path, line, "the weight %q is not %s%s", said, kinds.not_weight(said), comma)
    end
    if fault == "literal" then text.fail(path, line, "expected networkx's {'weight': …}, found %q", said) end
    kinds.fail(path, fault, line, said)
end

local function read(input, list, at, line)
    local options = input.options
    while true do
        local rows, names, flags, column, said = native.columns(input.source, at, line, input.dialect, list, options.threads or 0,
            "reading " .. input.path)
        local wider = not rows and list[column] and (names == "extra" and kinds.PRESENT[list[column].kind]
            or list[column].free and kinds.WIDER[list[column].kind])
        if not rows and not wider then refuse(input, list, names, flags, column, said) end
        if rows then return rows, names, flags end
        list[column].kind = wider
        if wider == "name" then
            local most = 0
            for _, one in ipairs(list) do most = math.max(most, one.dictionary or 0) end
            list[column].dictionary = most + 1
        end
    end
end

local function edge_columns(list, names)
    local all = {}
    for i, one in ipairs(list) do
        if one.name then all[one.name] = { column = i, texts = one.kind == "name" and names[one.dictionary + 1] or nil } end
    end
    return all
end

-- The nodes of the second kind come behind those of the first; where both are numbered from 1, they are "2:1", "2:2", …, for
-- whoever finds nodes by their names, or reads what was written, has one of each name.
local function join_kinds(input, rows, names, to)
    local left, right = names[1], names[2]
    rows:shift(to, #left)
    input.names = native.joined(left, right)
    input.node_columns = {}
    cells.put_kinds(input.node_columns, #left, #input.names)
end

-- Gephi's column Type says for every edge what mostly holds for all.
local function direction_of(columns)
    local types = (columns.Type or columns.type or {}).texts
    local word = types and #types == 1 and types[1]:lower()
    if word == "directed" then return true elseif word == "undirected" then return false end
end

local function carry_out(input, list, roles, at, line)
    if input.share then at, line = input.share(at, line, input.dialect.newline) end
    local rows, names, flags = read(input, list, at, line)
    input.rows, input.from, input.to = rows, roles.from, roles.to
    input.weight = roles.weight
    input.weighted = roles.weight and list[roles.weight] and flags.given[roles.weight] or false
    input.edge_columns = edge_columns(list, names)
    if input.directed == nil then input.directed = direction_of(input.edge_columns) end
    if input.two_kinds then join_kinds(input, rows, names, roles.to) else input.names = names[1] end
    return input
end

-- Does a comment name the columns? "#source target" is none of the edges.
local function is_headed(line)
    local from, to = (line or ""):sub(1, 400):match "^([^%s,;]+)[%s,;]+([^%s,;]+)"
    return from and roles_by_header { from, to } ~= nil
end

local function count_of(sample)
    local count = 0
    for _, row in ipairs(sample) do count = math.max(count, #row) end
    return count
end

--- Reads a source: input = { path, source, head, options }; input.share(at, line, newline), which may be nil, leaves a part of
--- the source that is from this byte on, and says where in it, and in which line of the file, that part begins.
function edges.read(input)
    local d, lines, signs = dialect.find(input.source, input.head, input.options)
    input.dialect = d
    local sign = input.options.delimiter == nil and networkx_delimiter(lines)
    if sign then
        d.delimiter, d.loose, d.quotes, d.columns = sign, false, false, 0
        local percents = {} -- networkx's comments begin with #
        for _, one in ipairs(signs) do percents[#percents + 1] = one:match "^%s*%%.*" end
        if networkx_delimiter(percents) == sign and d.comments ~= "" then d.comments = "#" end
        local list = { { kind = "name", required = true }, { kind = "name", required = true }, { kind = "dict" } }
        return carry_out(input, list, { from = 1, to = 2, weight = 3 }, 1, 1)
    end
    local kind, weights = konect_of(signs)
    input.two_kinds = kind == "bip"
    if kind then d.columns, input.directed = 0, kind == "asym" end
    if is_headed(signs[#signs]) then d.columns = 0 end
    local sample = dialect.sample(input.source, d)
    local roles, header, named = find_roles(sample, input.options, input.path, d)
    if weights == "unweighted" or input.options.weights == false then roles.weight = nil end
    local at, line = 1, 1
    if header and sample[1] then at, line = sample[1].next, sample[1].next_line end
    local list = described(input, roles, count_of(sample), sample, header, named)
    return carry_out(input, list, roles, at, line)
end

return edges
