-- SPDX-License-Identifier: MIT
---@meta gpumm
-- The Lua face of gpumm, for editors that know LuaCATS annotations. Nothing here runs. spec/library_spec.lua holds
-- it against what the module really exports, name by name, in both directions.
--
-- What the world can deny returns nil, "STATUS: message", "STATUS"; a mistake in the script raises. Within a
-- simulation both raise.

---@alias gpumm.scalar_name "i8"|"u8"|"i16"|"u16"|"i32"|"u32"|"i64"|"u64"|"f16"|"f32"|"f64"
---@alias gpumm.typelike string|gpumm.type "f32", "f32x3" and their like, or a type of gpumm.struct's
---@alias gpumm.size integer|string bytes, or text as "4GiB"
---@alias gpumm.status_name "OK"|"OUT_OF_MEMORY"|"OVER_LIMIT"|"OVER_MAX_SIZE"|"NOT_FOUND"|"ALREADY_EXISTS"|"TYPE_MISMATCH"|"INVALID_ARGUMENT"|"ASYNC_DISABLED"|"NOT_PENDING"|"ALREADY_PENDING"|"BUSY"|"TIMEOUT"|"CANCELLED"|"STALE"|"CLOSED"|"NO_DEVICE"|"DEVICE_LOST"|"COMPILE_FAILED"|"IO"|"DRIVER"
---@alias gpumm.access "read"|"write"
---@alias gpumm.data table|string|gpumm.view elements: a table of them, their bytes, or a view of their type
---@alias gpumm.where gpumm.stream|gpumm.where_options
---@alias gpumm.growthlike gpumm.growth_schedule|number|fun(request: gpumm.growth_request): integer

-- ---- Options ---------------------------------------------------------------------------------

---@class gpumm.where_options
---@field stream? gpumm.stream the main stream, unless given
---@field first? integer from 1
---@field count? integer

---@class gpumm.copy_options
---@field first? integer in the buffer that is written, from 1
---@field from_first? integer in the buffer that is read, from 1
---@field count? integer
---@field stream? gpumm.stream

---@class gpumm.manager_options
---@field device? string "auto", "host", "cuda", "cuda:1" or "cuda:GPU-uuid"
---@field limit? gpumm.size the budget, in logical bytes
---@field memory? gpumm.size of the host device
---@field granularity? gpumm.size the step in which the host device commits memory
---@field workers? integer threads that run kernels on the host device
---@field relocate? boolean grow by copying even where the device can grow in place
---@field debug? boolean keep canaries behind every buffer
---@field fault? boolean|gpumm.fault_plan put the fault device in between

---@class gpumm.fault_plan
---@field call? string a device call by name, as "commit"; any call, unless given
---@field nth? integer the nth such call from now fails; 0: none does
---@field status? gpumm.status_name with this; "OK": it is skipped, and reports success
---@field jitter? integer a seed: every operation of a stream is delayed at random
---@field hold? "copy"|"snapshot"|"fill"|"launch" held shut from the start

---@class gpumm.config
---@field bytes_per_element? gpumm.size of a buffer that is made without a type
---@field growth_factor? number at least 1
---@field max_size_bytes? gpumm.size
---@field min_size_bytes? gpumm.size
---@field enable_async? boolean start_async_download may be used

---@class gpumm.allocate_options: gpumm.config
---@field bytes_per_element? gpumm.size
---@field growth_factor? number
---@field max_size_bytes? gpumm.size
---@field min_size_bytes? gpumm.size
---@field enable_async? boolean
---@field growth? gpumm.growthlike wins over growth_factor
---@field align? integer capacities are multiples of so many elements
---@field ahead? integer growth steps to commit in advance
---@field max_length? integer
---@field tag? string who asks, for the books; the script's file and line, unless given
---@field stream? gpumm.stream where the zeros are written

---@class gpumm.buffer_options: gpumm.allocate_options
---@field type? gpumm.typelike
---@field length? integer
---@field bytes_per_element? gpumm.size
---@field growth_factor? number
---@field max_size_bytes? gpumm.size
---@field min_size_bytes? gpumm.size
---@field enable_async? boolean
---@field growth? gpumm.growthlike
---@field align? integer
---@field ahead? integer
---@field max_length? integer
---@field tag? string
---@field stream? gpumm.stream

---@class gpumm.group_options
---@field [integer] { [1]: string, [2]: gpumm.typelike } the members, in order
---@field growth? gpumm.growthlike
---@field align? integer
---@field ahead? integer
---@field length? integer
---@field max_length? integer
---@field min_length? integer
---@field name? string
---@field tag? string
---@field stream? gpumm.stream

