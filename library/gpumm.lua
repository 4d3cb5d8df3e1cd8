-- SPDX-License-Identifier: MIT
---@meta gpumm
-- The Lua API of gpumm, for editors that read LuaCATS annotations. Nothing here runs. spec/library_spec.lua compares it
-- with what the module exports, name by name, in both directions.
--
-- A call that can fail at run time (no memory, no device, no such file) returns nil, "STATUS: message", "STATUS". A
-- mistake in the script (a wrong type, an unknown option, use after close) raises an error. Within a simulation both
-- raise. Elements and nodes count from 1, unless a comment says otherwise.

---@alias gpumm.scalar_name "i8"|"u8"|"i16"|"u16"|"i32"|"u32"|"i64"|"u64"|"f16"|"f32"|"f64"
---@alias gpumm.typelike string|gpumm.type "f32", "f32x3" and so on, or a type that gpumm.struct made
---@alias gpumm.size integer|string bytes, or text as "4GiB"
---@alias gpumm.status_name "OK"|"OUT_OF_MEMORY"|"OVER_LIMIT"|"OVER_MAX_SIZE"|"NOT_FOUND"|"ALREADY_EXISTS"|"TYPE_MISMATCH"|"INVALID_ARGUMENT"|"ASYNC_DISABLED"|"NOT_PENDING"|"ALREADY_PENDING"|"BUSY"|"TIMEOUT"|"CANCELLED"|"STALE"|"CLOSED"|"NO_DEVICE"|"DEVICE_LOST"|"COMPILE_FAILED"|"IO"|"DRIVER"
---@alias gpumm.access "read"|"write"
---@alias gpumm.data table|string|gpumm.view elements: a table of values, a string of their bytes, or a view of the same type
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
---@field memory? gpumm.size how much "device" memory the host device has
---@field granularity? gpumm.size the unit in which the host device commits memory; 2 MiB, unless given
---@field workers? integer threads that run kernels on the host device
---@field spin_us? integer microseconds that a wait looks at the device before its thread sleeps; 0 or nothing: 50
---@field relocate? boolean grow by copying to new memory, even where the device can grow in place
---@field leave_sigfpe? boolean host device: integer division by zero in a kernel raises SIGFPE for the application, and does not end the launch with an error
---@field debug? boolean write a canary behind every buffer's capacity, which check() looks at
---@field fault? boolean|gpumm.fault_plan make the device fail on demand, for tests

---@class gpumm.fault_plan
---@field call? string the name of a device call, as "commit"; any call, unless given
---@field nth? integer the nth such call from now fails; 0: none fails
---@field status? gpumm.status_name the status that it fails with; "OK": the call does nothing and reports success
---@field times? integer so many of them fail, one after another; 1, unless given
---@field jitter? integer a seed: every operation of a stream is delayed by a random time
---@field hold? "copy"|"snapshot"|"fill"|"launch" this kind of operation is held back from the start, until fault:release

---@class gpumm.config
---@field bytes_per_element? gpumm.size the size of an element, of a buffer that is made without a type
---@field growth_factor? number at least 1
---@field max_size_bytes? gpumm.size
---@field min_size_bytes? gpumm.size
---@field enable_async? boolean allow start_async_download

---@class gpumm.allocate_options: gpumm.config
---@field bytes_per_element? gpumm.size
---@field growth_factor? number
---@field max_size_bytes? gpumm.size
---@field min_size_bytes? gpumm.size
---@field enable_async? boolean
---@field growth? gpumm.growthlike overrides growth_factor
---@field align? integer capacities are multiples of this number of elements
---@field ahead? integer growth steps to commit in advance; 0: none; unless given, a small next step of what has grown twice
---@field max_length? integer
---@field shareable? boolean other processes can map its memory, see gpumm.manager:share; it takes whole commit steps of its own
---@field tag? string who asks, as shown in statistics and messages; the script's file and line, unless given
---@field stream? gpumm.stream on which the elements are set to zero

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
---@field shareable? boolean
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
---@field shareable? boolean as a buffer's
---@field tag? string
---@field stream? gpumm.stream

---@class gpumm.kernel_options
---@field file? string CUDA C, beside the script
---@field source? string CUDA C
---@field name? string which kernel; the only one, unless given
---@field threads? string the parameter that counts threads; the first integer, unless given
---@field block? integer|integer[] threads in a block: in x, or { x, y, z }
---@field grid? integer|integer[] blocks of launches that say neither a grid nor threads: in x, or { x, y, z }
---@field shared_bytes? integer dynamic shared memory of a block
---@field types? table<string|integer, gpumm.type> structs whose C declarations are put before the source
---@field flags? string compiler flags, separated by spaces
---@field signature? string the prototype of a kernel in a binary file, which has no source to read it from

---@class gpumm.launch_options
---@field stream? gpumm.stream
---@field threads? integer how many threads run, instead of the counting parameter's value; 0: none
---@field grid? integer|integer[] how many blocks run, instead of threads: in x, or { x, y, z }; it needs a block
---@field block? integer|integer[] threads in a block, instead of the kernel's: in x, or { x, y, z }
---@field shared_bytes? integer dynamic shared memory of a block, instead of the kernel's

---@class gpumm.scan_options
---@field from gpumm.buffer u32, u64, i32 or f32
---@field to? gpumm.buffer of the same type; in place, unless given
---@field exclusive? boolean an element's sum is of those before it, without itself
---@field total? boolean the sum of all goes behind the last: `to` has one element more
---@field n? integer how many elements, from the first on; all of them, unless given
---@field stream? gpumm.stream

---@class gpumm.reduce_options
---@field from gpumm.buffer u32, u64, i32 or f32
---@field to gpumm.buffer its first element gets the result: of the same type; for positions u32 or u64
---@field op "sum"|"min"|"max"|"argmin"|"argmax" positions count from 0, and of equal elements it is the first
---@field n? integer how many elements, from the first on; all of them, unless given
---@field stream? gpumm.stream

---@class gpumm.sort_options
---@field keys gpumm.buffer u32, u64, i32 or f32
---@field values? gpumm.buffer elements of 4 or 8 bytes that follow their keys
---@field to_keys? gpumm.buffer in place, unless given
---@field to_values? gpumm.buffer in place, unless given
---@field descending? boolean
---@field bits? integer of u32 and u64: only so many low bits are looked at, which takes less time
---@field n? integer how many elements, from the first on; all of them, unless given
---@field stream? gpumm.stream

---@class gpumm.unique_options
---@field from gpumm.buffer u32, u64, i32 or f32
---@field to gpumm.buffer another buffer of the same type, with room for all
---@field count? gpumm.buffer u32 or u64: its first element gets how many there are
---@field n? integer how many elements, from the first on; all of them, unless given
---@field stream? gpumm.stream

---@class gpumm.select_options
---@field from? gpumm.buffer elements of 4 or 8 bytes; the positions, from 0, unless given
---@field flags gpumm.buffer u8, i8, u32 or i32: what is not 0 is kept
---@field to gpumm.buffer another buffer of the same type (of positions: u32 or u64), with room for all
---@field count? gpumm.buffer u32 or u64: its first element gets how many there are
---@field n? integer how many elements, from the first on; all that `flags` has, unless given
---@field stream? gpumm.stream

