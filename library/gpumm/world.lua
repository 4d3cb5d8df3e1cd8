-- SPDX-License-Identifier: MIT
---@meta
-- Types for editors: require "gpumm.world", the module gpumm_mpi.

---@class gpumm.world
---@field rank integer this process, from 0
---@field size integer how many there are
---@field local_rank integer this process among those of its machine, from 0
---@field local_size integer how many of those there are
local world = {}

---@class gpumm.world_options
---@field seconds? number how long a call waits for the others: 600, unless given
---@field start? number how long the others may take to join: 120, unless given

---@class gpumm.ranks_options
---@field from gpumm.buffer what this rank sends
---@field to? gpumm.buffer of the same type; `from`, unless given
---@field first? integer of the elements of `from`, from 1; 1, unless given
---@field count? integer all from `first` on, unless given
---@field stream? gpumm.stream the main stream, unless given

---@class gpumm.allgather_options: gpumm.ranks_options
---@field later? boolean by NCCL, the next call waits for it: nothing else may wait for the device before; false, unless given

---@class gpumm.allreduce_options: gpumm.ranks_options
---@field op "sum"|"min"|"max" what is made of the elements of all ranks

---@class gpumm.exchange_options
---@field from gpumm.buffer what this rank sends, rank by rank
---@field to gpumm.buffer another one of the same type
---@field counts integer[] how many elements go to each rank
---@field first? integer of the elements of `from`, from 1; 1, unless given
---@field stream? gpumm.stream the main stream, unless given

---@class gpumm.broadcast_options
---@field buffer gpumm.buffer what is sent, or written
---@field root? integer the rank that sends; 0, unless given
---@field first? integer the root's, from 1; 1, unless given
---@field count? integer the root's; all from `first` on, unless given
---@field stream? gpumm.stream the main stream, unless given

---@class gpumm.barrier_options
---@field stream? gpumm.stream its work is done before; none is waited for, unless given

--- Joins the ranks of an MPI program; all have to do it, early. The first use of anything else does it with the defaults. In a
--- world that is open, `seconds` count from now on.
--- ```lua
--- local world = world.open { seconds = 60 }
--- print(world.rank, world.size) --> 0	1
--- ```
---@param options? gpumm.world_options
---@return gpumm.world
function world.open(options) end

--- Leaves, and waits until all do. The end of the state does it as well. `why` is told to those that were not about to leave.
--- Fails: BUSY within a call of the world.
--- ```lua
--- world.close()
--- ```
---@param why? string the reason; none, unless given
function world.close(why) end

--- The device of this rank, for gpumm.manager: "cuda:N", or "auto" where there is no GPU, or where GPUMM_DEVICE names a device.
--- ```lua
--- print(world.device())
--- ```
---@return string device
function world.device() end

--- By what elements of GPUs' buffers moved in the last call that was no allreduce: "NCCL", from GPU to GPU, or "MPI", through the
--- memory of the host.
--- ```lua
--- print((world.way())) --> MPI
--- ```
---@return "NCCL"|"MPI" way
---@return string? why not by NCCL
function world.way() end

--- How many threads are this rank's share of this machine's cores, on the host device.
--- ```lua
--- print(world.workers() >= 1) --> true
--- ```
---@return integer workers
function world.workers() end

--- A manager on this rank's own GPU, or on the host where there is none; on the device that is given, or that GPUMM_DEVICE names.
--- Fails: NO_DEVICE, OUT_OF_MEMORY.
--- ```lua
--- local m <close> = assert(world.manager { limit = "1GiB" })
--- ```
---@param options? gpumm.manager_options
---@return gpumm.manager? manager
---@return string? message
---@return gpumm.status_name? code
function world.manager(options) end

--- Every rank's elements, in the order of the ranks, to the beginning of `to`, which grows where it is too short.
--- Fails: OVER_LIMIT, OVER_MAX_SIZE, OUT_OF_MEMORY, TIMEOUT, CANCELLED (a rank has left or ended), CLOSED (the world is), DRIVER
--- (MPI or NCCL), BUSY (within another call, as in a growth function), and what failed on another rank.
--- ```lua
--- local all = m:buffer { type = "f32x2" }
--- world.allgather { from = b, to = all }
--- print(#all) --> 4
--- ```
---@param options gpumm.allgather_options
---@return integer[]? came how many from each rank
---@return string? message
---@return gpumm.status_name? code
function world.allgather(options) end