---@class gpumm.kernel_options
---@field file? string CUDA C, beside the script
---@field source? string CUDA C
---@field name? string which kernel; the only one, unless given
---@field threads? string the parameter that counts threads; the first integer, unless given
---@field block? integer threads a block
---@field shared_bytes? integer
---@field types? table<string|integer, gpumm.type> structs whose declarations precede the source
---@field flags? string compiler flags, separated by spaces
---@field signature? string the prototype of a binary

---@class gpumm.launch_options
---@field stream? gpumm.stream
---@field threads? integer so many, whatever the counting parameter says; 0: none

---@class gpumm.readback_options
---@field [integer] string|gpumm.buffer which members; every one, unless given
---@field slots? integer 2 to 64; 2, unless given
---@field direct? boolean skip the staging on the device; the next writer waits
---@field busy? "drop"|"wait" what becomes of a capture while every slot is taken
---@field tag? string

---@class gpumm.growth_request
---@field name string
---@field capacity integer
---@field required integer
---@field max integer

---@class gpumm.growth_schedule
---@field kind "geometric"|"linear"|"list"|"exact"
---@field factor? number
---@field step? integer
---@field list? integer[]
---@field align? integer

-- ---- Records ---------------------------------------------------------------------------------

---@class gpumm.entry
---@field now integer bytes
---@field peak integer bytes
---@field count integer live blocks
---@field total integer blocks ever made

---@class gpumm.stats
---@field total_allocated_bytes integer
---@field peak_allocated_bytes integer
---@field buffer_count integer
---@field allocation_count integer
---@field resize_count integer
---@field async_transfer_count integer
---@field limit_bytes? integer
---@field used_bytes integer what counts against the limit
---@field peak_used_bytes integer
---@field committed_bytes integer what is really held
---@field peak_committed_bytes integer
---@field dropped_frames integer
---@field buffers gpumm.entry
---@field scratch gpumm.entry
---@field staging gpumm.entry
---@field pinned gpumm.entry
---@field precommitted gpumm.entry
---@field cached gpumm.entry
---@field slack gpumm.entry
---@field external gpumm.entry

---@class gpumm.block
---@field name string
---@field tag string "layout.lua:12"
---@field category string
---@field bytes integer
---@field committed_bytes integer
---@field address integer

---@class gpumm.device
---@field kind "host"|"cuda"
---@field name string
---@field why string how the choice came about
---@field uuid string
---@field total_bytes integer
---@field granularity integer
---@field pinned_granularity integer
---@field units integer
---@field in_place boolean
---@field pinned_in_place boolean
---@field compute? string
---@field driver_version? integer

---@class gpumm.live
---@field committed_bytes integer
---@field reserved_bytes integer
---@field ranges integer
---@field segments integer
---@field blocks integer
---@field streams integer
---@field events integer
---@field modules integer

---@class gpumm.parameter
---@field name string
---@field type string
---@field kind "pointer"|"value"
---@field access? gpumm.access of a pointer

---@class gpumm.field
---@field name string
---@field type gpumm.type
---@field offset integer

-- ---- Managers --------------------------------------------------------------------------------

---@class gpumm.manager
---@field fault gpumm.fault of a manager that was opened with fault
local Manager = {}

---@param name string
---@param type? gpumm.typelike
---@param length integer
---@param config? gpumm.allocate_options
---@return gpumm.buffer? buffer
---@return string? message
---@return gpumm.status_name? code
function Manager:allocate(name, type, length, config) end

--- An anonymous buffer: it goes with its last handle.
---@param options gpumm.buffer_options
---@return gpumm.buffer? buffer
---@return string? message
---@return gpumm.status_name? code
function Manager:buffer(options) end

---@param name string
---@param type? gpumm.typelike
---@return gpumm.buffer? buffer
---@return string? message
---@return gpumm.status_name? code
function Manager:get_buffer(name, type) end

---@param name string
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Manager:free(name) end

---@param name string
---@param capacity integer
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Manager:ensure_capacity(name, capacity) end

---@param name string
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Manager:start_async_download(name) end

---@param name string
---@param seconds? number
---@return gpumm.view? view it owns its memory
---@return string? message
---@return gpumm.status_name? code
function Manager:wait_for_download(name, seconds) end

--- Buffers that share a length and grow together, all or none.
---@param options gpumm.group_options
---@return gpumm.group? group
---@return string? message
---@return gpumm.status_name? code
function Manager:group(options) end

---@param options gpumm.kernel_options
---@return gpumm.kernel? kernel
---@return string? message
---@return gpumm.status_name? code
function Manager:kernel(options) end