---@class gpumm.histogram_options
---@field from gpumm.buffer u32, u64, i32 or f32
---@field to gpumm.buffer u32 or u64; its length is the number of bins
---@field low? number the least that is counted; 0, unless given. f32 needs both
---@field high? number one past the greatest; with whole numbers and neither given, one number a bin
---@field n? integer how many elements, from the first on; all of them, unless given
---@field stream? gpumm.stream

---@class gpumm.readback_options
---@field [integer] string|gpumm.buffer which members; every one, unless given
---@field slots? integer 2 to 64; 2, unless given
---@field direct? boolean copy to the host at once, without staging on the device: the next writer waits for the copy
---@field busy? "drop"|"newest"|"wait" what a capture does while every slot is taken: refuse (`nil, message, "BUSY"`; the default); replace the oldest frame that nobody took; or wait for copies under way and lose nothing, with BUSY where every slot holds a frame that has arrived
---@field wait_seconds? number with busy = "wait": how long to wait for another thread to take a frame, before BUSY; 0, unless given
---@field inline_bytes? gpumm.size snapshots up to so large are copied to the host on the producing stream, without staging; as is best on the device, unless given; 0: none
---@field where? "host"|"device" where frames are: in the host's memory, unless given; on the device a frame is the slot's own memory there, for kernels, and nothing is copied to the host
---@field shareable? boolean with where = "device": other processes can take the frames, see gpumm.manager:share
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
---@field used_bytes integer bytes charged to the limit
---@field peak_used_bytes integer
---@field committed_bytes integer bytes held of the device
---@field peak_committed_bytes integer
---@field dropped_frames integer
---@field gate_waits integer calls that waited while the memory under a buffer's address was exchanged
---@field buffers gpumm.entry
---@field scratch gpumm.entry
---@field staging gpumm.entry
---@field pinned gpumm.entry
---@field precommitted gpumm.entry
---@field cached gpumm.entry
---@field slack gpumm.entry
---@field external gpumm.entry
---@field exported gpumm.entry freed here, held by those who imported it

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
---@field why string why this device was chosen
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
---@field graphs integer of recordings

---@class gpumm.parameter
---@field name string as written; "" where it could not be read
---@field type string as written
---@field kind "pointer"|"value"
---@field access? gpumm.access of a pointer

---@class gpumm.field
---@field name string
---@field type gpumm.type
---@field offset integer

-- ---- Managers --------------------------------------------------------------------------------

---@class gpumm.manager
---@field fault gpumm.fault only of a manager that was opened with the option fault
local Manager = {}

--- Makes a named buffer of `length` elements, which are zero. It belongs to the manager until free or close.
---@param name string
---@param type? gpumm.typelike
---@param length integer
---@param config? gpumm.allocate_options
---@return gpumm.buffer? buffer
---@return string? message
---@return gpumm.status_name? code
function Manager:allocate(name, type, length, config) end

--- An anonymous buffer, which is freed when its last handle is collected or closed.
---@param options gpumm.buffer_options
---@return gpumm.buffer? buffer
---@return string? message
---@return gpumm.status_name? code
function Manager:buffer(options) end

--- The buffer of that name. TYPE_MISMATCH where `type` is given and differs.
---@param name string
---@param type? gpumm.typelike
---@return gpumm.buffer? buffer
---@return string? message
---@return gpumm.status_name? code
function Manager:get_buffer(name, type) end

--- Frees a named buffer. Work that uses it may still be queued: its memory is released behind that work.
---@param name string
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Manager:free(name) end

--- Makes the capacity at least `capacity` elements. Length and contents do not change.
---@param name string
---@param capacity integer
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Manager:ensure_capacity(name, capacity) end

--- Starts a copy of the buffer to the host. Needs enable_async; one at a time for each buffer.
---@param name string
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Manager:start_async_download(name) end

--- Waits for the copy that start_async_download started, and returns it.
---@param name string
---@param seconds? number
---@return gpumm.view? view it owns its memory
---@return string? message
---@return gpumm.status_name? code
function Manager:wait_for_download(name, seconds) end

--- Makes buffers that share a length and grow together: all of them, or none.
---@param options gpumm.group_options
---@return gpumm.group? group
---@return string? message
---@return gpumm.status_name? code
function Manager:group(options) end

--- Compiles a kernel, or takes it from the cache.
---@param options gpumm.kernel_options
---@return gpumm.kernel? kernel
---@return string? message
---@return gpumm.status_name? code
function Manager:kernel(options) end

--- Running sums. Those of whole numbers wrap around, those of f32 are made in one order (gpumm.h), so that the result is the
--- same in every bit each time, on both devices, as that of all that follow down to m:histogram.
---@param options gpumm.scan_options
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Manager:scan(options) end

--- The sum, least or greatest of all, or where that is. Floats are compared in the order of IEEE 754's totalOrder: negative
--- NaNs, -inf, …, -0, +0, …, inf, positive NaNs.
---@param options gpumm.reduce_options
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Manager:reduce(options) end

--- Sorts keys, and values with them; what is equal stays in its order. Takes scratch of twice their size.
---@param options gpumm.sort_options
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Manager:sort(options) end

--- The first of every run of equal elements; of sorted ones, each value once.
---@param options gpumm.unique_options
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Manager:unique(options) end

--- The elements with a flag, in their order.
---@param options gpumm.select_options
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Manager:select(options) end

--- How many elements fall into each bin; those outside and NaNs fall into none.
---@param options gpumm.histogram_options
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Manager:histogram(options) end

--- Makes a readback of one buffer, or of members of one group: snapshots that are copied to the host asynchronously.
---@param options gpumm.readback_options
---@return gpumm.readback? readback
---@return string? message
---@return gpumm.status_name? code
function Manager:readback(options) end

--- Runs the function once, and records the launches, fills, copies and captures that it makes on this manager's objects
--- instead of making them. What cannot be recorded raises. Buffers may grow between replays.
---@param record fun(recording: gpumm.recording)
---@return gpumm.recording? recording
---@return string? message
---@return gpumm.status_name? code
function Manager:record(record) end
--- Shares buffers and readbacks with other processes: gpumm.attach(path) there. What is shared is made with shareable = true; a
--- readback with where = "device" and busy = "newest" too, best with a slot for each reader and two.
---@param path string of a Unix socket
---@param items table a list of buffers, groups and names ("nodes.position"), and readbacks by name: { "positions", watch = rb }
---@param options? gpumm.share_options
---@return gpumm.share? share
---@return string? message
---@return gpumm.status_name? code
function Manager:share(path, items, options) end

--- Makes a stream.
---@return gpumm.stream? stream
---@return string? message
---@return gpumm.status_name? code
function Manager:stream() end

--- The main stream, on which calls work where no stream is given.
---@return gpumm.stream
function Manager:main() end

--- Device memory for a short time, as for one step. Its contents are undefined.
---@param type gpumm.typelike|gpumm.size an element type and a count, or bytes
---@param count? integer|gpumm.where
---@param where? gpumm.where
---@return gpumm.scratch? scratch
---@return string? message
---@return gpumm.status_name? code
function Manager:scratch(type, count, where) end

--- The books: bytes and counts, by category.
---@return gpumm.stats
function Manager:stats() end

--- The named buffers that are alive; after close, those that were alive then.
---@return gpumm.block[]
function Manager:leaks() end

