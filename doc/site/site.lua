-- SPDX-License-Identifier: MIT
-- Makes the site from the Markdown of doc/ and of the reference: each page by lowdown, within a frame with navigation.
-- scripts/site.sh runs it:
--
--     lua5.4 doc/site/site.lua ROOT OUT REFERENCE       REFERENCE: the folder that reference.lua wrote to
--
-- Links between Markdown files become links between pages; what else of the project a page links to becomes a page with its
-- text, so that a reader who has only the site has the examples too.

local normal = require "doc.site.normal"

local root, out, reference = arg[1], arg[2], arg[3]

-- Pages in the order of the navigation; what else lies in doc/ comes behind them.
local ORDER = {
    { "Begin", "start", "tutorial", "gallery", "concepts", "faq" },
    { "Use", "scripts", "layouts", "kernels", "primitives", "command", "testing" },
    { "Embed and share", "install", "embedding", "sharing", "ranks", "abi" },
    { "Beside others", "coming-from", "performance" },
}
local OF_THE_PROJECT = { "CHANGELOG", "ARCHITECTURE", "CONTRIBUTING", "SECURITY" }

-- ---- Files --------------------------------------------------------------------------------------

local function quoted(path) return "'" .. path:gsub("'", "'\\''") .. "'" end

local function shell(line) assert(os.execute(line), line) end

local function read(path)
    local file = io.open(path, "rb")
    if not file then return nil end
    local text = file:read "a"
    file:close()
    return text
end

local function write(path, text)
    shell("mkdir -p " .. quoted(path:match "^(.*)/"))
    local file <close> = assert(io.open(path, "wb"))
    file:write(text)
end

local function markdown(path)
    local pipe = assert(io.popen("lowdown -thtml --out-no-smarty --parse-no-intraemph " .. quoted(path)))
    local text = pipe:read "a"
    assert(pipe:close(), "lowdown failed for " .. path)
    return text
end