--- Of one buffer, or of members of one group.
---@param options gpumm.readback_options
---@return gpumm.readback? readback
---@return string? message
---@return gpumm.status_name? code
function Manager:readback(options) end

---@return gpumm.stream? stream
---@return string? message
---@return gpumm.status_name? code
function Manager:stream() end

---@return gpumm.stream
function Manager:main() end

--- Device memory for one step; its contents are undefined.
---@param type gpumm.typelike|gpumm.size an element type and a count, or bytes
---@param count? integer|gpumm.where
---@param where? gpumm.where
---@return gpumm.scratch? scratch
---@return string? message
---@return gpumm.status_name? code
function Manager:scratch(type, count, where) end

---@return gpumm.stats
function Manager:stats() end

--- Named buffers alive that nobody freed.
---@return gpumm.block[]
function Manager:leaks() end

---@return gpumm.block[] leaks
---@return string? message
function Manager:check_leaks() end

--- Every live block, the largest first.
---@return gpumm.block[]
function Manager:blocks() end

---@return string[]
function Manager:names() end

---@return gpumm.device
function Manager:device() end

--- What went wrong in the background since the last call.
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Manager:poll() end

---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Manager:synchronize() end

--- Walks every structure and canary.
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Manager:check() end

--- Gives back what is cached and precommitted.
---@return integer bytes
function Manager:trim() end

--- Books memory that was taken elsewhere.
---@param bytes integer
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Manager:external(bytes) end

--- The world's failures raise from now on, or no longer.
---@param raise? boolean
---@return boolean before
function Manager:raising(raise) end

function Manager:close() end

---@return boolean
function Manager:is_closed() end

-- ---- Buffers ---------------------------------------------------------------------------------

---@class gpumm.buffer
---@field name string
---@field type gpumm.type
---@field length integer elements in use; also #buffer
---@field capacity integer
---@field capacity_bytes integer
---@field committed_bytes integer
---@field max_length integer
---@field address integer on the device
---@field generation integer 1, and one more for every move
---@field manager gpumm.manager
---@field group? gpumm.group
---@operator len: integer
local Buffer = {}

---@param data gpumm.data
---@param first? integer|gpumm.where
---@param count? integer|gpumm.where
---@param where? gpumm.where
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Buffer:upload(data, first, count, where) end

---@param first? integer|gpumm.where
---@param count? integer|gpumm.where
---@param where? gpumm.where
---@return gpumm.view? view it owns its memory
---@return string? message
---@return gpumm.status_name? code
function Buffer:download(first, count, where) end

---@param value number|table|string one element
---@param first? integer|gpumm.where
---@param count? integer|gpumm.where
---@param where? gpumm.where
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Buffer:fill(value, first, count, where) end

---@param from gpumm.buffer
---@param where? gpumm.stream|gpumm.copy_options
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Buffer:copy(from, where) end

---@param length integer
---@param where? gpumm.where
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Buffer:resize(length, where) end

---@param data gpumm.data|integer elements, or how many zeros
---@param where? gpumm.where
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Buffer:append(data, where) end

---@param capacity integer
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Buffer:ensure_capacity(capacity) end

---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Buffer:shrink_to_fit() end

--- Declares work that gpumm does not launch, before it is enqueued.
---@param stream gpumm.stream?
---@param access gpumm.access
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Buffer:used(stream, access) end

---@param options? gpumm.readback_options
---@return gpumm.readback? readback
---@return string? message
---@return gpumm.status_name? code
function Buffer:readback(options) end

---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Buffer:free() end

function Buffer:close() end

-- ---- Groups ----------------------------------------------------------------------------------

---@class gpumm.group
---@field name string
---@field length integer also #group
---@field capacity integer
---@field capacity_bytes integer
---@field committed_bytes integer
---@field max_length integer
---@field generation integer
---@field manager gpumm.manager
---@field [string] gpumm.buffer members by name
---@operator len: integer
local Group = {}

---@param columns table<string, gpumm.data>|integer data by member (the others get zeros), or how many zeros
---@param where? gpumm.where
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Group:append(columns, where) end

---@param length integer
---@param where? gpumm.where
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Group:resize(length, where) end

---@param capacity integer
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Group:ensure_capacity(capacity) end

---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Group:shrink_to_fit() end

---@param name string
---@return gpumm.buffer
function Group:member(name) end

---@return string[]
function Group:members() end

---@param options? gpumm.readback_options
---@return gpumm.readback? readback
---@return string? message
---@return gpumm.status_name? code
function Group:readback(options) end