--- The names of the leaks, `{}` where there are none, and a message that says more of them. `leaks` has the details.
---@return string[] names
---@return string? message
function Manager:check_leaks() end

--- Every live block of memory, the largest first.
---@return gpumm.block[]
function Manager:blocks() end

--- The names of all named buffers.
---@return string[]
function Manager:names() end

--- What the device is.
---@return gpumm.device
function Manager:device() end

--- Reports what failed in the background since the last call.
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Manager:poll() end

--- Waits until the work of every stream is done.
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Manager:synchronize() end

--- Checks the books, the slab and every canary.
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Manager:check() end

--- Releases memory that is cached or precommitted.
---@return integer bytes
function Manager:trim() end

--- Enters device memory that the application allocated by itself in the books; a negative number takes it out again.
---@param bytes integer
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Manager:external(bytes) end

--- true: calls that fail raise from now on, instead of returning nil, message, code. Returns the setting before.
---@param raise? boolean
---@return boolean before
function Manager:raising(raise) end

--- Frees everything. Handles of it are CLOSED from then on. Can be called again.
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
---@field generation integer starts at 1; incremented when the buffer moves to another address (relocating devices only)
---@field mapping integer how often its physical memory was exchanged, which keeps the address where memory grows in place
---@field manager gpumm.manager
---@field group? gpumm.group
---@operator len: integer
local Buffer = {}

--- Copies elements to the buffer. `data` may be changed once the call returns.
---@param data gpumm.data
---@param first? integer|gpumm.where
---@param count? integer|gpumm.where
---@param where? gpumm.where
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Buffer:upload(data, first, count, where) end

--- Waits for the writers of the buffer and copies elements to the host.
---@param first? integer|gpumm.where
---@param count? integer|gpumm.where
---@param where? gpumm.where
---@return gpumm.view? view it owns its memory
---@return string? message
---@return gpumm.status_name? code
function Buffer:download(first, count, where) end

--- Sets elements to one value.
---@param value number|table|string|gpumm.view|gpumm.buffer one element
---@param first? integer|gpumm.where
---@param count? integer|gpumm.where
---@param where? gpumm.where
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Buffer:fill(value, first, count, where) end

--- Copies elements of another buffer of the same type, on the device.
---@param from gpumm.buffer
---@param where? gpumm.stream|gpumm.copy_options
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Buffer:copy(from, where) end

--- Changes the length, and the capacity where it is too small. New elements are zero.
---@param length integer
---@param where? gpumm.where
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Buffer:resize(length, where) end

--- Adds elements behind the length.
---@param data gpumm.data|integer elements, or how many zeros
---@param where? gpumm.where
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Buffer:append(data, where) end

--- Makes the capacity at least `capacity` elements. Length and contents do not change.
---@param capacity integer
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Buffer:ensure_capacity(capacity) end

--- Reduces the capacity to what the length needs. Memory goes back before this returns where no work uses the buffer and
--- at most 64 MiB must be copied for it, else in the background.
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Buffer:shrink_to_fit() end

--- Declares work that the application itself is about to enqueue on a stream, so that other users of the buffer wait.
---@param stream gpumm.stream?
---@param access gpumm.access
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Buffer:used(stream, access) end

--- The pieces that its memory is in, as it is now; growth adds some behind. In C they have descriptors, where it is shareable.
---@return { offset: integer, bytes: integer }[]? segments
---@return string? message
---@return gpumm.status_name? code
function Buffer:segments() end

--- Makes a readback of this buffer.
---@param options? gpumm.readback_options
---@return gpumm.readback? readback
---@return string? message
---@return gpumm.status_name? code
function Buffer:readback(options) end

--- Frees the buffer. Its handles are STALE from then on.
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Buffer:free() end

--- Frees the buffer; does nothing where it is freed already.
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
---@field mapping integer summed over members
---@field manager gpumm.manager
---@field [string] gpumm.buffer members by name
---@operator len: integer
local Group = {}

--- Adds elements to every member.
---@param columns table<string, gpumm.data>|integer data by member (the others get zeros), or how many zeros
---@param where? gpumm.where
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Group:append(columns, where) end

--- Changes the length of every member. New elements are zero.
---@param length integer
---@param where? gpumm.where
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Group:resize(length, where) end

--- Makes the capacity of every member at least `capacity` elements.
---@param capacity integer
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Group:ensure_capacity(capacity) end

--- Reduces the capacity of every member to what the length needs.
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Group:shrink_to_fit() end

--- The member of that name; also group.name, where no method or property has the name.
---@param name string
---@return gpumm.buffer
function Group:member(name) end

--- The members' names, in order.
---@return string[]
function Group:members() end

--- Makes a readback of members of this group, whose snapshots are taken together.
---@param options? gpumm.readback_options
---@return gpumm.readback? readback
---@return string? message
---@return gpumm.status_name? code
function Group:readback(options) end

--- Frees every member.
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Group:free() end

--- Frees every member; does nothing where they are freed already.
function Group:close() end

-- ---- Scratch ---------------------------------------------------------------------------------

---@class gpumm.scratch
---@field bytes integer also #scratch
---@field address integer
---@operator len: integer
local Scratch = {}

--- Declares work that the application itself is about to enqueue on a stream.
---@param stream gpumm.stream?
---@param access gpumm.access
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Scratch:used(stream, access) end

--- Gives the memory back, behind the work that uses it.
function Scratch:close() end

-- ---- Streams and events ----------------------------------------------------------------------

---@class gpumm.stream
---@field manager gpumm.manager
local Stream = {}

--- An event that is done once everything enqueued on the stream so far is done: a new one, or the given one, recorded anew,
--- which costs less.
---@param event? gpumm.event
---@return gpumm.event event
function Stream:record(event) end

--- Work that is enqueued on this stream from now on waits for the event, on the device. Does not block.
---@param event gpumm.event
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Stream:wait(event) end

--- Waits until the work of the stream is done.
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Stream:synchronize() end

--- Is the work of the stream done?
---@return boolean
function Stream:idle() end

--- Closes the stream, once its work is done.
function Stream:close() end

---@class gpumm.event
local Event = {}

--- Is the work before the event done?
---@return boolean
function Event:ready() end

--- Waits until it is; TIMEOUT after `seconds`.
---@param seconds? number
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Event:wait(seconds) end

--- Seconds between two events.
---@param later gpumm.event
---@return number? seconds
---@return string? message
---@return gpumm.status_name? code
function Event:elapsed(later) end

function Event:close() end

-- ---- Readbacks and frames --------------------------------------------------------------------

---@class gpumm.readback
---@field dropped integer captures that no one was given: refused with BUSY, replaced by newer ones, or passed over by latest; cancelled ones are not among them
---@field newest? integer the newest ticket
---@field slots? integer
---@field manager gpumm.manager
local Readback = {}

--- Captures a snapshot of the contents as they are now, in stream order, without blocking. nil, message, "BUSY" where
--- every slot is taken.
---@param step? integer
---@param where? gpumm.where
---@return integer? ticket
---@return string? message
---@return gpumm.status_name? code
function Readback:capture(step, where) end

--- Has the frame of the ticket arrived?
---@param ticket? integer the newest, unless given
---@return boolean? ready
---@return string? message
---@return gpumm.status_name? code
function Readback:ready(ticket) end

