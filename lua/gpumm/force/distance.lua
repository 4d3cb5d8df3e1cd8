-- SPDX-License-Identifier: MIT
-- Components, and distances from up to 64 pivots at a time, on the device: in edges, by breadth first, or along the lengths of
-- edges (rows.lengths).

local kernels = require "gpumm.force.kernels"

local need, buffer = kernels.need, kernels.buffer
local distance = {}

local MOST = 64 -- pivots of one search: a bit each
local LONG = 1024 -- neighbours that one thread may look at in turn
local AT_ONCE = 8 -- queues of the host's search that exist at a time
local NEAR = 20 -- levels up to which every node looks around at each
local FRONTS = 48 -- levels of a recording, a multiple of 6
local FOLLOWERS = 1 << 16 -- threads that take what is in a queue

--- The component of every node as a view: the number, from 0, of its least node.
function distance.components(manager, rows)
    local run, now = kernels.of(manager, "distance.cu"), rows.now
    local parent <close> = buffer(manager, "u32", now.n)
    local label <close> = buffer(manager, "u32", now.n)
    need(run.alone(now.n, parent))
    if now.entries > 0 then need(run.join(now.count, now.first, now.row, now.near, parent)) end
    rows.part:unite(manager, now.n, parent)
    need(run.flatten(now.n, parent, label))
    return need(label:download())
end

local function search_by_queues(manager, rows, pivots, count, first, out)
    local run, now = kernels.of(manager, "distance.cu"), rows.now
    local queue <close> = buffer(manager, "u32", now.n * math.min(AT_ONCE, count))
    for from = 0, count - 1, AT_ONCE do
        need(run.search(math.min(AT_ONCE, count - from), now.n, now.row, now.near, pivots, from, first, out, queue))
    end
end

-- Enqueues a level: from `frontier`, what is found to `next`.
local function expand(run, now, search, frontier, next)
    local n, all, seen = now.n, search.all, search.seen
    if now.most <= LONG then
        need(run.expand(n, now.row, now.near, all, search.first, search.level, frontier, next, seen, search.out, search.last))
    else
        need(run.look(now.segment_count, now.segment_node, now.segment_begin, now.near, all, frontier, seen, next))
        need(run.arrive(n, search.first, search.level, next, frontier, seen, search.out, search.last))
    end
end

-- Levels by queues, from one on that has been found: recorded once, so many at a time.
local function search_by_fronts(manager, run, now, search, frontier, next)
    local n = now.n
    local first <close> = buffer(manager, "u32", n)
    local second <close> = buffer(manager, "u32", n)
    local turn = { [0] = first, second }
    local state <close> = buffer(manager, "u32", 4)
    need(state:upload { 0, 0, 0, search.level })
    need(next:fill(0))
    need(run.line_up(n, frontier, first, state))
    local levels <close> = need(manager:record(function()
        for k = 0, FRONTS - 1 do
            local queue, behind = turn[k % 2], turn[(k + 1) % 2]
            need(run.follow(FOLLOWERS, k % 3, now.row, now.near, frontier, search.seen, next, queue, behind, state))
            need(run.reach(FOLLOWERS, k % 3, n, search.first, behind, frontier, next, search.seen, search.out, state,
                search.last))
        end
    end))
    local ahead = 1
    repeat
        for _ = 1, ahead do need(levels:replay()) end
        search.level = search.level + ahead * FRONTS
        ahead = math.min(2 * ahead, 8)
    until need(search.last:download())[1] < search.level
end

-- The levels are enqueued ahead, ever more of them at a time, until one found nothing new.
local function search_by_levels(manager, rows, pivots, count, first, out)
    local run, now, n = kernels.of(manager, "distance.cu"), rows.now, rows.now.n
    local seen <close> = buffer(manager, "u64", n)
    local here <close> = buffer(manager, "u64", n)
    local there <close> = buffer(manager, "u64", n)
    local last <close> = buffer(manager, "u32", 1)
    need(run.plant(n, count, first, pivots, out, seen, here))
    need(there:fill(0))
    need(last:fill(0))
    local search = { all = count == 64 and -1 or (1 << count) - 1, level = 0, first = first, seen = seen, out = out, last = last }
    local ahead, frontier, next = 8, here, there
    repeat
        for _ = 1, ahead do
            search.level = search.level + 1
            expand(run, now, search, frontier, next)
            frontier, next = next, frontier
        end
        local is_done = need(last:download())[1] < search.level
        if not is_done and search.level > NEAR and now.most <= LONG then
            return search_by_fronts(manager, run, now, search, frontier, next)
        end
        ahead = math.min(2 * ahead, 256)
    until is_done
end

local function along_heaps(manager, rows, pivots, count, first, out)
    local run, now = kernels.of(manager, "lengths.cu", kernels.distances(rows)), rows.now
    local queue <close> = buffer(manager, "u32", now.n * math.min(AT_ONCE, count))
    local place <close> = buffer(manager, "u32", now.n * math.min(AT_ONCE, count))
    for from = 0, count - 1, AT_ONCE do
        need(run.search(math.min(AT_ONCE, count - from), now.n, now.row, now.near, now.pull, pivots, from, first, out, queue,
            place))
    end
