-- SPDX-License-Identifier: MIT
-- Names numbered over all ranks as if one had read them: in the order of the first appearance, rank by rank. Every name has a
-- home, a rank found by its hash, which hears who has it and tells which rank came first; that one numbers it, and the home
-- tells the others. No rank has all names: it has its own, and those that are at home with it.

local gpumm = require "gpumm"

local function need(value, message)
    return value or error(message, 0)
end

local function numbers_text(list) return #list > 0 and gpumm.view("u32", list):bytes() or "" end
local function numbers_of(text) return #text > 0 and gpumm.view("u32", text) or {} end

-- By rank, what one rank has for each: lists.
local function lists(size)
    local all = {}
    for r = 1, size do all[r] = {} end
    return all
end

local function trade_numbers(world, of)
    local texts = {}
    for r = 1, world.size do texts[r] = numbers_text(of[r]) end
    local came = need(world.trade(texts))
    for r = 1, world.size do came[r] = numbers_of(came[r]) end
    return came
end

-- Sends every name to its home. Returns which of ours went to each, by their place, and what came here: names by rank.
local function send_home(world, home, names)
    local size = world.size
    local sent, texts = lists(size), lists(size)
    for i = 1, #names do
        local name = names[i]
        local at = home(name, size) + 1
        table.insert(sent[at], i)
        table.insert(texts[at], string.pack("<s4", name))
    end
    for r = 1, size do texts[r] = table.concat(texts[r]) end
    local came = need(world.trade(texts))
    for r = 1, size do
        local list, text, at = {}, came[r], 1
        while at <= #text do list[#list + 1], at = string.unpack("<s4", text, at) end
        came[r] = list
    end
    return sent, came
end

-- The first rank that has each name of ours.
local function first_ranks(world, sent, came)
    local first, replies, ranks = {}, lists(world.size), {}
    for r = 1, world.size do
        for _, name in ipairs(came[r]) do first[name] = first[name] or r end
    end
    for r = 1, world.size do
        for k, name in ipairs(came[r]) do replies[r][k] = first[name] end
    end
    local told = trade_numbers(world, replies)
    for r = 1, world.size do
        for k, i in ipairs(sent[r]) do ranks[i] = told[r][k] end
    end
    return ranks, first
end

-- How many names the ranks before this one number, and how many all do.
local function before_and_all(world, mine)
    local before, all = 0, 0
    for r, text in ipairs(need(world.collect(string.pack("<i8", mine)))) do
        local count = string.unpack("<i8", text)
        if r <= world.rank then before = before + count end
        all = all + count
    end
    if all > 0x7fffffff then error(("world.number: %d names are more than fit"):format(all), 0) end
    return before, all
end

-- The numbers of those that are first here.
local function number_own(world, ranks)
    local mine = 0
    for i = 1, #ranks do mine = mine + (ranks[i] == world.rank + 1 and 1 or 0) end
    local before, all = before_and_all(world, mine)
    local numbers, next_number = {}, before
    for i = 1, #ranks do
        if ranks[i] == world.rank + 1 then next_number = next_number + 1 end
        numbers[i] = ranks[i] == world.rank + 1 and next_number or 0
    end
    return numbers, all, before + 1, mine
end

-- Tells the homes our own numbers, and hears the others from them.
local function share_numbers(world, sent, came, first, numbers)
    local out, replies, known = lists(world.size), lists(world.size), {}
    for r = 1, world.size do
        for k, i in ipairs(sent[r]) do out[r][k] = numbers[i] end -- 0: it is another's
    end
    local told = trade_numbers(world, out)
    for r = 1, world.size do
        for k, name in ipairs(came[r]) do
            if first[name] == r then known[name] = told[r][k] end
        end
    end
    for r = 1, world.size do
        for k, name in ipairs(came[r]) do replies[r][k] = known[name] end
    end
    told = trade_numbers(world, replies)
    for r = 1, world.size do
        for k, i in ipairs(sent[r]) do numbers[i] = told[r][k] end
    end
end

--- A view of the numbers (u32), how many there are on all ranks, the first of those that are first here, and how many.
return function(world, home, names)
    local sent, came = send_home(world, home, names)
    local ranks, first = first_ranks(world, sent, came)
    local numbers, all, from, mine = number_own(world, ranks)
    share_numbers(world, sent, came, first, numbers)
    return gpumm.view("u32", numbers), all, from, mine
end