--- Waits for a frame (the newest ticket, unless given) and delivers it; TIMEOUT after `seconds`.
---@param ticket? integer
---@param seconds? number
---@return gpumm.frame? frame
---@return string? message
---@return gpumm.status_name? code
function Readback:wait(ticket, seconds) end

--- For coroutines: yields the readback until the frame has arrived, then returns it.
---@param ticket? integer
---@return gpumm.frame? frame
---@return string? message
---@return gpumm.status_name? code
function Readback:await(ticket) end

--- Gives up a capture (the newest, unless given); its slot becomes free.
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

--- A descriptor for an event loop (luv, cqueues, poll, epoll): readable while a frame can be taken, and once the device failed or
--- the readback has ended. Taking clears it; it is only looked at, never read. It is closed with the readback.
---@return integer? fd
---@return string? message
---@return gpumm.status_name? status
function Readback:fd() end

--- Cancels what is pending and frees the slots.
function Readback:close() end

---@class gpumm.frame
---@field step integer as given to capture
---@field length integer also #frame
---@field generation integer
---@field time number of the capture, in seconds
---@field dropped integer the readback's dropped count at the capture
---@field ticket integer
---@field readback? gpumm.readback
---@field data? gpumm.view|gpumm.device_view the view of a frame that has one member
---@field [string] gpumm.view|gpumm.device_view members by name
---@field [integer] gpumm.view|gpumm.device_view members in order
---@operator len: integer
local Frame = {}

--- The view of a member, by name or position.
---@param name string|integer
---@return gpumm.view|gpumm.device_view
function Frame:member(name) end

--- Keeps the frame valid beyond the next delivery, until release. It holds one of the readback's slots.
---@return gpumm.frame self
function Frame:keep() end

--- Gives the slot back. The views of the frame are STALE from then on.
function Frame:release() end

--- Can its views still be read?
---@return boolean
function Frame:valid() end

--- A member of a frame on the device (`where = "device"`): kernels take it for a pointer to const. Its slot is used again behind
--- the work that reads it, also where the frame has ended meanwhile; captures never wait for that.
---@class gpumm.device_view
---@field type gpumm.type
---@field length integer also #view
---@field address integer
---@operator len: integer
local DeviceView = {}

--- A copy in the host's memory.
---@param where? gpumm.where
---@return gpumm.view? view
---@return string? message
---@return gpumm.status_name? code
function DeviceView:download(where) end

--- Declares work that reads it and that gpumm does not launch, before it is enqueued.
---@param stream? gpumm.stream
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function DeviceView:used(stream) end

-- ---- Sharing with other processes ---------------------------------------------------------------

--- A socket by which other processes of this machine and device read buffers, as they grow, and take frames, without copies.
---@class gpumm.share
---@field readers integer how many are connected
local Share = {}

--- Ends it: readers find it closed.
function Share:close() end

---@class gpumm.share_options
---@field mode? integer of the socket; 0600, unless given
---@field any_user? boolean else readers of other users are refused, but for root's

---@class gpumm.attach_options
---@field manager? gpumm.manager on the owner's device; one is opened, unless given
---@field seconds? number how long to wait for the owner to tell what it shares; 10, unless given
---@field any_user? boolean else an owner of another user is refused, but for root

--- What managers do and when, written to a file that https://ui.perfetto.dev opens: managers that are opened while it is open.
---@class gpumm.trace
local Trace = {}

--- Calls f(…) and returns what it returns. What it took is a slice of the trace, also where f raises.
---@param name string
---@param f function
---@param ... any
---@return any ...
function Trace:slice(name, f, ...) end

--- Ends the files. What the device has not done yet is not in them: close the managers first, or synchronize.
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Trace:close() end

---@class gpumm.trace_options
---@field file? string the trace, JSON; one of this and `history` is given
---@field history? string a CSV of allocations and frees on the device, as RMM's logging_resource_adaptor writes it
---@field buffer? integer|string bytes of lines that wait to be written, "2MiB" unless given

--- Another process' buffers and frames, read only. Lengths and contents' memory follow with poll and wait.
---@class gpumm.attachment
---@field manager gpumm.manager which has the buffers, by name
local Attachment = {}

--- Sees what the owner told: lengths, memory, frames, ends. nil, message, "CLOSED" once the owner is gone.
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Attachment:poll() end

--- The same once there is something to see.
---@param seconds? number
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Attachment:wait(seconds) end

--- A descriptor for an event loop, readable while poll would see something.
---@return integer? fd
---@return string? message
---@return gpumm.status_name? code
function Attachment:fd() end

--- A buffer that is shared. TYPE_MISMATCH where `type` is given and differs.
---@param name string
---@param type? gpumm.typelike
---@return gpumm.buffer? buffer
---@return string? message
---@return gpumm.status_name? code
function Attachment:buffer(name, type) end

--- A readback that is shared: latest, next and wait bring the owner's newest frame, which is on the device.
---@param name string
---@return gpumm.readback? readback
---@return string? message
---@return gpumm.status_name? code
function Attachment:readback(name) end

--- The names of all that is shared.
---@return string[]
function Attachment:names() end

--- Frees its buffers and readbacks here.
function Attachment:close() end

-- ---- Kernels ---------------------------------------------------------------------------------

---@class gpumm.kernel
---@field name string
---@field threads? string the parameter that counts threads
---@field parameters gpumm.parameter[]
---@overload fun(arguments: table<string, any>, where?: gpumm.stream|gpumm.launch_options): true?, string?, gpumm.status_name?
---@overload fun(...: any): true?, string?, gpumm.status_name?
local Kernel = {}

--- Launches the kernel: k:launch(100, p) is k(100, p).
---@param ... any as in calling the kernel itself
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Kernel:launch(...) end

--- Releases the kernel.
function Kernel:close() end

-- ---- Recordings ------------------------------------------------------------------------------

--- Stands for a value that each replay gives, or for a length as it is then, in the place of a kernel's argument.
---@class gpumm.scalar

---@class gpumm.recording
---@field count integer operations of the device in one replay
---@field manager gpumm.manager
local Recording = {}

--- Within m:record: what replays give by this name, as a kernel's value or a capture's step.
---@param name string
---@return gpumm.scalar
function Recording:scalar(name) end

--- Within m:record: the length of a buffer or group at each replay, as a kernel's value; threads follow it.
---@param of gpumm.buffer|gpumm.group
---@return gpumm.scalar
function Recording:length(of) end

--- Enqueues all of it: recording:replay { step = i, stream = s }. Every named value has to be given. Returns true, or a
--- ticket for each capture in it: false where that was refused, which counts as dropped. STALE where a buffer was freed, or
--- has moved.
---@param values? table<string, any>
---@return integer|boolean? ticket
---@return integer|boolean|string? ... the other captures' tickets, or what went wrong
function Recording:replay(values) end

--- Releases the recording. Replays under way finish.
function Recording:close() end

-- ---- Faults ----------------------------------------------------------------------------------

---@class gpumm.fault
local Fault = {}

--- Sets what fails next.
---@param plan gpumm.fault_plan
---@return true
function Fault:plan(plan) end

--- Holds back every operation of a kind until release.
---@param kind "copy"|"snapshot"|"fill"|"launch"
---@return true
function Fault:hold(kind) end

