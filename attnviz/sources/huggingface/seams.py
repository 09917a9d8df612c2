"""Where attnviz rests on what transformers does not promise: its private names, and the words of its errors.

All of it is here, so that a version which changes it is dealt with in one file; tests/sources/huggingface/test_seams.py
says for each seam what no longer works without it.
"""

from __future__ import annotations

import importlib.util
import inspect
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from enum import Enum
from functools import cache
from typing import Any, NoReturn

import torch
import transformers
from huggingface_hub import constants
from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase
from transformers import modeling_gguf_pytorch_utils as gguf_checkpoints
from transformers.integrations import hub_kernels
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import eager_mask, sdpa_mask
from transformers.pytorch_utils import Conv1D

from attnviz.text.message import Message

__all__ = [
    "Conv1D",
    "eager_mask",
    "sdpa_attention_forward",
    "sdpa_mask",
]  # public where they stand, but in no documentation

Kernel = Callable[..., tuple[torch.Tensor, Any]]

# What a configuration may ask for: of attention, and of a mixture's experts. All else names code on a hub.
BUILT_IN = (
    "eager",
    "sdpa",
    "flash_attention_2",
    "flash_attention_3",
    "flash_attention_4",
    "flex_attention",
    "batched_mm",
    "grouped_mm",
)
# The function by which most files of models turn queries and keys by their positions, (q, k, cos, sin, …) → (q, k).
ROTARY = "apply_rotary_pos_emb"

# The function by which apply_chat_template() fills a template in, of a module that needs no torch.
CHAT_RENDERER = ("transformers.utils.chat_template_utils", "render_jinja_template")

# By which the library of hub kernels, where it is installed, loads one; transformers takes some of them from there as it runs.
KERNEL_LOADERS = ("get_kernel", "get_local_kernel", "get_locked_kernel", "load_kernel")

_closing = threading.RLock()
_unpickles_nothing: ContextVar[bool] = ContextVar("attnviz_unpickles_nothing", default=False)


class Complaint(Enum):
    """What transformers, or torch, complains of, and the words that only this complaint has."""

    OWN_CODE = ("trust_remote_code", "custom code")
    UNKNOWN_ARCHITECTURE = ("does not recognize this architecture", "Unrecognized model")
    OTHER_SHAPES = ("mismatched",)
    GGUF_ARCHITECTURE = ("GGUF model with architecture", "GGUF architecture")
    OFFLINE = ("offline mode is enabled", "in the local cache")


def complains(error: Exception, of: Complaint) -> bool:
    """Whether ``error`` complains of this."""
    return any(words in str(error) for words in of.value)


@contextmanager
def closed() -> Iterator[None]:
    """Inside the block no hub is asked, no kernel is fetched, and this thread unpickles nothing, whatever a model asks for.

    What is refused before is refused with clear words; this holds where transformers has a way that is not known here.
    Others that want to load wait for their turn.
    """
    unpickle = torch.load

    def load(*arguments: Any, **options: Any) -> Any:
        if _unpickles_nothing.get():
            raise ValueError(Message("it keeps a part of itself in a pickle, which can run any code when it is loaded"))
        return unpickle(*arguments, **options)

    def no_kernel(*_: Any, **__: Any) -> NoReturn:
        raise FileNotFoundError(Message("it asks for a kernel of a hub, and attnviz runs no code from there"))

    with _closing, unpickling_nothing(), ExitStack() as stack:
        for owner, attribute, value in (
            (constants, "HF_HUB_OFFLINE", True),
            (hub_kernels, "get_kernel", no_kernel),
            *((kernels, name, no_kernel) for kernels in _kernels_library() for name in KERNEL_LOADERS),
            (torch, "load", load),
        ):
            if hasattr(owner, attribute):  # where there is no get_kernel, no kernel is fetched
                _replace(stack, owner, attribute, value)
        yield


@contextmanager
def unpickling_nothing() -> Iterator[None]:
    """Inside the block this thread unpickles nothing, if that of another thread is ``closed``."""
    token = _unpickles_nothing.set(True)
    try:
        yield
    finally:
        _unpickles_nothing.reset(token)


@contextmanager
def unpacking_gguf() -> Iterator[None]:
    """transformers draws no bar while it unpacks a .gguf file, since its own bars it would leave out; and it has ggml make the table of a
    model's names once, and not again for each module: of 30 layers that took ten seconds."""
    ggml = importlib.import_module("gguf")
    with ExitStack() as stack:
        _replace(stack, gguf_checkpoints, "tqdm", lambda parts, **_: parts)
        _replace(stack, ggml, "get_tensor_name_map", cache(ggml.get_tensor_name_map))
        yield


