// SPDX-License-Identifier: MIT
//
// gpumm.h for C++17: handles that release themselves, and results instead of output parameters. It adds no behaviour; what
// a call promises stands at the function of gpumm.h that it is named after. Nothing here needs exceptions or RTTI; where
// there are exceptions, `result.value()` throws gpumm::error.
//
//     gpumm::manager m = gpumm::manager::open().value();
//     gpumm::buffer p = m.allocate("positions", gpumm::type::parse("f32x3").value(), 1000).value();
//     if (gpumm::status s = p.resize(5000); !s) std::puts(s.message());
#ifndef GPUMM_HPP
#define GPUMM_HPP

#include "gpumm.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>

#if defined(__cpp_exceptions)
#include <stdexcept>
#endif

namespace gpumm {

// ---- Outcomes ---------------------------------------------------------------------------------------

// How a call ended. True: it did what it says.
class [[nodiscard]] status {
  public:
    status(gpumm_status code = GPUMM_OK) noexcept : code_(code) {}        // what a function of C returned
    explicit operator bool() const noexcept { return code_ == GPUMM_OK; } // is it OK?
    // To compare: s.code() == GPUMM_BUSY.
    gpumm_status code() const noexcept { return code_; }
    const char *name() const noexcept { return gpumm_status_name(code_); }
    // What went wrong, until this thread's next failure.
    const char *message() const noexcept { return code_ == GPUMM_OK ? "" : gpumm_message(); }
    // Throws gpumm::error, or ends the program where there are no exceptions, unless it is OK.
    void check() const;

  private:
    gpumm_status code_;
};

#if defined(__cpp_exceptions)
// What status::check and result::value throw, where there are exceptions: what() is "BUSY: all 3 slots are taken …".
class error : public std::runtime_error {
  public:
    // With this thread's message.
    explicit error(status s) : std::runtime_error(std::string(s.name()) + ": " + s.message()), status_(s) {}
    status why() const noexcept { return status_; } // its status