--- Lets operations that are held back run.
---@param kind? "copy"|"snapshot"|"fill"|"launch" every kind, unless given
---@return true
function Fault:release(kind) end

--- How many device calls there were so far: of one name, or of all.
---@param call? string
---@return integer
function Fault:calls(call) end

--- What of the device is alive.
---@return gpumm.live
function Fault:live() end

-- ---- Views and types -------------------------------------------------------------------------

---@class gpumm.view
---@field [integer] number of scalars, from 1; nil past the end
---@field [string] gpumm.view of one field, or of x, y, z, w
---@operator len: integer
local View = {}

--- The values of element i: a scalar, a vector's components, a struct's fields. nil past the end.
---@param i integer
---@return any ... the element's values
function View:get(i) end

--- Writes element i. Raises past the end.
---@param i integer
---@param ... any
function View:set(i, ...) end

--- for i, … in view:each() do … end
---@return function
---@return gpumm.view
---@return integer
function View:each() end

--- A table of the elements.
---@return table
function View:totable() end

--- A view of a copy, which owns its memory.
---@return gpumm.view
function View:copy() end

--- The bytes of all elements, as a string.
---@return string
function View:bytes() end

--- The element type.
---@return gpumm.type
function View:type() end

--- The view of one field, whatever it is called. `v.x` is the same where no method has that name.
---@param name string
---@return gpumm.view
function View:field(name) end

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

--- The declaration of a struct type, for CUDA C.
---@param name? string
---@return string declaration in C
function Type:declaration(name) end

-- ---- Simulations -----------------------------------------------------------------------------

---@class gpumm.description a resource of a simulation, described without a device

---@class gpumm.run_options: gpumm.manager_options
---@field manager? gpumm.manager one to use instead of a new one
---@field interrupted? fun(): boolean
---@field progress? fun(text: string, step: integer, steps: integer?)
---@field drive? fun(sim: gpumm.simulation, interrupted: (fun(): boolean)?): function? runs the steps instead, by advance; what it returns is called behind conclude, before close

---@class gpumm.simulation_options
---@field steps? integer
---@field in_flight? integer how many steps may be enqueued ahead of the device; 2, unless given
---@field init? fun(sim: gpumm.simulation)
---@field step fun(sim: gpumm.simulation, i: integer): boolean? false ends the simulation, and this step does not count: decide before anything is launched
---@field frame? fun(sim: gpumm.simulation, frame: gpumm.frame, key: string)
---@field finish? fun(sim: gpumm.simulation, last: gpumm.frame?, all: table<string, gpumm.frame>)
---@field live? fun(sim: gpumm.simulation, event: gpumm.live_event): any what viewers of a live page do, between steps; true: it has done what the event says. To "describe" it returns a gpumm.live_description
---@field device? string
---@field limit? gpumm.size
---@field memory? gpumm.size
---@field debug? boolean
---@field workers? integer threads that run kernels on the host device
---@field recorded? boolean enqueue each step's launches, fills and copies together at its end: where they are those of the step before, as one CUDA graph
---@field [string] gpumm.description

---@class gpumm.simulation
---@field manager gpumm.manager
---@field i integer the last step that was run
---@field steps? integer
---@field [string] any resources by key, and fields of the script's own
local Simulation = {}

--- Makes the manager and every resource, and calls init.
---@param options? gpumm.run_options
---@return gpumm.simulation self
function Simulation:open(options) end

--- Runs n (1) more steps; false once the simulation has ended.
---@param n? integer
---@return boolean more
function Simulation:advance(n) end

--- Has a simulation that has ended go on for up to n (1) more steps, unless its step ends it again.
---@param n? integer
function Simulation:resume(n) end

--- Gives an event to the description's `live`, and returns what that returns.
---@param event gpumm.live_event|table
---@return any
function Simulation:event(event) end

--- Captures the last state, delivers every frame, and calls finish.
---@return any ... what finish returns
function Simulation:conclude() end

--- Frees everything. Can be called again.
function Simulation:close() end

--- open, advance to the end, conclude, close.
---@param options? gpumm.run_options
---@return any ... what finish returns
function Simulation:run(options) end

--- A line about the progress, which gpumm-run shows.
---@param format string
---@param ... any
function Simulation:progress(format, ...) end

--- Every buffer as text: types, offsets, growth steps, bytes. Needs no device.
---@return string
function Simulation:describe() end

--- The statistics of the last run.
---@return gpumm.stats? stats as they were before the last run closed its manager
function Simulation:statistics() end

-- ---- Graphs ----------------------------------------------------------------------------------

---@class gpumm.batch
---@field nodes table<string, string>
---@field edges table<string, string>
---@field node_count integer
---@field edge_count integer
---@field weights? string

--- A column of text without a table of strings: t[i], #t, ipairs and pairs.
---@class gpumm.texts
---@field [integer] string
local Texts = {}

--- The first row that has this text.
---@param text string
---@return integer? row
function Texts:find(text) end

---@return string[]
function Texts:totable() end

---@class gpumm.graph_object
---@field path string
---@field nodes integer
---@field edges integer
---@field part? table what a rank has of it, as gpumm.world makes it; from, to and weights are of that part then
---@field names gpumm.texts
---@field labels? gpumm.texts of formats that have labels, where there are any
---@field from gpumm.view of u32, from 1; read-only
---@field to gpumm.view
---@field weights? gpumm.view of f64
---@field directed? boolean where the format says it; edges are read without a direction
---@field loops integer self-loops that were dropped
---@field duplicates integer repeated edges that were merged
---@field node_columns table<string, gpumm.view|gpumm.texts> attributes of nodes
---@field edge_columns table<string, gpumm.view|gpumm.texts> attributes of edges
local Graph = {}

--- Adjacency in rows: the neighbours of node i are near[first[i]] to near[first[i + 1] - 1].
---@return integer[] near
---@return integer[] first
function Graph:neighbours() end

--- The number of neighbours of every node.
---@return integer[]
function Graph:degrees() end

--- Breadth-first distances from a node.
---@param source integer
---@return integer[] distances -1 where there is no path
function Graph:bfs(source) end

--- The component of every node, and the sizes of components.
---@return integer[] component
---@return integer[] sizes
function Graph:components() end

--- The largest component as a graph of its own.
---@return gpumm.graph_object
function Graph:largest() end

--- The k-core as a graph of its own: nodes with k neighbours in it. Raises where there is none.
---@param k integer
---@return gpumm.graph_object
function Graph:core(k) end

--- What is at most `radius` edges away from a node, as a graph of its own.
---@param node integer|string its number or its name
---@param radius? integer 1
---@return gpumm.graph_object
function Graph:around(node, radius) end

--- The community of every node, and the sizes of communities.
---@return integer[] community
---@return integer[] sizes
function Graph:communities() end

--- The ends of the first `limit` edges (all, unless given), as bytes for upload.
---@param limit? integer
---@return string ends pairs of u32 that count from 0
---@return integer count
function Graph:ends(limit) end

--- An iterator over the graph in pieces, for graphs that grow.
---@param n? integer nodes at a time; 0: all
---@return fun(positions: gpumm.view?): gpumm.batch?
function Graph:batches(n) end

--- How well distances in the layout match distances in the graph; 0 is perfect.
---@param positions gpumm.view|table
---@param options? { pivots?: integer, seed?: integer }
---@return number stress scale-normalised
---@return number random that of random positions
function Graph:stress(positions, options) end

