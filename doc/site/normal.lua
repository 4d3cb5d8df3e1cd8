-- SPDX-License-Identifier: MIT

--- A path without what goes up: "doc/b.md" of "doc/a/../b.md".
return function(path)
    local parts = {}
    for part in path:gmatch "[^/]+" do
        if part == ".." then parts[#parts] = nil elseif part ~= "." then parts[#parts + 1] = part end
    end
    return table.concat(parts, "/")
end
