"""The only module that knows array libraries: NumPy always, torch where its tensors are given.

Everything else computes with the namespace that ``namespace()`` returns, the Python array API standard
(https://data-apis.org/array-api/), which NumPy 2 speaks itself and torch speaks through array-api-compat.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy

from attnviz.errors import AttnvizError, UsageError

# NumPy arrays and torch tensors share no base class, and naming torch's here would import it.
Array = Any

BFLOAT16 = "bfloat16"


def namespace(*arrays: Array) -> Any:
    """The array namespace of ``arrays``: numpy itself, or array-api-compat's torch if one is a torch tensor."""
    if any(_is_torch(array) for array in arrays):
        # Not on the NumPy path: array-api-compat clones all of NumPy at import (+110 ms).
        try:
            import array_api_compat.torch
        except ImportError:
            raise _missing_torch("a torch tensor") from None
        return array_api_compat.torch
    return numpy


def to_numpy(array: Array) -> Any:
    """``array`` as a NumPy array on the CPU; bfloat16, which NumPy lacks, becomes float32 (exactly)."""
    if _is_torch(array):
        array = array.detach().cpu()
        return (array.float() if str(array.dtype).endswith(BFLOAT16) else array).numpy()
    array = numpy.asarray(array)
    return array.astype(numpy.float32) if array.dtype.name == BFLOAT16 else array


def to_backend(array: Array, backend: str, device: str | None = None, dtype: str | None = None) -> Array:
    """``array`` as ``backend`` ("numpy" or "torch") holds it, on ``device``, its numbers as ``dtype``.

    Raises AttnvizError when torch is not installed or does not have the device, UsageError when NumPy is asked
    for what only torch has. Booleans stay booleans whatever the dtype.
    """
    if backend == "numpy":
        if device not in (None, "cpu"):
            raise UsageError(f"NumPy computes on the cpu, not on {device}", "add --backend torch")
        if dtype == BFLOAT16:
            raise UsageError("NumPy has no bfloat16", "add --backend torch")
        array = to_numpy(array)
        return array if dtype is None or array.dtype == bool else array.astype(dtype)
    torch = import_torch("--backend torch")
    tensor = array if _is_torch(array) else torch.from_numpy(numpy.ascontiguousarray(to_numpy(array)))
    kind = None if dtype is None or tensor.dtype == torch.bool else getattr(torch, dtype)
    try:
        return tensor.to(device=_torch_device(torch, device), dtype=kind)
    except (RuntimeError, AssertionError, TypeError, NotImplementedError) as error:
        raise AttnvizError(f"torch cannot use the device {device}: {_first_line(error)}") from None


def import_torch(what: str) -> Any:
    """The torch module and array-api-compat beside it, or the one line that says how to install them."""
    try:
        import array_api_compat.torch  # noqa: F401  (asked for here, so that the error names both)
        import torch
    except ImportError:
        raise _missing_torch(what) from None
    return torch


def as_array(value: Any, name: str) -> Array:
    """``value`` (array, tensor or nested lists) as an array of numbers; AttnvizError names it when it is none."""
    if _is_torch(value):
        if value.is_complex():
            raise AttnvizError(f"{name} holds complex numbers: attention needs real ones")
        return value
    try:
        array = numpy.asarray(value)
    except (ValueError, TypeError, OverflowError):
        raise AttnvizError(f"{name} is ragged or not numbers: every row must have the same length") from None
    if array.dtype.kind not in "biuf" and array.dtype.name != BFLOAT16:
        raise AttnvizError(f"{name} holds {array.dtype.name} values: attention needs real numbers")
    return array


def as_floating(value: Any, name: str) -> Array:
    """The same in float32 or better: half precision becomes float32, whole numbers become float64."""
    array = as_array(value, name)
    if _is_torch(array):
        if array.is_floating_point():
            return array.float() if array.element_size() < 4 else array
        return array.double()
    if array.dtype.kind in "biu":
        return array.astype(numpy.float64)
    return array.astype(numpy.float32) if array.dtype.itemsize < 4 else array


def like(array: Array, value: Any, dtype: Any = None) -> Array:
    """``value`` in the library, on the device and in the dtype (unless another is given) of ``array``."""
    xp = namespace(array)
    if _is_torch(value) and not _is_torch(array):
        value = to_numpy(value)
    return xp.asarray(value, dtype=array.dtype if dtype is None else dtype, device=array.device)


def overflow_unspoken() -> Any:
    """A context in which NumPy does not warn of overflow, for code that looks at the result itself."""
    return numpy.errstate(over="ignore", invalid="ignore")


def in_threads(array: Array, work: Callable[[Any], None], jobs: Sequence[Any], most: int) -> None:
    """Do independent jobs; for torch on the CPU side by side, each on threads of its own, at most ``most`` at once.

    Where a job is many small operations, that is faster than one job at a time with all threads in each operation:
    nobody waits at the end of each, which costs most on a machine that is busy with other things too. NumPy's products
    bring their own threads, which get in each other's way when several jobs ask for them.
    """
    if not _is_torch(array) or array.device.type != "cpu":
        for job in jobs:
            work(job)
        return
    from concurrent.futures import ThreadPoolExecutor

    import torch

    total = torch.get_num_threads()
    workers = max(1, min(total, most, len(jobs)))
    each = max(1, total // workers)
    executor = ThreadPoolExecutor(workers, initializer=lambda: torch.set_num_threads(each))
    try:
        torch.set_num_threads(each)  # of the library beneath, too, which counts for the whole process
        for _ in executor.map(work, jobs):
            pass
    finally:
        executor.shutdown(cancel_futures=True)  # what an interruption leaves is not begun
        torch.set_num_threads(total)


def require_memory(needed: int, what: str, hint: str) -> None:
    """Refuse ``what`` before it is allocated when its ``needed`` bytes exceed half of this machine's memory."""
    limit = _physical_memory() // 2
    if needed > limit:
        raise AttnvizError(
            f"{what} needs {_gibibytes(needed)} of memory, more than the {_gibibytes(limit)} it may take", hint
        )


def _is_torch(array: Any) -> bool:
    return type(array).__module__.partition(".")[0] == "torch"


def _torch_device(torch: Any, device: str | None) -> str:
    if device not in (None, "auto"):
        assert device is not None
        return device
    if torch.cuda.is_available():
        return "cuda" if device == "auto" else "cpu"
    return "mps" if device == "auto" and torch.backends.mps.is_available() else "cpu"


def _missing_torch(what: str) -> AttnvizError:
    return AttnvizError(f"{what} needs torch, which is not installed", "pip install 'attnviz[torch]'")


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__


def _physical_memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf: a usual laptop's memory
        return 8 << 30


def _gibibytes(count: int) -> str:
    return f"{count / 2**30:,.1f} GiB"
