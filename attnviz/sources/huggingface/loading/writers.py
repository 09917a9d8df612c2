"""Which models can write: those with a language head that predict the next token from the ones before it."""

from __future__ import annotations

from typing import Any

from transformers import PreTrainedModel

from attnviz.errors import AttnvizError
from attnviz.sources.huggingface.seams import first_known

KINDS = ("AutoModelForSeq2SeqLM", "AutoModelForCausalLM", "AutoModelForImageTextToText")
HINT = "take one that predicts the next token: Llama, Qwen, Mistral, Gemma, GPT-2, T5, BART, …"


def writing_kind(config: Any) -> Any:
    """The Auto class with the language head of the model that ``config`` describes; AttnvizError where it has none."""
    _require_next_token(config)
    if (kind := first_known(KINDS, config)) is None:
        raise AttnvizError(
            "a model of {kind} has no language head, so it cannot write", HINT, kind=type(config).__name__
        )
    return kind


def require_writer(model: PreTrainedModel) -> None:
    """Refuse a loaded ``model`` that cannot write."""
    _require_next_token(model.config)
    if not model.can_generate():
        raise AttnvizError("{kind} has no language head, so it cannot write", HINT, kind=type(model).__name__)


def fills_gaps(config: Any) -> bool:
    """Whether the model that ``config`` describes looks at both sides of a word, as BERT does."""
    both_ways = getattr(config, "is_decoder", None) is False and not config.is_encoder_decoder
    return both_ways and first_known(("AutoModelForMaskedLM",), config) is not None


def _require_next_token(config: Any) -> None:
    """Refuse a model that fills gaps, also where it has a language head."""
    if fills_gaps(config):
        raise AttnvizError(
            "a model of {kind} reads the words on both sides of a gap, so it cannot write on",
            HINT,
            kind=type(config).__name__,
        )
