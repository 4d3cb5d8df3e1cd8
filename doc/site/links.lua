-- SPDX-License-Identifier: MIT
-- Checks every link of a site that lies in a folder: files and anchors that are not there are printed, and it fails.
--
--     lua5.4 doc/site/links.lua FOLDER

local normal = require "doc.site.normal"

local folder = arg[1]

local function read(path)
    local file <close> = assert(io.open(path, "rb"))
    return file:read "a"
end

local function unescaped(text)
    return (text:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end):gsub("&amp;", "&"))
end

local texts, ids = {}, {}
for path in assert(io.popen(("cd '%s' && find . -name '*.html' | sort"):format(folder))):lines() do
    path = path:gsub("^%./", "")
    texts[path], ids[path] = read(folder .. "/" .. path), {}
    for id in texts[path]:gmatch '%sid="([^"]+)"' do ids[path][id] = true end
end

local function exists(path)
    local file = io.open(folder .. "/" .. path, "rb")
    return file and file:close()
end

-- What is wrong with a link of a page, nil: nothing. Addresses elsewhere are not visited.
local function wrong(page, href)
    if href:find "^https://" or href:find "^mailto:" or href:find "^data:" then return nil end
    if href:find "^%a+:" then return "neither https nor of the site" end
    local path, id = unescaped(href):match "^([^#]*)#?(.*)$"
    local target = path == "" and page or normal((page:match "^(.*/)" or "") .. path)
    if not exists(target) then return "no such file" end
    if id ~= "" and not (ids[target] and ids[target][id]) then return "no such place" end
end

local count, broken = 0, 0
for page, text in pairs(texts) do
    for href in text:gmatch '%s[hs]re?[fc]="([^"]*)"' do
        count = count + 1
        local why = wrong(page, href)
        if why then
            broken = broken + 1
            print(("%s: %s: %s"):format(page, href, why))
        end
    end
end
print(("%d links, %d broken"):format(count, broken))
os.exit(broken == 0 and count > 100)
