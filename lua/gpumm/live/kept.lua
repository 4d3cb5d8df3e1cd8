-- SPDX-License-Identifier: MIT
-- Positions that outlive their simulation: by the nodes' names where both simulations have names, else by number.

local kept = {}

--- The positions of an open simulation that is shown.
function kept.of(sim, shows)
    if not (shows and shows.positions) or #shows.positions == 0 then return nil end
    local ok, view = pcall(function()
        sim.manager:synchronize()
        return shows.positions:download()
    end)
    if not ok or not view then return nil end
    local list = { view = view, dimensions = shows.dimensions, names = shows.names }
    if shows.names then
        list.by_name = {}
        for i = 1, math.min(#view, #shows.names) do list.by_name[tostring(shows.names[i])] = i end
    end
    return list
end

local function index_of(old, shows, i)
    if old.by_name and shows.names then return old.by_name[tostring(shows.names[i])] end
    return i <= #old.view and i or nil
end

--- Puts nodes where they were; returns how many. Of another number of dimensions none fits.
function kept.apply(old, shows)
    local count = #shows.positions
    if count == 0 or old.dimensions ~= shows.dimensions then return 0 end
    local now, known = shows.positions:download(), 0
    local points = {}
    for i = 1, count do
        local from = index_of(old, shows, i)
        if from then known = known + 1 end
        points[i] = { (from and old.view or now):get(from or i) }
    end
    if known > 0 then shows.positions:upload(points) end
    return known
end

return kept
