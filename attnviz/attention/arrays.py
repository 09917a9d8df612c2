"""The only module that knows array libraries: NumPy always, torch where its tensors are given.

Everything else computes with the namespace that ``namespace()`` returns, the Python array API standard
(https://data-apis.org/array-api/), which NumPy 2 speaks itself and torch speaks through array-api-compat.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import Any

import numpy

from attnviz.attention.memory import TORCH, lacks_memory, require_left
from attnviz.errors import AttnvizError, UsageError
from attnviz.text.message import Message

# NumPy arrays and torch tensors share no base class, and naming torch's here would import it.
Array = Any

BFLOAT16 = "bfloat16"


def namespace(*arrays: Array) -> Any:
    """The array namespace of ``arrays``: numpy itself, or array-api-compat's torch if one is a torch tensor."""
    if any(is_torch(array) for array in arrays):
        # Not on the NumPy path: array-api-compat clones all of NumPy at import (+110 ms).
        try:
            import array_api_compat.torch
        except ImportError:
            raise missing_torch(Message("a torch tensor")) from None
        return array_api_compat.torch
    return numpy


def to_numpy(array: Array) -> Any:
    """``array`` as a NumPy array on the CPU; bfloat16, which NumPy lacks, becomes float32 (exactly)."""
    if is_torch(array):
        array = array.detach().cpu()
        return (array.float() if str(array.dtype).endswith(BFLOAT16) else array).numpy()
    array = numpy.asarray(array)
    is_other = array.dtype.kind == "V"  # no type of NumPy's own: asked first, as NumPy makes up the name each time
    return array.astype(numpy.float32) if is_other and array.dtype.name == BFLOAT16 else array


def bfloat16_halves(array: Array) -> Any:
    """The bits of a bfloat16 ``array`` as NumPy's 16-bit numbers, which every file can hold; None for any other type."""
    if not str(array.dtype).endswith(BFLOAT16):
        return None
    if is_torch(array):
        import torch

        return array.detach().cpu().contiguous().view(torch.uint16).numpy()
    return array.view(numpy.uint16)


def to_backend(array: Array, backend: str, device: str | None = None, dtype: str | None = None) -> Array:
    """``array`` as ``backend`` ("numpy" or "torch") holds it, on ``device``, its numbers as ``dtype``.

    Raises AttnvizError when torch is not installed or does not have the device, UsageError when NumPy is asked
    for what only torch has. Booleans stay booleans whatever the dtype.
    """
    if backend == "numpy":
        if device not in (None, "cpu"):
            raise UsageError("NumPy computes on the cpu, not on {device}", "add --backend torch", device=device)
        if dtype == BFLOAT16:
            raise UsageError("NumPy has no bfloat16", "add --backend torch")
        array = to_numpy(array)
        return array if dtype is None or array.dtype == bool else cast(array, dtype)
    torch = import_torch("--backend torch")
    tensor = array if is_torch(array) else torch.from_numpy(_writable(to_numpy(array)))
    kind = None if dtype is None or tensor.dtype == torch.bool else getattr(torch, dtype)
    try:
        place = _torch_device(torch, device)
        if place.startswith("mps") and kind is None and tensor.dtype == torch.float64:
            kind = torch.float32  # Apple's GPUs have no float64
        moved = tensor.to(device=place, dtype=kind)
    # As torch refuses a device: one it does not know, one it was built without, one that lacks a type or an operation.
    except (RuntimeError, AssertionError, TypeError, NotImplementedError) as error:
        raise AttnvizError(
            "torch cannot use the device {device}: {error}", device=device, error=_first_line(error)
        ) from None
    if moved.is_meta:
        raise AttnvizError("torch cannot use the device {device}: it holds no numbers", device=device)
    return moved


def import_torch(what: str) -> Any:
    """The torch module and array-api-compat beside it, or the one line that says how to install them."""
    if "torch" not in sys.modules:
        require_left(TORCH, "torch")
    try:
        import array_api_compat.torch  # noqa: F401  (asked for here, so that the error names both)
        import torch
    except ImportError as error:
        if lacks_memory(error):
            raise
        raise missing_torch(what) from None
    return torch


