-- SPDX-License-Identifier: MIT
-- The building blocks together: rows, repulsion, springs and motion of one model on one manager. The nodes'
-- buffers (position, velocity, force, mass, heft) are the caller's; a simulation of one's own calls step.

local gpumm = require "gpumm"
local edge_lengths = require "gpumm.force.edge_lengths"
local halo = require "gpumm.force.halo"
local kernels = require "gpumm.force.kernels"
local models = require "gpumm.force.models"
local part = require "gpumm.force.part"
local replayed = require "gpumm.force.replayed"
local repulsion = require "gpumm.force.repulsion"
local rows = require "gpumm.force.rows"
local stress = require "gpumm.force.stress"

local need, buffer = kernels.need, kernels.buffer
local Engine = {}
Engine.__index = Engine

local THREADS = 1 << 14 -- that sum whole numbers over all nodes
local NONE = { 0, 0, 0 }
local SAMPLED = 64 -- nodes of a chunk that are looked at where the middle is asked for

local function prefix_of(model, dimensions)
    return kernels.dimension(dimensions)
        .. "#define ATTRACT(u) attract_at(u)\nstatic __device__ float attract_at(float d2) { (void)d2; return "
        .. model.attract .. "; }\nstatic __device__ float repel_at(float d2) { (void)d2; return " .. model.repel
        .. "; }\n#define MASS(heft) (" .. model.mass .. ")\n" .. (model.lengths and "#define LENGTHS\n" or "")
        .. gpumm.resource("gpumm/force/bounds.cu")
end

--- The rows of the graph as it is now, and from them the nodes' mass and heft.
function Engine:connect(nodes, n, m, from, to, base, weight)
    self:complete(nodes)
    local now = self.rows:build(n, m, from, to, base, weight)
    self.pull = buffer(self.manager, "f32x" .. self.dimensions, math.max(1, now.segment_count), self.pull)
    if now.count > 0 then need(self.kernels.weigh(now.count, now.first, now.row, now.pull, nodes.mass, nodes.heft)) end
    self.part:gather(nodes.mass, n)
end

--- Writes every node's repulsion to nodes.force.
function Engine:repel(nodes, strength, seed)
    self.pushes:repel_well(self.rows.now.n, nodes.position, nodes.mass, nodes.force, strength, seed, self.unit)
end

-- With `box`, the first `threads` find it on their way.
local function springs(self, nodes, v, box, threads)
    local now = self.rows.now
    if now.segment_count == 0 then return end
    need(self.kernels.springs(now.segment_count, now.segment_node, now.segment_begin, now.near, now.pull,
        nodes.position, v.unit, self.pull, threads or 0, now.n, box or false))
end

--- Writes every segment's springs to self.pull.
function Engine:springs(nodes) springs(self, nodes, { unit = self.unit ^ 2 }) end

-- What strength of the repulsion would balance the springs, in the layout as it is: infinite where nodes are too far
-- apart to push, nil where no spring draws anything together.
local function balanced_strength(self, nodes)
    local now = self.rows.now
    self.pushes:spread(now.n, nodes.position, nodes.mass, nodes.force, self.unit)
    self:springs(nodes)
    local spread, together = part.sums(self.manager, self.rows, 2, function(chunks, chunk, out)
        return self.kernels.balance(chunks, chunk, now.count, now.first, nodes.position, nodes.force, now.segment, self.pull,
            out)
    end)
    local drawn = -together
    if not (drawn > 0 and drawn < math.huge) then return nil end
    return spread > 0 and drawn / spread or math.huge
end

--- The mean length of the edges; nil where there is none.
function Engine:mean_length(nodes)
    if self.rows.now.m == 0 then return nil end
    local length = edge_lengths.sums(self.manager, self.rows, self.dimensions, nodes.position)
    return length > 0 and length < math.huge and length / self.rows.now.m or nil
end

-- The unit at which pushes and pulls balance, found between one too small and one too large. It stays as it is where
-- there is none: weights may be such that nothing draws the nodes together.
local function find_unit(self, nodes)
    local first, low, high = self.unit, nil, nil
    for _ = 1, 24 do
        local strength = balanced_strength(self, nodes)
        if not strength then break end
        if strength > 0.9 and strength < 1.1 then return end
        if strength < 1 then low = self.unit else high = self.unit end
        self.unit = low and high and math.sqrt(low * high) or low and 4 * low or high / 4
    end
    if not (low and high) then self.unit = first end
end

--- Suits the forces to the layout as it is, so that the whole neither spreads nor shrinks: by the unit of a model that
--- has a length of its own, by the strength of repulsion of the others, which measure in edges.
function Engine:balance(nodes)
    local length = self:mean_length(nodes)
    if not length then return end
    self.unit = 1 / length
    if self.model.lengths then return end
    if self.model.length then
        find_unit(self, nodes)
    else
        local strength = balanced_strength(self, nodes)
        self.strength = strength and strength < math.huge and strength or self.strength
    end
end

-- What differs from step to step.
local function values_of(self, nodes, i, limit, hold, cold)
    local drift = nodes.drift or NONE
    self.turn = (self.turn + 1) % stress.TURNS
    return { drift_x = drift[1], drift_y = drift[2], drift_z = drift[3],
        strength = self.strength * self.repulsion, seed = i & 0xffffffff, unit = self.unit ^ 2, hold = hold or 0,
        tension = nodes.tension or 1, turn = self.turn, gravity = self.gravity, speed = self.speed, inertia = self.inertia,
        limit = limit / self.unit, cold = (cold or 0) / self.unit }