--- The stress of random positions.
---@param options? { pivots?: integer, seed?: integer }
---@return number
function Graph:random_stress(options) end

-- ---- The module ------------------------------------------------------------------------------

---@class gpumm
---@field version string
---@field null lightuserdata the NULL pointer, for kernel arguments; false is NULL too, nil is an error
---@field statuses table<gpumm.status_name, string>
local gpumm = {}

--- Opens a device and makes a manager of its memory.
---@param options? gpumm.manager_options
---@return gpumm.manager? manager
---@return string? message
---@return gpumm.status_name? code
function gpumm.manager(options) end

--- The type of that name.
---@param type gpumm.typelike
---@return gpumm.type
function gpumm.type(type) end

--- Makes a struct type: gpumm.struct { { "from", "u32" }, { "to", "u32" } }.
---@param fields { [integer]: { [1]: string, [2]: gpumm.typelike }, name?: string }
---@return gpumm.type
function gpumm.struct(fields) end

--- Makes a view on new host memory: zeros, or a copy of data.
---@param type gpumm.typelike
---@param elements integer|gpumm.data
---@return gpumm.view
function gpumm.view(type, elements) end

--- The number of bytes that a text such as "4GiB" means.
---@param text string "4GiB"
---@return integer? bytes
---@return string? message
---@return gpumm.status_name? code
function gpumm.parse_size(text) end

--- Is it OUT_OF_MEMORY, OVER_LIMIT or OVER_MAX_SIZE?
---@param code? string
---@return boolean
function gpumm.is_memory_error(code) end

--- The status of a gpumm error: local ok, err = pcall(f); gpumm.status_of(err) == "STALE". nil for any other error, and
--- for values that are not text.
---@param err any
---@return gpumm.status_name?
function gpumm.status_of(err) end

--- The capacity that a growth schedule chooses next. Needs no device.
---@param growth gpumm.growth_schedule|number|nil
---@param capacity integer
---@param required integer
---@param max integer
---@return integer? next
---@return string? message
---@return gpumm.status_name? code
function gpumm.next_capacity(growth, capacity, required, max) end

--- The absolute path of a file beside the calling script.
---@param path string
---@return string
function gpumm.beside(path) end

--- The file and line of the calling script.
---@return string tag "layout.lua:12"
function gpumm.caller() end

--- The value of an environment variable, nil where it is not set. A contained script needs permission for the name.
---@param name string
---@return string?
function gpumm.environment(name) end

--- Decompresses gzip or zlib data.
---@param data string
---@return string? text
---@return string? message
---@return gpumm.status_name? code
function gpumm.inflate(data) end

--- The text of a file that is embedded in the module, nil where there is none.
---@param path string
---@return string?
function gpumm.resource(path) end

--- A message handler for xpcall: adds a traceback without gpumm's own files.
---@param message any
---@return any
function gpumm.traceback(message) end

--- Parses a script's command line: gpumm.options(arg, { "graph", steps = 600 }).
---@param words string[]
---@param spec table
---@param texts? table<string, string> what each argument and option is for, shown by --help
---@return table<string, any>
function gpumm.options(words, spec, texts) end

--- Seconds, which only go on; since when is not said.
---@return number
function gpumm.clock() end

--- Checks a description and makes a simulation of it. Needs no device.
---@param t gpumm.simulation_options
---@return gpumm.simulation
function gpumm.simulation(t) end

--- Describes buffers that share a length and grow together.
---@param options gpumm.group_options
---@return gpumm.description
function gpumm.group(options) end

--- Describes a buffer.
---@param options gpumm.buffer_options
---@return gpumm.description
function gpumm.buffer(options) end

--- Describes a kernel.
---@param options gpumm.kernel_options
---@return gpumm.description
function gpumm.kernel(options) end

--- Describes a readback: { "nodes.position", every = 5, slots = 3 }. It is captured after every `every`th step and at the
--- end; every is 1 unless given, and with false the script captures by itself (`sim.watch:capture(step)`), nothing else does.
--- With busy = "wait", the default here, nothing is lost: the simulation delivers the oldest frame before it captures the next.
---@param options { [integer]: string, every?: integer|false, slots?: integer, direct?: boolean, busy?: "drop"|"newest"|"wait", inline_bytes?: gpumm.size, where?: "host"|"device", shareable?: boolean }
---@return gpumm.description
function gpumm.readback(options) end

--- Describes a stream besides the main one.
---@param options? table
---@return gpumm.description
function gpumm.stream(options) end

--- Configurations of buffers, as tables that a script may change: default, and presets by purpose.
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

--- The capacity times `factor`, rounded up to a multiple of `align`.
---@param factor number
---@param align? integer
---@return gpumm.growth_schedule
function gpumm.growth.geometric(factor, align) end

--- The next multiple of `step` elements.
---@param step integer
---@return gpumm.growth_schedule
function gpumm.growth.linear(step) end

--- The first entry that is large enough.
---@param entries integer[]
---@return gpumm.growth_schedule
function gpumm.growth.list(entries) end

--- Exactly what is required.
---@return gpumm.growth_schedule
function gpumm.growth.exact() end

gpumm.graph = {}

---@class gpumm.graph_read_options
---@field format? string "edges", "matrix", "metis", "dimacs", "sif", "gml", "pajek", "graphml", "gexf" or "dot"; found unless given
---@field columns? table of delimited text: { source = "from", target = "to", weight = "w" }, by name or number
---@field header? boolean does the first line name the columns? found unless given
---@field comments? boolean lines that begin with # or %: all are comments, or none is
---@field delimiter? string
---@field quotes? boolean
---@field decimal? string "," where numbers are written so
---@field duplicates? "merge"|"count" count: edge_columns.count says how many each edge had
---@field weights? "strength"|"length"|false those of duplicates add up; or the least counts; or none are read
---@field threads? integer 0: as many as there are cores
---@field limit? integer bytes that a compressed file may swell to; 16 GiB

--- Reads a graph from a file, compressed by gzip or not. The format is known by the content: delimited text (CSV by its
--- header, SNAP, KONECT, networkx), Matrix Market, METIS, DIMACS, SIF, GML, Pajek, GraphML, GEXF, and DOT (needs graphviz).
---@param path string
---@param options? gpumm.graph_read_options
---@return gpumm.graph_object
function gpumm.graph.read(path, options) end

--- A graph from columns of ends: lists or views.
---@param nodes integer
---@param from integer[]|gpumm.view from 1
---@param to integer[]|gpumm.view
---@param weights? number[]|gpumm.view
---@return gpumm.graph_object
function gpumm.graph.new(nodes, from, to, weights) end

--- Writes a graph: .graphml or .gexf with all attributes, .csv for the edges.
---@param path string
---@param g gpumm.graph_object
---@param options? { positions?: gpumm.positions, colors?: table, sizes?: table|gpumm.view }
---@return true
function gpumm.graph.write(path, g, options) end

--- Positions by the names of a graph's nodes, from what gpumm.picture.positions has written with its graph.
---@param path string .csv or .npy
---@param g gpumm.graph_object
---@param options? { some?: boolean } some: nodes without a position are no error
---@return gpumm.view
---@return boolean[] has # which nodes have one
function gpumm.graph.positions(path, g, options) end