---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Group:free() end

function Group:close() end

-- ---- Scratch ---------------------------------------------------------------------------------

---@class gpumm.scratch
---@field bytes integer also #scratch
---@field address integer
---@operator len: integer
local Scratch = {}

---@param stream gpumm.stream?
---@param access gpumm.access
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Scratch:used(stream, access) end

function Scratch:close() end

-- ---- Streams and events ----------------------------------------------------------------------

---@class gpumm.stream
---@field manager gpumm.manager
local Stream = {}

---@return gpumm.event event at what is enqueued so far
function Stream:record() end

--- What is enqueued from now waits for the event, on the device.
---@param event gpumm.event
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Stream:wait(event) end

---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Stream:synchronize() end

---@return boolean
function Stream:idle() end

function Stream:close() end

---@class gpumm.event
local Event = {}

---@return boolean
function Event:ready() end

---@param seconds? number
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Event:wait(seconds) end

---@param later gpumm.event
---@return number? seconds
---@return string? message
---@return gpumm.status_name? code
function Event:elapsed(later) end

function Event:close() end

-- ---- Readbacks and frames --------------------------------------------------------------------

---@class gpumm.readback
---@field dropped integer captures that were refused
---@field newest? integer the newest ticket
---@field slots? integer
---@field manager gpumm.manager
local Readback = {}

--- A snapshot of the contents as they are now. nil, message, "BUSY" where every slot is taken.
---@param step? integer
---@param where? gpumm.where
---@return integer? ticket
---@return string? message
---@return gpumm.status_name? code
function Readback:capture(step, where) end

---@param ticket? integer the newest, unless given
---@return boolean? ready
---@return string? message
---@return gpumm.status_name? code
function Readback:ready(ticket) end

---@param ticket? integer
---@param seconds? number
---@return gpumm.frame? frame
---@return string? message
---@return gpumm.status_name? code
function Readback:wait(ticket, seconds) end

--- In a coroutine: yields the readback until the frame is there.
---@param ticket? integer
---@return gpumm.frame? frame
---@return string? message
---@return gpumm.status_name? code
function Readback:await(ticket) end

---@param ticket? integer
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Readback:cancel(ticket) end

--- The newest frame that has arrived; never blocks.
---@return gpumm.frame?
function Readback:latest() end

--- The oldest frame that has arrived and was not delivered; never blocks.
---@return gpumm.frame?
function Readback:next() end

function Readback:close() end

---@class gpumm.frame
---@field step integer as given to capture
---@field length integer also #frame
---@field generation integer
---@field time number seconds, at the capture
---@field dropped integer so far, at the capture
---@field ticket integer
---@field readback? gpumm.readback
---@field data? gpumm.view of the only member
---@field [string] gpumm.view members by name
---@field [integer] gpumm.view members in order
---@operator len: integer
local Frame = {}

---@param name string|integer
---@return gpumm.view
function Frame:member(name) end

--- Holds its slot past the next delivery.
---@return gpumm.frame self
function Frame:keep() end

function Frame:release() end

---@return boolean
function Frame:valid() end

-- ---- Kernels ---------------------------------------------------------------------------------

---@class gpumm.kernel
---@field name string
---@field threads? string the parameter that counts threads
---@field parameters gpumm.parameter[]
---@overload fun(arguments: table<string, any>, where?: gpumm.stream|gpumm.launch_options): true?, string?, gpumm.status_name?
---@overload fun(...: any): true?, string?, gpumm.status_name?
local Kernel = {}

---@param ... any as by calling it
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Kernel:launch(...) end

function Kernel:close() end

-- ---- Faults ----------------------------------------------------------------------------------

---@class gpumm.fault
local Fault = {}

---@param plan gpumm.fault_plan
---@return true
function Fault:plan(plan) end

---@param kind "copy"|"snapshot"|"fill"|"launch"
---@return true
function Fault:hold(kind) end

---@param kind? "copy"|"snapshot"|"fill"|"launch" every kind, unless given
---@return true
function Fault:release(kind) end

---@param call? string
---@return integer
function Fault:calls(call) end

---@return gpumm.live
function Fault:live() end

-- ---- Views and types -------------------------------------------------------------------------

---@class gpumm.view
---@field [integer] number of scalars, from 1; nil past the end
---@field [string] gpumm.view of one field, or of x, y, z, w
---@operator len: integer
local View = {}

---@param i integer
---@return any ... the element's values
function View:get(i) end

---@param i integer
---@param ... any
function View:set(i, ...) end