end

-- As search_by_levels, but a distance that was found may become less later.
local function along_rounds(manager, rows, pivots, count, first, out)
    local run, now = kernels.of(manager, "lengths.cu", kernels.distances(rows)), rows.now
    local here <close> = buffer(manager, "u64", now.n)
    local there <close> = buffer(manager, "u64", now.n)
    local last <close> = buffer(manager, "u32", 1)
    need(run.plant(now.n, count, first, pivots, out, here))
    need(there:fill(0))
    need(last:fill(0))
    local ahead, round, frontier, next = 8, 0, here, there
    repeat
        for _ = 1, now.segment_count > 0 and ahead or 0 do
            round = round + 1
            need(run.relax(now.segment_count, now.segment_node, now.segment_begin, now.near, now.pull, now.n, first, round,
                frontier, next, out, last))
            need(frontier:fill(0))
            frontier, next = next, frontier
        end
        ahead = math.min(2 * ahead, 256)
    until now.segment_count == 0 or need(last:download())[1] < round
end

local SEARCHES = {
    edges = { queues = search_by_queues, levels = search_by_levels },
    lengths = { queues = along_heaps, levels = along_rounds },
}

--- The type of a distance.
function distance.type(rows) return rows.lengths and "f32" or "u16" end

--- Writes the distances from each of the pivots (a list of nodes from 0, 64 at most) to every node into
--- `out`, a buffer of u16, pivot by pivot behind the first `first` of them; 65535 where there is no path. Distances along
--- lengths are f32, and 3e38 there. Of a part, to its own nodes. `how` is
--- "levels" (for many threads) or "queues" (for few), otherwise what suits the device.
function distance.write(manager, rows, pivots, first, out, how)
    if #pivots > MOST then error(("distances from %d pivots at a time, not from %d"):format(MOST, #pivots), 2) end
    if not rows.part.is_whole then return rows.part:search(manager, rows.now, pivots, first, out, rows.lengths) end
    local nodes <close> = buffer(manager, "u32", #pivots)
    need(nodes:upload(pivots))
    how = how or manager:device().kind == "cuda" and "levels" or "queues"
    local search = SEARCHES[rows.lengths and "lengths" or "edges"][how == "levels" and "levels" or "queues"]
    search(manager, rows, nodes, #pivots, first, out)
end

--- The same for any number of pivots, into a buffer of their own.
function distance.from(manager, rows, pivots, how)
    local out = buffer(manager, distance.type(rows), math.max(1, rows.now.count * #pivots))
    for first = 0, #pivots - 1, MOST do
        local some = table.move(pivots, first + 1, math.min(first + MOST, #pivots), 1, {})
        distance.write(manager, rows, some, first, out, how)
    end
    return out
end

local function identity(manager, count)
    local all, numbers = buffer(manager, "u32", count), {}
    for k = 1, count do numbers[k] = k - 1 end
    need(all:upload(numbers))
    return all
end

--- The distances of a sample, a list of nodes from 0 that `nodes` is a buffer of (nil and false: all nodes), on every rank:
--- { nodes, hops, stride, column }: where in the `stride` distances of a pivot each one is.
function distance.sampled(manager, rows, hops, pivots, sample, nodes)
    local now = rows.now
    if rows.part.is_whole then return { nodes = nodes, hops = hops, stride = now.count, column = nodes } end
    local samples = sample and #sample or now.n
    nodes = nodes or identity(manager, samples)
    local out = buffer(manager, distance.type(rows), samples * pivots)
    local run = kernels.of(manager, "pivots.cu", kernels.distances(rows))
    need(run.sampled(samples * pivots, samples, now.count, now.first, nodes, hops, out))
    rows.part:reduce(out, "sum", samples * pivots)
    return { nodes = nodes, hops = out, stride = samples, column = identity(manager, samples) }
end

-- Those of the sorted nodes that are in a block, counted from its first; and how many are before it.
local function of_block(members, first, count)
    local own, before = {}, 0
    for _, i in ipairs(members) do
        if i < first then before = before + 1
        elseif i < first + count then own[#own + 1] = i - first end
    end
    return own, before
end

--- Of a component, whose nodes from 0 are the sorted list or view `members` (nil: all), those that are worked on here: a buffer
--- of their numbers, counted from the first own node (false: all of these), how many, and how many members are before them.
function distance.own(manager, rows, members)
    local now = rows.now
    if not members then return false, now.count, now.first end
    local own, before = members, 0
    if not rows.part.is_whole then own, before = of_block(members, now.first, now.count) end
    local nodes = buffer(manager, "u32", math.max(1, #own))
    if #own > 0 then need(nodes:upload(own)) end
    return nodes, #own, before
end

return distance