local function escaped(text) return (text:gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" })) end

-- ---- Pages --------------------------------------------------------------------------------------

local pages, by_source = {}, {} -- { source =, file =, title =, part = }

local function add(source, file, part)
    local text = read(root .. "/" .. source) or read(source)
    if not text then return end
    local page = { source = source, file = file, part = part, title = text:match "\n# ([^\n]+)" or file }
    pages[#pages + 1] = page
    by_source[source] = page
end

local function collect()
    for _, part in ipairs(ORDER) do
        for i = 2, #part do add("doc/" .. part[i] .. ".md", part[i] .. ".html", part[1]) end
    end
    for name in assert(io.popen("cd " .. quoted(root) .. " && ls doc/*.md")):lines() do
        if not by_source[name] then add(name, name:match "([^/]+)%.md$" .. ".html", "More") end
    end
    for _, name in ipairs(OF_THE_PROJECT) do add(name .. ".md", name:lower() .. ".html", "The project") end
    for line in io.lines(reference .. "/pages.txt") do
        local file = line:match "^([^\t]+)"
        local part = file:find "^c" and "C reference" or "Lua reference"
        add(reference .. "/" .. file, "reference/" .. file:gsub("%.md$", ".html"), part)
        by_source["doc/reference/" .. file] = pages[#pages]
    end
end

-- ---- Links --------------------------------------------------------------------------------------

local sources = {} -- of the project, that pages link to

-- From a page of the site to another file of it.
local function relative(from, to) return ("../"):rep(select(2, from:gsub("/", ""))) .. to end

-- Where a link of a page leads to in the site.
local function link(page, href)
    if href:find "^%a+:" or href:find "^#" then return href end
    local path, fragment = href:match "^([^#]*)(#?.*)$"
    local at = page.source:find("^" .. reference:gsub("%p", "%%%0")) and "doc/reference/" or page.source:match "^(.*/)" or ""
    local target = normal(at .. path)
    if by_source[target] then return relative(page.file, by_source[target].file) .. fragment end
    if target:find "^doc/pictures/" or target:find "^doc/gallery/" then
        return relative(page.file, (target:gsub("^doc/", "")))
    end
    if os.execute("test -f " .. quoted(root .. "/" .. target)) then
        sources[target] = true
        return relative(page.file, "source/" .. target .. ".html")
    end
    return "https://github.com/gpumm/gpumm/tree/main/" .. target
end

-- ---- A page's text ------------------------------------------------------------------------------

--- What GitHub calls a heading: its letters and digits, with - for blanks.
local function slug(html)
    local text = html:gsub("<[^>]+>", ""):gsub("&#?%w+;", ""):lower():gsub("Ö", "ö")
    return (text:gsub("[^%w_ \128-\255-]", ""):gsub(" ", "-"))
end

local function headings(html)
    local seen, list = {}, {}
    html = html:gsub("<h(%d)[^>]*>(.-)</h%d>", function(level, text)
        local id = slug(text)
        seen[id] = (seen[id] or -1) + 1
        if seen[id] > 0 then id = id .. "-" .. seen[id] end
        if level == "2" then list[#list + 1] = { id = id, text = text:gsub("<[^>]+>", "") } end
        local anchor = level ~= "1" and (' <a class="here" href="#%s" aria-label="a link to this">#</a>'):format(id) or ""
        return ('<h%s id="%s">%s%s</h%s>'):format(level, id, text, anchor, level)
    end)
    return html, list
end

local function body(page)
    local path = page.source:sub(1, 1) == "/" and page.source or root .. "/" .. page.source
    local html = markdown(path)
    html = html:gsub('(%shref=)"([^"]*)"', function(name, href) return ('%s"%s"'):format(name, link(page, href)) end)
    html = html:gsub('(<img src=)"([^"]*)"', function(name, href) return ('%s"%s"'):format(name, link(page, href)) end)
    html = html:gsub("<img ", '<img loading="lazy" ')
    html = html:gsub("<table>.-</table>", function(text)
        return '<div class="wide">' .. text:gsub("\\|", "|") .. "</div>"
    end)
    return headings(html)
end

-- ---- The frame ----------------------------------------------------------------------------------

local FRAME = [[
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>%s · gpumm</title>
<link rel="stylesheet" href="%s">
</head>
<body>
<header><a href="%s"><b>gpumm</b></a> <span>GPU memory for simulations, scripted in Lua</span></header>
<nav><details%s><summary>Pages</summary>
%s</details></nav>
<main>
%s%s</main>
</body>
</html>
]]

local function navigation(page)
    local lines, part = {}, nil
    for _, other in ipairs(pages) do
        local reference_page = other.file:find "^reference/[^/]+%-" and other.part ~= page.part
        if other.part ~= part then
            lines[#lines + 1] = (part and "</ul>\n" or "") .. "<p>" .. other.part .. "</p>\n<ul>\n"
            part = other.part
        end
        if not reference_page then
            local title = escaped(other.title:gsub("`", ""):gsub(" %(C%)$", ""))
            local here = other == page and ' aria-current="page"' or ""
            lines[#lines + 1] = ('<li><a href="%s"%s>%s</a></li>\n'):format(relative(page.file, other.file), here, title)
        end
    end
    return table.concat(lines) .. "</ul>\n"
end

local function contents(list)
    if #list < 4 then return "" end
    local lines = {}
    for _, heading in ipairs(list) do lines[#lines + 1] = ('<a href="#%s">%s</a>'):format(heading.id, heading.text) end
    return '<p class="contents">' .. table.concat(lines, " · ") .. "</p>\n"
end

local function frame(page, html, list)
    local title, rest = html:match "^(%s*<h1.-</h1>)(.*)$"
    local top = (title or "") .. "\n" .. contents(list)
    local text = FRAME:gsub("%%s", "\0")
    local values = { escaped(page.title), relative(page.file, "style.css"), relative(page.file, "index.html"), "",
        navigation(page), top, rest or html }
    local i = 0
    return (text:gsub("%z", function()
        i = i + 1
        return (values[i]:gsub("%%", "%%"))
    end))
end

local function source_page(path)
    local page = { source = path, file = "source/" .. path .. ".html", title = path }
    local html = ("<h1>%s</h1>\n<pre><code>%s</code></pre>\n"):format(path, escaped(read(root .. "/" .. path)))
    write(out .. "/" .. page.file, frame(page, html, {}))
end

collect()
for _, page in ipairs(pages) do
    local html, list = body(page)
    write(out .. "/" .. page.file, frame(page, html, list))
    if page.file == "start.html" then write(out .. "/index.html", frame(page, html, list)) end
end
for path in pairs(sources) do source_page(path) end
shell(("cp %s %s"):format(quoted(root .. "/doc/site/style.css"), quoted(out .. "/style.css")))
for _, folder in ipairs { "pictures", "gallery" } do
    local from = root .. "/doc/" .. folder
    shell(("[ ! -d %s ] || cp -r %s %s"):format(quoted(from), quoted(from), quoted(out)))
end
print(("%d pages in %s"):format(#pages, out))
