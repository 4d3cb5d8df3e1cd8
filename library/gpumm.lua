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
---@field first? integer the first element, from 1; 1, unless given
---@field count? integer elements; all that there are from `first` on, unless given

---@class gpumm.copy_options
---@field first? integer in the buffer that is written, from 1; 1, unless given
---@field from_first? integer in the buffer that is read, from 1; 1, unless given
---@field count? integer elements; all of the buffer that is read from `from_first` on, unless given
---@field stream? gpumm.stream the main stream, unless given

---@class gpumm.manager_options
---@field device? string "auto", "host", "cuda", "cuda:1" or "cuda:GPU-uuid"; "auto", unless given: GPUMM_DEVICE, else the first GPU, else the host
---@field limit? gpumm.size the budget, in logical bytes; none, unless given
---@field memory? gpumm.size host device: how much "device" memory it has, in bytes; what the machine, its control group and its address space allow, unless given
---@field granularity? gpumm.size host device: the unit in which it commits memory, in bytes, a power of two; 64 KiB, unless given
---@field workers? integer host device: threads that run kernels; one a core, unless given
---@field spin_us? integer microseconds that a wait looks at the device before its thread sleeps; 50, unless given
---@field spill? gpumm.size how much pinned host memory may stand for the device's where that has no more, in bytes: manager:promote(); none, unless given
---@field spill_rate? gpumm.size host device: work with a buffer lasts as long as reading what is spilled of it at so many bytes a second; as fast as it is, unless given
---@field relocate? boolean grow by copying to new memory, even where the device can grow in place; false, unless given
---@field leave_sigfpe? boolean host device: integer division by zero in a kernel raises SIGFPE for the application, and does not end the launch with an error; false, unless given
---@field debug? boolean write a canary behind every buffer's capacity, which check() looks at; false, unless given
---@field fault? boolean|gpumm.fault_plan make the device fail on demand, for tests; nothing fails, unless given

---@class gpumm.fault_plan
---@field call? string the name of a device call, as "commit"; any call, unless given
---@field nth? integer the nth such call from now fails, 0: none; 1 where call, times or status is given, else 0, unless given
---@field status? gpumm.status_name the status that it fails with; "OK": the call does nothing and reports success; OUT_OF_MEMORY, unless given
---@field times? integer so many of them fail, one after another; 1, unless given
---@field jitter? integer a seed: every operation of a stream is delayed by a random time; none is, unless given
---@field hold? "copy"|"snapshot"|"fill"|"launch" this kind of operation is held back from the start, until fault:release; none is, unless given

---@class gpumm.config
---@field bytes_per_element? gpumm.size the size of an element, of a buffer that is made without a type; 4, unless given
---@field growth_factor? number of geometric growth, at least 1; 1.5, unless given
---@field max_size_bytes? gpumm.size the buffer never has more; 1 GiB, unless given
---@field min_size_bytes? gpumm.size the capacity has at least so many; 4096, unless given
---@field enable_async? boolean allow start_async_download, which takes two slots on both sides; false, unless given

---@class gpumm.allocate_options: gpumm.config
---@field growth? gpumm.growthlike a schedule, a factor, or a function; geometric with growth_factor, unless given
---@field align? integer capacities are multiples of this number of elements; 1, unless given
---@field ahead? integer growth steps to commit in advance; 0: none; unless given, a small next step of what has grown twice
---@field max_length? integer elements; what max_size_bytes holds, unless given
---@field shareable? boolean other processes can map its memory, see gpumm.manager:share; it takes whole commit steps of its own; false, unless given
---@field devices? integer[] of a striped buffer: the numbers of the devices that its memory is on in turn, the manager's own among them; the manager's own alone, unless given
---@field stripe? gpumm.size of a striped buffer: bytes on one device before the next takes its turn, at most 1 GiB, rounded up to what they commit; 64 MiB, unless given
---@field tag? string who asks, as shown in statistics and messages; the script's file and line, unless given
---@field stream? gpumm.stream on which the elements are set to zero; the main stream, unless given

---@class gpumm.buffer_options: gpumm.allocate_options
---@field type? gpumm.typelike of an element; opaque bytes_per_element, unless given
---@field length? integer elements, which are zero; 0, unless given

---@class gpumm.group_options
---@field [integer] { [1]: string, [2]: gpumm.typelike } the members, in order
---@field growth? gpumm.growthlike as a buffer's: a schedule, a factor, or a function; geometric by 1.5, unless given
---@field align? integer capacities are multiples of this number of elements; 1, unless given
---@field ahead? integer growth steps to commit in advance; 0: none; a small next step of what has grown twice, unless given
---@field length? integer elements, which are zero; 0, unless given
---@field max_length? integer elements; what 1 GiB holds of the widest member, unless given
---@field min_length? integer the capacity is at least this; 0, unless given
---@field name? string for messages and the books, and of members ("nodes.position"); none, unless given
---@field shareable? boolean other processes can map its members' memory; false, unless given
---@field tag? string who asks, as shown in statistics and messages; the script's file and line, unless given
---@field stream? gpumm.stream on which the elements are set to zero; the main stream, unless given

---@class gpumm.kernel_options
---@field file? string CUDA C, beside the script; or a binary, .ptx .cubin .fatbin; none, unless given: then there is a source
---@field source? string CUDA C as text; none, unless given: then there is a file
---@field name? string which kernel; the only one, unless given
---@field threads? string the parameter that counts threads; the first integer, unless given
---@field block? integer|integer[] threads in a block: in x, or { x, y, z }; what suits the device, unless given
---@field grid? integer|integer[] blocks of launches that say neither a grid nor threads: in x, or { x, y, z }; as many as the threads need, unless given
---@field shared_bytes? integer dynamic shared memory of a block, in bytes; 0, unless given
---@field types? table<string|integer, gpumm.type> structs whose C declarations are put before the source, by name; none, unless given
---@field flags? string compiler flags, separated by spaces; none, unless given
---@field signature? string the prototype of a kernel in a binary file, which has no source to read it from; none, unless given

---@class gpumm.launch_options
---@field stream? gpumm.stream the main stream, unless given
---@field threads? integer how many threads run; 0: none; what the counting parameter says, unless given
---@field grid? integer|integer[] how many blocks run, instead of threads: in x, or { x, y, z }; it needs a block; the kernel's, unless given
---@field block? integer|integer[] threads in a block: in x, or { x, y, z }; the kernel's, unless given
---@field shared_bytes? integer dynamic shared memory of a block, in bytes; the kernel's, unless given

---@class gpumm.scan_options
---@field from gpumm.buffer u32, u64, i32 or f32
---@field to? gpumm.buffer of the same type; in place, unless given
---@field exclusive? boolean an element's sum is of those before it, without itself; false, unless given
---@field total? boolean the sum of all goes behind the last: `to` has one element more; false, unless given
---@field n? integer how many elements, from the first on; all of them, unless given
---@field stream? gpumm.stream the main stream, unless given

---@class gpumm.reduce_options
---@field from gpumm.buffer u32, u64, i32 or f32
---@field to gpumm.buffer its first element gets the result: of the same type; for positions u32 or u64
---@field op "sum"|"min"|"max"|"argmin"|"argmax" positions count from 0, and of equal elements it is the first
---@field n? integer how many elements, from the first on; all of them, unless given
---@field stream? gpumm.stream the main stream, unless given

---@class gpumm.sort_options
---@field keys gpumm.buffer u32, u64, i32 or f32
---@field values? gpumm.buffer elements of 4 or 8 bytes that follow their keys; none, unless given
---@field to_keys? gpumm.buffer in place, unless given
---@field to_values? gpumm.buffer in place, unless given
---@field descending? boolean the greatest first; false, unless given
---@field bits? integer of u32 and u64: only so many low bits are looked at, which takes less time; all, unless given
---@field n? integer how many elements, from the first on; all of them, unless given
---@field stream? gpumm.stream the main stream, unless given

---@class gpumm.unique_options
---@field from gpumm.buffer u32, u64, i32 or f32
---@field to gpumm.buffer another buffer of the same type, with room for all
---@field count? gpumm.buffer u32 or u64: its first element gets how many there are; nowhere, unless given
---@field n? integer how many elements, from the first on; all of them, unless given
---@field stream? gpumm.stream the main stream, unless given

---@class gpumm.select_options
---@field from? gpumm.buffer elements of 4 or 8 bytes; the positions, from 0, unless given
---@field flags gpumm.buffer u8, i8, u32 or i32: what is not 0 is kept
---@field to gpumm.buffer another buffer of the same type (of positions: u32 or u64), with room for all
---@field count? gpumm.buffer u32 or u64: its first element gets how many there are; nowhere, unless given
---@field n? integer how many elements, from the first on; all that `flags` has, unless given
---@field stream? gpumm.stream the main stream, unless given

---@class gpumm.histogram_options
---@field from gpumm.buffer u32, u64, i32 or f32
---@field to gpumm.buffer u32 or u64; its length is the number of bins
---@field low? number the least that is counted; f32 needs both; 0, unless given
---@field high? number one past the greatest; f32 needs both; of whole numbers one number a bin, unless given
---@field n? integer how many elements, from the first on; all of them, unless given
---@field stream? gpumm.stream the main stream, unless given

---@class gpumm.readback_options
---@field [integer] string|gpumm.buffer which members; every one, unless given
---@field slots? integer 2 to 64; 2, unless given
---@field direct? boolean copy to the host at once, without staging on the device: the next writer waits for the copy; false, unless given
---@field busy? "drop"|"newest"|"wait" what a capture does while every slot is taken: "drop" refuses (`nil, message, "BUSY"`); "newest" replaces the oldest frame that nobody took; "wait" waits for copies under way and loses nothing, with BUSY where every slot holds a frame that has arrived; "drop", unless given
---@field wait_seconds? number with busy = "wait": how long to wait for another thread to take a frame, before BUSY; 0, unless given
---@field inline_bytes? gpumm.size snapshots up to so large are copied to the host on the producing stream, without staging; as is best on the device, unless given; 0: none
---@field where? "host"|"device" where frames are: in the host's memory, unless given; on the device a frame is the slot's own memory there, for kernels, and nothing is copied to the host
---@field shareable? boolean with where = "device": other processes can take the frames, see gpumm.manager:share; false, unless given
---@field tag? string who asks, as shown in statistics and messages; the script's file and line, unless given

---@class gpumm.growth_request
---@field name string of the buffer or group, "" where it has none
---@field capacity integer elements, as it is
---@field required integer elements that must fit
---@field max integer elements, the most that it may have

---@class gpumm.growth_schedule
---@field kind "geometric"|"linear"|"list"|"exact" which of the four
---@field factor? number of "geometric"
---@field step? integer of "linear", in elements
---@field list? integer[] of "list", in elements, increasing
---@field align? integer capacities are multiples of this many elements

-- ---- Records ---------------------------------------------------------------------------------

---@class gpumm.entry
---@field now integer bytes
---@field peak integer bytes
---@field count integer live blocks
---@field total integer blocks ever made

---@class gpumm.stats
---@field total_allocated_bytes integer bytes of all buffers' capacities
---@field peak_allocated_bytes integer the most that those ever were
---@field buffer_count integer buffers that are alive
---@field allocation_count integer buffers ever made
---@field resize_count integer capacities that grew
---@field async_transfer_count integer downloads that were started
---@field limit_bytes? integer the budget; nil: none
---@field used_bytes integer bytes charged to the limit
---@field peak_used_bytes integer the most that used_bytes ever was
---@field committed_bytes integer bytes held of the device
---@field peak_committed_bytes integer the most that committed_bytes ever was
---@field dropped_frames integer captures that no one was given, of every readback
---@field gate_waits integer calls that waited while the memory under a buffer's address was exchanged
---@field striped_bytes? table<integer, integer> of committed_bytes: what striped buffers hold on each device, by its number; nil: there are none
---@field buffers gpumm.entry capacities of buffers
---@field scratch gpumm.entry scratch that was not given back
---@field staging gpumm.entry slots of readbacks on the device
---@field pinned gpumm.entry slots of readbacks on the host
---@field precommitted gpumm.entry committed for coming growths
---@field cached gpumm.entry freed, kept to be used again
---@field slack gpumm.entry what granularity adds, and blocks for transfers
---@field external gpumm.entry declared by manager:external
---@field exported gpumm.entry freed here, held by those who imported it
---@field spilled gpumm.entry of what the others hold on the device: what is host memory instead

---@class gpumm.block
---@field name string "" where it has none
---@field tag string "layout.lua:12"
---@field category string "buffers", "scratch", … as in gpumm.stats
---@field bytes integer logical
---@field committed_bytes integer physical
---@field address integer on the device; 0 for what is on the host

---@class gpumm.device
---@field kind "host"|"cuda" which of the two devices
---@field name string as its maker calls it
---@field why string why this device was chosen
---@field uuid string "GPU-…"; "" on the host
---@field total_bytes integer of device memory
---@field granularity integer bytes in which device memory is committed
---@field pinned_granularity integer the same of pinned memory
---@field units integer multiprocessors, or threads for kernels
---@field in_place boolean device memory grows in place
---@field pinned_in_place boolean pinned memory grows in place
---@field compute? string "9.0"; of GPUs alone
---@field driver_version? integer 13000 for 13.0; of GPUs alone

---@class gpumm.live
---@field committed_bytes integer of physical memory
---@field reserved_bytes integer of address space
---@field ranges integer of address space
---@field segments integer of physical memory
---@field blocks integer of memory that cannot grow
---@field streams integer queues
---@field events integer marks on streams
---@field modules integer compiled kernels' binaries
---@field graphs integer of recordings
---@field semaphores integer of others, imported

---@class gpumm.parameter
---@field name string as written; "" where it could not be read
---@field type string as written
---@field kind "pointer"|"value" whether a launch gives it a buffer or a value
---@field access? gpumm.access of a pointer

---@class gpumm.field
---@field name string as declared
---@field type gpumm.type of the field
---@field offset integer bytes from the element's start

-- ---- Managers --------------------------------------------------------------------------------

---@class gpumm.manager
---@field fault gpumm.fault only of a manager that was opened with the option fault
local Manager = {}