gpumm.columns = {}

---@class gpumm.columns_options
---@field columns? table by name or number: "integer", "number", "text", or true for what is found; the others are skipped
---@field header? boolean does the first line name the columns? found unless given
---@field delimiter? string
---@field comments? boolean lines that begin with # or %: all are comments, or none is
---@field quotes? boolean
---@field decimal? string "," where numbers are written so
---@field threads? integer 0: as many as there are cores
---@field limit? integer bytes that a compressed file may swell to; 16 GiB

---@class gpumm.columns_result
---@field rows integer
---@field names string[]
---@field columns table<string|integer, gpumm.view|gpumm.texts> by name and by number

--- Reads delimited text, compressed by gzip or not, into typed columns on all cores: views of i64 or f64 (NaN where there
--- is nothing), or texts.
---@param path string
---@param options? gpumm.columns_options
---@return gpumm.columns_result
function gpumm.columns.read(path, options) end

---@alias gpumm.positions gpumm.view|number[][]

---@class gpumm.layout_command what gpumm-layout's options say; --help lists them
---@field graph string

gpumm.layout = {}

--- The options of a command line, checked; --help prints them and ends the process.
---@param words string[]
---@return gpumm.layout_command
function gpumm.layout.options(words) end

--- The graph of options.graph, or the part of it that they name.
---@param options gpumm.layout_command
---@return gpumm.graph_object
function gpumm.layout.read(options) end

--- Options for gpumm.force.layout.
---@param graph gpumm.graph_object
---@param options gpumm.layout_command
---@param own { frame?: function, finish?: function } as gpumm.layout_options has them
---@return gpumm.layout_options
function gpumm.layout.forces(graph, options, own) end

--- Says how many nodes and edges there are, and how good the layout is.
---@param graph gpumm.graph_object
---@param result gpumm.layout_result
function gpumm.layout.report(graph, result) end

--- Writes the picture, page, positions and graph that the options name.
---@param graph gpumm.graph_object
---@param options gpumm.layout_command
---@param positions gpumm.view
---@param frames? gpumm.page_frames of the page
function gpumm.layout.write(graph, options, positions, frames) end

--- What shows progress, reports and writes: a table of functions. finish calls conclude.
---@param graph gpumm.graph_object
---@param options gpumm.layout_command
---@return { frame: function, finish: function, conclude: fun(graph: gpumm.graph_object, result: gpumm.layout_result) }
function gpumm.layout.handlers(graph, options) end

--- A simulation that lays the graph out, and calls own.frame and own.finish.
---@param graph gpumm.graph_object
---@param options gpumm.layout_command
---@param own { frame?: function, finish?: function }
---@return gpumm.simulation
function gpumm.layout.describe(graph, options, own) end

--- A simulation that lays the graph out, shows progress, reports and writes.
---@param graph gpumm.graph_object
---@param options gpumm.layout_command
---@return gpumm.simulation
function gpumm.layout.simulation(graph, options) end

--- The whole command: gpumm-run -m gpumm.layout. Where mpirun started it, over all ranks.
---@param words string[]
---@return gpumm.simulation
function gpumm.layout.main(words) end

---@alias gpumm.color string|number[] a name of CSS, "#rrggbb", "#rgb", or { r, g, b } from 0 to 1

---@class gpumm.picture_options
---@field positions gpumm.positions of points in space: seen from above, what is near larger and brighter
---@field graph? gpumm.graph_object
---@field width? integer 1600; pixels, of a PDF points
---@field height? integer 1200
---@field colors? string|table|gpumm.view one for all; one for each node; or a column: numbers from cold to warm, texts by kind
---@field kinds? boolean true: numbers are kinds too
---@field sizes? (number[])|gpumm.view a number from 0 for each node, by which areas go; the degrees, unless given
---@field widths? (number[])|gpumm.view|false a number from 0 for each edge, instead of the weights; false: all alike
---@field arrows? boolean at the second end of each edge; graph.directed, unless given
---@field labels? integer|true names beside so many of the largest nodes, without overlap; true: 30
---@field names? string[] one for each node; the graph's, unless given
---@field legend? string|true what the colors mean, under this title
---@field turn? number[] { yaw, pitch } in degrees, of points in space
---@field title? string of an SVG
---@field background? gpumm.color
---@field manager? gpumm.manager the one to use for a PNG; a temporary one, unless given

gpumm.picture = {}

--- Draws a layout to a file. Labels, legends and PDF need Pango (libpangocairo), which is opened when it is needed.
---@param path string .png, .svg or .pdf; any other ending is refused before the work
---@param options gpumm.picture_options
---@return true
function gpumm.picture.write(path, options) end

--- Reads one value for each node, for `colors`, from a file of lines "name value": numbers where all are numbers, else
--- texts. Where every line has a tab, a semicolon or a comma, that one separates; a name may be quoted.
---@param path string
---@param graph gpumm.graph_object
---@return (number|string)[]
function gpumm.picture.column(path, graph) end

--- Writes positions to a file; with a graph, the names of the nodes too (beside a .npy in FILE.names.csv).
---@param path string .npy or .csv
---@param view gpumm.view
---@param graph? gpumm.graph_object
---@return true
function gpumm.picture.positions(path, view, graph) end

--- Raises where a file that a layout will write at its end cannot be written, so that this shows before the work.
---@param paths { picture?: string, page?: string, positions?: string, frames?: string, graph?: string } frames: a folder; "": not wanted
function gpumm.picture.outputs(paths) end

---@class gpumm.memory_options
---@field trace string the path of a trace: gpumm-run --trace, gpumm.trace
---@field manager? integer which, of those that have memory; 1, the first, unless given
---@field title? string
---@field width? integer pixels; 1200
---@field height? integer pixels; 560

--- Draws a manager's memory over time as SVG: categories stacked, growth steps marked, the peak by what held it.
---@param path string it ends in .svg
---@param options gpumm.memory_options
---@return { total: integer, at: number, now: table<string, integer> } peak bytes, microseconds, bytes by category
function gpumm.picture.memory(path, options) end

---@class gpumm.page_frame
---@field step integer
---@field positions gpumm.positions of the nodes that there were: the first ones

---@class gpumm.page_options
---@field positions gpumm.positions of points in space: the page turns them
---@field graph? gpumm.graph_object
---@field colors? string|table|gpumm.view as gpumm.picture_options has them
---@field kinds? boolean as gpumm.picture_options has it
---@field sizes? (number[])|gpumm.view as gpumm.picture_options has them
---@field widths? (number[])|gpumm.view|false as gpumm.picture_options has them
---@field arrows? boolean as gpumm.picture_options has it
---@field background? gpumm.color
---@field title? string
---@field names? string[]|false one for each node; the graph's, unless given
---@field columns? table<string, table|gpumm.view>|false to filter by, one value for each node; graph.node_columns, unless given
---@field frames? gpumm.page_frame[] of a layout that grew: the page has a slider over them
---@field legend? string|false its title

--- A list of frames that keeps some of those that it is given, evenly.
---@class gpumm.page_frames
local PageFrames = {}

---@param step integer
---@param view gpumm.view copied, where it is kept
function PageFrames:add(step, view) end

--- Self-contained HTML pages: pan, zoom, turn, search, click for neighbours, filter, and a slider over time.
gpumm.page = {}