def _replace(until: ExitStack, owner: Any, attribute: str, value: Any) -> None:
    until.callback(setattr, owner, attribute, getattr(owner, attribute))
    setattr(owner, attribute, value)


def _kernels_library() -> list[Any]:
    return [importlib.import_module("kernels")] if importlib.util.find_spec("kernels") else []


def prepare(config: PreTrainedConfig) -> None:
    """Let ``config`` and every configuration inside it ask for plain attention where it did, and else for transformers' choice.

    That is sdpa, or plain code for a model that cannot have it: a watched model computes with one of the two in any case
    (native_attention.py), so a model that asks for flash attention needs no package for it. What is packed as mxfp4 is
    unpacked, which gives the same numbers and needs no kernel of a hub.
    """
    for part in _configs_in(config):
        if getattr(part, "_attn_implementation_internal", None) != "eager":
            part._attn_implementation_internal = None
        packed = getattr(part, "quantization_config", None)
        if isinstance(packed, dict) and packed.get("quant_method") == "mxfp4":
            packed["dequantize"] = True


def _configs_in(config: PreTrainedConfig) -> list[PreTrainedConfig]:
    """``config`` and the configurations inside it, at any depth."""
    found, waiting = {}, [config]
    while waiting:
        value: Any = waiting.pop()
        if isinstance(value, PreTrainedConfig) and id(value) not in found:
            found[id(value)] = value
            waiting.extend(vars(value).values())
        elif isinstance(value, dict | list | tuple):
            waiting.extend(value.values() if isinstance(value, dict) else value)
    return list(found.values())


def implementations(model: PreTrainedModel) -> dict[int, str | None]:
    """The attention that each configuration inside ``model`` asks for, by the configuration's identity."""
    return {id(config): config._attn_implementation for config in _configs(model)}


@contextmanager
def switched(model: PreTrainedModel, implementation: str) -> Iterator[None]:
    """Each configuration inside ``model`` asks for ``implementation`` inside the block, and afterwards for what it did.

    Each, since a model that is made of models may switch only some of them; and past set_attn_implementation(), which
    checks what a model claims to support.
    """
    before = [(config, config._attn_implementation) for config in _configs(model)]
    try:
        for config, _ in before:
            config._attn_implementation_internal = implementation
        yield
    finally:
        for config, name in before:
            config._attn_implementation_internal = name


def _configs(model: PreTrainedModel) -> list[Any]:
    """Every configuration inside ``model`` that says which attention it asks for."""
    found = {
        id(config): config for module in model.modules() if (config := getattr(module, "config", None)) is not None
    }
    return [config for config in found.values() if hasattr(config, "_attn_implementation_internal")]


def eager_attention(module: torch.nn.Module) -> Kernel | None:
    """The plain attention function that stands in the file of every model of transformers; None where it does not."""
    return getattr(sys.modules[type(module).__module__], "eager_attention_forward", None)


def registered_attention(implementation: str | None) -> Kernel | None:
    """The attention that a program registered with transformers under this name; None for what comes with transformers.

    A name with "/" is a kernel of a hub, and one with "|" a way to page memory: they compute what the built-in ones do.
    """
    if implementation is None or implementation in BUILT_IN or {*"/|"} & {*implementation}:
        return None
    known: Kernel | None = transformers.AttentionInterface().get(implementation)
    return known


def registered_mask(implementation: str | None) -> Kernel | None:
    """What makes the masks of such an attention; None where it is given none."""
    known: Kernel | None = transformers.AttentionMaskInterface().get(implementation)
    return known


def rotary_files(model: torch.nn.Module) -> list[Any]:
    """The files of transformers that ``model`` is made of, and that turn queries and keys by a function of their own."""
    names = {type(module).__module__ for module in model.modules()}
    return [file for name in sorted(names) if hasattr(file := sys.modules[name], ROTARY)]


def first_known(kinds: Iterable[str], config: Any) -> Any:
    """The first of these Auto classes that has a model for ``config``, or None."""
    classes = (getattr(transformers, kind) for kind in kinds)
    return next((kind for kind in classes if type(config) in kind._model_mapping), None)


def has_its_own_chat(tokenizer: Any) -> bool:
    """Whether ``tokenizer`` writes chats by code of its own (Mistral's does), and not by its template."""
    return type(tokenizer).apply_chat_template is not PreTrainedTokenizerBase.apply_chat_template


def accepted(model: PreTrainedModel, options: dict[str, Any]) -> dict[str, Any]:
    """Those of ``options`` that the forward pass of ``model`` takes."""
    known = inspect.signature(model.forward).parameters
    return {name: value for name, value in options.items() if name in known}
