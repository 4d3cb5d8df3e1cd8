-- SPDX-License-Identifier: MIT
-- The frames of a layout that grew: some of them, evenly, and as a page carries them.

local json = require "gpumm.page.json"
local native = require "gpumm.layout.native"
local points = require "gpumm.common.points"

local frames = {}

local MOST = 48

local methods = {}
local metatable = { __index = methods }

--- Keeps a copy of a frame's positions, unless the frames are already as dense as they shall be.
function methods:add(step, view)
    if step < (self.next or step) then return end
    if #self == self.most then -- every other one goes, and fewer come
        for k = 1, self.most // 2 do self[k] = self[2 * k - 1] end
        for k = self.most // 2 + 1, self.most do self[k] = nil end
        self.gap = 2 * self.gap
    end
    if #self == 1 and self.gap == 0 then self.gap = step - self[1].step end
    self[#self + 1] = { step = step, positions = view:copy() }
    self.next = step + self.gap
end

--- A list that keeps at most so many.
function frames.new(most)
    most = math.max(2, most or MOST) // 2 * 2
    return setmetatable({ most = most, gap = 0 }, metatable)
end

local function check(frame, k, positions)
    if type(frame) ~= "table" or frame.positions == nil then
        error(("page.write: frame %d is not { step =, positions = }"):format(k), 0)
    end
    local view = points("page.write", frame.positions, 1)
    local kind = positions:type().name
    if #view == 0 or #view > #positions or view:type().name ~= kind then
        error(("page.write: frame %d has not 1 to %d positions of %s"):format(k, #positions, kind), 0)
    end
    return view
end

-- The box of them all: where it begins in each coordinate, and how large it is.
local function box_of(views)
    local low, high = {}, {}
    for _, view in ipairs(views) do
        for k, spread in ipairs(native.spread(view, 0)) do
            low[k] = math.min(low[k] or spread[1], spread[1])
            high[k] = math.max(high[k] or spread[4], spread[4])
        end
    end
    local size = 0
    for k = 1, #low do size = math.max(size, high[k] - low[k]) end
    return low, size > 0 and size or 1
end

--- { said, box, data }: JSON of steps and counts, JSON of the box, and what lies in it. The positions are the last frame.
function frames.encode(list, positions)
    if list and type(list) ~= "table" then error("page.write: frames are a list, not " .. tostring(list), 0) end
    if not list or #list == 0 then return { said = "[]", box = "null", data = "" } end
    local views, steps, said, data = {}, {}, {}, {}
    for k, frame in ipairs(list) do views[k], steps[k] = check(frame, k, positions), math.tointeger(frame.step) or k end
    if #views[#views] ~= #positions or views[#views]:bytes() ~= positions:bytes() then
        views[#views + 1], steps[#steps + 1] = positions, steps[#steps] + 1
    end
    local low, size = box_of(views)
    for k, view in ipairs(views) do
        said[k], data[k] = ("[%d,%d]"):format(steps[k], #view), native.shorts(view, low, size)
    end
    local box = table.move(low, 1, #low, 1, {})
    box[#box + 1] = size
    return { said = "[" .. table.concat(said, ",") .. "]", box = "[" .. json.numbers(box) .. "]", data = table.concat(data) }
end

return frames
