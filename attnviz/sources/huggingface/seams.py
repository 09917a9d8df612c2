"""Where attnviz rests on what transformers does not promise: its private names, and the words of its errors.

All of it is here, so that a version which changes it is dealt with in one file; tests/sources/huggingface/test_seams.py
says for each seam what no longer works without it.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Any

import torch
import transformers
from transformers import PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import eager_mask, sdpa_mask

__all__ = ["eager_mask", "sdpa_attention_forward", "sdpa_mask"]  # public where they stand, but in no documentation

Kernel = Callable[..., tuple[torch.Tensor, Any]]


class Complaint(Enum):
    """What transformers, or torch, complains of, and the words that only this complaint has."""

    OWN_CODE = ("trust_remote_code", "custom code")
    UNKNOWN_ARCHITECTURE = ("does not recognize this architecture", "Unrecognized model")
    OTHER_SHAPES = ("mismatched",)
    NO_SAFETENSORS = ("safetensors",)
    NO_MEMORY = ("allocate memory",)


def complains(error: Exception, of: Complaint) -> bool:
    """Whether ``error`` complains of this."""
    if of is Complaint.NO_MEMORY and isinstance(error, torch.OutOfMemoryError):
        return True
    if of is Complaint.NO_SAFETENSORS and not isinstance(error, OSError):
        return False
    return any(words in str(error) for words in of.value)


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


def first_known(kinds: Iterable[str], config: Any) -> Any:
    """The first of these Auto classes that has a model for ``config``, or None."""
    classes = (getattr(transformers, kind) for kind in kinds)
    return next((kind for kind in classes if type(config) in kind._model_mapping), None)


def accepted(model: PreTrainedModel, options: dict[str, Any]) -> dict[str, Any]:
    """Those of ``options`` that the forward pass of ``model`` takes."""
    known = inspect.signature(model.forward).parameters
    return {name: value for name, value in options.items() if name in known}
