# SPDX-License-Identifier: MIT
"""Another process' gpumm buffers and frames as arrays, without copies.

    import gpumm

    with gpumm.attach("/run/user/1000/layout.sock") as share:
        positions = share.buffer("nodes.position")
        while share.wait(1.0):
            print(positions.array()[:10])            # NumPy where the device is the host, CuPy or PyTorch on a GPU
        frame = share.frames("watch").latest()       # of one moment; None: none yet
        print(frame["position"].mean(axis=0))
        frame.release()

Lengths and memory follow in poll() and wait(). Arrays are read only by agreement: who has the memory could write it. An array
of a buffer holds the memory that it shows; one of a frame is valid until the frame is released or another is taken.

Needs libgpumm.so: beside the system's libraries, or where GPUMM_LIBRARY says. On a GPU every array also has
__cuda_array_interface__ and __dlpack__, for whatever else reads those."""

import ctypes
import os

_OK, _TYPES = 0, {"i": "i", "u": "u", "f": "f"}


class Error(Exception):
    """What gpumm says: .code is its status, as "CLOSED"."""

    def __init__(self, code, message):
        super().__init__(code + ": " + message)
        self.code = code


class _AttachOptions(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("path", ctypes.c_char_p), ("manager", ctypes.c_void_p),
                ("seconds", ctypes.c_double), ("any_user", ctypes.c_bool)]


class _FrameInfo(ctypes.Structure):
    _fields_ = [("step", ctypes.c_int64), ("length", ctypes.c_uint64), ("generation", ctypes.c_uint64),
                ("time", ctypes.c_double), ("dropped", ctypes.c_uint64), ("ticket", ctypes.c_uint64)]


class _Tensor(ctypes.Structure):
    pass