end

-- The launches of an iteration, with the values of that step or names for those of any; it asks for those alone that a
-- kernel takes.
local function iterate(self, nodes, v)
    local now, others = self.rows.now, self.halo and self.halo:others()
    local box, threads
    if not others then box, threads = self.pushes:box_by(now.segment_count, now.n) end
    springs(self, nodes, v, box, threads)
    if others then box = self.halo:bound(self.pushes.grid.box) end
    self.pushes:enqueue(now.n, nodes.position, nodes.mass, nodes.force, v, { bounded = box, others = others })
    if nodes.anchor and now.count > 0 then
        need(self.kernels.hold(now.count, now.first, nodes.anchor, nodes.held, nodes.heft, v.hold, nodes.position, nodes.force))
    end
    for _, of in ipairs(nodes.stress or {}) do of:draw(nodes, v) end
    if now.count == 0 then return end
    need(self.kernels.move(now.count, now.first, now.segment, self.pull, nodes.force, nodes.mass, nodes.heft,
        nodes.pinned or false, nodes.heat or false, v.cold, v.gravity, 1, v.speed, v.inertia, v.drift_x, v.drift_y, v.drift_z,
        v.limit, nodes.position, nodes.velocity))
end

-- New positions to the other ranks: to each those that it asks for, or all to all.
local function share(self, nodes)
    local n = self.rows.now.n
    if nodes.partial and self.halo and repulsion.is_by_cells(n) and self.halo:update(self.rows, nodes) then return end
    self.part:gather(nodes.position, n)
    if self.halo then self.halo:forget() end
end

--- One iteration: repulsion, springs, motion. `limit` is how far a node may move, in the model's units; `hold` (nil: 0)
--- how strongly nodes are drawn to nodes.anchor where nodes.held says so. Where there is nodes.heat, an f32 from 0 to 1 for each,
--- a node may move by that share of the limit, or by `cold` (nil: 0). By nodes.tension (1: at once) the stresses of
--- nodes.stress, where there are any, are held. nodes.drift (nil: none), x, y and z, is taken from each node's motion. It is
--- a replay of what the first step recorded, while buffers and rows stay the same; with engine.recorded = false, and over
--- several ranks, its launches are enqueued one by one, as a recording of one's own needs it. nodes.partial: over ranks, other
--- ranks' positions need not be known behind it but for what the next step asks for; `complete` comes before anything else does.
function Engine:step(nodes, i, limit, hold, cold)
    local now, v = self.rows.now, values_of(self, nodes, i, limit, hold, cold)
    self.pushes:prepare(now.n)
    if self.recorded and self.part.is_alone then
        self.replayed:run(replayed.is_of(self.replayed, self.rows.built, self.pushes.fitted, nodes), v,
            function(named) iterate(self, nodes, named) end)
    else
        iterate(self, nodes, v)
    end
    self.pushes:enqueued(now.n)
    share(self, nodes)
end

--- Over ranks, makes nodes.position known where steps with nodes.partial have left it as it was.
function Engine:complete(nodes)
    if not (self.halo and self.halo.lists) then return end
    self.part:gather(nodes.position, self.rows.now.n)
    self.halo:forget()
end

--- The middle of the nodes, each counting by its heft: x, y, z (0 in the plane). Of many nodes it is that of a sample.
function Engine:centre(nodes)
    local now = self.rows.now
    local x, y, z, heft = part.sums(self.manager, self.rows, 4, function(chunks, chunk, out)
        local step = math.max(1, chunk // SAMPLED)
        return self.kernels.centre(chunks, chunk, step, now.count, now.first, nodes.position, nodes.heft, out)
    end)
    return { x / heft, y / heft, z / heft }
end

--- Adds how far the nodes moved in the last step, in 2^-20 of the model's units, to a buffer of one u64 that is 0.
function Engine:moved(nodes, sum)
    local n = self.rows.now.count
    if n > 0 then need(self.kernels.moved(math.min(THREADS, n), n, nodes.velocity, self.unit, sum)) end
    self.part:reduce(sum, "sum", 1)
end

--- Gives back what the graph took; the engine is not to be used any more.
function Engine:close()
    self.rows:close()
    if self.pull then self.pull:close() end
    if self.halo then self.halo:close() end
end

local engine = {}

--- An engine for a manager: options are model, dimensions, repulsion, gravity, speed, inertia, lengths (true: weights are one
--- over the lengths that edges shall have, in units, and the model is for that), and part (force/part): what is a node's but
--- position, mass and pinned is of its own nodes only.
function engine.new(manager, options)
    local model, dimensions = models.of(options.model or "tforce", "force.engine", 3), options.dimensions or 2
    if options.lengths then model = models.lengths end
    local self = setmetatable({
        manager = manager, dimensions = dimensions, model = model, strength = 1, unit = 1, turn = 0,
        recorded = manager:device().kind ~= "host", replayed = replayed.new(manager), -- there, launching is no slower
        repulsion = options.repulsion or 1, gravity = options.gravity or model.gravity,
        speed = options.speed or model.speed, inertia = options.inertia or model.inertia,
        kernels = kernels.of(manager, "motion.cu", prefix_of(model, dimensions)),
        pushes = repulsion.new(manager, { dimensions = dimensions, repel = model.repel, part = options.part }),
        rows = rows.new(manager, options.part),
        part = options.part or part.whole,
    }, Engine)
    self.rows.lengths = options.lengths
    self.halo = not self.part.is_alone and halo.new(manager, dimensions, self.pushes.grid)
    return self
end

return engine