def torch_device(device: str | None) -> str:
    """The name of torch's device that ``device`` means: "auto" is the fastest there is, None the cpu."""
    import torch

    name = _torch_device(torch, device)
    try:
        torch.empty(0, device=name)
    # The same refusals as above; nothing is converted here, so no TypeError.
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise AttnvizError("torch cannot use the device {name}: {error}", name=name, error=_first_line(error)) from None
    return name


def as_array(value: Any, name: str) -> Array:
    """``value`` (array, tensor or nested lists) as an array of numbers; AttnvizError names it when it is none.

    What is neither NumPy's nor torch's comes to NumPy, from the CPU (attention/given.py). So do numbers in another byte
    order or wider than float64, in a type that every library has.
    """
    if is_torch(value):
        from attnviz.attention.given import plain_tensor  # where only NumPy is used, nothing of it is

        return plain_tensor(value, name)
    array = value
    if type(array) is not numpy.ndarray:
        from attnviz.attention.given import plain_array

        array = plain_array(value, name)
    if array.dtype.isnative and array.dtype.kind in "biuf" and array.dtype.itemsize <= 8:
        return array
    if array.dtype.name == BFLOAT16:
        return array
    from attnviz.attention.given import widened

    return widened(array, name)


def as_floating(value: Any, name: str) -> Array:
    """The same in float32 or better: half precision becomes float32, whole numbers become float64."""
    array = as_array(value, name)
    if is_torch(array):
        if array.is_floating_point():
            return array.float() if array.element_size() < 4 else array
        return array.double()
    if array.dtype.kind in "biu":
        return array.astype(numpy.float64)
    return array.astype(numpy.float32) if array.dtype.itemsize < 4 else array


def like(array: Array, value: Any, dtype: Any = None) -> Array:
    """``value`` in the library, on the device and in the dtype (unless another is given) of ``array``."""
    dtype = array.dtype if dtype is None else dtype
    if is_torch(value):
        return value.to(device=array.device, dtype=dtype) if is_torch(array) else cast(to_numpy(value), dtype)
    if is_torch(array):
        return namespace(array).asarray(_writable(numpy.asarray(value)), dtype=dtype, device=array.device)
    return cast(numpy.asarray(value), dtype)


def cast(array: Array, dtype: Any) -> Array:
    """``array`` in another dtype of its own library; a number too large for it becomes infinite, without a warning."""
    if is_torch(array):
        return array.to(dtype)
    with overflow_unspoken():
        return array.astype(dtype, copy=False)


def overflow_unspoken() -> Any:
    """A context in which NumPy does not warn of overflow, for code that looks at the result itself."""
    return numpy.errstate(over="ignore", invalid="ignore", divide="ignore")


def is_torch(array: Any) -> bool:
    return _is_torch_type(type(array))  # type: ignore[arg-type]  # a class is hashable


@lru_cache
def _is_torch_type(kind: type) -> bool:
    """Whether torch's tensor is among the ancestors of ``kind``, without importing torch to ask."""
    return any((one.__module__, one.__name__) == ("torch", "Tensor") for one in kind.__mro__)


def _writable(array: numpy.ndarray) -> numpy.ndarray:
    """``array`` as torch takes it: contiguous, in this machine's byte order, and not read-only; a copy only if needed."""
    array = numpy.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))
    return array if array.flags.writeable else array.copy()


def _torch_device(torch: Any, device: str | None) -> str:
    if device not in (None, "auto"):
        assert device is not None
        return device
    if torch.cuda.is_available():
        return "cuda" if device == "auto" else "cpu"
    return "mps" if device == "auto" and torch.backends.mps.is_available() else "cpu"


def missing_torch(what: str) -> AttnvizError:
    return AttnvizError("{what} needs torch, which is not installed", "pip install 'attnviz[torch]'", what=what)


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
