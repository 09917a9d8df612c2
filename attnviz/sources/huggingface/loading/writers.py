"""Which models can write: those with a language head that predict the next token from the ones before it."""

from __future__ import annotations

from typing import Any

from transformers import PreTrainedModel

from attnviz.errors import AttnvizError
from attnviz.sources.huggingface.seams import first_known

KINDS = ("AutoModelForSeq2SeqLM", "AutoModelForCausalLM", "AutoModelForImageTextToText")
GAP_KINDS = ("AutoModelForMaskedLM",)
HINT = "take one that predicts the next token: Llama, Qwen, Mistral, Gemma, GPT-2, T5, BART, …"
HEAD_HINT = "take one that predicts tokens, loaded with its head: Llama, Qwen, GPT-2, T5; or BERT, which fills gaps"


def writing_kind(config: Any) -> Any:
    """The Auto class with the language head of the model that ``config`` describes; AttnvizError where it has none."""
    _require_next_token(config)
    if (kind := first_known(KINDS, config)) is None:
        raise AttnvizError(
            "a model of {kind} has no language head, so it cannot write", HINT, kind=type(config).__name__
        )
    return kind


def head_kind(config: Any) -> Any:
    """The Auto class with the language head of the model that ``config`` describes, whether it writes on or fills gaps."""
    kinds = GAP_KINDS if fills_gaps(config) else KINDS
    if (kind := first_known(kinds, config)) is None:
        raise AttnvizError(
            "a model of {kind} has no language head: it predicts no tokens", HEAD_HINT, kind=type(config).__name__
        )
    return kind


def require_head(model: PreTrainedModel) -> None:
    """Refuse a loaded ``model`` that predicts no tokens."""
    try:
        head = model.get_output_embeddings()
    except NotImplementedError:  # a model that keeps its table elsewhere
        head = None
    if head is None:
        raise AttnvizError("{kind} has no language head: it predicts no tokens", HEAD_HINT, kind=type(model).__name__)


def require_writer(model: PreTrainedModel) -> None:
    """Refuse a loaded ``model`` that cannot write."""
    _require_next_token(model.config)
    if not model.can_generate():
        raise AttnvizError("{kind} has no language head, so it cannot write", HINT, kind=type(model).__name__)


def fills_gaps(config: Any) -> bool:
    """Whether the model that ``config`` describes looks at both sides of a word, as BERT does."""
    if config.is_encoder_decoder or first_known(GAP_KINDS, config) is None:
        return False
    return getattr(config, "is_decoder", None) is False or first_known(("AutoModelForCausalLM",), config) is None


def _require_next_token(config: Any) -> None:
    """Refuse a model that fills gaps, also where it has a language head."""
    if fills_gaps(config):
        raise AttnvizError(
            "a model of {kind} reads the words on both sides of a gap, so it cannot write on",
            HINT,
            kind=type(config).__name__,
        )
