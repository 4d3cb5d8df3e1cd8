-- SPDX-License-Identifier: MIT
-- Values that may be given as a list or as a column (a view, or texts).

--- The values as a Lua table; nil where they are neither a list nor a column.
return function(values)
    if type(values) == "table" then return values end
    if type(values) ~= "userdata" then return nil end
    local whole, list = pcall(function() return values:totable() end)
    return whole and list or nil
end
