-- SPDX-License-Identifier: MIT
-- Graphs in DOT, read by Graphviz's gvpr, which writes them out in a form that needs no quotes: names with their
-- lengths before them. The text travels in a file of our own name, so that no path and no name is ever part of a
-- command.

local kinds = require "gpumm.columns.kinds"
local native = require "gpumm.layout.native"
local short = require "gpumm.columns.text".said

local find, sub, tonumber = string.find, string.sub, tonumber

-- Attributes that a graph does not declare are not asked for: gvpr would warn at every edge.
local PROGRAM = [[
BEG_G {
    $tvtype = TV_ne;
    int labels = isAttr($, "N", "label"), weights = isAttr($, "E", "weight");
    printf("G\n");
}
N {
    string label = labels ? $.label : "";
    printf("N%d:%s%d:%s\n", length($.name), $.name, length(label), label);
}
E {
    string weight = weights ? $.weight : "";
    printf("E%d:%s%d:%s%d:%s\n", length($.tail.name), $.tail.name, length($.head.name), $.head.name, length(weight), weight);
}
]]

-- A file that is gone when the variable is.
local function temporary(text)
    local path = os.tmpname()
    local guard = setmetatable({ path = path }, { __close = function() os.remove(path) end })
    local file = io.open(path, "wb")
    local written = file and file:write(text or "")
    if not (file and file:close() and written) then
        os.remove(path)
        error("cannot write a temporary file: " .. path, 0)
    end
    return guard
end

local function run(path, text)
    local source <close> = temporary(text)
    local log <close> = temporary()
    local pipe = assert(io.popen(("gvpr '%s' < '%s' 2> '%s'"):format(PROGRAM, source.path, log.path)))
    local out = pipe:read("a")
    local _, _, code = pipe:close()
    if code == 127 then
        error(path .. ": DOT is read by the program gvpr, which is not here (Debian package graphviz)", 0)
    end
    local file <close> = assert(io.open(log.path))
    local said = file:read "a"
    local complaint = said:match "Error: [^\n]*" or code ~= 0 and "gvpr failed"
    if complaint then error(("%s: %s"):format(path, (complaint:gsub("^Error: <stdin>: ", ""))), 0) end
    for warning in said:gmatch "Warning: ([^\n]*)" do
        native.say(("%s: %s"):format(path, (warning:gsub("^<stdin>: ", ""))), "warning")
    end
    return out
end

-- The text at `position`, behind its length; and where the next one begins.
local function take(text, position)
    local _, stop, length = find(text, "^(%d+):", position)
    local last = stop + tonumber(length)
    return sub(text, stop + 1, last), last + 1
end

local function weight_of(input, a, b, text)
    if text == "" then return nil end
    local weight = tonumber(text)
    if not weight or weight - weight ~= 0 then
        error(("%s: the weight %q of the edge from %q to %q is not %s"):format(input.path, short(text), short(a), short(b),
            kinds.not_weight(text)), 0)
    end
    return weight
end

-- What a line of each kind holds, from `position` on; returns where its end is.
local function records(input, builder)
    local graphs = 0
    return {
        G = function(_, position)
            graphs = graphs + 1
            if graphs > 1 then error(input.path .. ": the file holds several graphs; one is read", 0) end
            return position
        end,
        N = function(out, position)
            local name, at = take(out, position)
            local label, stop = take(out, at)
            local i = builder:node(name)
            if label ~= "" and label ~= "\\N" then input.labels:put(i, label) end
            return stop
        end,
        E = function(out, position)
            local a, at = take(out, position)
            local b, weight_at = take(out, at)
            local weight, stop = take(out, weight_at)
            builder:edge(a, b, weight_of(input, a, b, weight))
            return stop
        end,
    }
end

-- Comments may come before the first word.
local function is_dot(head)
    local at = 1
    for _ = 1, 1000 do
        at = find(head, "%S", at)
        if not at then return false end
        local _, stop = find(head, "^//[^\n]*", at)
        if not stop then _, stop = find(head, "^#[^\n]*", at) end
        if not stop then _, stop = find(head, "^/%*.-%*/", at) end
        if not stop then break end
        at = stop + 1
    end
    local rest = sub(head, at, at + 400):lower():gsub("^strict%s+", "")
    local name = rest:match "^digraph%f[%W](.*)" or rest:match "^graph%f[%W](.*)"
    return name ~= nil and (find(name, '^%s*{') or find(name, '^%s*"[^"]*"%s*{') or find(name, "^%s*[%w_.-]+%s*{")) ~= nil
end

--- Reads a source: nodes in the order of the file, then edges; `weight` of edges and `label` of nodes.
local function read(input)
    if not io.popen then
        error(input.path .. ": a contained script reads edge lists and Matrix Market files; DOT is read by a program", 0)
    end
    local builder = native.builder()
    input.labels = native.cells()
    local out, record, position = run(input.path, input.source:sub(1)), records(input, builder), 1
    while position <= #out do
        position = record[sub(out, position, position)](out, position + 1) + 1
    end
    return input:built(builder)
end

return { is = is_dot, read = read }
