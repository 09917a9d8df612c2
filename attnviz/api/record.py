"""The public call that records the attention of any module of PyTorch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from attnviz.arguments import Chosen, chosen
from attnviz.errors import AttnvizError

if TYPE_CHECKING:
    from attnviz.sources.recording.recording import Recording


def record(module: Any = None, *, layers: Chosen = (), modules: str | Iterable[str] = ()) -> Recording:
    """Record every attention that runs inside a ``with`` block, of any ``torch.nn.Module``:

        with attnviz.record(module) as recording:
            module(x)
        recording.layers              # a table: what ran, its sizes, how exactly it is kept, and if not, why
        recording.trace(tokens=…)     # a Trace, as every other

    module   whose paths the layers are named by; None: whatever runs inside
    layers   numbers and ranges ("4-7") of the attentions to keep, in the order in which they run; nothing is all
    modules  paths of modules ("encoder.layers.3"): what runs in them is kept; nothing is all

    Seen are torch's scaled_dot_product_attention, nn.MultiheadAttention and all that is built of it, flex_attention, and attention
    written by hand: a product, a softmax over its keys, and a product with the values. What attnviz computes from the record
    is compared with the module's own weights and outputs; what does not agree is not kept. The module computes what it always
    does; where torch would take a fast path that cannot be seen, it takes the other one, and the table says so.

    AttnvizError where ``module`` is no module, or is TorchScript's, which runs outside of Python; where it has none of the
    ``modules``.
    """
    from attnviz.attention.arrays import import_torch

    torch = import_torch("record()")
    if module is not None and not isinstance(module, torch.nn.Module):
        raise AttnvizError(
            "module is {given}: expected a torch.nn.Module, or nothing for whatever runs inside the block",
            given=type(module).__name__,
        )
    if isinstance(module, torch.jit.ScriptModule):
        raise AttnvizError(
            "{given} is TorchScript, which runs outside of Python: its attention cannot be seen",
            "record the module that it was made of",
            given=getattr(module, "original_name", type(module).__name__),
        )
    from attnviz.sources.recording.recording import Recording

    return Recording(module, layers=chosen("layers", layers), modules=_paths(module, modules))


def _paths(module: Any, given: Any) -> list[str]:
    """The paths of modules that are ``given``, each of which ``module`` has, if there is one."""
    paths = [given] if isinstance(given, str) else list(given) if isinstance(given, Iterable) else [given]
    for path in paths:
        if not isinstance(path, str):
            raise AttnvizError(
                "modules holds {kind}: expected paths of modules, such as 'encoder.layers.3'", kind=type(path).__name__
            )
        if module is not None and path not in dict(module.named_modules(remove_duplicate=False)):
            raise AttnvizError(
                "{module} has no module {path}",
                "module.named_modules() lists their paths",
                module=type(module).__name__,
                path=path,
            )
    return paths