_DELETER = ctypes.CFUNCTYPE(None, ctypes.POINTER(_Tensor))
_Tensor._fields_ = [("major", ctypes.c_uint32), ("minor", ctypes.c_uint32), ("context", ctypes.c_void_p),
                    ("deleter", _DELETER), ("flags", ctypes.c_uint64), ("data", ctypes.c_void_p),
                    ("device", ctypes.c_int32), ("ordinal", ctypes.c_int32), ("dimensions", ctypes.c_int32),
                    ("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16),
                    ("shape", ctypes.POINTER(ctypes.c_int64)), ("strides", ctypes.POINTER(ctypes.c_int64)),
                    ("byte_offset", ctypes.c_uint64)]

_P = ctypes.c_void_p
_SIGNATURES = {
    "gpumm_attach": (ctypes.c_int, [ctypes.POINTER(_AttachOptions), ctypes.POINTER(_P)]),
    "gpumm_attachment_release": (None, [_P]),
    "gpumm_attachment_close": (None, [_P]),
    "gpumm_attachment_poll": (ctypes.c_int, [_P]),
    "gpumm_attachment_wait": (ctypes.c_int, [_P, ctypes.c_double]),
    "gpumm_attachment_fd": (ctypes.c_int, [_P, ctypes.POINTER(ctypes.c_int)]),
    "gpumm_attachment_find": (ctypes.c_int, [_P, ctypes.c_char_p, _P, ctypes.POINTER(_P)]),
    "gpumm_attachment_readback": (ctypes.c_int, [_P, ctypes.c_char_p, ctypes.POINTER(_P)]),
    "gpumm_attachment_names": (ctypes.c_size_t, [_P, ctypes.CFUNCTYPE(None, _P, ctypes.c_char_p), _P]),
    "gpumm_buffer_release": (None, [_P]),
    "gpumm_buffer_type": (_P, [_P]),
    "gpumm_buffer_dlpack": (ctypes.c_int, [_P, _P, ctypes.POINTER(ctypes.POINTER(_Tensor))]),
    "gpumm_group_member_name": (ctypes.c_char_p, [_P, ctypes.c_size_t]),
    "gpumm_buffer_group": (_P, [_P]),
    "gpumm_type_name": (ctypes.c_char_p, [_P]),
    "gpumm_type_size": (ctypes.c_size_t, [_P]),
    "gpumm_readback_release": (None, [_P]),
    "gpumm_readback_count": (ctypes.c_size_t, [_P]),
    "gpumm_readback_buffer": (_P, [_P, ctypes.c_size_t]),
    "gpumm_readback_latest": (ctypes.c_int, [_P, ctypes.POINTER(_P)]),
    "gpumm_readback_wait": (ctypes.c_int, [_P, ctypes.c_uint64, ctypes.c_double, ctypes.POINTER(_P)]),
    "gpumm_frame_release": (None, [_P]),
    "gpumm_frame_close": (None, [_P]),
    "gpumm_frame_get_info_sized": (ctypes.c_int, [_P, ctypes.POINTER(_FrameInfo), ctypes.c_size_t]),
    "gpumm_frame_device": (ctypes.c_int, [_P, ctypes.c_size_t, ctypes.POINTER(ctypes.c_uint64), _P]),
    "gpumm_status_name": (ctypes.c_char_p, [ctypes.c_int]),
    "gpumm_message": (ctypes.c_char_p, []),
}


def _load():
    library = ctypes.CDLL(os.environ.get("GPUMM_LIBRARY", "libgpumm.so.0.2"))
    for name, (result, arguments) in _SIGNATURES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


_library = None


def _lib():
    global _library
    if _library is None:
        _library = _load()
    return _library


def _check(status):
    if status != _OK:
        raise Error(_lib().gpumm_status_name(status).decode(), _lib().gpumm_message().decode())


def _element(name):
    """"f32x3" as its NumPy code and columns: ("f4", 3); None for structs."""
    scalar, _, lanes = name.partition("x")
    if name.startswith("bytes"):
        return "u1", int(name[5:])
    if scalar[:1] not in _TYPES or not scalar[1:].isdigit():
        return None
    return _TYPES[scalar[0]] + str(int(scalar[1:]) // 8), int(lanes) if lanes else 0


class _Memory:
    """Elements at an address, for whoever reads __array_interface__ or __cuda_array_interface__; keeps `holds` alive."""

    def __init__(self, address, length, type_name, host, holds):
        element = _element(type_name)
        if element is None:
            raise TypeError(type_name + ": structs are no array's elements")
        code, columns = element
        self.holds = holds
        interface = {"shape": (length, columns) if columns else (length,), "typestr": ("|" if code == "u1" else "<") + code,
                     "data": (address, True), "version": 3, "strides": None}
        if host:
            self.__array_interface__ = interface
        else:
            self.__cuda_array_interface__ = interface

    def array(self):
        if hasattr(self, "__array_interface__"):
            import numpy
            return numpy.asarray(self)
        try:
            import cupy
            return cupy.asarray(self)
        except ImportError:
            import torch
            return torch.as_tensor(_Writable(self), device="cuda")


class _Writable:
    """The same memory for PyTorch, which knows none that is only read."""

    def __init__(self, memory):
        self.holds = memory
        self.__cuda_array_interface__ = dict(memory.__cuda_array_interface__)
        self.__cuda_array_interface__["data"] = memory.__cuda_array_interface__["data"][0], False


class _Lent:
    """A tensor, given back when it is collected."""

    def __init__(self, tensor):
        self.tensor = tensor

    def __del__(self):
        if self.tensor:
            self.tensor.contents.deleter(self.tensor)
            self.tensor = None


class Buffer:
    """A buffer as it is since the last poll or wait."""

    def __init__(self, share, handle):
        self._share, self._handle = share, handle
        self.type = _lib().gpumm_type_name(_lib().gpumm_buffer_type(handle)).decode()

    def _lend(self):
        tensor = ctypes.POINTER(_Tensor)()
        _check(_lib().gpumm_buffer_dlpack(self._handle, None, ctypes.byref(tensor)))
        return tensor

    def memory(self):
        tensor = self._lend()
        t = tensor.contents
        return _Memory(t.data or 0, t.shape[0], self.type, t.device == 1, (_Lent(tensor), self))

    def array(self):
        """All elements, without a copy; it keeps its length when the buffer grows."""
        return self.memory().array()

    def __len__(self):
        tensor = self._lend()
        length = tensor.contents.shape[0]
        tensor.contents.deleter(tensor)
        return length

    @property
    def __cuda_array_interface__(self):
        return self.memory().__cuda_array_interface__

    def __dlpack_device__(self):
        tensor = self._lend()
        device = tensor.contents.device, tensor.contents.ordinal
        tensor.contents.deleter(tensor)
        return device

    def __dlpack__(self, *, stream=None, max_version=None, dl_device=None, copy=None):
        if max_version is None or max_version[0] < 1:
            raise BufferError("DLPack 1.0 or newer is needed")
        if copy:
            raise BufferError("a lent tensor is no copy")
        return _capsule(self._lend())

    def __del__(self):
        if self._handle:
            _lib().gpumm_buffer_release(self._handle)
            self._handle = None


_CAPSULE = ctypes.PYFUNCTYPE(None, ctypes.c_void_p)


@_CAPSULE
def _forget(capsule):
    """A capsule that nobody took."""
    api = ctypes.pythonapi
    if api.PyCapsule_IsValid(ctypes.c_void_p(capsule), b"dltensor_versioned"):
        api.PyCapsule_GetPointer.restype = ctypes.POINTER(_Tensor)
        tensor = api.PyCapsule_GetPointer(ctypes.c_void_p(capsule), b"dltensor_versioned")
        tensor.contents.deleter(tensor)


def _capsule(tensor):
    make = ctypes.pythonapi.PyCapsule_New
    make.restype, make.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, _CAPSULE]
    return make(ctypes.cast(tensor, ctypes.c_void_p), b"dltensor_versioned", _forget)


class Frame:
    """A snapshot. frame["position"]; .step, .length, .time, .dropped. Released by release(), or with the next."""

    def __init__(self, frames, handle):
        self._frames, self._handle = frames, handle
        self._info = _FrameInfo()
        _check(_lib().gpumm_frame_get_info_sized(handle, ctypes.byref(self._info), ctypes.sizeof(_FrameInfo)))

    step = property(lambda self: self._info.step)
    length = property(lambda self: self._info.length)
    time = property(lambda self: self._info.time)
    dropped = property(lambda self: self._info.dropped)

    def __getitem__(self, name):
        index = self._frames.members.index(name) if isinstance(name, str) else name
        address = ctypes.c_uint64()
        _check(_lib().gpumm_frame_device(self._handle, index, ctypes.byref(address), None))
        return _Memory(address.value, self.length, self._frames.types[index], self._frames.host, self).array()

    def release(self):
        if self._handle:
            _lib().gpumm_frame_close(self._handle)
            _lib().gpumm_frame_release(self._handle)
            self._handle = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.release()

    __del__ = release


class Frames:
    """A readback that is shared."""

    def __init__(self, share, handle):
        self._share, self._handle = share, handle
        library = _lib()
        buffers = [library.gpumm_readback_buffer(handle, i) for i in range(library.gpumm_readback_count(handle))]
        self.types = [library.gpumm_type_name(library.gpumm_buffer_type(b)).decode() for b in buffers]
        group = library.gpumm_buffer_group(buffers[0])
        self.members = [library.gpumm_group_member_name(group, i).decode() for i in range(len(buffers))]
        self.host = share.host

    def _frame(self, handle):
        return Frame(self, handle) if handle else None

    def latest(self):
        """The newest frame that has arrived; None where there is none."""
        handle = _P()
        _check(_lib().gpumm_readback_latest(self._handle, ctypes.byref(handle)))
        return self._frame(handle)

    def wait(self, seconds=-1.0):
        """A frame that is newer than the last one taken."""
        handle = _P()
        _check(_lib().gpumm_readback_wait(self._handle, 0, seconds, ctypes.byref(handle)))
        return self._frame(handle)

    def __del__(self):
        if self._handle:
            _lib().gpumm_readback_release(self._handle)
            self._handle = None


class Share:
    """What another process shares; made by attach()."""

    def __init__(self, path, seconds=0.0, any_user=False):
        self._handle = None
        options = _AttachOptions(ctypes.sizeof(_AttachOptions), os.fsencode(path), None, seconds, any_user)
        handle = _P()
        _check(_lib().gpumm_attach(ctypes.byref(options), ctypes.byref(handle)))
        self._handle = handle
        self.host = self._is_host()

    def _is_host(self):
        library = _lib()
        library.gpumm_attachment_manager.restype, library.gpumm_attachment_manager.argtypes = _P, [_P]
        info = ctypes.create_string_buffer(4096)  # gpumm_device_info begins with the kind
        library.gpumm_manager_get_info_sized.restype = ctypes.c_int
        library.gpumm_manager_get_info_sized.argtypes = [_P, ctypes.c_char_p, ctypes.c_size_t]
        manager = library.gpumm_attachment_manager(self._handle)
        _check(library.gpumm_manager_get_info_sized(manager, info, ctypes.sizeof(info)))
        return ctypes.cast(info, ctypes.POINTER(ctypes.c_char_p))[0] == b"host"

    def names(self):
        names = []
        each = ctypes.CFUNCTYPE(None, _P, ctypes.c_char_p)(lambda _, name: names.append(name.decode()))
        _lib().gpumm_attachment_names(self._handle, each, None)
        return names

    def buffer(self, name):
        handle = _P()
        _check(_lib().gpumm_attachment_find(self._handle, name.encode(), None, ctypes.byref(handle)))
        return Buffer(self, handle)

    def frames(self, name):
        handle = _P()
        _check(_lib().gpumm_attachment_readback(self._handle, name.encode(), ctypes.byref(handle)))
        return Frames(self, handle)

    def _seen(self, status):
        code = _lib().gpumm_status_name(status).decode()
        if code in ("CLOSED", "TIMEOUT"):
            return False
        _check(status)
        return True

    def poll(self):
        """Sees what the owner told; False once it is gone."""
        return self._seen(_lib().gpumm_attachment_poll(self._handle))

    def wait(self, seconds=-1.0):
        """The same once there is something to see; False also where the time ran out."""
        return self._seen(_lib().gpumm_attachment_wait(self._handle, seconds))

    def fileno(self):
        """For select and asyncio: readable while poll would see something."""
        fd = ctypes.c_int()
        _check(_lib().gpumm_attachment_fd(self._handle, ctypes.byref(fd)))
        return fd.value

    def close(self):
        if self._handle:
            _lib().gpumm_attachment_close(self._handle)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __del__(self):
        if self._handle:
            _lib().gpumm_attachment_release(self._handle)
            self._handle = None


def attach(path, seconds=0.0, any_user=False):
    """Attaches to what another process shares at `path`; waits `seconds` (0: 10) for it to tell what that is."""
    return Share(path, seconds, any_user)