--- Writes a page that shows a layout.
---@param path string
---@param options gpumm.page_options
---@return true
function gpumm.page.write(path, options) end

--- Frames for gpumm.page.write.
---@param most? integer how many are kept: 48
---@return gpumm.page_frames
function gpumm.page.frames(most) end

-- ---- The live page --------------------------------------------------------------------------

---@class gpumm.live_event what a viewer did; it was checked, and nodes, parameters and their ranges are there
---@field kind "describe"|"pause"|"go"|"finish"|"step"|"rate"|"drag"|"drop"|"free"|"pick"|"set"|"tell"
---@field viewer? integer 1, 2, 3 …: who
---@field node? integer from 1: drag, drop, free, pick
---@field x? number drag, drop
---@field y? number
---@field z? number of a viewer in space
---@field name? string the parameter of "set", the word of "tell"
---@field value? number set
---@field rate? number steps a second; 0: as many as it can
---@field count? number steps to do
---@field [integer] number up to three numbers of "tell"

---@class gpumm.live_parameter
---@field name string a letter, then letters, digits and _, at most 31
---@field value number
---@field least? number 0, unless given
---@field most? number 10, unless given

---@class gpumm.live_description what is to be shown; what is left out is looked for, or is not there
---@field positions? string "nodes.position": a buffer of f32x2 or f32x3
---@field edges? string|string[]|false one buffer of pairs of u32, or two of u32; false: none
---@field base? integer what the first node is called in edges: 0 (unless given) or 1
---@field names? string[]
---@field colors? any as gpumm.picture.write has them: one a node, or a column of numbers or kinds; otherwise by degree
---@field kinds? boolean numbers in `colors` are kinds, as communities are
---@field title? string
---@field parameters? gpumm.live_parameter[] that viewers may set: an event "set" then, for which `live` returns true

---@class gpumm.live_options what is to be shown comes before what the simulation says
---@field positions? string as gpumm.live_description has these
---@field edges? string|string[]|false
---@field base? integer
---@field names? string[]
---@field colors? any
---@field kinds? boolean
---@field title? string
---@field port? integer 0, unless given: any that is free
---@field host? string "127.0.0.1", unless given: the address to listen on; "0.0.0.0": every one of this machine
---@field viewers? integer at once; 32, unless given
---@field fps? number frames a second at most; 60, unless given
---@field rate? number steps a second; 0, unless given: as many as it can
---@field paused? boolean begin so
---@field exit? boolean end where the simulation ends; otherwise it rests there until Finish or Ctrl-C
---@field reheat? integer how many steps it goes on for when something is changed at rest; 200, unless given
---@field origins? string[] of a proxy in front, as "https://lab.example"
---@field token? string 32 characters of the URL; random ones, unless given
---@field say? fun(url: string) instead of a line on standard error
---@field quiet? boolean print no URL
---@field keep? boolean a session's next simulation begins at the positions of the one before
---@field run? gpumm.run_options of serve's run

---@class gpumm.live_session
---@field url string
local Session = {}

--- Runs a simulation as its run does, and shows it.
---@param sim gpumm.simulation
---@param options? gpumm.run_options
---@return any ... what finish returns
function Session:run(sim, options) end

--- Shows an error; the last picture stays.
---@param message string
function Session:fail(message) end

--- Did somebody press Finish?
---@return boolean
function Session:finished() end

--- viewers, bytes and queued are of now; frames, sent, skipped, events, refused, joined and turned_away since the start.
---@return table<string, integer>
function Session:counts() end

--- Sends viewers away, with what there is for them, and stops listening.
function Session:close() end

--- The page that shows a simulation while it runs. Part of the module gpumm_live (package gpumm-live).
gpumm.live = {}

--- Runs the simulation, prints a URL that shows it, and returns what its run returns.
---@param sim gpumm.simulation
---@param options? gpumm.live_options
---@return any ...
function gpumm.live.serve(sim, options) end

--- A session for several simulations, one after the other.
---@param options? gpumm.live_options
---@return gpumm.live_session
function gpumm.live.open(options) end

---@class gpumm.force_model expressions in CUDA C
---@field repel? string of the square distance d2: the push between two unit masses, over their distance
---@field attract? string of d2: the pull of an edge, over its length
---@field mass? string of heft: what a node pushes with
---@field gravity? number
---@field limit? number how far a node may move in the first step
---@field length? boolean true where the forces have a natural length, to which the start is scaled

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
---@field settle? number 0.0005: ends when nodes move less than this on average, in the model's units; 0: never
---@field every? integer steps between two frames
---@field slots? integer
---@field quality? boolean measure the quality at the end
---@field repulsion? number
---@field gravity? number
---@field speed? number
---@field limit? number how far a node may move at first
---@field inertia? number
---@field pinned? table nodes that stay: a list of them or a set
---@field positions? table|gpumm.view start positions, instead of PivotMDS; a point that is false: that node finds its own
---@field hold? number 0 to 1: how strongly nodes are drawn back to their positions
---@field seconds? number that it may take, instead of steps; 0: as long as it takes
---@field tension? number 0.06: how strongly the distances of the graph are held in the end, by the model tforce
---@field weights? "strength"|"length" heavy edges pull more, or short ones
---@field frame? fun(sim: gpumm.simulation, frame: gpumm.frame)
---@field finish? fun(sim: gpumm.simulation, result: gpumm.layout_result)
---@field device? string

---@class gpumm.growing_options
---@field model? "tforce"|"forceatlas"|"spring"|gpumm.force_model
---@field dimensions? 2|3
---@field seed? integer
---@field first? integer nodes at the beginning
---@field batch? integer nodes that each growth adds
---@field every? integer steps between two growths
---@field steps? integer after the last growth
---@field warmth? number how far a node may move after a growth
---@field cooling? number
---@field capture? integer steps between two frames
---@field weights? "strength"|"length"
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
---@field now table row, near, pull, n, m, most, entries; first and count: whose rows they are
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

--- A simulation that lays out a graph. Its run returns a gpumm.layout_result.
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
---@return gpumm.view for every node the number of its component: the component's first node, counting from 0
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
---@return table[] stresses the largest components' own, as nodes.stress of an engine's step takes them
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

--- Attaches to what another process shares at `path`: manager:share there.
---@param path string
---@param options? gpumm.attach_options
---@return gpumm.attachment? attachment
---@return string? message
---@return gpumm.status_name? code
function gpumm.attach(path, options) end

--- Opens a trace for managers that this state opens from now on. One at a time: nil, message, "BUSY"; one that
--- nobody has any more is closed. A contained script needs to be granted the files.
---@param options gpumm.trace_options
---@return gpumm.trace? trace
---@return string? message
---@return gpumm.status_name? code
function gpumm.trace(options) end

--- Can a file of that name be written now? An existing file is not changed.
---@param path string
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function gpumm.writable(path) end

--- For your own specs, under busted.
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

--- Checks the books of every manager opened in this test, and closes it. For after_each.
function gpumm.spec.close() end

---@type boolean whether spec.close fails a test that left a named buffer; true, unless a file sets it to false
gpumm.spec.leaks_fail = true

--- This test leaves named buffers of this manager on purpose.
---@param manager gpumm.manager
---@return gpumm.manager
function gpumm.spec.leaks(manager) end

return gpumm