  private:
    status status_;
};
inline void status::check() const {
    if (code_ != GPUMM_OK) throw error(*this);
}
#else
inline void status::check() const {
    if (code_ != GPUMM_OK) std::abort();
}
#endif

// A value, or why there is none.
template <typename T> class [[nodiscard]] result {
  public:
    result(gpumm_status failed) noexcept : status_(failed) {}                      // why there is none
    result(T value) noexcept : value_(std::move(value)) {}                         // the value
    explicit operator bool() const noexcept { return static_cast<bool>(status_); } // is there one?
    gpumm::status status() const noexcept { return status_; }                      // why there is none
    // The value, unasked: an empty one where there is none.
    T &operator*() &noexcept { return value_; }
    const T &operator*() const &noexcept { return value_; }
    // Of the value, unasked.
    T *operator->() noexcept { return &value_; }
    const T *operator->() const noexcept { return &value_; }
    // The value; throws gpumm::error, or ends the program where there are no exceptions, where there is none.
    T &value() & { return status_.check(), value_; }
    const T &value() const & { return status_.check(), value_; }
    T value() && { return status_.check(), std::move(value_); }

  private:
    gpumm::status status_;
    T value_{};
};

// ---- Handles -----------------------------------------------------------------------------------------

// One reference to an object of gpumm's. A copy is a reference more; the last one goes with its handle.
template <typename T, T *(*Retain)(T *), void (*Release)(T *)> class handle {
  public:
    handle() noexcept = default;
    // Takes the reference over: readback(gpumm_readback_retain(r)) of one that is borrowed.
    explicit handle(T *object) noexcept : object_(object) {}
    handle(const handle &other) noexcept : object_(Retain(other.object_)) {}
    handle(handle &&other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    handle &operator=(handle other) noexcept {
        std::swap(object_, other.object_);
        return *this;
    }
    ~handle() { Release(object_); }

    T *get() const noexcept { return object_; }                            // for functions of C; borrowed
    explicit operator bool() const noexcept { return object_ != nullptr; } // is there an object?
    // Gives the reference back: the handle is empty.
    void reset() noexcept { Release(std::exchange(object_, nullptr)); }
    T *detach() noexcept { return std::exchange(object_, nullptr); } // the caller has the reference

  private:
    T *object_ = nullptr;
};

// The result of a call that writes one reference: `made<buffer>([&](gpumm_buffer **out) { return …; })`.
template <typename Handle, typename Call> result<Handle> made(Call &&call) {
    decltype(std::declval<Handle>().get()) object = nullptr;
    gpumm_status code = call(&object);
    if (code != GPUMM_OK) return result<Handle>(code);
    return result<Handle>(Handle(object));
}

// Calls `fill` on a struct of type T.
template <typename T, typename Call> result<T> filled(Call &&fill) {
    T out;
    gpumm_status code = fill(&out);
    if (code != GPUMM_OK) return result<T>(code);
    return result<T>(out);
}

namespace detail {
inline gpumm_type *retain_type(gpumm_type *type) noexcept { return gpumm_type_retain(type); }
inline void release_type(gpumm_type *type) noexcept { gpumm_type_release(type); }
} // namespace detail

// What an element is made of.
class type : public handle<gpumm_type, detail::retain_type, detail::release_type> {
  public:
    using handle::handle;
    static result<type> parse(const char *text) {
        return made<type>([&](gpumm_type **out) { return gpumm_type_parse(text, out); });
    }
    static result<type> record(const char *name, const gpumm_field *fields, std::size_t count) {
        return made<type>([&](gpumm_type **out) { return gpumm_type_struct(name, fields, count, out); });
    }
    static result<type> bytes(std::uint64_t size) {
        return made<type>([&](gpumm_type **out) { return gpumm_type_bytes(size, out); });
    }
    std::size_t size() const noexcept { return gpumm_type_size(get()); }
    const char *name() const noexcept { return gpumm_type_name(get()); }
};

// A limit in bytes that managers can share.
class budget : public handle<gpumm_budget, gpumm_budget_retain, gpumm_budget_release> {
  public:
    using handle::handle;
    static result<budget> open(std::uint64_t limit) {
        return made<budget>([&](gpumm_budget **out) { return gpumm_budget_open(limit, out); });
    }
    std::uint64_t limit() const noexcept { return gpumm_budget_limit(get()); }
    std::uint64_t used() const noexcept { return gpumm_budget_used(get()); }
    void set_limit(std::uint64_t bytes) noexcept { gpumm_budget_set_limit(get(), bytes); }
};

// A mark on a stream.
class event : public handle<gpumm_event, gpumm_event_retain, gpumm_event_release> {
  public:
    using handle::handle;
    status wait(double seconds = -1) { return gpumm_event_wait(get(), seconds); }
    result<bool> ready() {
        return filled<bool>([&](bool *out) { return gpumm_event_ready(get(), out); });
    }
    void close() noexcept { gpumm_event_close(get()); }
};

// Another API's or process'; streams raise it and wait for it.
class semaphore : public handle<gpumm_semaphore, gpumm_semaphore_retain, gpumm_semaphore_release> {
  public:
    using handle::handle;
    static result<semaphore> import(gpumm_manager *into, int descriptor) {
        return made<semaphore>([&](gpumm_semaphore **out) { return gpumm_semaphore_import(into, descriptor, out); });
    }
    void close() noexcept { gpumm_semaphore_close(get()); }
};

// An order of work on the device. Where a call takes one, an empty handle is the main stream.
class stream : public handle<gpumm_stream, gpumm_stream_retain, gpumm_stream_release> {
  public:
    using handle::handle;
    result<event> record() {
        return made<event>([&](gpumm_event **out) { return gpumm_stream_record(get(), out); });
    }
    status record(const event &e) { return gpumm_event_record(e.get(), get()); }
    status wait(const event &e) { return gpumm_stream_wait(get(), e.get()); }
    status signal(const semaphore &x, std::uint64_t value) { return gpumm_semaphore_signal(x.get(), get(), value); }
    status wait(const semaphore &x, std::uint64_t value) { return gpumm_semaphore_wait(x.get(), get(), value); }
    status synchronize() { return gpumm_stream_synchronize(get()); }
    status close() { return gpumm_stream_close(get()); }
    void *native() const noexcept { return gpumm_stream_native(get()); }
};

// A snapshot that was delivered: valid until the next one of its readback is, unless it is kept.
class frame : public handle<gpumm_frame, gpumm_frame_retain, gpumm_frame_release> {
  public:
    using handle::handle;
    result<gpumm_frame_info> info() const {
        return filled<gpumm_frame_info>([&](gpumm_frame_info *out) { return gpumm_frame_get_info(get(), out); });
    }
    // The elements of one member, of the caller's type.
    template <typename T> result<const T *> data(std::size_t member = 0) const {
        const void *bytes = nullptr;
        gpumm_status code = gpumm_frame_data(get(), member, &bytes);
        if (code != GPUMM_OK) return result<const T *>(code);
        return result<const T *>(static_cast<const T *>(bytes));
    }
    status keep() { return gpumm_frame_keep(get()); }
    bool valid() const noexcept { return gpumm_frame_valid(get()); }
    void close() noexcept { gpumm_frame_close(get()); }
};

// Snapshots of one buffer, or of members of a group, that are copied to the host while work goes on.
class readback : public handle<gpumm_readback, gpumm_readback_retain, gpumm_readback_release> {
  public:
    using handle::handle;
    static result<readback> open(const gpumm_readback_options &options) {
        return made<readback>([&](gpumm_readback **out) { return gpumm_readback_open(&options, out); });
    }
    result<gpumm_ticket> capture(std::int64_t step, const stream &on = stream()) {
        return filled<gpumm_ticket>(
            [&](gpumm_ticket *out) { return gpumm_readback_capture(get(), on.get(), step, out); });
    }
    result<frame> wait(gpumm_ticket ticket = 0, double seconds = -1) {
        return made<frame>([&](gpumm_frame **out) { return gpumm_readback_wait(get(), ticket, seconds, out); });
    }
    // An empty frame where nothing has arrived.
    result<frame> latest() {
        return made<frame>([&](gpumm_frame **out) { return gpumm_readback_latest(get(), out); });
    }
    result<frame> next() {
        return made<frame>([&](gpumm_frame **out) { return gpumm_readback_next(get(), out); });
    }
    status cancel(gpumm_ticket ticket = 0) { return gpumm_readback_cancel(get(), ticket); }
    // For an event loop: readable while a frame can be taken.
    result<int> fd() {
        return filled<int>([&](int *out) { return gpumm_readback_fd(get(), out); });
    }
    std::uint64_t dropped() const noexcept { return gpumm_readback_dropped(get()); }
    void close() noexcept { gpumm_readback_close(get()); }
};

// Memory on the device that grows and does not move.
class buffer : public handle<gpumm_buffer, gpumm_buffer_retain, gpumm_buffer_release> {
  public:
    using handle::handle;
    result<gpumm_buffer_info> info() const {
        return filled<gpumm_buffer_info>([&](gpumm_buffer_info *out) { return gpumm_buffer_get_info(get(), out); });
    }
    const char *name() const noexcept { return gpumm_buffer_name(get()); }
    status upload(std::uint64_t first, std::uint64_t count, const void *data, const stream &on = stream()) {
        return gpumm_buffer_upload(get(), on.get(), first, count, data);
    }
    status download(std::uint64_t first, std::uint64_t count, void *data, const stream &on = stream()) const {
        return gpumm_buffer_download(get(), on.get(), first, count, data);
    }
    status fill(std::uint64_t first, std::uint64_t count, const void *element, const stream &on = stream()) {
        return gpumm_buffer_fill(get(), on.get(), first, count, element);
    }
    status copy(std::uint64_t first, const buffer &from, std::uint64_t from_first, std::uint64_t count,
                const stream &on = stream()) {
        return gpumm_buffer_copy(get(), on.get(), first, from.get(), from_first, count);
    }
    status append(std::uint64_t count, const void *data, const stream &on = stream()) {
        return gpumm_buffer_append(get(), on.get(), count, data);
    }
    status resize(std::uint64_t length, const stream &on = stream()) {
        return gpumm_buffer_resize(get(), on.get(), length);
    }
    status ensure_capacity(std::uint64_t capacity) { return gpumm_buffer_ensure_capacity(get(), capacity); }
    status shrink_to_fit() { return gpumm_buffer_shrink_to_fit(get()); }
    status used(gpumm_access access, const stream &on = stream()) { return gpumm_buffer_used(get(), on.get(), access); }
    status close() { return gpumm_buffer_close(get()); }
    // Of this buffer alone, with defaults but for the slots: gpumm::readback::open has every option, as busy = GPUMM_BUSY_WAIT.
    result<gpumm::readback> readback(unsigned slots = 0) const {
        gpumm_buffer *self = get();
        gpumm_readback_options options{};
        options.buffers = &self;
        options.buffer_count = 1;
        options.slots = slots;
        return gpumm::readback::open(options);
    }
};

// Buffers that share a length and grow together.
class group : public handle<gpumm_group, gpumm_group_retain, gpumm_group_release> {
  public:
    using handle::handle;
    result<gpumm_buffer_info> info() const {
        return filled<gpumm_buffer_info>([&](gpumm_buffer_info *out) { return gpumm_group_get_info(get(), out); });
    }
    std::size_t count() const noexcept { return gpumm_group_count(get()); }
    buffer at(std::size_t index) const { return buffer(gpumm_buffer_retain(gpumm_group_at(get(), index))); }
    buffer member(const char *name) const { return buffer(gpumm_buffer_retain(gpumm_group_member(get(), name))); }
    status resize(std::uint64_t length, const stream &on = stream()) {
        return gpumm_group_resize(get(), on.get(), length);
    }
    status append(std::uint64_t count, const void *const *columns, const stream &on = stream()) {
        return gpumm_group_append(get(), on.get(), count, columns);
    }
    status ensure_capacity(std::uint64_t capacity) { return gpumm_group_ensure_capacity(get(), capacity); }
    status shrink_to_fit() { return gpumm_group_shrink_to_fit(get()); }
    status close() { return gpumm_group_close(get()); }
};

// Device memory for one step: it moves, and is not copied.
class scratch {
  public:
    scratch() noexcept = default;
    explicit scratch(gpumm_scratch *object) noexcept : object_(object) {} // takes the reference over
    scratch(scratch &&other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    scratch &operator=(scratch &&other) noexcept {
        std::swap(object_, other.object_);
        return *this;
    }
    ~scratch() { gpumm_scratch_release(object_); }
    gpumm_scratch *get() const noexcept { return object_; }                // for functions of C; borrowed
    explicit operator bool() const noexcept { return object_ != nullptr; } // is there one?
    gpumm_address address() const noexcept { return gpumm_scratch_address(object_); }
    std::uint64_t bytes() const noexcept { return gpumm_scratch_bytes(object_); }

  private:
    gpumm_scratch *object_ = nullptr;
};

// The owner's end of what other processes read.
class share : public handle<gpumm_share, gpumm_share_retain, gpumm_share_release> {
  public:
    using handle::handle;
    static result<share> open(gpumm_manager *owner, const gpumm_share_options &options) {
        return made<share>([&](gpumm_share **out) { return gpumm_share_open(owner, &options, out); });
    }
    unsigned readers() const noexcept { return gpumm_share_readers(get()); }
    void close() noexcept { gpumm_share_close(get()); }
};

// A reader's end: what another process shares.
class attachment : public handle<gpumm_attachment, gpumm_attachment_retain, gpumm_attachment_release> {
  public:
    using handle::handle;
    static result<attachment> open(const gpumm_attach_options &options) {
        return made<attachment>([&](gpumm_attachment **out) { return gpumm_attach(&options, out); });
    }
    status poll() { return gpumm_attachment_poll(get()); }
    status wait(double seconds = -1) { return gpumm_attachment_wait(get(), seconds); }
    result<int> fd() {
        return filled<int>([&](int *out) { return gpumm_attachment_fd(get(), out); });
    }
    result<buffer> find(const char *name, const gpumm_type *of = nullptr) {
        return made<buffer>([&](gpumm_buffer **out) { return gpumm_attachment_find(get(), name, of, out); });
    }
    result<gpumm::readback> frames(const char *name) {
        return made<gpumm::readback>([&](gpumm_readback **out) { return gpumm_attachment_readback(get(), name, out); });
    }
    void close() noexcept { gpumm_attachment_close(get()); }
};

// Compiled CUDA C.
class kernel : public handle<gpumm_kernel, gpumm_kernel_retain, gpumm_kernel_release> {
  public:
    using handle::handle;
    const char *name() const noexcept { return gpumm_kernel_name(get()); }
    // argument(buffer), argument(scratch) and argument(value), one a parameter: k.launch(0, {argument(p), argument(n)}).
    template <std::size_t N>
    status launch(std::uint64_t threads, const gpumm_argument (&arguments)[N], const stream &on = stream()) {
        return gpumm_kernel_launch(get(), on.get(), threads, arguments, N);
    }
    // With a grid and a block: k.launch({.grid_x = 8, .grid_y = 8, .block_x = 16, .block_y = 16}, {argument(p)}) in C++20.
    template <std::size_t N> status launch(const gpumm_launch_options &options, const gpumm_argument (&arguments)[N]) {
        return gpumm_kernel_launch_with(get(), &options, arguments, N);
    }
    void close() noexcept { gpumm_kernel_close(get()); }
};

// For a launch: a buffer, for a pointer.
inline gpumm_argument argument(const buffer &b) noexcept {
    gpumm_argument made{};
    made.buffer = b.get();
    return made;
}
// Scratch, for a pointer.
inline gpumm_argument argument(const scratch &x) noexcept {
    gpumm_argument made{};
    made.scratch = x.get();
    return made;
}
// A member of a frame on the device, for a pointer to const.
inline gpumm_argument argument(const frame &f, std::size_t index) noexcept {
    gpumm_argument made{};
    made.frame = f.get();
    made.size = index;
    return made;
}
// A value, which stays the caller's until the launch returns.
template <typename T> gpumm_argument argument(const T &value) noexcept {
    gpumm_argument made{};
    made.value = &value;
    made.size = sizeof value;
    return made;
}

// What is recorded on it is enqueued by replay; names and lengths of the C API are for those who call that.
class recording : public handle<gpumm_recording, gpumm_recording_retain, gpumm_recording_release> {
  public:
    using handle::handle;
    template <std::size_t N>
    status launch(const kernel &what, std::uint64_t threads, const gpumm_argument (&arguments)[N],
                  const gpumm_binding *bindings = nullptr) {
        return gpumm_recording_launch(get(), what.get(), threads, arguments, bindings, N);
    }
    status fill(const buffer &to, std::uint64_t first, std::uint64_t count, const void *element) {
        return gpumm_recording_fill(get(), to.get(), first, count, element);
    }
    status copy(const buffer &to, std::uint64_t first, const buffer &from, std::uint64_t from_first,
                std::uint64_t count) {
        return gpumm_recording_copy(get(), to.get(), first, from.get(), from_first, count);
    }
    status capture(const gpumm::readback &with, std::int64_t step = 0, const char *name = nullptr) {
        return gpumm_recording_capture(get(), with.get(), step, name);
    }
    status scan(const gpumm_scan_options &options, std::uint64_t count = GPUMM_TO_END) {
        return gpumm_recording_scan(get(), count, &options);
    }
    status reduce(const gpumm_reduce_options &options, std::uint64_t count = GPUMM_TO_END) {
        return gpumm_recording_reduce(get(), count, &options);
    }
    status sort(const gpumm_sort_options &options, std::uint64_t count = GPUMM_TO_END) {
        return gpumm_recording_sort(get(), count, &options);
    }
    status unique(const gpumm_unique_options &options, std::uint64_t count = GPUMM_TO_END) {
        return gpumm_recording_unique(get(), count, &options);
    }
    status select(const gpumm_select_options &options, std::uint64_t count = GPUMM_TO_END) {
        return gpumm_recording_select(get(), count, &options);
    }
    status histogram(const gpumm_histogram_options &options, std::uint64_t count = GPUMM_TO_END) {
        return gpumm_recording_histogram(get(), count, &options);
    }
    status begin() { return gpumm_recording_begin(get()); }
    status replay(const stream &on = stream(), const gpumm_value *values = nullptr, std::size_t count = 0,
                  gpumm_ticket *tickets = nullptr) {
        return gpumm_recording_replay(get(), on.get(), values, count, tickets);
    }
    void close() noexcept { gpumm_recording_close(get()); }
};

// What managers do, as a file for Perfetto: gpumm_options.trace = t.get().
class trace : public handle<gpumm_trace, gpumm_trace_retain, gpumm_trace_release> {
  public:
    using handle::handle;
    static result<trace> open(const gpumm_trace_options &options) {
        return made<trace>([&](gpumm_trace **out) { return gpumm_trace_open(&options, out); });
    }
    status slice(const char *name, std::int64_t number, std::uint64_t since_ns) {
        return gpumm_trace_slice(get(), name, number, since_ns);
    }
    status close() { return gpumm_trace_close(get()); }
};

// A device, the memory taken from it, a budget and books.
class manager : public handle<gpumm_manager, gpumm_manager_retain, gpumm_manager_release> {
  public:
    using handle::handle;
    static result<manager> open(const gpumm_options &options = {}) {
        return made<manager>([&](gpumm_manager **out) { return gpumm_manager_open(&options, out); });
    }
    void close() noexcept { gpumm_manager_close(get()); }
    bool closed() const noexcept { return gpumm_manager_is_closed(get()); }
    result<gpumm_device_info> info() const {
        return filled<gpumm_device_info>([&](gpumm_device_info *out) { return gpumm_manager_get_info(get(), out); });
    }
    result<gpumm_stats> stats() const {
        return filled<gpumm_stats>([&](gpumm_stats *out) { return gpumm_manager_get_stats(get(), out); });
    }
    stream main() const { return stream(gpumm_stream_retain(gpumm_manager_main(get()))); }
    result<gpumm::stream> open_stream() const {
        return made<gpumm::stream>([&](gpumm_stream **out) { return gpumm_stream_open(get(), out); });
    }
    status synchronize() { return gpumm_manager_synchronize(get()); }
    status check() { return gpumm_manager_check(get()); }
    result<buffer> allocate(const gpumm_buffer_options &options) {
        return made<buffer>([&](gpumm_buffer **out) { return gpumm_manager_allocate(get(), &options, out); });
    }
    // With defaults but for these.
    result<buffer> allocate(const char *name, const type &of, std::uint64_t length) {
        gpumm_buffer_options options{};
        options.name = name;
        options.type = of.get();
        options.length = length;
        return allocate(options);
    }
    result<buffer> find(const char *name, const type &of = type()) const {
        return made<buffer>([&](gpumm_buffer **out) { return gpumm_manager_find(get(), name, of.get(), out); });
    }
    status free(const char *name) { return gpumm_manager_free(get(), name); }
    result<group> open_group(const gpumm_group_options &options) {
        return made<group>([&](gpumm_group **out) { return gpumm_group_open(get(), &options, out); });
    }
    result<scratch> open_scratch(std::uint64_t bytes, const stream &on = stream()) {
        return made<scratch>([&](gpumm_scratch **out) { return gpumm_scratch_open(get(), on.get(), bytes, out); });
    }
    result<recording> open_recording(const gpumm_recording_options &options = {}) {
        return made<recording>([&](gpumm_recording **out) { return gpumm_recording_open(get(), &options, out); });
    }
    result<kernel> open_kernel(const gpumm_kernel_options &options) {
        return made<kernel>([&](gpumm_kernel **out) { return gpumm_kernel_open(get(), &options, out); });
    }
    status scan(std::uint64_t count, const gpumm_scan_options &options, const stream &on = stream()) {
        return gpumm_scan(get(), on.get(), count, &options);
    }
    status reduce(std::uint64_t count, const gpumm_reduce_options &options, const stream &on = stream()) {
        return gpumm_reduce(get(), on.get(), count, &options);
    }
    status sort(std::uint64_t count, const gpumm_sort_options &options, const stream &on = stream()) {
        return gpumm_sort(get(), on.get(), count, &options);
    }
    status unique(std::uint64_t count, const gpumm_unique_options &options, const stream &on = stream()) {
        return gpumm_unique(get(), on.get(), count, &options);
    }
    status select(std::uint64_t count, const gpumm_select_options &options, const stream &on = stream()) {
        return gpumm_select(get(), on.get(), count, &options);
    }
    status histogram(std::uint64_t count, const gpumm_histogram_options &options, const stream &on = stream()) {
        return gpumm_histogram(get(), on.get(), count, &options);
    }
};

} // namespace gpumm

#endif