--- for i, … in view:each() do … end
---@return function
---@return gpumm.view
---@return integer
function View:each() end

---@return table
function View:totable() end

---@return gpumm.view
function View:copy() end

---@return string
function View:bytes() end

---@return gpumm.type
function View:type() end

---@class gpumm.type
---@field name string
---@field kind "scalar"|"vector"|"struct"
---@field size integer bytes
---@field align integer
---@field lanes integer
---@field scalar? gpumm.scalar_name
---@field fields? gpumm.field[]
---@field struct_name? string
local Type = {}

---@param name? string
---@return string declaration in C
function Type:declaration(name) end

-- ---- Simulations -----------------------------------------------------------------------------

---@class gpumm.description a resource before there is a device

---@class gpumm.run_options: gpumm.manager_options
---@field manager? gpumm.manager one to use instead of a new one
---@field interrupted? fun(): boolean
---@field progress? fun(text: string, step: integer, steps: integer?)

---@class gpumm.simulation_options
---@field steps? integer
---@field in_flight? integer steps that the host may be ahead; 2, unless given
---@field init? fun(sim: gpumm.simulation)
---@field step fun(sim: gpumm.simulation, i: integer): boolean? false ends, before this step counts: decide before anything is launched
---@field frame? fun(sim: gpumm.simulation, frame: gpumm.frame, key: string)
---@field finish? fun(sim: gpumm.simulation, last: gpumm.frame?, all: table<string, gpumm.frame>)
---@field device? string
---@field limit? gpumm.size
---@field memory? gpumm.size
---@field debug? boolean
---@field [string] gpumm.description

---@class gpumm.simulation
---@field manager gpumm.manager
---@field i integer the last step that was made
---@field steps? integer
---@field [string] any resources by key, and what the script puts beside them
local Simulation = {}

---@param options? gpumm.run_options
---@return gpumm.simulation self
function Simulation:open(options) end

---@param n? integer
---@return boolean more
function Simulation:advance(n) end

---@return any ... what finish returns
function Simulation:conclude() end

function Simulation:close() end

---@param options? gpumm.run_options
---@return any ... what finish returns
function Simulation:run(options) end

---@param format string
---@param ... any
function Simulation:progress(format, ...) end

---@return string
function Simulation:describe() end

---@return gpumm.stats? stats as they were before the last run closed its manager
function Simulation:statistics() end

-- ---- Graphs ----------------------------------------------------------------------------------

---@class gpumm.batch
---@field nodes table<string, string>
---@field edges table<string, string>
---@field node_count integer
---@field edge_count integer
---@field weights? string

---@class gpumm.graph_object
---@field path string
---@field nodes integer
---@field edges integer
---@field names string[]
---@field labels? string[] of DOT and GraphML, where there are any
---@field from integer[]
---@field to integer[]
---@field weights? number[]
---@field loops integer self-loops that were dropped
---@field duplicates integer edges that were there already
local Graph = {}

---@return integer[] near
---@return integer[] first
function Graph:neighbours() end

---@return integer[]
function Graph:degrees() end

---@param source integer
---@return integer[] distances -1 where there is no path
function Graph:bfs(source) end

---@return integer[] component
---@return integer[] sizes
function Graph:components() end

---@return integer[] community
---@return integer[] sizes
function Graph:communities() end

---@param limit? integer
---@return string ends pairs of u32 that count from 0
---@return integer count
function Graph:ends(limit) end

---@param n? integer nodes at a time; 0: all
---@return fun(positions: gpumm.view?): gpumm.batch?
function Graph:batches(n) end

---@param positions gpumm.view|table
---@param options? { pivots?: integer, seed?: integer }
---@return number stress scale-normalised
---@return number random that of random positions
function Graph:stress(positions, options) end

---@param options? { pivots?: integer, seed?: integer }
---@return number
function Graph:random_stress(options) end

-- ---- The module ------------------------------------------------------------------------------

---@class gpumm
---@field version string
---@field null lightuserdata a pointer to nothing, for kernels; false is one too, nil is a mistake
---@field statuses table<gpumm.status_name, string>
local gpumm = {}

---@param options? gpumm.manager_options
---@return gpumm.manager? manager
---@return string? message
---@return gpumm.status_name? code
function gpumm.manager(options) end

---@param type gpumm.typelike
---@return gpumm.type
function gpumm.type(type) end

---@param fields { [integer]: { [1]: string, [2]: gpumm.typelike }, name?: string }
---@return gpumm.type
function gpumm.struct(fields) end

---@param type gpumm.typelike
---@param elements integer|gpumm.data
---@return gpumm.view
function gpumm.view(type, elements) end