--- Makes a named buffer of `length` elements, which are zero. It belongs to the manager until free or close.
--- Fails: ALREADY_EXISTS (whatever the other's type), OVER_LIMIT, OVER_MAX_SIZE, OUT_OF_MEMORY, NO_DEVICE (of devices).
--- ```lua
--- local p = m:allocate("velocities", "f32x2", 1000, { growth_factor = 1.3, max_size_bytes = "64MiB" })
--- print(#p, p.capacity_bytes) --> 1000	8000
--- ```
---@param name string 1 to 255 bytes
---@param type? gpumm.typelike of an element; opaque bytes by config.bytes_per_element, unless given
---@param length integer elements
---@param config? gpumm.allocate_options
---@return gpumm.buffer? buffer
---@return string? message
---@return gpumm.status_name? code
function Manager:allocate(name, type, length, config) end

--- An anonymous buffer, which is freed when its last handle is collected or closed. With `devices` it is striped: one address range, whose
--- memory is on those devices in turn, `stripe` bytes on each, for all of them to use, by kernels of other managers too, of one of those
--- devices; growth goes on in turn. It does not spill and is not shareable. On the host device any devices do, each with its quota.
--- Contained scripts (`--sandbox`) make none, and where `--device` or the application chose a GPU, `devices` has that one alone.
--- Fails: OVER_LIMIT, OVER_MAX_SIZE, OUT_OF_MEMORY, NO_DEVICE (of devices: there is none, or two cannot use each other's memory).
--- ```lua
--- local mass <close> = m:buffer { type = "f32", length = 100, growth = gpumm.growth.linear(64) }
--- local wide <close> = m:buffer { type = "f32", length = 100, devices = { 0 }, stripe = "2MiB" } -- { 0, 1 } where there are two
--- ```
---@param options gpumm.buffer_options
---@return gpumm.buffer? buffer
---@return string? message
---@return gpumm.status_name? code
function Manager:buffer(options) end

--- The buffer of that name. TYPE_MISMATCH where `type` is given and differs.
--- Fails: NOT_FOUND, TYPE_MISMATCH.
--- ```lua
--- local p = m:get_buffer("positions", "f32x2")
--- print(m:get_buffer "nobody") --> nil	NOT_FOUND: there is no buffer named 'nobody'	NOT_FOUND
--- ```
---@param name string as it was allocated
---@param type? gpumm.typelike what it must be; any, unless given
---@return gpumm.buffer? buffer
---@return string? message
---@return gpumm.status_name? code
function Manager:get_buffer(name, type) end

--- Frees a named buffer. Work that uses it may still be queued: its memory is released behind that work.
--- Fails: NOT_FOUND, BUSY (a tensor of it is lent).
--- ```lua
--- m:allocate("flags", "u32", 10)
--- print(m:free "flags") --> true
--- ```
---@param name string as it was allocated
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Manager:free(name) end

--- Makes the capacity at least `capacity` elements. Length and contents do not change.
--- Fails: NOT_FOUND, OVER_LIMIT, OVER_MAX_SIZE, OUT_OF_MEMORY.
--- ```lua
--- m:ensure_capacity("positions", 5000)
--- print(b.capacity >= 5000, #b) --> true	4
--- ```
---@param name string as it was allocated
---@param capacity integer elements
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Manager:ensure_capacity(name, capacity) end

--- Starts a copy of the buffer to the host. Needs enable_async; one at a time for each buffer.
--- Fails: NOT_FOUND, ASYNC_DISABLED, ALREADY_PENDING.
--- ```lua
--- m:start_async_download "positions"
--- local view = m:wait_for_download "positions"
--- ```
---@param name string as it was allocated
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Manager:start_async_download(name) end

--- Waits for the copy that start_async_download started, and returns it.
--- Fails: NOT_FOUND, ASYNC_DISABLED, NOT_PENDING, TIMEOUT.
--- ```lua
--- m:start_async_download "positions"
--- print(#m:wait_for_download("positions", 10)) --> 4
--- ```
---@param name string as it was allocated
---@param seconds? number how long; without bound, unless given
---@return gpumm.view? view it owns its memory
---@return string? message
---@return gpumm.status_name? code
function Manager:wait_for_download(name, seconds) end

--- Makes buffers that share a length and grow together: all of them, or none.
--- Fails: OVER_LIMIT, OVER_MAX_SIZE, OUT_OF_MEMORY.
--- ```lua
--- local bodies = m:group { { "place", "f32x3" }, { "mass", "f32" }, growth = 1.3, max_length = 1e6 }
--- bodies:append { place = { { 0, 0, 0 }, { 1, 0, 0 } }, mass = { 1, 2 } }
--- print(#bodies, #bodies.place) --> 2	2
--- ```
---@param options gpumm.group_options
---@return gpumm.group? group
---@return string? message
---@return gpumm.status_name? code
function Manager:group(options) end

--- Compiles a kernel, or takes it from the cache.
--- Fails: COMPILE_FAILED with the compiler's words at your line, NOT_FOUND (no kernel of that name), IO.
--- ```lua
--- local twice = m:kernel { source = [[extern "C" __global__ void twice(int n, float2 *p)
---     { int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) p[i].x *= 2; }]] }
--- twice { n = #b, p = b }
--- ```
---@param options gpumm.kernel_options
---@return gpumm.kernel? kernel
---@return string? message
---@return gpumm.status_name? code
function Manager:kernel(options) end

--- Running sums. Those of whole numbers wrap around, those of f32 are made in one order (gpumm.h), so that the result is the
--- same in every bit each time, on both devices, as that of all that follow down to m:histogram.
--- Fails: OVER_LIMIT, OUT_OF_MEMORY (for scratch), COMPILE_FAILED.
--- ```lua
--- local counts = m:buffer { type = "u32", length = 3 }
--- local starts = m:buffer { type = "u32", length = 4 }
--- counts:upload { 2, 0, 5 }
--- m:scan { from = counts, to = starts, exclusive = true, total = true }
--- print(table.concat(starts:download():totable(), " ")) --> 0 2 2 7
--- ```
---@param options gpumm.scan_options
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Manager:scan(options) end

--- The sum, least or greatest of all, or where that is. Floats are compared in the order of IEEE 754's totalOrder: negative
--- NaNs, -inf, …, -0, +0, …, inf, positive NaNs.
--- Fails: OVER_LIMIT, OUT_OF_MEMORY (for scratch), COMPILE_FAILED.
--- ```lua
--- local values, sum = m:buffer { type = "u32", length = 3 }, m:buffer { type = "u32", length = 1 }
--- values:upload { 2, 0, 5 }
--- m:reduce { from = values, to = sum, op = "sum" }
--- print(sum:download()[1]) --> 7
--- ```
---@param options gpumm.reduce_options
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Manager:reduce(options) end

--- Sorts keys, and values with them; what is equal stays in its order. Takes scratch of twice their size.
--- Fails: OVER_LIMIT, OUT_OF_MEMORY (for scratch), COMPILE_FAILED.
--- ```lua
--- local keys, node = m:buffer { type = "u32", length = 3 }, m:buffer { type = "u32", length = 3 }
--- keys:upload { 7, 1, 4 }
--- node:upload { 0, 1, 2 }
--- m:sort { keys = keys, values = node }
--- print(table.concat(node:download():totable(), " ")) --> 1 2 0
--- ```
---@param options gpumm.sort_options
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Manager:sort(options) end

--- The first of every run of equal elements; of sorted ones, each value once.
--- Fails: OVER_LIMIT, OUT_OF_MEMORY (for scratch), COMPILE_FAILED.
--- ```lua
--- local from, to = m:buffer { type = "u32", length = 4 }, m:buffer { type = "u32", length = 4 }
--- local count = m:buffer { type = "u32", length = 1 }
--- from:upload { 1, 1, 3, 3 }
--- m:unique { from = from, to = to, count = count }
--- print(count:download()[1], to:download()[2]) --> 2	3
--- ```
---@param options gpumm.unique_options
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Manager:unique(options) end

--- The elements with a flag, in their order.
--- Fails: OVER_LIMIT, OUT_OF_MEMORY (for scratch), COMPILE_FAILED.
--- ```lua
--- local flags, to = m:buffer { type = "u8", length = 4 }, m:buffer { type = "u32", length = 4 }
--- flags:upload { 0, 1, 0, 1 }
--- m:select { flags = flags, to = to } -- their positions, which count from 0
--- print(to:download()[1], to:download()[2]) --> 1	3
--- ```
---@param options gpumm.select_options
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Manager:select(options) end

--- How many elements fall into each bin; those outside and NaNs fall into none.
--- Fails: OVER_LIMIT, OUT_OF_MEMORY (for scratch), COMPILE_FAILED.
--- ```lua
--- local values, bins = m:buffer { type = "f32", length = 4 }, m:buffer { type = "u32", length = 2 }
--- values:upload { 0.1, 0.2, 0.7, 3 }
--- m:histogram { from = values, to = bins, low = 0, high = 1 }
--- print(table.concat(bins:download():totable(), " ")) --> 2 1
--- ```
---@param options gpumm.histogram_options
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Manager:histogram(options) end

--- Makes a readback of one buffer, or of members of one group: snapshots that are copied to the host asynchronously.
--- Fails: OVER_LIMIT, OUT_OF_MEMORY.
--- ```lua
--- local watch = m:readback { g.position, g.mass, slots = 3 }
--- watch:capture(1)
--- print(watch:wait().mass[1]) --> 0.0
--- ```
---@param options gpumm.readback_options
---@return gpumm.readback? readback
---@return string? message
---@return gpumm.status_name? code
function Manager:readback(options) end

--- Runs the function once, and records the launches, fills, copies and captures that it makes on this manager's objects
--- instead of making them; primitives too (m:scan and so on), which without `n` are of the lengths at each replay. What cannot be recorded raises. Buffers may grow between replays.
--- Fails: OUT_OF_MEMORY.
--- ```lua
--- local step = m:record(function(r) move(r:length(b), b, r:scalar "by") end)
--- for i = 1, 3 do step:replay { by = i } end
--- print(b:download().x[1]) --> 6.0
--- ```
---@param record fun(recording: gpumm.recording) gets the recording, for r:scalar and r:length
---@return gpumm.recording? recording
---@return string? message
---@return gpumm.status_name? code
function Manager:record(record) end

--- Shares buffers and readbacks with other processes: gpumm.attach(path) there. What is shared is made with shareable = true; a
--- readback with where = "device" and busy = "newest" too, best with a slot for each reader and two.
--- Fails: NOT_FOUND, ALREADY_EXISTS (somebody shares there), IO.
--- ```lua
--- local all = m:group { { "place", "f32x2" }, name = "all", length = 10, shareable = true }
--- local share <close> = m:share("layout.sock", { "all.place" })
--- ```
---@param path string of a Unix socket, at most 107 bytes
---@param items table a list of buffers, groups and names ("nodes.position"), and readbacks by name: { "positions", watch = rb }
---@param options? gpumm.share_options
---@return gpumm.share? share
---@return string? message
---@return gpumm.status_name? code
function Manager:share(path, items, options) end

--- A timeline semaphore of another API or process by its descriptor, which stays the caller's; cuda: of Vulkan's. Without one, on the
--- host device: one of the manager's own. Not in contained scripts, and not in recordings.
--- Fails: DRIVER, OUT_OF_MEMORY.
--- ```lua
--- local turn <close> = m:semaphore() -- on the host device
--- s:signal(turn, 1)
--- m:main():wait(turn, 1)
--- m:synchronize()
--- ```
---@param options? { fd: integer } its descriptor; one of the manager's own, unless given
---@return gpumm.semaphore? semaphore
---@return string? message
---@return gpumm.status_name? code
function Manager:semaphore(options) end

--- Makes a stream.
--- Fails: OUT_OF_MEMORY.
--- ```lua
--- local s <close> = m:stream()
--- b:fill({ 1, 2 }, { stream = s })
--- ```
---@return gpumm.stream? stream
---@return string? message
---@return gpumm.status_name? code
function Manager:stream() end

--- The main stream, on which calls work where no stream is given.
--- ```lua
--- m:main():synchronize()
--- ```
---@return gpumm.stream
function Manager:main() end

--- Device memory for a short time, as for one step. Its contents are undefined.
--- Fails: OVER_LIMIT, OUT_OF_MEMORY.
--- ```lua
--- local forces <close> = m:scratch("f32x2", 1000)
--- print(#forces) --> 8000
--- ```
---@param type gpumm.typelike|gpumm.size an element type and a count, or bytes
---@param count? integer|gpumm.where elements; of an element type alone
---@param where? gpumm.where a stream, or { stream = s }; the main stream, unless given
---@return gpumm.scratch? scratch
---@return string? message
---@return gpumm.status_name? code
function Manager:scratch(type, count, where) end

--- The books: bytes and counts, by category.
--- ```lua
--- print(m:stats().buffers.count, m:stats().limit_bytes) --> 1	nil
--- ```
---@return gpumm.stats
function Manager:stats() end

--- The named buffers that are alive; after close, those that were alive then.
--- ```lua
--- print(m:leaks()[1].name) --> positions
--- ```
---@return gpumm.block[]
function Manager:leaks() end

--- The names of the leaks, `{}` where there are none, and a message that says more of them. `leaks` has the details.
--- ```lua
--- print(#m:check_leaks()) --> 1
--- ```
---@return string[] names
---@return string? message
function Manager:check_leaks() end

--- Every live block of memory, the largest first.
--- ```lua
--- for _, block in ipairs(m:blocks()) do print(block.category, block.bytes, block.name) end
--- ```
---@return gpumm.block[]
function Manager:blocks() end

--- The names of all named buffers.
--- ```lua
--- print(table.concat(m:names(), " ")) --> positions
--- ```
---@return string[]
function Manager:names() end

--- What the device is.
--- ```lua
--- print(m:device().kind)
--- ```
---@return gpumm.device
function Manager:device() end

--- Reports what failed in the background since the last call.
--- Fails: whatever failed there, as OUT_OF_MEMORY or DEVICE_LOST.
--- ```lua
--- print(m:poll()) --> true
--- ```
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Manager:poll() end

--- Waits until the work of every stream is done.
--- Fails: DEVICE_LOST, DRIVER.
--- ```lua
--- print(m:synchronize()) --> true
--- ```
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Manager:synchronize() end

--- Checks the books, the slab and every canary.
--- Fails: DRIVER with the first damage that was found.
--- ```lua
--- print(m:check()) --> true
--- ```
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Manager:check() end

--- Releases memory that is cached or precommitted.
--- ```lua
--- m:buffer { type = "f32", length = 1e6 }:free()
--- print(m:trim() > 0, m:stats().cached.now) --> true	0
--- ```
---@return integer bytes
function Manager:trim() end

--- Moves buffers' memory that was spilled (option spill) to the device, as far as it has room now, 64 MiB at a time: calls that
--- name the buffer wait meanwhile, all others do not. Addresses stay where memory grows in place. Nothing moves by itself.
--- Fails: DEVICE_LOST, DRIVER.
--- ```lua
--- print(m:promote()) --> 0
--- ```
---@return integer? bytes that moved
---@return string? message
---@return gpumm.status_name? code
function Manager:promote() end

--- Enters device memory that the application allocated by itself in the books; a negative number takes it out again.
--- Fails: nothing but misuse, which raises: more is taken out than there is.
--- ```lua
--- m:external(1 << 20)
--- m:external(-(1 << 20))
--- ```
---@param bytes integer taken, or, below 0, given back
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Manager:external(bytes) end

--- true: calls that fail raise from now on, instead of returning nil, message, code. Returns the setting before.
--- ```lua
--- m:raising(true)
--- print(pcall(m.get_buffer, m, "nobody")) --> false	NOT_FOUND: there is no buffer named 'nobody'
--- ```
---@param raise? boolean the setting; false, unless given
---@return boolean before
function Manager:raising(raise) end

--- Frees everything. Handles of it are CLOSED from then on. Can be called again.
--- ```lua
--- m:close()
--- print(pcall(m.stream, m)) --> false	CLOSED: the manager is closed
--- ```
function Manager:close() end

--- Was it closed?
--- ```lua
--- print(m:is_closed()) --> false
--- ```
---@return boolean
function Manager:is_closed() end

-- ---- Buffers ---------------------------------------------------------------------------------

---@class gpumm.buffer
---@field name string "" where it has none
---@field type gpumm.type of its elements
---@field length integer elements in use; also #buffer
---@field capacity integer elements that fit without growth
---@field capacity_bytes integer the same in bytes
---@field committed_bytes integer physical memory, in whole commit steps; 0 for a small one, which is in a slab
---@field max_length integer elements, the most that it may have
---@field address integer on the device
---@field generation integer starts at 1; incremented when the buffer moves to another address (relocating devices only)
---@field mapping integer how often its physical memory was exchanged, which keeps the address where memory grows in place
---@field manager gpumm.manager whose it is
---@field group? gpumm.group of a member
---@operator len: integer
local Buffer = {}

--- Copies elements to the buffer. `data` may be changed once the call returns.
--- Fails: DEVICE_LOST, DRIVER.
--- ```lua
--- b:upload { { 1, 2 }, { 3, 4 } }
--- b:upload({ { 5, 6 } }, 4)
--- ```
---@param data gpumm.data elements
---@param first? integer|gpumm.where the element to begin at, from 1; 1, unless given. Or a stream, or { first =, count =, stream = }
---@param count? integer|gpumm.where elements; all of the data, unless given
---@param where? gpumm.where a stream, or { stream = s }; the main stream, unless given
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Buffer:upload(data, first, count, where) end

--- Waits for the writers of the buffer and copies elements to the host.
--- Fails: DEVICE_LOST, DRIVER, OUT_OF_MEMORY (of the host).
--- ```lua
--- print(#b:download(), #b:download(2, 3)) --> 4	3
--- ```
---@param first? integer|gpumm.where the element to begin at, from 1; 1, unless given. Or a stream, or { first =, count =, stream = }
---@param count? integer|gpumm.where elements; all to the end, unless given
---@param where? gpumm.where a stream, or { stream = s }; the main stream, unless given
---@return gpumm.view? view it owns its memory
---@return string? message
---@return gpumm.status_name? code
function Buffer:download(first, count, where) end

--- Sets elements to one value.
--- Fails: DEVICE_LOST, DRIVER.
--- ```lua
--- b:fill { 1, 2 }
--- print(b:download():get(4)) --> 1.0	2.0
--- ```
---@param value number|table|string|gpumm.view|gpumm.buffer one element
---@param first? integer|gpumm.where the element to begin at, from 1; 1, unless given. Or a stream, or { first =, count =, stream = }
---@param count? integer|gpumm.where elements; all to the end, unless given
---@param where? gpumm.where a stream, or { stream = s }; the main stream, unless given
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Buffer:fill(value, first, count, where) end

--- Copies elements of another buffer of the same type, on the device; from another manager's buffer, between the two devices, in order
--- on both sides.
--- Fails: TYPE_MISMATCH, DEVICE_LOST, DRIVER.
--- ```lua
--- local same = m:buffer { type = "f32x2", length = 4 }
--- same:copy(b)
--- ```
---@param from gpumm.buffer of a manager of the same kind of device; no ranges of one buffer that overlap
---@param where? gpumm.stream|gpumm.copy_options a stream, or { first =, from_first =, count =, stream = }; all of `from` on the main stream, unless given
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Buffer:copy(from, where) end

--- Changes the length, and the capacity where it is too small. New elements are zero.
--- Fails: OVER_MAX_SIZE, OVER_LIMIT, OUT_OF_MEMORY.
--- ```lua
--- local address = b.address
--- b:resize(10000)
--- print(#b, b.address == address, b:download(10000):get(1)) --> 10000	true	0.0	0.0
--- ```
---@param length integer elements
---@param where? gpumm.where a stream, or { stream = s }; the main stream, unless given
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Buffer:resize(length, where) end

--- Adds elements behind the length.
--- Fails: OVER_MAX_SIZE, OVER_LIMIT, OUT_OF_MEMORY.
--- ```lua
--- b:append { { 5, 6 }, { 7, 8 } }
--- b:append(10)
--- print(#b) --> 16
--- ```
---@param data gpumm.data|integer elements, or how many zeros
---@param where? gpumm.where a stream, or { stream = s }; the main stream, unless given
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Buffer:append(data, where) end

--- Makes the capacity at least `capacity` elements. Length and contents do not change.
--- Fails: OVER_MAX_SIZE, OVER_LIMIT, OUT_OF_MEMORY.
--- ```lua
--- b:ensure_capacity(1000)
--- ```
---@param capacity integer elements
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Buffer:ensure_capacity(capacity) end

--- Reduces the capacity to what the length needs. Memory goes back before this returns where no work uses the buffer and
--- at most 64 MiB must be copied for it, else in the background.
--- Fails: DRIVER.
--- ```lua
--- b:ensure_capacity(1000)
--- b:shrink_to_fit()
--- print(b.capacity) --> 4
--- ```
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Buffer:shrink_to_fit() end

--- Declares work that the application itself is about to enqueue on a stream, so that other users of the buffer wait.
--- Fails: DEVICE_LOST, DRIVER.
--- ```lua
--- b:used(nil, "write") -- before the application's own launch
--- ```
---@param stream gpumm.stream? on which it runs; nil: the main stream
---@param access gpumm.access what it does
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Buffer:used(stream, access) end

--- The pieces that its memory is in, as it is now; growth adds some behind. In C they have descriptors, where it is shareable.
--- Fails: OUT_OF_MEMORY (of the host).
--- ```lua
--- local all <close> = m:buffer { type = "f32", length = 1e5, shareable = true }
--- print(all:segments()[1].offset) --> 0
--- ```
---@return { offset: integer, bytes: integer }[]? segments
---@return string? message
---@return gpumm.status_name? code
function Buffer:segments() end

--- Where its memory lies, as it is now: pieces in order, on the device or in host memory that was spilled to; of a striped buffer on
--- which device, by its number.
--- Fails: OUT_OF_MEMORY (of the host).
--- ```lua
--- local all <close> = m:buffer { type = "f32", length = 1e5 }
--- print(all:residency()[1].kind) --> device
--- local striped <close> = m:buffer { type = "f32", length = 1e5, devices = { 0 }, stripe = "2MiB" }
--- print(striped:residency()[1].device) --> 0
--- ```
---@return { offset: integer, bytes: integer, kind: "device"|"host", device?: integer }[]? pieces
---@return string? message
---@return gpumm.status_name? code
function Buffer:residency() end

--- Makes a readback of this buffer.
--- Fails: OVER_LIMIT, OUT_OF_MEMORY.
--- ```lua
--- local watch = b:readback { slots = 3, busy = "newest" }
--- ```
---@param options? gpumm.readback_options
---@return gpumm.readback? readback
---@return string? message
---@return gpumm.status_name? code
function Buffer:readback(options) end

--- Frees the buffer. Its handles are STALE from then on.
--- Fails: BUSY (a tensor of it is lent).
--- ```lua
--- b:free()
--- print(pcall(b.download, b)) --> false	STALE: 'positions': this buffer was freed
--- ```
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Buffer:free() end

--- Frees the buffer; does nothing where it is freed already.
--- ```lua
--- b:close()
--- b:close()
--- ```
function Buffer:close() end

-- ---- Groups ----------------------------------------------------------------------------------

---@class gpumm.group
---@field name string "" where it has none
---@field length integer also #group
---@field capacity integer elements of each member that fit without growth
---@field capacity_bytes integer of all members
---@field committed_bytes integer of all members
---@field max_length integer elements of each member
---@field generation integer as a buffer's
---@field mapping integer summed over members
---@field manager gpumm.manager whose it is
---@field [string] gpumm.buffer members by name
---@operator len: integer
local Group = {}

--- Adds elements to every member.
--- Fails: OVER_MAX_SIZE, OVER_LIMIT, OUT_OF_MEMORY.
--- ```lua
--- g:append { position = { { 1, 2 }, { 3, 4 } }, mass = { 1, 1 } }
--- print(#g) --> 6
--- ```
---@param columns table<string, gpumm.data>|integer data by member (the others get zeros), or how many zeros
---@param where? gpumm.where a stream, or { stream = s }; the main stream, unless given
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Group:append(columns, where) end

--- Changes the length of every member. New elements are zero.
--- Fails: OVER_MAX_SIZE, OVER_LIMIT, OUT_OF_MEMORY.
--- ```lua
--- g:resize(1000)
--- ```
---@param length integer elements
---@param where? gpumm.where a stream, or { stream = s }; the main stream, unless given
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Group:resize(length, where) end

--- Makes the capacity of every member at least `capacity` elements.
--- Fails: OVER_MAX_SIZE, OVER_LIMIT, OUT_OF_MEMORY.
--- ```lua
--- g:ensure_capacity(1000)
--- ```
---@param capacity integer elements
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Group:ensure_capacity(capacity) end

--- Reduces the capacity of every member to what the length needs.
--- Fails: DRIVER.
--- ```lua
--- g:shrink_to_fit()
--- ```
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Group:shrink_to_fit() end

--- The member of that name; also group.name, where no method or property has the name.
--- ```lua
--- print(#g:member "position", #g.mass) --> 4	4
--- ```
---@param name string as in the description
---@return gpumm.buffer
function Group:member(name) end

--- The members' names, in order.
--- ```lua
--- print(table.concat(g:members(), " ")) --> position mass
--- ```
---@return string[]
function Group:members() end

--- Makes a readback of members of this group, whose snapshots are taken together.
--- Fails: OVER_LIMIT, OUT_OF_MEMORY.
--- ```lua
--- local watch = g:readback { "position", slots = 3 }
--- watch:capture(1)
--- print(#watch:wait().position) --> 4
--- ```
---@param options? gpumm.readback_options
---@return gpumm.readback? readback
---@return string? message
---@return gpumm.status_name? code
function Group:readback(options) end

--- Frees every member.
--- Fails: BUSY (a tensor of a member is lent).
--- ```lua
--- g:free()
--- ```
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Group:free() end

--- Frees every member; does nothing where they are freed already.
--- ```lua
--- g:close()
--- g:close()
--- ```
function Group:close() end

-- ---- Scratch ---------------------------------------------------------------------------------

---@class gpumm.scratch
---@field bytes integer also #scratch
---@field address integer on the device
---@operator len: integer
local Scratch = {}

--- Declares work that the application itself is about to enqueue on a stream.
--- Fails: DEVICE_LOST, DRIVER.
--- ```lua
--- scratch:used(nil, "write")
--- ```
---@param stream gpumm.stream? on which it runs; nil: the main stream
---@param access gpumm.access what it does
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Scratch:used(stream, access) end

--- Gives the memory back, behind the work that uses it.
--- ```lua
--- scratch:close()
--- ```
function Scratch:close() end

-- ---- Streams and events ----------------------------------------------------------------------

---@class gpumm.stream
---@field manager gpumm.manager whose it is
local Stream = {}

--- An event that is done once everything enqueued on the stream so far is done: a new one, or the given one, recorded anew,
--- which costs less.
--- ```lua
--- b:fill({ 1, 1 }, { stream = s })
--- local done = s:record()
--- ```
---@param event? gpumm.event to be recorded anew; a new one, unless given
---@return gpumm.event event
function Stream:record(event) end

--- Work that is enqueued on this stream from now on waits, on the device: for an event, or until a semaphore is at least `value`.
--- Does not block.
--- Fails: DEVICE_LOST, DRIVER.
--- ```lua
--- s:wait(m:main():record())
--- ```
---@param event gpumm.event|gpumm.semaphore of the same manager
---@param value? integer of a semaphore; none, for an event
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Stream:wait(event, value) end

--- Raises the semaphore to `value`, which is beyond every one before, once everything enqueued on the stream so far is done.
--- Fails: DEVICE_LOST, DRIVER.
--- ```lua
--- local turn <close> = m:semaphore()
--- s:signal(turn, 1)
--- m:main():wait(turn, 1)
--- m:synchronize()
--- ```
---@param semaphore gpumm.semaphore of the same manager
---@param value integer larger than the one before
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Stream:signal(semaphore, value) end

--- Waits until the work of the stream is done.
--- Fails: DEVICE_LOST, DRIVER.
--- ```lua
--- s:synchronize()
--- print(s:idle()) --> true
--- ```
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Stream:synchronize() end

--- Is the work of the stream done?
--- ```lua
--- print(s:idle())
--- ```
---@return boolean
function Stream:idle() end

--- Closes the stream, once its work is done.
--- ```lua
--- s:close()
--- ```
function Stream:close() end

--- A number that only grows, which another API or process has too: streams raise it and wait for it.
---@class gpumm.semaphore
local Semaphore = {}

--- Ends it here, behind the work that uses it.
--- ```lua
--- m:semaphore():close()
--- ```
function Semaphore:close() end

---@class gpumm.event
local Event = {}

--- Is the work before the event done?
--- ```lua
--- print(e:wait(), e:ready()) --> true	true
--- ```
---@return boolean
function Event:ready() end

--- Waits until it is; TIMEOUT after `seconds`.
--- Fails: TIMEOUT, DEVICE_LOST, DRIVER.
--- ```lua
--- print(e:wait(10)) --> true
--- ```
---@param seconds? number how long; without bound, unless given
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Event:wait(seconds) end

--- Seconds between two events.
--- Fails: BUSY (one has not come yet), DEVICE_LOST.
--- ```lua
--- b:fill { 1, 1 }
--- local later = m:main():record()
--- later:wait()
--- print(e:elapsed(later) >= 0) --> true
--- ```
---@param later gpumm.event of the same manager
---@return number? seconds
---@return string? message
---@return gpumm.status_name? code
function Event:elapsed(later) end

--- Closes it: later calls on it are STALE; streams that wait for it still do.
--- ```lua
--- e:close()
--- ```
function Event:close() end

-- ---- Readbacks and frames --------------------------------------------------------------------

---@class gpumm.readback
---@field dropped integer captures that no one was given: refused with BUSY, replaced by newer ones, or passed over by latest; cancelled ones are not among them
---@field newest? integer the newest ticket
---@field slots? integer frames that can be under way or held at once
---@field manager gpumm.manager whose it is
local Readback = {}

--- Captures a snapshot of the contents as they are now, in stream order, without blocking. nil, message, "BUSY" where
--- every slot is taken.
--- Fails: BUSY (every slot is taken), DEVICE_LOST, DRIVER.
--- ```lua
--- local ticket = rb:capture(17)
--- print(rb:wait(ticket).step) --> 17
--- ```
---@param step? integer a number that the frame has; 0, unless given
---@param where? gpumm.where a stream, or { stream = s }; the one that wrote last, unless given
---@return integer? ticket
---@return string? message
---@return gpumm.status_name? code
function Readback:capture(step, where) end

--- Has the frame of the ticket arrived?
--- Fails: NOT_PENDING (nothing was captured), CANCELLED, DEVICE_LOST, DRIVER.
--- ```lua
--- local ticket = rb:capture(1)
--- while not rb:ready(ticket) do end -- or do something else
--- ```
---@param ticket? integer the newest, unless given
---@return boolean? ready
---@return string? message
---@return gpumm.status_name? code
function Readback:ready(ticket) end

--- Waits for a frame (the newest ticket, unless given) and delivers it; TIMEOUT after `seconds`.
--- Fails: TIMEOUT, NOT_PENDING, CANCELLED, DEVICE_LOST, DRIVER.
--- ```lua
--- rb:capture(1)
--- print(#rb:wait(nil, 10)) --> 4
--- ```
---@param ticket? integer the newest, unless given
---@param seconds? number how long; without bound, unless given
---@return gpumm.frame? frame
---@return string? message
---@return gpumm.status_name? code
function Readback:wait(ticket, seconds) end

--- For coroutines: yields the readback until the frame has arrived, then returns it. Without a ticket, and where the script
--- has the newest already, that is the next one, once somebody captures it. Outside of coroutines it waits.
--- Fails: NOT_PENDING (outside of coroutines: nothing was captured, or nothing newer), CANCELLED, DEVICE_LOST, DRIVER.
--- ```lua
--- local run = coroutine.wrap(function()
---     rb:capture(1)
---     return rb:await()
--- end)
--- local got = run()
--- while got == rb do got = run() end -- a scheduler would do something else meanwhile
--- print(#got) --> 4
--- ```
---@param ticket? integer the newest that the script does not have, unless given
---@return gpumm.frame? frame
---@return string? message
---@return gpumm.status_name? code
function Readback:await(ticket) end

--- Gives up a capture (the newest, unless given); its slot becomes free.
--- Fails: NOT_PENDING (nothing was captured, or it was delivered), CANCELLED.
--- ```lua
--- rb:capture(1)
--- print(rb:cancel()) --> true
--- ```
---@param ticket? integer the newest, unless given
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Readback:cancel(ticket) end

--- The newest frame that has arrived; never blocks.
--- ```lua
--- rb:capture(1)
--- m:synchronize()
--- print(rb:latest().step) --> 1
--- ```
---@return gpumm.frame?
function Readback:latest() end

--- The oldest frame that has arrived and was not delivered; never blocks.
--- ```lua
--- rb:capture(1)
--- rb:capture(2)
--- m:synchronize()
--- print(rb:next().step, rb:next().step) --> 1	2
--- ```
---@return gpumm.frame?
function Readback:next() end

--- A descriptor for an event loop (luv, cqueues, poll, epoll): readable while a frame can be taken, and once the device failed or
--- the readback has ended. Taking clears it; it is only looked at, never read. It is closed with the readback.
--- Fails: IO (the system gives none).
--- ```lua
--- print(rb:fd() >= 0) --> true
--- ```
---@return integer? fd
---@return string? message
---@return gpumm.status_name? status
function Readback:fd() end

--- Cancels what is pending and frees the slots.
--- ```lua
--- rb:close()
--- ```
function Readback:close() end

---@class gpumm.frame
---@field step integer as given to capture
---@field length integer also #frame
---@field generation integer of the first member, at the capture
---@field time number of the capture, in seconds
---@field dropped integer the readback's dropped count at the capture
---@field ticket integer that of its capture
---@field readback? gpumm.readback where it came from
---@field data? gpumm.view|gpumm.device_view the view of a frame that has one member
---@field [string] gpumm.view|gpumm.device_view members by name, where no field or method of a frame has it: a member that is called `time` is frame:member "time"
---@field [integer] gpumm.view|gpumm.device_view members in order
---@operator len: integer
local Frame = {}

--- The view of a member, by name or position, whatever its name: frame.time is the frame's own, frame:member "time" the
--- member of that name.
--- ```lua
--- print(frame:member(1) == frame.data) --> true
--- ```
---@param name string|integer of the member, or its position from 1
---@return gpumm.view|gpumm.device_view
function Frame:member(name) end

--- Keeps the frame valid beyond the next delivery, until release. It holds one of the readback's slots.
--- ```lua
--- local kept = frame:keep()
--- rb:capture(2)
--- rb:wait()
--- print(kept:valid()) --> true
--- ```
---@return gpumm.frame self
function Frame:keep() end

--- Gives the slot back. The views of the frame are STALE from then on.
--- ```lua
--- frame:release()
--- print(frame:valid()) --> false
--- ```
function Frame:release() end

--- Can its views still be read?
--- ```lua
--- print(frame:valid()) --> true
--- ```
---@return boolean
function Frame:valid() end

--- A member of a frame on the device (`where = "device"`): kernels take it for a pointer to const. Its slot is used again behind
--- the work that reads it, also where the frame has ended meanwhile; captures never wait for that.
---@class gpumm.device_view
---@field type gpumm.type of its elements
---@field length integer also #view
---@field address integer on the device
---@operator len: integer
local DeviceView = {}

--- A copy in the host's memory.
--- Fails: DEVICE_LOST, DRIVER, OUT_OF_MEMORY (of the host).
--- ```lua
--- local watch = b:readback { where = "device" }
--- watch:capture(1)
--- print(watch:wait().data:download():get(1)) --> 0.0	0.0
--- ```
---@param where? gpumm.where a stream, or { stream = s }; the main stream, unless given
---@return gpumm.view? view
---@return string? message
---@return gpumm.status_name? code
function DeviceView:download(where) end

--- Declares work that reads it and that gpumm does not launch, before it is enqueued.
--- Fails: DEVICE_LOST, DRIVER.
--- ```lua
--- local watch = b:readback { where = "device" }
--- watch:capture(1)
--- watch:wait().data:used()
--- ```
---@param stream? gpumm.stream on which it runs; the main stream, unless given
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
--- ```lua
--- share:close()
--- ```
function Share:close() end

---@class gpumm.share_options
---@field mode? integer permissions of the socket; 0600, unless given
---@field any_user? boolean readers of other users may come, where else only root's and one's own do; false, unless given

---@class gpumm.attach_options
---@field manager? gpumm.manager on the owner's device, or a GPU that can use that one's memory; one is opened on the owner's, unless given
---@field seconds? number how long to wait for the owner to tell what it shares; 10, unless given
---@field any_user? boolean an owner of another user is fine, where else only root and oneself are; false, unless given

--- What managers do and when, written to a file that https://ui.perfetto.dev opens: managers that are opened while it is open.
---@class gpumm.trace
local Trace = {}

--- Calls f(…) and returns what it returns. What it took is a slice of the trace, also where f raises.
--- ```lua
--- print(timeline:slice("reading", math.max, 1, 5)) --> 5
--- ```
---@param name string of the slice
---@param f function what is called
---@param ... any what it gets
---@return any ...
function Trace:slice(name, f, ...) end

--- Ends the files. What the device has not done yet is not in them: close the managers first, or synchronize.
--- Fails: IO (a file could not be written).
--- ```lua
--- timeline:close()
--- ```
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Trace:close() end

---@class gpumm.trace_options
---@field file? string the trace, JSON; none, unless given: then there is a history
---@field history? string a CSV of allocations and frees on the device, as RMM's logging_resource_adaptor writes it; none, unless given
---@field buffer? integer|string bytes of lines that wait to be written; "2MiB", unless given
---@field detail? boolean every operation of a stream is timed by itself, which small ones notice; false, unless given: as many are as cost less than a hundredth of the work, and the others are estimated

--- Another process' buffers and frames, read only. Lengths and contents' memory follow with poll and wait.
---@class gpumm.attachment
---@field manager gpumm.manager which has the buffers, by name
local Attachment = {}

--- Sees what the owner told: lengths, memory, frames, ends. nil, message, "CLOSED" once the owner is gone.
--- Fails: CLOSED, DEVICE_LOST.
--- ```lua
--- print(attachment:poll()) --> true
--- ```
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Attachment:poll() end

--- The same once there is something to see.
--- Fails: TIMEOUT, CLOSED, DEVICE_LOST.
--- ```lua
--- print(attachment:wait(0.001)) -- nil, message, "TIMEOUT" where nothing changed
--- ```
---@param seconds? number how long; without bound, unless given
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Attachment:wait(seconds) end

--- A descriptor for an event loop, readable while poll would see something.
--- Fails: IO (the system gives none).
--- ```lua
--- print(attachment:fd() >= 0) --> true
--- ```
---@return integer? fd
---@return string? message
---@return gpumm.status_name? code
function Attachment:fd() end

--- A buffer that is shared. TYPE_MISMATCH where `type` is given and differs.
--- Fails: NOT_FOUND, TYPE_MISMATCH, CLOSED.
--- ```lua
--- print(#attachment:buffer("nodes.position", "f32x2")) --> 10
--- ```
---@param name string as it is shared
---@param type? gpumm.typelike what it must be; any, unless given
---@return gpumm.buffer? buffer
---@return string? message
---@return gpumm.status_name? code
function Attachment:buffer(name, type) end

--- A readback that is shared: latest, next and wait bring the owner's newest frame, which is on the device.
--- Fails: NOT_FOUND, CLOSED.
--- ```lua
--- print(attachment:readback "watch":latest()) --> nil
--- ```
---@param name string as it is shared
---@return gpumm.readback? readback
---@return string? message
---@return gpumm.status_name? code
function Attachment:readback(name) end

--- The names of all that is shared.
--- ```lua
--- print(table.concat(attachment:names(), " ")) --> nodes.position watch
--- ```
---@return string[]
function Attachment:names() end

--- Frees its buffers and readbacks here.
--- ```lua
--- attachment:close()
--- ```
function Attachment:close() end

-- ---- Kernels ---------------------------------------------------------------------------------

---@class gpumm.kernel
---@field name string as in the source
---@field threads? string the parameter that counts threads
---@field parameters gpumm.parameter[] in order
---@overload fun(arguments: table<string, any>, where?: gpumm.stream|gpumm.launch_options): true?, string?, gpumm.status_name?
---@overload fun(...: any): true?, string?, gpumm.status_name?
local Kernel = {}

--- Launches the kernel: k:launch(100, p) is k(100, p).
--- Fails: DEVICE_LOST, DRIVER.
--- ```lua
--- k:launch(#b, b)
--- k { n = #b, p = b }
--- k({ n = #b, p = b }, { threads = 2 })
--- ```
---@param ... any as in calling the kernel itself
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function Kernel:launch(...) end

--- Releases the kernel.
--- ```lua
--- k:close()
--- ```
function Kernel:close() end

-- ---- Recordings ------------------------------------------------------------------------------

--- Stands for a value that each replay gives, or for a length as it is then, in the place of a kernel's argument.
---@class gpumm.scalar

---@class gpumm.recording
---@field count integer operations of the device in one replay
---@field manager gpumm.manager whose it is
local Recording = {}

--- Within m:record: what replays give by this name, as a kernel's value or a capture's step.
--- ```lua
--- local step = m:record(function(r) rb:capture(r:scalar "i") end)
--- print(rb:wait(step:replay { i = 5 }).step) --> 5
--- ```
---@param name string that replays give
---@return gpumm.scalar
function Recording:scalar(name) end

--- Within m:record: the length of a buffer or group at each replay, as a kernel's value; threads follow it.
--- ```lua
--- local step = m:record(function(r) move(r:length(b), b, 1) end)
--- b:append(100)
--- step:replay()
--- print(b:download().x[104]) --> 1.0
--- ```
---@param of gpumm.buffer|gpumm.group whose length it is
---@return gpumm.scalar
function Recording:length(of) end

--- Enqueues all of it: recording:replay { step = i, stream = s }. Every named value has to be given. Returns true, or a
--- ticket for each capture in it: false where that was refused, which counts as dropped. STALE where a buffer was freed, or
--- has moved.
--- ```lua
--- local step = m:record(function(r) b:fill { 1, 1 } rb:capture(r:scalar "i") end)
--- local ticket = step:replay { i = 1 }
--- print(rb:wait(ticket).step) --> 1
--- ```
---@param values? table<string, any> by name, and `stream`; none, unless given
---@return integer|boolean? ticket
---@return integer|boolean|string? ... the other captures' tickets, or what went wrong
function Recording:replay(values) end

--- Releases the recording. Replays under way finish.
--- ```lua
--- m:record(function() b:fill { 1, 1 } end):close()
--- ```
function Recording:close() end

-- ---- Faults ----------------------------------------------------------------------------------

---@class gpumm.fault
local Fault = {}

--- Sets what fails next.
--- ```lua
--- faulty.fault:plan { call = "alloc", nth = 1 }
--- ```
---@param plan gpumm.fault_plan what fails
---@return true
function Fault:plan(plan) end

--- Holds back every operation of a kind until release.
--- ```lua
--- faulty.fault:hold "copy"
--- faulty.fault:release()
--- ```
---@param kind "copy"|"snapshot"|"fill"|"launch" what waits
---@return true
function Fault:hold(kind) end

--- Lets operations that are held back run.
--- ```lua
--- faulty.fault:hold "fill"
--- faulty.fault:release "fill"
--- ```
---@param kind? "copy"|"snapshot"|"fill"|"launch" what goes on; every kind, unless given
---@return true
function Fault:release(kind) end

--- How many device calls there were so far: of one name, or of all.
--- ```lua
--- print(faulty.fault:calls "commit") --> 0
--- ```
---@param call? string of that name; of all, unless given
---@return integer
function Fault:calls(call) end

--- What of the device is alive.
--- ```lua
--- print(faulty.fault:live().streams >= 1) --> true
--- ```
---@return gpumm.live
function Fault:live() end

-- ---- Views and types -------------------------------------------------------------------------

---@class gpumm.view
---@field [integer] number of scalars, from 1; nil past the end
---@field [string] gpumm.view of one field, or of x, y, z, w
---@operator len: integer
local View = {}

--- The values of element i: a scalar, a vector's components, a struct's fields. nil past the end.
--- ```lua
--- print(v:get(2)) --> 3.0	4.0
--- ```
---@param i integer from 1
---@return any ... the element's values
function View:get(i) end

--- Writes element i. Raises past the end.
--- ```lua
--- v:set(1, 7, 8)
--- ```
---@param i integer from 1
---@param ... any the element's values
function View:set(i, ...) end

--- for i, … in view:each() do … end
--- ```lua
--- for i, x, y in v:each() do print(i, x + y) end
--- ```
---@return function
---@return gpumm.view
---@return integer
function View:each() end

--- A table of the elements.
--- ```lua
--- print(v:totable()[2][1]) --> 3.0
--- ```
---@return table
function View:totable() end

--- A view of a copy, which owns its memory.
--- ```lua
--- local kept = frame.data:copy()
--- frame:release()
--- print(#kept) --> 4
--- ```
---@return gpumm.view
function View:copy() end

--- The bytes of all elements, as a string.
--- ```lua
--- print(#v:bytes()) --> 32
--- ```
---@return string
function View:bytes() end

--- The element type.
--- ```lua
--- print(v:type().name) --> f32x2
--- ```
---@return gpumm.type
function View:type() end

--- The view of one field, whatever it is called. `v.x` is the same where no method has that name.
--- ```lua
--- print(v:field "y"[1], v.y[1]) --> 2.0	2.0
--- ```
---@param name string of the field, or x, y, z, w
---@return gpumm.view
function View:field(name) end

---@class gpumm.type
---@field name string "f32x3", "ends{from:u32,to:u32}"
---@field kind "scalar"|"vector"|"struct" which of the three
---@field size integer bytes
---@field align integer bytes
---@field lanes integer 1 of a scalar, 0 of a struct
---@field scalar? gpumm.scalar_name of a scalar or vector
---@field fields? gpumm.field[] of a struct, in order
---@field struct_name? string of a struct that has one
local Type = {}

--- The declaration of a struct type, for CUDA C.
--- ```lua
--- print(gpumm.struct({ { "from", "u32" }, { "to", "u32" } }):declaration "edge")
--- ```
---@param name? string of the struct; its own, unless given
---@return string declaration in C
function Type:declaration(name) end

-- ---- Simulations -----------------------------------------------------------------------------

---@class gpumm.description a resource of a simulation, described without a device

---@class gpumm.run_options: gpumm.manager_options
---@field manager? gpumm.manager the one to use; a new one, with the other options, unless given
---@field interrupted? fun(): boolean asked between steps: true ends the simulation as Ctrl-C does; nobody is, unless given
---@field progress? fun(text: string, step: integer, steps: integer?) gets the text of sim:progress, which gpumm-run shows; none, unless given
---@field drive? fun(sim: gpumm.simulation, interrupted: (fun(): boolean)?): function? runs the steps, by advance; what it returns is called behind conclude, before close; advance to the end, unless given

---@class gpumm.simulation_options
---@field steps? integer how many; without end, until `step` returns false, unless given
---@field in_flight? integer how many steps may be enqueued ahead of the device; 2, unless given
---@field init? fun(sim: gpumm.simulation) called once the resources are there; nothing, unless given
---@field step fun(sim: gpumm.simulation, i: integer): boolean? false ends the simulation, and this step does not count: decide before anything is launched
---@field frame? fun(sim: gpumm.simulation, frame: gpumm.frame, key: string) called with each frame that a readback delivers, in order; they are not looked at, unless given
---@field finish? fun(sim: gpumm.simulation, last: gpumm.frame?, all: table<string, gpumm.frame>) called at the end with the last frame, and with those of all readbacks by key; what it returns run returns; nothing, unless given
---@field complete? fun(sim: gpumm.simulation) does what steps have left undone, where something is: called before each snapshot and each event, at the end of an advance and of a run, maybe several times for a step; steps leave nothing, unless given
---@field live? fun(sim: gpumm.simulation, event: gpumm.live_event): any what viewers of a live page do, between steps; true: it has done what the event says. To "describe" it returns a gpumm.live_description; nodes that are dragged follow the hand, unless given
---@field device? string as a manager's; "auto", unless given
---@field limit? gpumm.size as a manager's, in bytes; none, unless given
---@field memory? gpumm.size as a manager's, in bytes; what the machine has, unless given
---@field spill? gpumm.size as a manager's, in bytes; none, unless given
---@field debug? boolean as a manager's; false, unless given
---@field workers? integer as a manager's: threads that run kernels on the host device; as many as there are cores, unless given
---@field recorded? boolean enqueue each step's launches, fills and copies together at its end: where they are those of the step before, as one CUDA graph; false, unless given
---@field [string] gpumm.description the resources, by the names that `sim` has them under

---@class gpumm.simulation
---@field manager gpumm.manager once it is open
---@field i integer the last step that was run
---@field steps? integer as described
---@field [string] any resources by key, and fields of the script's own
local Simulation = {}

--- Makes the manager and every resource, and calls init.
--- ```lua
--- local sim <close> = gpumm.simulation { step = function() end, steps = 10 }
--- sim:open {}
--- ```
---@param options? gpumm.run_options as run's
---@return gpumm.simulation self
function Simulation:open(options) end

--- Runs n (1) more steps; false once the simulation has ended.
--- ```lua
--- print(sim:advance(3), sim.i) --> true	3
--- ```
---@param n? integer steps; 1, unless given
---@return boolean more
function Simulation:advance(n) end

--- Has a simulation that has ended go on for up to n (1) more steps, unless its step ends it again.
--- ```lua
--- sim:advance(10)
--- sim:resume(5)
--- print(sim:advance(100), sim.i) --> false	15
--- ```
---@param n? integer steps; 1, unless given
function Simulation:resume(n) end

--- Gives an event to the description's `live`, and returns what that returns.
--- ```lua
--- print(sim:event { kind = "tell", name = "hello" }) --> nil
--- ```
---@param event gpumm.live_event|table as a viewer's, { kind = "set", name = "heat", value = 2 }
---@return any
function Simulation:event(event) end

--- Captures the last state, delivers every frame, and calls finish.
--- ```lua
--- sim:advance(10)
--- sim:conclude()
--- ```
---@return any ... what finish returns
function Simulation:conclude() end

--- Frees everything. Can be called again.
--- ```lua
--- sim:close()
--- ```
function Simulation:close() end

--- open, advance to the end, conclude, close.
--- ```lua
--- local sim = gpumm.simulation {
---     b = gpumm.buffer { type = "f32", length = 4 }, watch = gpumm.readback { "b" }, steps = 3,
---     step = function(sim, i) sim.b:fill(i) end,
---     finish = function(_, last) return last.b[1] end,
--- }
--- print(sim:run {}) --> 3.0
--- ```
---@param options? gpumm.run_options of the manager, and of the run
---@return any ... what finish returns
function Simulation:run(options) end

--- A line about the progress, which gpumm-run shows.
--- ```lua
--- sim:progress("%d nodes", 100)
--- ```
---@param format string as string.format's
---@param ... any its values
function Simulation:progress(format, ...) end

--- Every buffer as text: types, offsets, growth steps, bytes. Needs no device.
--- ```lua
--- print(sim:describe())
--- ```
---@return string
function Simulation:describe() end

--- The statistics of the last run.
--- ```lua
--- described:run {}
--- print(described:statistics().buffer_count) --> 1
--- ```
---@return gpumm.stats? stats as they were before the last run closed its manager
function Simulation:statistics() end

-- ---- Graphs ----------------------------------------------------------------------------------

---@class gpumm.batch
---@field nodes table<string, string> columns for nodes:append, by member: "position", "mass"
---@field edges table<string, string> the column for edges:append: "ends"
---@field node_count integer how many nodes are in it
---@field edge_count integer how many edges
---@field weights? string f64 of its edges, where the graph has weights

--- A column of text without a table of strings: t[i], #t, ipairs and pairs.
---@class gpumm.texts
---@field [integer] string from 1
local Texts = {}

--- The first row that has this text.
--- ```lua
--- print(graph.names:find "c") --> 3
--- ```
---@param text string what is looked for
---@return integer? row
function Texts:find(text) end

--- A list of all of them.
--- ```lua
--- print(table.concat(graph.names:totable(), " ")) --> a b c d
--- ```
---@return string[]
function Texts:totable() end

---@class gpumm.graph_object
---@field path string of the file; "graph.new" of a graph that a script made
---@field nodes integer how many
---@field edges integer how many
---@field part? table what a rank has of it, as gpumm.world makes it; from, to and weights are of that part then
---@field names gpumm.texts one a node
---@field labels? gpumm.texts of formats that have labels, where there are any, and of graph.new where they are given
---@field from gpumm.view of u32, from 1; read-only
---@field to gpumm.view as `from`
---@field weights? gpumm.view of f64
---@field directed? boolean where the format says it; edges are read without a direction
---@field loops integer self-loops that were dropped
---@field duplicates integer repeated edges that were merged
---@field node_columns table<string, gpumm.view|gpumm.texts> attributes of nodes
---@field edge_columns table<string, gpumm.view|gpumm.texts> attributes of edges
local Graph = {}

--- Adjacency in rows: the neighbours of node i are near[first[i]] to near[first[i + 1] - 1].
--- ```lua
--- local near, first = graph:neighbours()
--- print(near[first[2]], near[first[2] + 1]) --> 1	3
--- ```
---@return integer[] near
---@return integer[] first
function Graph:neighbours() end

--- The number of neighbours of every node.
--- ```lua
--- print(table.concat(graph:degrees(), " ")) --> 1 2 2 1
--- ```
---@return integer[]
function Graph:degrees() end

--- Breadth-first distances from a node.
--- ```lua
--- print(table.concat(graph:bfs(1), " ")) --> 0 1 2 3
--- ```
---@param source integer a node, from 1
---@return integer[] distances -1 where there is no path
function Graph:bfs(source) end

--- The component of every node, and the sizes of components.
--- ```lua
--- local component, sizes = graph:components()
--- print(#sizes, sizes[1]) --> 1	4
--- ```
---@return integer[] component
---@return integer[] sizes
function Graph:components() end

--- The largest component as a graph of its own.
--- ```lua
--- print(graph:largest().nodes) --> 4
--- ```
---@return gpumm.graph_object
function Graph:largest() end

--- The k-core as a graph of its own: nodes with k neighbours in it. Raises where there is none.
--- ```lua
--- print(graph:core(1).nodes) --> 4
--- ```
---@param k integer at least 1
---@return gpumm.graph_object
function Graph:core(k) end

--- What is at most `radius` edges away from a node, as a graph of its own.
--- ```lua
--- print(graph:around("a", 1).nodes) --> 2
--- ```
---@param node integer|string its number or its name
---@param radius? integer in edges; 1, unless given
---@return gpumm.graph_object
function Graph:around(node, radius) end

--- The community of every node, and the sizes of communities.
--- ```lua
--- local community, sizes = graph:communities()
--- ```
---@return integer[] community
---@return integer[] sizes
function Graph:communities() end

--- The ends of the first `limit` edges (all, unless given), as bytes for upload.
--- ```lua
--- local ends, count = graph:ends()
--- print(#ends, count) --> 24	3
--- ```
---@param limit? integer edges; all, unless given
---@return string ends pairs of u32 that count from 0
---@return integer count
function Graph:ends(limit) end

--- An iterator over the graph in pieces, for graphs that grow.
--- ```lua
--- for batch in graph:batches(2) do print(batch.node_count, batch.edge_count) end
--- ```
---@param n? integer nodes at a time; 0 or nothing: all
---@return fun(positions: gpumm.view?): gpumm.batch?
function Graph:batches(n) end

--- How well distances in the layout match distances in the graph; 0 is perfect.
--- ```lua
--- print(graph:stress { { 0, 0 }, { 1, 0 }, { 2, 0 }, { 3, 0 } } < 1e-6) --> true
--- ```
---@param positions gpumm.view|table one a node
---@param options? { pivots?: integer, seed?: integer } pivots: nodes that distances are taken from, 0 for all; 64, unless given. seed: 1, unless given
---@return number stress scale-normalised
---@return number random that of random positions
function Graph:stress(positions, options) end

--- The stress of random positions.
--- ```lua
--- print(graph:random_stress() > 0.1) --> true
--- ```
---@param options? { pivots?: integer, seed?: integer } as stress's; its own, unless given
---@return number
function Graph:random_stress(options) end

-- ---- The module ------------------------------------------------------------------------------

---@class gpumm
---@field version string "0.2.0"
---@field null lightuserdata the NULL pointer, for kernel arguments; false is NULL too, nil is an error
---@field statuses table<gpumm.status_name, string> what each status means, by its name
local gpumm = {}

--- Opens a device and makes a manager of its memory.
--- Fails: NO_DEVICE (the message says why), OUT_OF_MEMORY.
--- ```lua
--- local m <close> = assert(gpumm.manager { device = "auto", limit = "1GiB" })
--- ```
---@param options? gpumm.manager_options
---@return gpumm.manager? manager
---@return string? message
---@return gpumm.status_name? code
function gpumm.manager(options) end

--- The type of that name.
--- ```lua
--- print(gpumm.type("f32x3").size) --> 12
--- ```
---@param type gpumm.typelike the name
---@return gpumm.type
function gpumm.type(type) end

--- Makes a struct type: gpumm.struct { { "from", "u32" }, { "to", "u32" } }.
--- ```lua
--- print(gpumm.struct({ { "from", "u32" }, { "to", "u32" }, name = "edge" }).size) --> 8
--- ```
---@param fields { [integer]: { [1]: string, [2]: gpumm.typelike }, name?: string } in order, each { name, type }; `name` is what kernels call the struct
---@return gpumm.type
function gpumm.struct(fields) end

--- Makes a view on new host memory: zeros, or a copy of data.
--- ```lua
--- print(gpumm.view("f32", { 1, 2, 3 })[3]) --> 3.0
--- ```
---@param type gpumm.typelike of an element
---@param elements integer|gpumm.data how many zeros, or the data
---@return gpumm.view
function gpumm.view(type, elements) end

--- The number of bytes that a text such as "4GiB" means.
--- Fails: INVALID_ARGUMENT, which is returned and not raised.
--- ```lua
--- print(gpumm.parse_size "4GiB") --> 4294967296
--- ```
---@param text string "4GiB"
---@return integer? bytes
---@return string? message
---@return gpumm.status_name? code
function gpumm.parse_size(text) end

--- Is it OUT_OF_MEMORY, OVER_LIMIT or OVER_MAX_SIZE?
--- ```lua
--- print(gpumm.is_memory_error "OVER_LIMIT") --> true
--- ```
---@param code? string the third value of a call that failed
---@return boolean
function gpumm.is_memory_error(code) end

--- The status of a gpumm error: local ok, err = pcall(f); gpumm.status_of(err) == "STALE". nil for any other error, and
--- for values that are not text.
--- Fails: nothing.
--- ```lua
--- local ok, err = pcall(b.fill, b, { 1, 2 }, 99)
--- print(gpumm.status_of(err)) --> INVALID_ARGUMENT
--- ```
---@param err any what pcall or xpcall caught
---@return gpumm.status_name?
function gpumm.status_of(err) end

--- The capacity that a growth schedule chooses next. Needs no device.
--- Fails: OVER_MAX_SIZE.
--- ```lua
--- print(gpumm.next_capacity(gpumm.growth.geometric(1.5), 1000, 1001, 1e6)) --> 1500
--- ```
---@param growth gpumm.growth_schedule|number|nil a schedule or a factor; nil: the default
---@param capacity integer elements, as it is
---@param required integer elements that must fit
---@param max integer elements, the most
---@return integer? next
---@return string? message
---@return gpumm.status_name? code
function gpumm.next_capacity(growth, capacity, required, max) end

--- The absolute path of a file beside the calling script.
--- ```lua
--- print(gpumm.beside "own.cu" :match "[^/]*$") --> own.cu
--- ```
---@param path string relative to the script's folder
---@return string
function gpumm.beside(path) end

--- The file and line of the calling script.
--- ```lua
--- print(gpumm.caller():match ":%d+$" ~= nil) --> true
--- ```
---@return string tag "layout.lua:12"
function gpumm.caller() end

--- The value of an environment variable, nil where it is not set. A contained script needs permission for the name.
--- ```lua
--- print(gpumm.environment "NO_SUCH_VARIABLE") --> nil
--- ```
---@param name string of the variable
---@return string?
function gpumm.environment(name) end

--- Decompresses gzip or zlib data.
--- Fails: INVALID_ARGUMENT (it is damaged, or is neither), which is returned and not raised.
--- ```lua
--- print(select(3, gpumm.inflate "no gzip"))
--- ```
---@param data string bytes
---@return string? text
---@return string? message
---@return gpumm.status_name? code
function gpumm.inflate(data) end

--- The text of a file that is embedded in the module, nil where there is none.
--- ```lua
--- print(#gpumm.resource "gpumm/growth.lua" > 100) --> true
--- ```
---@param path string as "gpumm/growth.lua"
---@return string?
function gpumm.resource(path) end

--- A message handler for xpcall: adds a traceback without gpumm's own files.
--- ```lua
--- print(xpcall(error, gpumm.traceback, "why")) -- false, and the message with a traceback
--- ```
---@param message any what was raised
---@return any
function gpumm.traceback(message) end

--- Parses a script's command line: gpumm.options(arg, { "graph", steps = 600 }).
--- ```lua
--- local opt = gpumm.options({ "graph.tsv", "--steps", "20" }, { "graph", steps = 600, out = "layout.png" })
--- print(opt.graph, opt.steps, opt.out) --> graph.tsv	20	layout.png
--- ```
---@param words string[] `arg`, or a list of words
---@param spec table required arguments by position, options with their defaults by name
---@param texts? table<string, string> what each argument and option is for, shown by --help
---@return table<string, any>
function gpumm.options(words, spec, texts) end

--- Seconds, which only go on; since when is not said.
--- ```lua
--- local before = gpumm.clock()
--- print(gpumm.clock() >= before) --> true
--- ```
---@return number
function gpumm.clock() end

-- ---- Descriptions ----------------------------------------------------------------------------

--- Checks a description and makes a simulation of it. Needs no device.
--- ```lua
--- local sim = gpumm.simulation { steps = 10, step = function(sim, i) end }
--- ```
---@param t gpumm.simulation_options the description
---@return gpumm.simulation
function gpumm.simulation(t) end

--- Describes buffers that share a length and grow together.
--- ```lua
--- return gpumm.simulation {
---     nodes = gpumm.group { { "position", "f32x2" }, { "mass", "f32" }, length = 10 },
---     step = function(sim, i) return i <= #sim.nodes end,
--- }
--- ```
---@param options gpumm.group_options
---@return gpumm.description
function gpumm.group(options) end

--- Describes a buffer.
--- ```lua
--- return gpumm.simulation {
---     heat = gpumm.buffer { type = "f32", length = 100 },
---     step = function(sim, i) sim.heat:fill(i) end, steps = 3,
--- }
--- ```
---@param options gpumm.buffer_options
---@return gpumm.description
function gpumm.buffer(options) end

--- Describes a kernel.
--- ```lua
--- return gpumm.simulation {
---     p = gpumm.buffer { type = "f32x2", length = 100 },
---     k = gpumm.kernel { source = [[extern "C" __global__ void k(int n, float2 *p)
---         { int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) p[i].x *= 2; }]] },
---     step = function(sim, i) sim.k { n = #sim.p, p = sim.p } end, steps = 3,
--- }
--- ```
---@param options gpumm.kernel_options
---@return gpumm.description
function gpumm.kernel(options) end

--- Describes a readback: { "nodes.position", every = 5, slots = 3 }. It is captured after every `every`th step and at the
--- end; every is 1 unless given, and with false the script captures by itself (`sim.watch:capture(step)`), nothing else does.
--- With busy = "wait", the default here, nothing is lost: the simulation delivers the oldest frame before it captures the next.
--- ```lua
--- return gpumm.simulation {
---     heat = gpumm.buffer { type = "f32", length = 100 },
---     watch = gpumm.readback { "heat", every = 5, slots = 3 },
---     step = function(sim, i) sim.heat:fill(i) end, steps = 10,
---     frame = function(sim, f) sim:progress("%g", f.heat[1]) end,
--- }
--- ```
---@param options { [integer]: string, every?: integer|false, slots?: integer, direct?: boolean, busy?: "drop"|"newest"|"wait", inline_bytes?: gpumm.size, where?: "host"|"device", shareable?: boolean } names, and as gpumm.readback_options
---@return gpumm.description
function gpumm.readback(options) end

--- Describes a stream besides the main one.
--- ```lua
--- return gpumm.simulation {
---     side = gpumm.stream(), heat = gpumm.buffer { type = "f32", length = 100 },
---     step = function(sim, i) sim.heat:fill(i, { stream = sim.side }) end, steps = 3,
--- }
--- ```
---@param options? table none are known
---@return gpumm.description
function gpumm.stream(options) end

-- ---- Configurations and growth ---------------------------------------------------------------

--- Configurations of buffers, as tables that a script may change: default, and presets by purpose.
gpumm.config = {}

--- 4 B an element, factor 1.5, at most 1 GiB, at least 4096 B, no asynchronous downloads.
--- ```lua
--- local config = gpumm.config.default()
--- config.growth_factor = 2
--- local p = m:allocate("edges", "u32x2", 100, config)
--- ```
---@return gpumm.config
function gpumm.config.default() end

--- 12 B an element, factor 1.3, at most 512 MiB, at least 4096 B, asynchronous downloads.
--- ```lua
--- local p = m:allocate("places", "f32x3", 1000, gpumm.config.for_positions())
--- ```
---@return gpumm.config
function gpumm.config.for_positions() end

--- As for_positions.
--- ```lua
--- print(gpumm.config.for_velocities().growth_factor) --> 1.3
--- ```
---@return gpumm.config
function gpumm.config.for_velocities() end

--- 32 B an element, factor 2, at most 2 GiB, at least 8192 B, no asynchronous downloads.
--- ```lua
--- print(gpumm.config.for_edges().growth_factor) --> 2.0
--- ```
---@return gpumm.config
function gpumm.config.for_edges() end

--- 8 B an element, factor 1.5, at most 256 MiB, at least 2048 B, no asynchronous downloads.
--- ```lua
--- print(gpumm.config.for_grid_cells().max_size_bytes) --> 268435456
--- ```
---@return gpumm.config
function gpumm.config.for_grid_cells() end

--- Growth schedules.
gpumm.growth = {}

--- The capacity times `factor`, rounded up to a multiple of `align`.
--- ```lua
--- print(gpumm.next_capacity(gpumm.growth.geometric(1.3, 256), 1000, 1001, 1e6)) --> 1536
--- ```
---@param factor number at least 1
---@param align? integer elements; 1, unless given
---@return gpumm.growth_schedule
function gpumm.growth.geometric(factor, align) end

--- The next multiple of `step` elements.
--- ```lua
--- print(gpumm.next_capacity(gpumm.growth.linear(1000), 1000, 1001, 1e6)) --> 2000
--- ```
---@param step integer elements
---@return gpumm.growth_schedule
function gpumm.growth.linear(step) end

--- The first entry that is large enough.
--- ```lua
--- print(gpumm.next_capacity(gpumm.growth.list { 1000, 4000 }, 1000, 1001, 1e6)) --> 4000
--- ```
---@param entries integer[] elements, increasing; past the last, exactly what is required
---@return gpumm.growth_schedule
function gpumm.growth.list(entries) end

--- Exactly what is required.
--- ```lua
--- print(gpumm.next_capacity(gpumm.growth.exact(), 1000, 1001, 1e6)) --> 1001
--- ```
---@return gpumm.growth_schedule
function gpumm.growth.exact() end

-- ---- Graphs from files -----------------------------------------------------------------------

--- Graphs from files and from columns.
gpumm.graph = {}

---@class gpumm.graph_read_options
---@field format? string "edges", "matrix", "metis", "dimacs", "sif", "gml", "pajek", "graphml", "gexf" or "dot"; found in the content, unless given
---@field columns? table of delimited text: { source = "from", target = "to", weight = "w" }, by name or number; by what columns are usually called, else the first two, unless given
---@field header? boolean does the first line name the columns? found, unless given
---@field comments? boolean lines that begin with # or %: true: all are comments; false: none is; found, unless given
---@field delimiter? string one character; found, unless given
---@field quotes? boolean may fields be quoted? found, unless given
---@field decimal? string "," where numbers are written so; ".", unless given
---@field duplicates? "merge"|"count" "count": edge_columns.count says how many each edge had; "merge", unless given
---@field weights? "strength"|"length"|false "strength": those of duplicates add up; "length": the least counts; false: none are read; "strength", unless given
---@field threads? integer as many as there are cores, unless given
---@field limit? integer bytes that a compressed file may swell to; 16 GiB, unless given

--- Reads a graph from a file, compressed by gzip or not. The format is known by the content: delimited text (CSV by its
--- header, SNAP, KONECT, networkx), Matrix Market, METIS, DIMACS, SIF, GML, Pajek, GraphML, GEXF, and DOT (needs graphviz).
--- Where KONECT numbers two kinds of nodes apart, those of the second are "2:1", "2:2" and so on.
--- ```lua
--- local g = gpumm.graph.read("graph.tsv", { weights = false })
--- print(g.nodes, g.edges) --> 4	3
--- ```
---@param path string of the file
---@param options? gpumm.graph_read_options
---@return gpumm.graph_object
function gpumm.graph.read(path, options) end

--- A graph from columns of ends: lists or views.
--- ```lua
--- local triangle = gpumm.graph.new(3, { 1, 2, 3 }, { 2, 3, 1 })
--- print(triangle.edges) --> 3
--- local named = gpumm.graph.new(2, { 1 }, { 2 }, nil, { names = { "ada", "grace" } })
--- print(named.names[2]) --> grace
--- ```
---@param nodes integer how many
---@param from integer[]|gpumm.view one end of each edge, from 1
---@param to integer[]|gpumm.view the other end
---@param weights? number[]|gpumm.view one an edge; all alike, unless given
---@param options? { names?: string[]|gpumm.texts, labels?: (string|false)[]|gpumm.texts } a text for each node. names differ; "1", "2" and so on, unless given. labels: "" or false where a node goes by its name; none, unless given
---@return gpumm.graph_object
function gpumm.graph.new(nodes, from, to, weights, options) end

--- Writes a graph: .graphml or .gexf with all attributes, .csv for the edges. Names that differ in characters which the format
--- does not have are refused.
--- ```lua
--- gpumm.graph.write("graph.graphml", graph)
--- ```
---@param path string .graphml, .gexf or .csv
---@param g gpumm.graph_object the graph
---@param options? { positions?: gpumm.positions, colors?: table, sizes?: table|gpumm.view } positions, colors and sizes that go into the file; none, unless given
---@return true
function gpumm.graph.write(path, g, options) end

--- Positions by the names of a graph's nodes, from what gpumm.picture.positions has written with its graph.
--- ```lua
--- gpumm.picture.positions("positions.csv", v, graph)
--- print(#gpumm.graph.positions("positions.csv", graph)) --> 4
--- ```
---@param path string .csv or .npy
---@param g gpumm.graph_object whose names they are
---@param options? { some?: boolean } some: nodes without a position are no error
---@return gpumm.view
---@return boolean[] has # which nodes have one
---@return string[]? strangers # with some: names of the file that are no node's
function gpumm.graph.positions(path, g, options) end

--- Tables from files.
gpumm.columns = {}

---@class gpumm.columns_options
---@field columns? table by name or number: "integer", "number", "text", or true for what is found; the others are skipped; all of them, unless given
---@field header? boolean does the first line name the columns? found, unless given
---@field delimiter? string one character; found, unless given
---@field comments? boolean lines that begin with # or %: true: all are comments; false: none is; found, unless given
---@field quotes? boolean may fields be quoted? found, unless given
---@field decimal? string "," where numbers are written so; ".", unless given
---@field threads? integer as many as there are cores, unless given
---@field limit? integer bytes that a compressed file may swell to; 16 GiB, unless given

---@class gpumm.columns_result
---@field rows integer how many
---@field names string[] of the columns, in order
---@field columns table<string|integer, gpumm.view|gpumm.texts> by name and by number

--- Reads delimited text, compressed by gzip or not, into typed columns on all cores: views of i64 or f64 (NaN where there
--- is nothing), or texts.
--- ```lua
--- local t = gpumm.columns.read("table.csv")
--- print(t.rows, t.columns.weight[2]) --> 2	4.5
--- ```
---@param path string of the file
---@param options? gpumm.columns_options
---@return gpumm.columns_result
function gpumm.columns.read(path, options) end

---@alias gpumm.positions gpumm.view|number[][]

---@class gpumm.layout_command what gpumm-layout's options say; --help lists them
---@field graph string the path that was given

--- The parts of the command gpumm-layout.
gpumm.layout = {}

--- The options of a command line, checked; --help prints them and ends the process.
--- ```lua
--- local options = gpumm.layout.options { "graph.tsv", "--steps", "10", "--out", "layout.png" }
--- ```
---@param words string[] `arg`, or a list of words
---@return gpumm.layout_command
function gpumm.layout.options(words) end

--- The graph of options.graph, or the part of it that they name.
--- ```lua
--- local g = gpumm.layout.read(gpumm.layout.options { "graph.tsv", "--largest" })
--- print(g.nodes) --> 4
--- ```
---@param options gpumm.layout_command what layout.options returned
---@return gpumm.graph_object
function gpumm.layout.read(options) end

--- Options for gpumm.force.layout.
--- ```lua
--- local options = gpumm.layout.options { "graph.tsv" }
--- local forces = gpumm.layout.forces(graph, options, {})
--- gpumm.force.layout(graph, forces):run {}
--- ```
---@param graph gpumm.graph_object
---@param options gpumm.layout_command what layout.options returned
---@param own { frame?: function, finish?: function } functions of one's own
---@return gpumm.layout_options
function gpumm.layout.forces(graph, options, own) end

--- Says how many nodes and edges there are, and how good the layout is.
--- ```lua
--- gpumm.layout.report(graph, gpumm.force.layout(graph):run {})
--- ```
---@param graph gpumm.graph_object
---@param result gpumm.layout_result what the layout's run returned
---@param options? gpumm.layout_command what layout.options returned: where weights are lengths, the stress is over these
function gpumm.layout.report(graph, result, options) end

--- Writes the picture, page, positions and graph that the options name.
--- ```lua
--- gpumm.layout.write(graph, gpumm.layout.options { "graph.tsv", "--out", "written.png" }, v)
--- ```
---@param graph gpumm.graph_object
---@param options gpumm.layout_command what layout.options returned
---@param result gpumm.layout_result|gpumm.view a layout's, or its positions alone
---@param frames? gpumm.page_frames of the page; none, unless given
function gpumm.layout.write(graph, options, result, frames) end

--- What shows progress, reports and writes: a table of functions, of which finish calls conclude.
--- ```lua
--- local own = gpumm.layout.handlers(graph, gpumm.layout.options { "graph.tsv", "--out", "layout.png" })
--- own.conclude(graph, gpumm.force.layout(graph):run {})
--- ```
---@param graph gpumm.graph_object
---@param options gpumm.layout_command what layout.options returned
---@return { frame: function, finish: function, conclude: fun(graph: gpumm.graph_object, result: gpumm.layout_result) }
function gpumm.layout.handlers(graph, options) end

--- A simulation that lays the graph out, and calls own.frame and own.finish.
--- ```lua
--- gpumm.layout.describe(graph, gpumm.layout.options { "graph.tsv", "--steps", "10" }, {}):run {}
--- ```
---@param graph gpumm.graph_object
---@param options gpumm.layout_command what layout.options returned
---@param own { frame?: function, finish?: function } functions of one's own
---@return gpumm.simulation
function gpumm.layout.describe(graph, options, own) end

--- A simulation that lays the graph out, shows progress, reports and writes.
--- ```lua
--- gpumm.layout.simulation(graph, gpumm.layout.options { "graph.tsv", "--out", "layout.png", "--steps", "10" }):run {}
--- ```
---@param graph gpumm.graph_object
---@param options gpumm.layout_command what layout.options returned
---@return gpumm.simulation
function gpumm.layout.simulation(graph, options) end

--- The whole command: gpumm-run -m gpumm.layout. Where mpirun started it, over all ranks.
--- ```lua
--- return gpumm.layout.main { "graph.tsv", "--out", "layout.png", "--steps", "10" }
--- ```
---@param words string[] of the command line
---@return gpumm.simulation
function gpumm.layout.main(words) end

-- ---- Pictures and pages ----------------------------------------------------------------------

---@alias gpumm.color string|number[] a name of CSS, "#rrggbb", "#rgb", or { r, g, b } from 0 to 1

---@class gpumm.picture_options
---@field positions gpumm.positions of points in space: seen from above, what is near larger and brighter
---@field graph? gpumm.graph_object whose edges and names are drawn; positions alone, unless given
---@field width? integer pixels, of a PDF points; 1600, unless given
---@field height? integer pixels, of a PDF points; 1200, unless given
---@field colors? string|table|gpumm.view one for all; one for each node; or a column: numbers from cold to warm, texts by kind; by community, of large graphs by degree, unless given
---@field kinds? boolean true: numbers are kinds too; false, unless given
---@field sizes? (number[])|gpumm.view a number from 0 for each node, by which areas go; the degrees, unless given
---@field radii? (number[])|gpumm.view of each node in the positions' units, drawn to scale, instead of sizes; none, unless given
---@field widths? (number[])|gpumm.view|false a number from 0 for each edge; false: all alike; the weights, unless given
---@field arrows? boolean at the second end of each edge; graph.directed, unless given
---@field labels? integer|true names beside so many of the largest nodes, without overlap; true: 30; none, unless given
---@field names? string[] one for each node; the graph's, unless given
---@field legend? string|true what the colors mean, under this title; none, unless given
---@field turn? number[] { yaw, pitch } in degrees, of points in space; seen from above, unless given
---@field title? string of an SVG; none, unless given
---@field background? gpumm.color a color; "#0b0e14", unless given
---@field manager? gpumm.manager the one to use for a PNG; a temporary one, unless given

--- Pictures of layouts, and memory over time.
gpumm.picture = {}

--- Draws a layout to a file. Labels, legends and PDF need Pango (libpangocairo), which is opened when it is needed.
--- ```lua
--- gpumm.picture.write("layout.svg", { positions = v, graph = graph, width = 400, height = 300 })
--- ```
---@param path string .png, .svg or .pdf; any other ending is refused before the work
---@param options gpumm.picture_options
---@return true
function gpumm.picture.write(path, options) end

--- Reads one value for each node, for `colors`, from a file of lines "name value": numbers where all are numbers, else
--- texts. Where every line has a tab, a semicolon or a comma, that one separates; a name may be quoted.
--- ```lua
--- print(gpumm.picture.column("column.tsv", graph)[1]) --> 10
--- ```
---@param path string of the file
---@param graph gpumm.graph_object whose names they are
---@return (number|string)[]
function gpumm.picture.column(path, graph) end

--- Writes positions to a file; with a graph, the names of the nodes too (beside a .npy in FILE.names.csv).
--- ```lua
--- gpumm.picture.positions("positions.csv", v, graph)
--- ```
---@param path string .npy or .csv
---@param view gpumm.view of the nodes
---@param graph? gpumm.graph_object whose names go beside them; none, unless given
---@return true
function gpumm.picture.positions(path, view, graph) end

--- Raises where a file that a layout will write at its end cannot be written, so that this shows before the work.
--- ```lua
--- gpumm.picture.outputs { picture = "layout.png", page = "layout.html" }
--- ```
---@param paths { picture?: string, page?: string, positions?: string, frames?: string, graph?: string } picture, page, positions, frames (a folder) and graph; what is "" or left out is not wanted
function gpumm.picture.outputs(paths) end

---@class gpumm.memory_options
---@field trace string the path of a trace: gpumm-run --trace, gpumm.trace
---@field manager? integer which, of those that have memory; 1, the first, unless given
---@field title? string above the drawing; the manager's device, unless given
---@field width? integer pixels; 1200, unless given
---@field height? integer pixels; 560, unless given

--- Draws a manager's memory over time: categories stacked, growth steps marked, the peak by what held it.
--- ```lua
--- do
---     local t = gpumm.trace { file = "memory.json" }
---     local traced <close> = gpumm.manager { device = "host" }
---     traced:allocate("positions", "f32", 1e6)
---     traced:synchronize()
---     traced:free "positions"
---     traced:close()
---     t:close()
--- end
--- print(gpumm.picture.memory("memory.svg", { trace = "memory.json" }).total >= 4e6) --> true
--- ```
---@param path string .svg, .png or .pdf
---@param options gpumm.memory_options
---@return { total: integer, at: number, now: table<string, integer> } peak bytes, microseconds, bytes by category
function gpumm.picture.memory(path, options) end

---@class gpumm.page_frame
---@field step integer in which it was captured
---@field positions gpumm.positions of the nodes that there were: the first ones

---@class gpumm.page_options
---@field positions gpumm.positions of points in space: the page turns them
---@field graph? gpumm.graph_object whose edges and names are shown; positions alone, unless given
---@field colors? string|table|gpumm.view as gpumm.picture_options has them; by community, of large graphs by degree, unless given
---@field kinds? boolean as gpumm.picture_options has it; false, unless given
---@field sizes? (number[])|gpumm.view as gpumm.picture_options has them; the degrees, unless given
---@field radii? (number[])|gpumm.view as gpumm.picture_options has them, to scale as far as one zooms; none, unless given
---@field widths? (number[])|gpumm.view|false as gpumm.picture_options has them; the weights, unless given
---@field arrows? boolean as gpumm.picture_options has it; graph.directed, unless given
---@field background? gpumm.color a color; "#0b0e14", unless given
---@field title? string of the page; the name of the graph's file, unless given
---@field names? string[]|false one for each node; the graph's, unless given
---@field columns? table<string, table|gpumm.view>|false to filter by, one value for each node; graph.node_columns, unless given
---@field frames? gpumm.page_frame[] of a layout that grew: the page has a slider over them; none, unless given
---@field legend? string|false its title; false: there is none; what the colors are, unless given

--- A list of frames that keeps some of those that it is given, evenly.
---@class gpumm.page_frames
local PageFrames = {}

--- Keeps a copy, or not: of so many frames an even part is kept.
--- ```lua
--- local frames = gpumm.page.frames(16)
--- frames:add(1, v)
--- gpumm.page.write("layout.html", { positions = v, graph = graph, frames = frames })
--- ```
---@param step integer in which it was captured
---@param view gpumm.view copied, where it is kept
function PageFrames:add(step, view) end

--- Self-contained HTML pages: pan, zoom, turn, search, click for neighbours, filter, and a slider over time.
gpumm.page = {}

--- Writes a page that shows a layout.
--- ```lua
--- gpumm.page.write("layout.html", { positions = v, graph = graph, title = "a path" })
--- ```
---@param path string .html
---@param options gpumm.page_options
---@return true
function gpumm.page.write(path, options) end

--- Frames for gpumm.page.write.
--- ```lua
--- local frames = gpumm.page.frames(16)
--- frames:add(1, v)
--- ```
---@param most? integer how many are kept; 48, unless given
---@return gpumm.page_frames
function gpumm.page.frames(most) end

-- ---- The live page --------------------------------------------------------------------------

---@class gpumm.live_event what a viewer did; it was checked, and nodes, parameters and their ranges are there
---@field kind "describe"|"pause"|"go"|"finish"|"step"|"rate"|"drag"|"drop"|"free"|"pick"|"set"|"tell" what was done
---@field viewer? integer 1, 2, 3 …: who
---@field node? integer from 1: drag, drop, free, pick
---@field x? number drag, drop
---@field y? number drag, drop
---@field z? number of a viewer in space
---@field name? string the parameter of "set", the word of "tell"
---@field value? number set
---@field rate? number steps a second; 0: as many as it can
---@field count? number steps to do
---@field [integer] number up to three numbers of "tell"

---@class gpumm.live_parameter
---@field name string a letter, then letters, digits and _, at most 31
---@field value number at the beginning
---@field least? number 0, unless given
---@field most? number 10, unless given

---@class gpumm.live_description what is to be shown; what is left out is looked for, or is not there
---@field positions? string "nodes.position": a buffer of f32x2 or f32x3
---@field edges? string|string[]|false one buffer of pairs of u32, or two of u32; false: none
---@field base? integer what the first node is called in edges: 0 (unless given) or 1
---@field names? string[] one a node
---@field colors? any as gpumm.picture.write has them: one a node, or a column of numbers or kinds; otherwise by degree
---@field kinds? boolean numbers in `colors` are kinds, as communities are
---@field title? string of the page
---@field parameters? gpumm.live_parameter[] that viewers may set: an event "set" then, for which `live` returns true

---@class gpumm.live_options what is to be shown comes before what the simulation says
---@field positions? string as gpumm.live_description has these; what the simulation says, unless given
---@field edges? string|string[]|false as gpumm.live_description has these; what the simulation says, unless given
---@field base? integer as gpumm.live_description has it; what the simulation says, unless given
---@field names? string[] as gpumm.live_description has these; what the simulation says, unless given
---@field colors? any as gpumm.live_description has these; what the simulation says, unless given
---@field kinds? boolean as gpumm.live_description has it; what the simulation says, unless given
---@field title? string as gpumm.live_description has it; what the simulation says, unless given
---@field port? integer of the machine; any that is free, unless given
---@field host? string "127.0.0.1", unless given: the address to listen on; "0.0.0.0": every one of this machine
---@field viewers? integer at once; 32, unless given
---@field fps? number frames a second at most; 60, unless given
---@field rate? number steps a second; as many as it can, unless given
---@field paused? boolean begin so; false, unless given
---@field exit? boolean end where the simulation ends, where else it rests until Finish or Ctrl-C; false, unless given
---@field reheat? integer how many steps it goes on for when something is changed at rest; 200, unless given
---@field origins? string[] of a proxy in front, as "https://lab.example"; none, unless given
---@field token? string 32 characters of the URL; random ones, unless given
---@field say? fun(url: string) gets the URL; a line on standard error, unless given
---@field quiet? boolean print no URL; false, unless given
---@field keep? boolean a session's next simulation begins at the positions of the one before; false, unless given
---@field run? gpumm.run_options options of serve's run; none, unless given

---@class gpumm.live_session
---@field url string with the token
local Session = {}

--- Runs a simulation as its run does, and shows it.
--- ```lua
--- local session = gpumm.live.open { quiet = true, exit = true }
--- session:run(described)
--- session:close()
--- ```
---@param sim gpumm.simulation the simulation
---@param options? gpumm.run_options
---@return any ... what finish returns
function Session:run(sim, options) end

--- Shows an error; the last picture stays.
--- ```lua
--- local session = gpumm.live.open { quiet = true }
--- session:fail "layout.lua:12: unexpected symbol"
--- session:close()
--- ```
---@param message string what viewers are shown
function Session:fail(message) end

--- Did somebody press Finish?
--- ```lua
--- local session = gpumm.live.open { quiet = true }
--- print(session:finished()) --> false
--- session:close()
--- ```
---@return boolean
function Session:finished() end

--- viewers, bytes and queued are of now; frames, sent, skipped, events, refused, joined and turned_away since the start.
--- ```lua
--- local session = gpumm.live.open { quiet = true }
--- print(session:counts().viewers) --> 0
--- session:close()
--- ```
---@return table<string, integer>
function Session:counts() end

--- Sends viewers away, with what there is for them, and stops listening.
--- ```lua
--- gpumm.live.open({ quiet = true }):close()
--- ```
function Session:close() end

--- The page that shows a simulation while it runs. Part of the module gpumm_live (package gpumm-live).
gpumm.live = {}

--- Runs the simulation, prints a URL that shows it, and returns what its run returns.
--- ```lua
--- gpumm.live.serve(described, { quiet = true, exit = true })
--- ```
---@param sim gpumm.simulation the simulation
---@param options? gpumm.live_options
---@return any ...
function gpumm.live.serve(sim, options) end

--- A session for several simulations, one after the other.
--- ```lua
--- local session = gpumm.live.open { port = 0, quiet = true }
--- print(session.url:match "^http://127.0.0.1:") --> http://127.0.0.1:
--- session:close()
--- ```
---@param options? gpumm.live_options
---@return gpumm.live_session
function gpumm.live.open(options) end

-- ---- Layouts ---------------------------------------------------------------------------------

---@class gpumm.force_model expressions in CUDA C
---@field repel? string of the square distance d2: the push between two unit masses, over their distance
---@field attract? string of d2: the pull of an edge, over its length
---@field mass? string of heft: what a node pushes with
---@field gravity? number the pull to the middle
---@field limit? number how far a node may move in the first step
---@field length? boolean true where the forces have a natural length, to which the start is scaled

---@class gpumm.quality
---@field stress number scale-normalised, over breadth-first distances from sampled pivots
---@field neighbourhood number mean Jaccard of a sampled node's neighbours and as many nodes nearest to it
---@field neighbourhood2 number the same for the nodes within two edges of it
---@field variation number of the edges' lengths: deviation over mean
---@field crossings integer pairs of edges that cross; estimated by 20,000 edges where there are more; 0 in space
---@field coincidence number share of nodes whose nearest other node is nearer than 5 % of the median of that
---@field overlap number share of nodes whose disc lies on another's; without radii: that are on the spot of another

---@class gpumm.layout_result
---@field positions gpumm.view f32x2 or f32x3, one a node
---@field steps integer how many were run
---@field components? integer[] their sizes, the largest first
---@field radii? gpumm.view of nodes that have sizes: what picture.write takes as radii
---@field quality? gpumm.quality where it was measured
---@field random? gpumm.quality of random positions

---@class gpumm.layout_options
---@field model? "tforce"|"forceatlas"|"spring"|gpumm.force_model a name, or a table of one's own; "tforce", unless given
---@field dimensions? 2|3 2, unless given
---@field seed? integer another one, another layout; 1, unless given
---@field steps? integer at most; 300, unless given
---@field cooling? number the exponent at which the limit falls; 1, unless given
---@field settle? number ends when nodes move less than this on average, in the model's units; 0: never; 0.0005, unless given
---@field every? integer steps between two frames; 1, unless given
---@field slots? integer of the readback that brings frames, 2 to 64; 4, unless given
---@field quality? boolean measure the quality at the end; false, unless given
---@field repulsion? number a factor; 1, unless given
---@field gravity? number the pull to the middle; the model's, unless given
---@field speed? number how far a node moves for its force; the model's, unless given
---@field limit? number how far a node may move at first, in the model's units; the model's, unless given
---@field inertia? number the part of its speed that a node keeps, 0 to 1; the model's, unless given
---@field pinned? table nodes that stay: a list of them or a set; none, unless given
---@field positions? table|gpumm.view start positions; a point that is false: that node finds its own; PivotMDS and stress majorization, unless given
---@field hold? number 0 to 1: how strongly nodes are drawn back to their positions; 0, unless given
---@field seconds? number that it may take, instead of steps; 0: as long as it takes; 0, unless given
---@field tension? number how strongly the distances of the graph are held in the end, by the model tforce; 0.06, unless given
---@field weights? "strength"|"length" "strength": heavy edges pull more (64 times the mean at most); "length": weights are how long edges shall be in proportion, and distances are along them, by forces for that, whatever the model; "strength", unless given
---@field sizes? number[]|gpumm.view a number from 0 for each node, by which the areas of discs go: none lies on another in the end; none, unless given
---@field frame? fun(sim: gpumm.simulation, frame: gpumm.frame) called with each frame; nothing, unless given
---@field finish? fun(sim: gpumm.simulation, result: gpumm.layout_result) called with the result; nothing, unless given
---@field device? string as a manager's; "auto", unless given

---@class gpumm.growing_options
---@field model? "tforce"|"forceatlas"|"spring"|gpumm.force_model a name, or a table of one's own; "tforce", unless given
---@field dimensions? 2|3 2, unless given
---@field seed? integer another one, another layout; 1, unless given
---@field first? integer nodes at the beginning; 1000, unless given
---@field batch? integer nodes that each growth adds; 1000, unless given
---@field every? integer steps between two growths; 10, unless given
---@field steps? integer after the last growth; 200, unless given
---@field warmth? number how far a node may move after a growth, in the model's units; 1, unless given
---@field cooling? number by which that is multiplied after each step while the graph grows; 0.9, unless given
---@field capture? integer steps between two frames; 5, unless given
---@field weights? "strength"|"length" "strength": heavy edges pull more; "length": weights are how long edges shall be in proportion, by forces for that, whatever the model; "strength", unless given
---@field sizes? number[]|gpumm.view a number from 0 for each node, as gpumm.layout_options has them; none, unless given
---@field slots? integer of the readback that brings frames, 2 to 64; 4, unless given
---@field quality? boolean measure the quality at the end; false, unless given
---@field repulsion? number a factor; 1, unless given
---@field gravity? number the pull to the middle; the model's, unless given
---@field speed? number how far a node moves for its force; the model's, unless given
---@field inertia? number the part of its speed that a node keeps, 0 to 1; the model's, unless given
---@field grown? fun(sim: gpumm.simulation, step: integer, count: integer) called after each growth with the step and how many nodes came; nothing, unless given
---@field frame? fun(sim: gpumm.simulation, frame: gpumm.frame) called with each frame; nothing, unless given
---@field finish? fun(sim: gpumm.simulation, result: gpumm.layout_result) called with the result; nothing, unless given
---@field device? string as a manager's; "auto", unless given

---@class gpumm.force_rows neighbours in rows, on the device
---@field now table row, near, pull, n, m, most, entries (the rows' here), first and count (the nodes that have rows here: all, or a rank's own)
---@field lengths? boolean true: an edge's pull is one over its length, along which distances are; false, unless given
---@field build fun(self: gpumm.force_rows, n: integer, m: integer, from: gpumm.buffer, to: gpumm.buffer, base: integer, weight?: gpumm.buffer): table makes them from n nodes and m edges, whose ends count from `base`

---@class gpumm.force_grid
---@field repel fun(self: gpumm.force_grid, n: integer, position: gpumm.buffer, mass: gpumm.buffer, force: gpumm.buffer, strength?: number, seed?: integer, unit?: number) adds to `force` what every node is pushed by all others, in O(n)
---@field repel_exactly fun(self: gpumm.force_grid, n: integer, position: gpumm.buffer, mass: gpumm.buffer, force: gpumm.buffer, strength?: number, seed?: integer, unit?: number) the same over all pairs

---@class gpumm.force_nodes
---@field position gpumm.buffer f32x2 or f32x3
---@field velocity gpumm.buffer of the same type
---@field force gpumm.buffer of the same type
---@field mass gpumm.buffer f32: what a node pushes with
---@field heft gpumm.buffer f32: 1 and the weights of its edges
---@field pinned? gpumm.buffer u8: not 0 where a node stays

---@class gpumm.force_numbers other numbers of the same nodes
---@field order gpumm.buffer u32: the caller's node of each number; both count from 0
---@field place gpumm.buffer u32: the number of each of the caller's nodes
---@field of fun(self: gpumm.force_numbers, node: integer): integer the number, from 1, of the caller's node, from 1
---@field translate fun(self: gpumm.force_numbers, count: integer, nodes: gpumm.buffer, base: integer): gpumm.buffer a list of the caller's nodes, which count from `base` as what it returns does: a new u32 buffer, the caller's
---@field take fun(self: gpumm.force_numbers, from: gpumm.buffer, to: gpumm.buffer) positions by the caller's numbers, to these
---@field give_back fun(self: gpumm.force_numbers, from: gpumm.buffer, to: gpumm.buffer) positions by these numbers, to the caller's

---@class gpumm.force_engine
---@field rows gpumm.force_rows the graph as it is now
---@field unit number of the model, in positions' units
---@field strength number of the repulsion
---@field connect fun(self: gpumm.force_engine, nodes: gpumm.force_nodes, n: integer, m: integer, from: gpumm.buffer, to: gpumm.buffer, base: integer, weight?: gpumm.buffer) takes the graph as it is now, and makes mass and heft
---@field balance fun(self: gpumm.force_engine, nodes: gpumm.force_nodes) suits the forces to the layout as it is
---@field step fun(self: gpumm.force_engine, nodes: gpumm.force_nodes, i: integer, limit: number) one iteration: repulsion, springs, motion; `limit` is in the model's units
---@field recorded boolean a step is a replay of what the first one recorded (true on a GPU, where one rank has all nodes); false: its launches are enqueued one by one

--- Force-directed layout.
gpumm.force = {}
---@type table<string, gpumm.force_model>
gpumm.force.models = {}

--- A simulation that lays out a graph. Its run returns a gpumm.layout_result.
--- ```lua
--- local result = gpumm.force.layout(graph, { steps = 50 }):run {}
--- print(#result.positions, graph:stress(result.positions) < 0.05) --> 4	true
--- ```
---@param graph gpumm.graph_object what is laid out
---@param options? gpumm.layout_options
---@return gpumm.simulation
function gpumm.force.layout(graph, options) end

--- A simulation of a graph that grows while it is laid out.
--- ```lua
--- local result = gpumm.force.growing(graph, { first = 2, batch = 1, every = 5, steps = 20 }):run {}
--- print(#result.positions) --> 4
--- ```
---@param graph gpumm.graph_object its nodes come in their order
---@param options? gpumm.growing_options
---@return gpumm.simulation
function gpumm.force.growing(graph, options) end

--- Places the nodes from `first`, counting from 0, at the middle of their placed neighbours.
--- ```lua
--- local rows = rows_of(graph)
--- gpumm.force.seat(m, rows, b, 2, 0.1)
--- ```
---@param manager gpumm.manager whose the buffers are
---@param rows gpumm.force_rows the graph as it is now
---@param position gpumm.buffer f32x2 or f32x3, one a node
---@param first integer the first node without a place, from 0
---@param by number how far from that middle a node may be, in positions' units
---@param dimensions? 2|3 2, unless given
function gpumm.force.seat(manager, rows, position, first, by, dimensions) end

--- The component of every node.
--- ```lua
--- print(gpumm.force.components(m, rows_of(graph))[4]) --> 0
--- ```
---@param manager gpumm.manager whose the buffers are
---@param rows gpumm.force_rows the graph
---@return gpumm.view for every node the number of its component: the component's first node, counting from 0
function gpumm.force.components(manager, rows) end

--- Distances in edges from some nodes to all.
--- ```lua
--- print(gpumm.force.distances(m, rows_of(graph), { 0 }):download()[4]) --> 3
--- ```
---@param manager gpumm.manager whose the buffers are
---@param rows gpumm.force_rows the graph
---@param pivots integer[] nodes, from 0, at most 64
---@return gpumm.buffer u16, pivot by pivot; 65535: no path
function gpumm.force.distances(manager, rows, pivots) end

--- Forces between all pairs of nodes, in O(n).
--- ```lua
--- local grid = gpumm.force.repulsion(m)
--- local mass, force = m:buffer { type = "f32", length = 4 }, m:buffer { type = "f32x2", length = 4 }
--- mass:fill(1)
--- b:upload(v)
--- grid:repel(4, b, mass, force)
--- ```
---@param manager gpumm.manager whose the buffers are
---@param options? { dimensions?: 2|3, repel?: string } dimensions: 2, unless given; repel: an expression as gpumm.force_model's, that of tforce, unless given
---@return gpumm.force_grid
function gpumm.force.repulsion(manager, options) end

--- Neighbours in rows, to be built from edges on the device.
--- ```lua
--- local rows = gpumm.force.rows(m)
--- local from, to = m:buffer { type = "u32", length = 3 }, m:buffer { type = "u32", length = 3 }
--- from:upload { 0, 1, 2 }
--- to:upload { 1, 2, 3 }
--- print(rows:build(4, 3, from, to, 0).m) --> 3
--- ```
---@param manager gpumm.manager whose the buffers are
---@return gpumm.force_rows
function gpumm.force.rows(manager) end

--- The building blocks of a layout together: rows, repulsion, springs, motion, for a simulation of one's own.
--- ```lua
--- local engine = gpumm.force.engine(m, { model = "spring" })
--- print(engine.strength) --> 1
--- ```
---@param manager gpumm.manager whose the buffers are
---@param options? { model?: string|gpumm.force_model, dimensions?: 2|3, repulsion?: number, gravity?: number, speed?: number, inertia?: number } as gpumm.layout_options has them; those of "tforce", unless given
---@return gpumm.force_engine
function gpumm.force.engine(manager, options) end

--- PivotMDS and `rounds` (an even number; 0: none) of stress majorization, components packed.
--- ```lua
--- print(gpumm.force.start(m, rows_of(graph), b)[1]) --> 4
--- ```
---@param manager gpumm.manager whose the buffers are
---@param of gpumm.force_rows the graph
---@param position gpumm.buffer f32x2 or f32x3, which is written
---@param options? { dimensions?: 2|3, seed?: integer, rounds?: integer } dimensions: 2; seed: 1; rounds: 30, unless given
---@return integer[] sizes of the components, the largest first
---@return table[] stresses the largest components' own, as nodes.stress of an engine's step takes them
function gpumm.force.start(manager, of, position, options) end

--- Numbers for nodes by where they lie, along a curve through the layout: in a large one, what an iteration reads together lies
--- together where edges are connected by these. force.layout does so from 65,536 nodes on, unless they have positions, pins or sizes, and shows its caller's numbers alone.
--- ```lua
--- b:upload(v)
--- local numbers = gpumm.force.by_place(m, rows_of(graph), b)
--- print(numbers:of(1) >= 1 and numbers:of(1) <= 4) --> true
--- ```
--- Fails (raises) where `of` was not built.
---@param manager gpumm.manager whose the buffers are
---@param of gpumm.force_rows the graph, by the caller's numbers
---@param position gpumm.buffer f32x2 or f32x3, by the caller's numbers
---@param dimensions? 2|3 2, unless given
---@return gpumm.force_numbers
function gpumm.force.by_place(manager, of, position, dimensions) end

--- How good a layout is, beside random positions: stress, neighbourhood, variation of lengths.
--- ```lua
--- print(gpumm.force.quality(graph, v).stress < 0.05) --> true
--- ```
---@param graph gpumm.graph_object what was laid out
---@param positions gpumm.view|gpumm.buffer|table one a node
---@param options? { dimensions?: 2|3, pivots?: integer, samples?: integer, seed?: integer, radii?: number[]|gpumm.view|gpumm.buffer, weights?: "strength"|"length", manager?: gpumm.manager, device?: string } dimensions: 2; pivots: 50; samples: 2000; seed: 1; a manager or device to work on: a new one, "auto", unless given
---@return gpumm.quality mine
---@return gpumm.quality random
function gpumm.force.quality(graph, positions, options) end

--- The same for positions and rows that are on a device already.
--- ```lua
--- b:upload(v)
--- print(gpumm.force.quality_of(m, rows_of(graph), b).stress < 0.05) --> true
--- ```
---@param manager gpumm.manager whose the buffers are
---@param of gpumm.force_rows the graph
---@param position gpumm.buffer one a node
---@param options? { dimensions?: 2|3, pivots?: integer, samples?: integer, seed?: integer, radii?: gpumm.buffer } as quality's; its defaults, unless given
---@return gpumm.quality mine
---@return gpumm.quality random
function gpumm.force.quality_of(manager, of, position, options) end

--- Both as one line of text.
--- ```lua
--- print(gpumm.force.describe(gpumm.force.quality(graph, v)))
--- ```
---@param mine gpumm.quality of the layout
---@param random gpumm.quality of random positions
---@return string
function gpumm.force.describe(mine, random) end

-- ---- Files -----------------------------------------------------------------------------------

--- PNG files.
gpumm.image = {}

--- Reads a PNG.
--- Fails: IO.
--- ```lua
--- local pixels = gpumm.view("u8x3", 2)
--- gpumm.image.write("two.png", pixels, 2, 1)
--- print(select(2, gpumm.image.read "two.png")) --> 2	1
--- ```
---@param path string of the file
---@return gpumm.view? pixels of u8x3 or u8x4, rows from the top
---@return integer|string width
---@return integer|string height
function gpumm.image.read(path) end

--- Writes a PNG, whole or not at all.
--- Fails: IO.
--- ```lua
--- gpumm.image.write("two.png", gpumm.view("u8x3", { { 255, 0, 0 }, { 0, 0, 255 } }), 2, 1)
--- ```
---@param path string of the file
---@param view gpumm.view u8, u8x3 or u8x4, rows from the top
---@param width integer pixels
---@param height integer pixels
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function gpumm.image.write(path, view, width, height) end

--- NumPy's files.
gpumm.npy = {}

--- Reads an array of NumPy's: one axis, or two of which the last has 2 to 4 elements; or a structured one.
--- Fails: IO.
--- ```lua
--- gpumm.npy.write("v.npy", v)
--- print(#gpumm.npy.read "v.npy") --> 4
--- ```
---@param path string of the file
---@return gpumm.view? view
---@return string? message
---@return gpumm.status_name? code
function gpumm.npy.read(path) end

--- Writes an array that NumPy reads: vectors as rows, structs as structured arrays. Whole or not at all.
--- Fails: IO.
--- ```lua
--- gpumm.npy.write("v.npy", v)
--- ```
---@param path string of the file
---@param view gpumm.view or other data
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function gpumm.npy.write(path, view) end

--- Files of bytes.
gpumm.raw = {}

--- Reads elements that lie one behind the other.
--- Fails: IO.
--- ```lua
--- gpumm.raw.write("v.bin", v)
--- print(gpumm.raw.read("v.bin", "f32x2"):get(1)) --> 1.0	2.0
--- ```
---@param path string of the file
---@param type gpumm.typelike of an element
---@return gpumm.view? view
---@return string? message
---@return gpumm.status_name? code
function gpumm.raw.read(path, type) end

--- Writes elements one behind the other, in this machine's byte order. Whole or not at all.
--- Fails: IO.
--- ```lua
--- gpumm.raw.write("v.bin", v)
--- ```
---@param path string of the file
---@param view gpumm.view or other data
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function gpumm.raw.write(path, view) end

-- ---- Attaching, tracing ----------------------------------------------------------------------

--- Attaches to what another process shares at `path`: manager:share there.
--- Fails: NOT_FOUND (nobody shares there), TIMEOUT, ALREADY_EXISTS, CLOSED, IO, NO_DEVICE.
--- ```lua
--- print(select(3, gpumm.attach("nobody.sock"))) --> NOT_FOUND
--- ```
---@param path string of the socket
---@param options? gpumm.attach_options
---@return gpumm.attachment? attachment
---@return string? message
---@return gpumm.status_name? code
function gpumm.attach(path, options) end

--- Opens a trace for managers that this state opens from now on. One at a time: nil, message, "BUSY"; one that
--- nobody has any more is closed. A contained script needs to be granted the files.
--- Fails: BUSY, IO.
--- ```lua
--- local t = gpumm.trace { file = "trace.json", history = "history.csv" }
--- t:close()
--- ```
---@param options gpumm.trace_options
---@return gpumm.trace? trace
---@return string? message
---@return gpumm.status_name? code
function gpumm.trace(options) end

--- Can a file of that name be written now? An existing file is not changed.
--- Fails: IO.
--- ```lua
--- print(gpumm.writable "new.png") --> true
--- ```
---@param path string of the file
---@return true? ok
---@return string? message
---@return gpumm.status_name? code
function gpumm.writable(path) end

-- ---- Specs -----------------------------------------------------------------------------------

--- For your own specs, under busted.
gpumm.spec = {}
---@type string the device that specs run on
gpumm.spec.device = "host"

--- A manager for one test, on the device of specs, with debug on. spec.close closes it. Raises where it cannot be opened.
--- ```lua
--- local m = gpumm.spec.manager { memory = "64MiB" }
--- gpumm.spec.close()
--- ```
---@param options? gpumm.manager_options
---@return gpumm.manager
function gpumm.spec.manager(options) end

--- The same, on a device that fails as planned: manager.fault sets other plans.
--- ```lua
--- local m = gpumm.spec.inject_faults { call = "fill", nth = 1, status = "DRIVER" }
--- print(select(3, m:buffer { type = "f32", length = 1e6 })) --> DRIVER
--- gpumm.spec.close()
--- ```
---@param fault? gpumm.fault_plan the first plan; nothing fails, unless given
---@param options? gpumm.manager_options
---@return gpumm.manager
function gpumm.spec.inject_faults(fault, options) end

--- Checks the books of every manager opened in this test, and closes it. For after_each.
--- ```lua
--- after_each(gpumm.spec.close)
--- ```
function gpumm.spec.close() end

---@type boolean whether spec.close fails a test that left a named buffer; true, unless a file sets it to false
gpumm.spec.leaks_fail = true

--- This test leaves named buffers of this manager on purpose.
--- ```lua
--- local m = gpumm.spec.leaks(gpumm.spec.manager())
--- m:allocate("kept", "f32", 1)
--- gpumm.spec.close()
--- ```
---@param manager gpumm.manager
---@return gpumm.manager
function gpumm.spec.leaks(manager) end

return gpumm
