"""Arrays as other people's code hands them over: made plain where no number changes, refused with what to do where one would."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy

from attnviz.errors import AttnvizError

ON_THE_CPU = 1  # kDLCPU of DLPack: the only place where NumPy reads another library's memory
PLAIN_ITEMS = {float, int, bool}  # of nested lists: nothing of theirs can be masked, or of another library
DEEPEST = 64  # axes of an array; what is nested deeper, NumPy refuses
TORCH_TYPES = ("bool", "int", "uint", "float16", "bfloat16", "float32", "float64")


def plain_array(value: Any, name: str) -> numpy.ndarray:
    """``value``, which is no torch tensor, as a NumPy array that holds all that it says.

    Another library's array is read where it lies, by DLPack (https://data-apis.org/array-api/2024.12/API_specification/
    generated/array_api.array.__dlpack__.html). AttnvizError where it is masked, on a device, or no array.
    """
    _require_plain_items(value, name)
    if isinstance(value, list | tuple):
        try:
            return numpy.asarray(value)
        except (ValueError, TypeError, OverflowError):
            raise AttnvizError(
                "{name} is ragged or not numbers: every row must have the same length", name=name
            ) from None
    try:
        speaks = hasattr(type(value), "__dlpack__") and not isinstance(value, numpy.ndarray)
        return _from_library(value, name) if speaks else numpy.asarray(value)
    except AttnvizError:
        raise
    except Exception as error:  # whatever another library's conversion raises
        raise AttnvizError(
            "{name} ({kind}) does not become a NumPy array: {reason}",
            "give a NumPy array or a torch tensor whose numbers are known (in JAX, outside of jit, grad and vmap)",
            name=name,
            kind=type(value).__name__,
            reason=str(error).partition(chr(10))[0],
        ) from None


def plain_tensor(tensor: Any, name: str) -> Any:
    """A torch ``tensor`` that holds its numbers densely, one by one; AttnvizError where it does not."""
    if _is_masked(type(tensor)):  # type: ignore[arg-type]  # a class is hashable
        raise _masked(name)
    if tensor.is_nested:
        raise AttnvizError(
            "{name} is a nested tensor: every row must have the same length",
            "fill it with torch.nested.to_padded_tensor, and say with mask= which keys are real",
            name=name,
        )
    if tensor.is_quantized:
        raise AttnvizError("{name} is quantized: attention needs real numbers", "call .dequantize()", name=name)
    if str(tensor.layout) != "torch.strided":
        raise AttnvizError(
            "{name} has the layout {layout}: attention needs every number",
            "call .to_dense()",
            name=name,
            layout=tensor.layout,
        )
    if tensor.is_meta:
        raise AttnvizError("{name} is on the device meta, where a tensor holds no numbers", name=name)
    kind = str(tensor.dtype).removeprefix("torch.")
    if kind.startswith("float8"):
        return tensor.float()  # exactly
    if not kind.startswith(TORCH_TYPES):
        raise AttnvizError("{name} holds {kind} values: attention needs real numbers", name=name, kind=kind)
    return tensor.resolve_neg()


def widened(array: numpy.ndarray, name: str) -> numpy.ndarray:
    """Numbers of a type that NumPy does not know, or that no other library can hold, in one that all of them can."""
    kind = array.dtype.name
    if array.dtype.isbuiltin == 2 and kind.startswith(("float", "int", "uint")):  # ml_dtypes: float8_e4m3fn, int4, …
        return array.astype(numpy.float32)  # exactly: none of them has more than 8 bits
    if array.dtype.kind not in "biuf":
        raise AttnvizError("{name} holds {kind} values: attention needs real numbers", name=name, kind=kind)
    if array.dtype.itemsize > 8:  # NumPy's long double
        with numpy.errstate(
            over="ignore", invalid="ignore"
        ):  # bytes of a file may be no number at all, which becomes NaN
            return array.astype(numpy.float64)
    return array.astype(array.dtype.newbyteorder("="))


def _from_library(value: Any, name: str) -> numpy.ndarray:
    """The array of a library that speaks DLPack."""
    device = int(value.__dlpack_device__()[0])
    if device != ON_THE_CPU:
        raise AttnvizError(
            "{name} ({kind}) is not in the CPU's memory (DLPack device {device})",
            "move it to the CPU first, or give a torch tensor: torch computes where it is",
            name=name,
            kind=type(value).__name__,
            device=device,
        )
    try:
        return numpy.from_dlpack(value)
    except (
        Exception
    ):  # a type that DLPack or NumPy cannot name, as JAX's bfloat16: then as the library itself converts it
        return numpy.asarray(value)


def _require_plain_items(value: Any, name: str, depth: int = 0) -> None:
    """Raise AttnvizError where ``value``, or an array in a list of them, has a mask that NumPy would drop, and where a text
    stands among numbers: NumPy would give each of them as much room as the longest."""
    if not isinstance(value, list | tuple):
        if _is_masked(type(value)):  # type: ignore[arg-type]
            raise _masked(name)
        return
    kinds = set(map(type, value))
    if kinds <= PLAIN_ITEMS or depth == DEEPEST:
        return
    if str in kinds:
        raise AttnvizError("{name} holds str values: attention needs real numbers", name=name)
    if any(one.__module__.partition(".")[0] == "torch" for kind in kinds for one in kind.__mro__):
        raise AttnvizError(
            "{name} is a list of torch tensors: give one tensor", "put them together with torch.stack", name=name
        )
    for item in value:
        _require_plain_items(item, name, depth + 1)


@lru_cache
def _is_masked(kind: type) -> bool:
    """Whether ``kind`` is NumPy's masked array or torch's, without importing either to ask."""
    return any(one.__module__.startswith(("numpy.ma", "torch.masked")) for one in kind.__mro__)


def _masked(name: str) -> AttnvizError:
    return AttnvizError(
        "{name} is a masked array, whose mask would be lost",
        "fill it with plain numbers, and say with mask= which keys a query may see",
        name=name,
    )