---@param text string "4GiB"
---@return integer? bytes
---@return string? message
---@return gpumm.status_name? code
function gpumm.parse_size(text) end

---@param code? string
---@return boolean
function gpumm.is_memory_error(code) end

--- The status that an error of gpumm's carries: local ok, err = pcall(f); gpumm.status_of(err) == "STALE". nil for any
--- other error, and for values that are not text.
---@param err any
---@return gpumm.status_name?
function gpumm.status_of(err) end

--- The next capacity of a schedule, without a device.
---@param growth gpumm.growth_schedule|number|nil
---@param capacity integer
---@param required integer
---@param max integer
---@return integer? next
---@return string? message
---@return gpumm.status_name? code
function gpumm.next_capacity(growth, capacity, required, max) end

--- An absolute path beside the script that calls.
---@param path string
---@return string
function gpumm.beside(path) end

---@return string tag "layout.lua:12"
function gpumm.caller() end

---The environment variable of that name; nil where it is not set. A contained script is granted names one by one.
---@param name string
---@return string?
function gpumm.environment(name) end

--- What gzip or zlib has compressed.
---@param data string
---@return string? text
---@return string? message
---@return gpumm.status_name? code
function gpumm.inflate(data) end

--- A file that travels inside the module.
---@param path string
---@return string?
function gpumm.resource(path) end

--- A handler for xpcall.
---@param message any
---@return any
function gpumm.traceback(message) end

---@param name string of an environment variable
---@return string?
function gpumm.environment(name) end

--- A script's command line.
---@param words string[]
---@param spec table
---@return table<string, any>
function gpumm.options(words, spec) end

---@param t gpumm.simulation_options
---@return gpumm.simulation
function gpumm.simulation(t) end

---@param options gpumm.group_options
---@return gpumm.description
function gpumm.group(options) end

---@param options gpumm.buffer_options
---@return gpumm.description
function gpumm.buffer(options) end

---@param options gpumm.kernel_options
---@return gpumm.description
function gpumm.kernel(options) end

--- { "nodes.position", every = 5, slots = 3 }
---@param options { [integer]: string, every?: integer, slots?: integer, direct?: boolean, busy?: "drop"|"wait" }
---@return gpumm.description
function gpumm.readback(options) end

---@param options? table
---@return gpumm.description
function gpumm.stream(options) end

--- The ancestor's five fields and its presets, as tables that a script may change.
gpumm.config = {}

---@return gpumm.config
function gpumm.config.default() end

---@return gpumm.config
function gpumm.config.for_positions() end

---@return gpumm.config
function gpumm.config.for_velocities() end

---@return gpumm.config
function gpumm.config.for_edges() end

---@return gpumm.config
function gpumm.config.for_grid_cells() end

gpumm.growth = {}

---@param factor number
---@param align? integer
---@return gpumm.growth_schedule
function gpumm.growth.geometric(factor, align) end

---@param step integer
---@return gpumm.growth_schedule
function gpumm.growth.linear(step) end

---@param entries integer[]
---@return gpumm.growth_schedule
function gpumm.growth.list(entries) end

---@return gpumm.growth_schedule
function gpumm.growth.exact() end

gpumm.graph = {}

--- An edge list, Matrix Market, GraphML (by lua-expat) or DOT (by graphviz), gzip'd or not.
---@param path string
---@return gpumm.graph_object
function gpumm.graph.read(path) end

---@param nodes integer
---@param from integer[] from 1
---@param to integer[]
---@param weights? number[]
---@return gpumm.graph_object
function gpumm.graph.new(nodes, from, to, weights) end

---@alias gpumm.positions gpumm.view|number[][]

---@class gpumm.picture_options
---@field positions gpumm.positions
---@field graph? gpumm.graph_object
---@field width? integer 1600
---@field height? integer 1200
---@field colors? table one a node: "#rrggbb", { r, g, b } from 0 to 1, numbers of the palette from 1; or a column: fractions from cold to warm, texts by kind
---@field background? string|table
---@field manager? gpumm.manager otherwise one of its own

gpumm.picture = {}

---@param path string
---@param options gpumm.picture_options
---@return true
function gpumm.picture.write(path, options) end

--- One value a node for `colors`, from a file of lines "name value": numbers where all of them are, else texts.
---@param path string
---@param graph gpumm.graph_object
---@return (number|string)[]
function gpumm.picture.column(path, graph) end

---@param path string .npy or .csv
---@param view gpumm.view
---@return true
function gpumm.picture.positions(path, view) end

