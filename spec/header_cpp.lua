-- SPDX-License-Identifier: MIT
-- Reads src/gpumm.hpp, so that tests and the reference can be made from it: classes with their public members, and functions.
-- A member's words are the comment before it or behind it on its line; `calls` is the function of C that it stands for.

local header_cpp = {}

local function read(path)
    local file <close> = assert(io.open(path))
    return file:read "a"
end

local function squeezed(text) return (text:gsub("%s+", " "):gsub("^ ", ""):gsub(" $", "")) end

-- Where the declaration at `at` ends: at its body, or its semicolon, outside of parentheses.
local function declaration(text, at)
    local depth = 0
    for i = at, #text do
        local sign = text:sub(i, i)
        if sign == "(" then depth = depth + 1 elseif sign == ")" then depth = depth - 1 end
        if depth == 0 and (sign == "{" or sign == ";") then return text:sub(at, i - 1), i end
    end
    error("gpumm.hpp: no end of: " .. text:sub(at, at + 60))
end

-- As a caller writes it: without how a constructor begins its fields.
local function signature_of(text)
    local signature = squeezed(text)
    return (signature:gsub("%) : .*$", ")"):gsub("%) noexcept : .*$", ") noexcept"):gsub("^inline ", ""))
end

-- The comment whose lines begin at `at`, in one line, and where it ends.
local function comment_at(text, at)
    local words = {}
    while true do
        local line, behind = text:match("^%s*//+ ?([^\n]*)\n()", at)
        if not line then return table.concat(words, " "), at end
        words[#words + 1], at = line, behind
        if text:find("^[ \t]*\n", at) then return table.concat(words, " "), at end
    end
end

-- What stands in `text`, one after the other: { signature =, body =, text =, public =, section = }.
local function items(text)
    local list, at, comment, public, section = {}, 1, nil, true, nil
    while true do
        at = text:find("%S", at)
        if not at then return list end
        local label, behind = text:match("^(%l+):%s()", at)
        local title, over = text:match("^// %-%-%-%- (.-) %-+\n()", at)
        if title then section, at = title, over
        elseif text:find("^//", at) then
            comment, at = comment_at(text, at)
            if text:find("^[ \t]*\n", at) then comment = nil end -- of nothing in particular
        elseif label == "public" or label == "private" then public, at = label == "public", behind
        elseif text:find("^#", at) then at = text:find("\n", at, true) or #text
        else
            local signature, stop = declaration(text, at)
            local body = text:match("^%b{}", stop) or ""
            at = stop + math.max(#body, 1)
            if text:find("^;", at) then at = at + 1 end
            local aside = text:match("^[ \t]*// ?([^\n]*)", at)
            if aside then at = text:find("\n", at, true) end
            list[#list + 1] = { signature = signature_of(signature), body = body, text = aside or comment, public = public,
                section = section }
            comment = nil
        end
    end
end

-- The function of C that a body stands for, which is more than a reference.
local function called(body)
    for name in body:gmatch "%f[%w_](gpumm_[%l_]+)%(" do
        if not name:find "_retain$" and not name:find "_release$" then return name end
    end
end

-- What a class has of itself, and needs no words: copies, moves, the end.
local function is_plain(signature, class)
    return signature:find "^~" or signature:find "operator=" or signature:find("^" .. class .. "%(%)")
        or signature:find("^" .. class .. "%(const " .. class .. " &") or signature:find("^" .. class .. "%(" .. class .. " &&")
end

local function name_of(signature) return signature:match "(operator%s?[^%s(]+)%(" or signature:match "([%w_]+)%(" end

local function is_class(item) return item.signature:gsub("^template %b<> ", ""):match "^class " ~= nil end

local function class_of(item)
    local name = item.signature:gsub("^template %b<> ", ""):gsub("%[%[.-%]%] ", ""):match "^class ([%w_]+)"
    local members, before = {}, nil
    for _, member in ipairs(items("private:\n" .. item.body:sub(2, -2))) do
        if member.public and not member.signature:find "^using " and not is_plain(member.signature, name) then
            member.calls = called(member.body)
            local again = before and name_of(before.signature) == name_of(member.signature) -- the words of the one before
            if again and not member.calls then member.text = member.text or before.text end
            members[#members + 1], before = member, member
        end
    end
    return { name = name, text = item.text, section = item.section, members = members }
end

--- The text at the head of the header, and its classes and functions in their order: { name =, text =, section =, members = }
--- and { signature =, text =, section =, calls = }.
function header_cpp.read(root)
    local text = read(root .. "/src/gpumm.hpp")
    local head = text:match "\n//\n(.-)\n#ifndef"
    local inside = text:match "\nnamespace gpumm {\n(.*)\n} // namespace gpumm\n"
    local list = {}
    for _, item in ipairs(items(inside)) do
        if is_class(item) then list[#list + 1] = class_of(item)
        elseif not item.signature:find "^namespace " and not item.signature:find "status::check" then
            item.calls = called(item.body)
            list[#list + 1] = item
        end
    end
    return (head:gsub("^// ?", ""):gsub("\n// ?", "\n")), list
end

return header_cpp