--- Element by element over all ranks, in their order, to the same place of `to`.
--- Fails: as allgather.
--- ```lua
--- local all = m:buffer { type = "f32x2" }
--- world.allreduce { from = b, to = all, op = "sum" }
--- ```
---@param options gpumm.allreduce_options
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function world.allreduce(options) end

--- counts[r + 1] elements go to rank r; what comes, in the order of the ranks, to the beginning of `to`, which grows where it
--- is too short.
--- Fails: as allgather.
--- ```lua
--- local all = m:buffer { type = "f32x2" }
--- local came = world.exchange { from = b, to = all, counts = { 4 } }
--- print(came[1]) --> 4
--- ```
---@param options gpumm.exchange_options
---@return integer[]? came how many from each rank
---@return string? message
---@return gpumm.status_name? code
function world.exchange(options) end

--- The root's elements to the same place of every other rank's buffer, which grows where it is too short.
--- Fails: as allgather.
--- ```lua
--- world.broadcast { buffer = b, root = 0 }
--- ```
---@param options gpumm.broadcast_options
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function world.broadcast(options) end

--- Returns when every rank has come here.
--- Fails: TIMEOUT, CANCELLED, CLOSED, DRIVER, BUSY, as allgather.
--- ```lua
--- world.barrier()
--- ```
---@param options? gpumm.barrier_options
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function world.barrier(options) end

--- Every rank's text, in the order of the ranks.
--- Fails: TIMEOUT, CANCELLED, CLOSED, DRIVER, BUSY, as allgather.
--- ```lua
--- print(world.collect("from " .. world.rank)[1]) --> from 0
--- ```
---@param text string any bytes
---@return string[]? texts
---@return string? message
---@return gpumm.status_name? code
function world.collect(text) end

--- texts[r + 1] goes to rank r; those that came, in the order of the ranks.
--- Fails: TIMEOUT, CANCELLED, CLOSED, DRIVER, BUSY, as allgather.
--- ```lua
--- print(world.trade { "to rank 0" }[1]) --> to rank 0
--- ```
---@param texts string[] any bytes, one for each rank
---@return string[]? texts
---@return string? message
---@return gpumm.status_name? code
function world.trade(texts) end

--- Nodes in blocks of about the same work, one a rank: where each begins, and where the last one ends.
--- ```lua
--- print(table.concat(world.blocks { 0, 1, 3, 5, 6 }, " ")) --> 1 5
--- ```
---@param row integer[] where each node's edges begin and the last one's end: a list or a view, one more than there are nodes
---@param node? number what a node costs, in edges: 4, unless given
---@param align? integer blocks end after a multiple of so many nodes, but for the last: 1, unless given
---@return integer[] blocks
function world.blocks(row, node, align) end

--- One number for every name, from 1, the same on every rank, in the order of the first appearance by rank.
--- ```lua
--- local numbers, total = world.number { "a", "b" }
--- print(numbers[2], total) --> 2	2
--- ```
---@param names string[] each once; a list or texts
---@return gpumm.view numbers of this rank's names
---@return integer total on all ranks
---@return integer first of those that appear here first
---@return integer count of those
function world.number(names) end

---@class gpumm.world_edges
---@field from gpumm.view u32, from 1
---@field to gpumm.view u32, from 1
---@field weight? gpumm.view f64
---@field nodes integer on all ranks
---@field names string[] this rank's own
---@field number gpumm.view their numbers

--- A list of edges, each rank a part of the file.
--- ```lua
--- local edges = world.edges("graph.tsv")
--- print(edges.nodes, #edges.from) --> 4	3
--- ```
---@param path string of the file
---@param options? gpumm.graph_read_options
---@return gpumm.world_edges
function world.edges(path, options) end

--- The graph of a file, over the ranks, for gpumm.force.layout and growing: each has the edges of its own nodes. `edges` is how
--- many there are on all, `part` what the engine asks.
--- ```lua
--- local g = world.graph("graph.tsv")
--- print(g.nodes, g.edges) --> 4	3
--- ```
---@param path string of the file
---@param options? { weights?: "strength"|"length"|false } what weights are; "strength", unless given
---@return gpumm.graph_object graph
function world.graph(path, options) end

return world