--- Raises where what a layout will write in the end cannot be written: to be known before the work.
---@param paths { picture?: string, page?: string, positions?: string, frames?: string } frames: a folder; "" is none
function gpumm.picture.outputs(paths) end

---@class gpumm.page_options
---@field positions gpumm.positions
---@field graph? gpumm.graph_object
---@field colors? table as gpumm.picture_options has them
---@field background? string|table
---@field title? string
---@field names? string[]|false one a node; otherwise the graph's

--- Self-contained HTML pages that pan and zoom.
gpumm.page = {}

---@param path string
---@param options gpumm.page_options
---@return true
function gpumm.page.write(path, options) end

---@class gpumm.force_model expressions in CUDA C
---@field repel? string of the square distance d2: the push between two unit masses, over their distance
---@field attract? string of d2: the pull of an edge, over its length
---@field mass? string of heft: what a node pushes with
---@field gravity? number
---@field limit? number how far a node may move in the first step
---@field length? boolean whether the forces have a length of their own, which suits the layout to them

---@class gpumm.quality
---@field stress number scale-normalised, over breadth-first distances from sampled pivots
---@field neighbourhood number mean Jaccard of a sampled node's neighbours and as many nodes nearest to it
---@field variation number of the edges' lengths: deviation over mean

---@class gpumm.layout_result
---@field positions gpumm.view
---@field steps integer
---@field components? integer[] their sizes, the largest first
---@field quality? gpumm.quality
---@field random? gpumm.quality of random positions

---@class gpumm.layout_options
---@field model? "tforce"|"forceatlas"|"spring"|gpumm.force_model
---@field dimensions? 2|3
---@field seed? integer
---@field steps? integer 300
---@field cooling? number the exponent at which the limit falls
---@field settle? number ends when nodes move less than this on average; 0: never
---@field every? integer steps between two frames
---@field slots? integer
---@field quality? boolean measured at the end
---@field repulsion? number
---@field gravity? number
---@field speed? number
---@field limit? number how far a node may move at first
---@field inertia? number
---@field pinned? table nodes that stay: a list of them or a set
---@field positions? table|gpumm.view to begin at, instead of PivotMDS
---@field frame? fun(sim: gpumm.simulation, frame: gpumm.frame)
---@field finish? fun(sim: gpumm.simulation, result: gpumm.layout_result)
---@field device? string

---@class gpumm.growing_options
---@field model? "tforce"|"forceatlas"|"spring"|gpumm.force_model
---@field dimensions? 2|3
---@field seed? integer
---@field first? integer nodes at the beginning
---@field batch? integer nodes a growth
---@field every? integer steps between two growths
---@field steps? integer after the last growth
---@field warmth? number how far a node may move after a growth
---@field cooling? number
---@field capture? integer steps between two frames
---@field slots? integer
---@field quality? boolean
---@field repulsion? number
---@field gravity? number
---@field speed? number
---@field inertia? number
---@field grown? fun(sim: gpumm.simulation, step: integer, count: integer)
---@field frame? fun(sim: gpumm.simulation, frame: gpumm.frame)
---@field finish? fun(sim: gpumm.simulation, result: gpumm.layout_result)
---@field device? string

---@class gpumm.force_rows neighbours in rows, on the device
---@field now table row, near, pull, n, m, most
---@field build fun(self: gpumm.force_rows, n: integer, m: integer, from: gpumm.buffer, to: gpumm.buffer, base: integer, weight?: gpumm.buffer): table

---@class gpumm.force_grid
---@field repel fun(self: gpumm.force_grid, n: integer, position: gpumm.buffer, mass: gpumm.buffer, force: gpumm.buffer, strength?: number, seed?: integer, unit?: number)
---@field repel_exactly fun(self: gpumm.force_grid, n: integer, position: gpumm.buffer, mass: gpumm.buffer, force: gpumm.buffer, strength?: number, seed?: integer, unit?: number)

---@class gpumm.force_nodes
---@field position gpumm.buffer
---@field velocity gpumm.buffer
---@field force gpumm.buffer
---@field mass gpumm.buffer
---@field heft gpumm.buffer
---@field pinned? gpumm.buffer

---@class gpumm.force_engine
---@field rows gpumm.force_rows
---@field unit number
---@field strength number
---@field connect fun(self: gpumm.force_engine, nodes: gpumm.force_nodes, n: integer, m: integer, from: gpumm.buffer, to: gpumm.buffer, base: integer, weight?: gpumm.buffer)
---@field balance fun(self: gpumm.force_engine, nodes: gpumm.force_nodes)
---@field step fun(self: gpumm.force_engine, nodes: gpumm.force_nodes, i: integer, limit: number)

