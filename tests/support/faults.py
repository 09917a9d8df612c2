"""A file layer and an allocator that fail at the n-th call: what is tested is that nothing is lost then."""

from __future__ import annotations

import builtins
import contextlib
import ctypes
import io
import mmap
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy


class Faults:
    """Counts the calls that reach the files below ``folder``, and fails at the n-th of them, once.

    Counted are open, read, write, fsync, rename and mmap, as Python's own files, os and mmap make them. ``calls`` names
    those that were made, in order; ``failed`` says whether one has failed.
    """

    def __init__(self, folder: Path, at: int, code: int) -> None:
        self.folder, self.at, self.code = os.path.realpath(folder), at, code
        self.calls: list[str] = []

    @property
    def failed(self) -> bool:
        return 0 < self.at <= len(self.calls)

    def count(self, name: str, file: Any) -> None:
        """One more call, if it is about a file of ours."""
        if not self._is_ours(file):
            return
        self.calls.append(name)
        if len(self.calls) == self.at:
            raise OSError(self.code, os.strerror(self.code))

    def _is_ours(self, file: Any) -> bool:
        path = f"/proc/self/fd/{file}" if isinstance(file, int) else os.fspath(file)
        return os.path.join(os.path.realpath(os.fsdecode(path)), "").startswith(os.path.join(self.folder, ""))

    @contextlib.contextmanager
    def planted(self) -> Iterator[Faults]:
        """Inside the block, every file of this process is one of these."""
        opened = self._opened()
        with (
            mock.patch.object(builtins, "open", opened),
            mock.patch.object(io, "open", opened),
            mock.patch.object(os, "open", self._counted("open", os.open)),
            mock.patch.object(os, "fsync", self._counted("fsync", os.fsync)),
            mock.patch.object(os, "replace", self._counted("rename", os.replace)),
            mock.patch.object(mmap, "mmap", self._counted("mmap", mmap.mmap)),
        ):
            yield self

    def _counted(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(file: Any, *rest: Any, **options: Any) -> Any:
            self.count(name, file)
            return call(file, *rest, **options)

        return counted

    def _opened(self) -> Callable[..., Any]:
        faults, plain = self, open

        class Raw(io.FileIO):
            def readinto(self, buffer: Any, /) -> Any:
                faults.count("read", self.fileno())
                return super().readinto(buffer)

            def readall(self) -> Any:
                faults.count("read", self.fileno())
                return super().readall()

            def read(self, size: Any = -1, /) -> Any:
                faults.count("read", self.fileno())
                return super().read(size)

            def write(self, content: Any, /) -> Any:
                faults.count("write", self.fileno())
                return super().write(content)

        def opened(file: Any, mode: str = "r", buffering: int = -1, *rest: Any, **options: Any) -> Any:
            if not faults._is_ours(file):
                return plain(file, mode, buffering, *rest, **options)
            if not isinstance(file, int):  # whose opening has been counted
                faults.count("open", file)
            raw = Raw(file, mode.replace("b", "").replace("t", ""))
            if "b" in mode and buffering == 0:
                return raw
            stream = io.BufferedReader(raw) if mode.replace("b", "").replace("t", "") == "r" else io.BufferedWriter(raw)
            return stream if "b" in mode else io.TextIOWrapper(stream, *rest, **options)

        return opened


# Allocations. NumPy takes the memory of its arrays from an allocator that can be replaced (NEP 49), in C alone.


class _Allocator(ctypes.Structure):
    """PyDataMemAllocator; its first two functions are Python's to write, since nothing is in its way when they are called."""

    MALLOC = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
    CALLOC = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t)
    _fields_ = (
        ("context", ctypes.c_void_p),
        ("malloc", MALLOC),
        ("calloc", CALLOC),
        ("realloc", ctypes.c_void_p),
        ("free", ctypes.c_void_p),
    )


class _Handler(ctypes.Structure):
    _fields_ = (("name", ctypes.c_char * 127), ("version", ctypes.c_uint8), ("allocator", _Allocator))


class _Raw(ctypes.Structure):
    """PyMemAllocatorEx: how Python itself allocates and frees."""

    _fields_ = tuple((name, ctypes.c_void_p) for name in ("context", "malloc", "calloc", "realloc", "free"))


SET_HANDLER = 304  # PyDataMem_SetHandler, among the functions of NumPy's C API


class Allocations:
    """Counts NumPy's allocations, and lets the n-th of them fail, once."""

    def __init__(self, at: int) -> None:
        self.at, self.count = at, 0

    @property
    def failed(self) -> bool:
        return 0 < self.at <= self.count

    def _refused(self) -> bool:
        self.count += 1
        return self.count == self.at

    @contextlib.contextmanager
    def planted(self) -> Iterator[Allocations]:
        """Inside the block, the arrays of this thread are allocated here."""
        python, raw = ctypes.pythonapi, _Raw()
        python.PyMem_GetAllocator(0, ctypes.byref(raw))
        python.PyMem_RawMalloc.restype = python.PyMem_RawCalloc.restype = ctypes.c_void_p
        python.PyMem_RawMalloc.argtypes = (ctypes.c_size_t,)
        python.PyMem_RawCalloc.argtypes = (ctypes.c_size_t, ctypes.c_size_t)
        allocator = _Allocator(
            raw.context,
            _Allocator.MALLOC(lambda _, size: None if self._refused() else python.PyMem_RawMalloc(size)),
            _Allocator.CALLOC(lambda _, count, size: None if self._refused() else python.PyMem_RawCalloc(count, size)),
            raw.realloc,
            raw.free,
        )
        handler = _Handler(b"faults", 1, allocator)
        _KEPT.append(handler)  # an array that lives longer is freed by it
        capsule = python.PyCapsule_New
        capsule.restype, capsule.argtypes = ctypes.py_object, (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
        set_handler = _numpy_function(SET_HANDLER)
        before = set_handler(capsule(ctypes.addressof(handler), b"mem_handler", None))
        try:
            yield self
        finally:
            set_handler(before)


_KEPT: list[_Handler] = []


def _numpy_function(number: int) -> Any:
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
    table = ctypes.cast(pointer(numpy._core._multiarray_umath._ARRAY_API, None), ctypes.POINTER(ctypes.c_void_p))
    return ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object)(table[number])