--- Force-directed layout.
gpumm.force = {}
---@type table<string, gpumm.force_model>
gpumm.force.models = {}

--- A simulation that lays the graph out; its run returns a gpumm.layout_result.
---@param graph gpumm.graph_object
---@param options? gpumm.layout_options
---@return gpumm.simulation
function gpumm.force.layout(graph, options) end

--- A simulation of a graph that grows while it is laid out.
---@param graph gpumm.graph_object
---@param options? gpumm.growing_options
---@return gpumm.simulation
function gpumm.force.growing(graph, options) end

--- Places the nodes from `first`, counting from 0, at the middle of their placed neighbours.
---@param manager gpumm.manager
---@param rows gpumm.force_rows
---@param position gpumm.buffer
---@param first integer
---@param by number
---@param dimensions? 2|3
function gpumm.force.seat(manager, rows, position, first, by, dimensions) end

---@param manager gpumm.manager
---@param rows gpumm.force_rows
---@return gpumm.view the number of every node's component, its least node from 0
function gpumm.force.components(manager, rows) end

---@param manager gpumm.manager
---@param rows gpumm.force_rows
---@param pivots integer[] nodes from 0, 64 at most
---@return gpumm.buffer u16, pivot by pivot; 65535: no path
function gpumm.force.distances(manager, rows, pivots) end

---@param manager gpumm.manager
---@param options? { dimensions?: 2|3, repel?: string }
---@return gpumm.force_grid
function gpumm.force.repulsion(manager, options) end

---@param manager gpumm.manager
---@return gpumm.force_rows
function gpumm.force.rows(manager) end

---@param manager gpumm.manager
---@param options? { model?: string|gpumm.force_model, dimensions?: 2|3, repulsion?: number, gravity?: number, speed?: number, inertia?: number }
---@return gpumm.force_engine
function gpumm.force.engine(manager, options) end

--- PivotMDS and `rounds` (an even number; 0: none) of stress majorization, components packed.
---@param manager gpumm.manager
---@param of gpumm.force_rows
---@param position gpumm.buffer
---@param options? { dimensions?: 2|3, seed?: integer, rounds?: integer }
---@return integer[] sizes of the components, the largest first
function gpumm.force.start(manager, of, position, options) end

---@param graph gpumm.graph_object
---@param positions gpumm.view|gpumm.buffer|table
---@param options? { dimensions?: 2|3, pivots?: integer, samples?: integer, seed?: integer, manager?: gpumm.manager, device?: string }
---@return gpumm.quality mine
---@return gpumm.quality random
function gpumm.force.quality(graph, positions, options) end

---@param manager gpumm.manager
---@param of gpumm.force_rows
---@param position gpumm.buffer
---@param options? { dimensions?: 2|3, pivots?: integer, samples?: integer, seed?: integer }
---@return gpumm.quality mine
---@return gpumm.quality random
function gpumm.force.quality_of(manager, of, position, options) end

---@param mine gpumm.quality
---@param random gpumm.quality
---@return string
function gpumm.force.describe(mine, random) end

gpumm.image = {}

---@param path string
---@return gpumm.view? pixels of u8x3 or u8x4, rows from the top
---@return integer|string width
---@return integer|string height
function gpumm.image.read(path) end

---@param path string
---@param view gpumm.view
---@param width integer
---@param height integer
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function gpumm.image.write(path, view, width, height) end

gpumm.npy = {}

---@param path string
---@return gpumm.view? view
---@return string? message
---@return gpumm.status_name? code
function gpumm.npy.read(path) end

---@param path string
---@param view gpumm.view
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function gpumm.npy.write(path, view) end

gpumm.raw = {}

---@param path string
---@param type gpumm.typelike
---@return gpumm.view? view
---@return string? message
---@return gpumm.status_name? code
function gpumm.raw.read(path, type) end

---@param path string
---@param view gpumm.view
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function gpumm.raw.write(path, view) end

--- Could a file of that name be written now? What is there stays as it is.
---@param path string
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function gpumm.writable(path) end

--- For specs of one's own, under busted.
gpumm.spec = {}
---@type string the device that specs run on
gpumm.spec.device = "host"

---@param options? gpumm.manager_options
---@return gpumm.manager
function gpumm.spec.manager(options) end

---@param fault? gpumm.fault_plan
---@param options? gpumm.manager_options
---@return gpumm.manager
function gpumm.spec.inject_faults(fault, options) end

--- Closes what was opened since, after its books were checked. For after_each.
function gpumm.spec.close() end

return gpumm
