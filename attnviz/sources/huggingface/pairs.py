"""Two texts that a model reads as a pair, such as a sentence and one that may follow from it."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import torch

from attnviz.errors import AttnvizError
from attnviz.sources.huggingface.labels import tokens_of_text
from attnviz.sources.huggingface.tokens import Tokens

if TYPE_CHECKING:
    from attnviz.sources.huggingface.model import Model

TYPES = "token_type_ids"  # what a model is told of the segment of each token


def pair_of(model: Model, text: Any, pair: Any, chat: bool, image: Any) -> Tokens:
    """``text`` and its ``pair`` as ``model`` reads them; AttnvizError where they are no texts, or something else is to be made
    of them, or the model knows no pairs."""
    if not isinstance(text, str) or not isinstance(pair, str):
        wrong = pair if isinstance(text, str) else text
        raise AttnvizError(
            "a pair is two texts, and one of these is of type {kind}", "give both as texts", kind=type(wrong).__name__
        )
    if chat:
        raise AttnvizError("a chat has no pair of texts", "leave out --chat, or --pair")
    if image is not None:
        raise AttnvizError("a pair is two texts, and an image is none", "leave out --image, or --pair")
    return _cut(model, text, pair)


def _cut(model: Model, text: str, pair: str) -> Tokens:
    cut = tokens_of_text(model.tokenizer, text, pair=pair)
    segments = cut.facts.segments
    for number, name in enumerate(("TEXT", "--pair")):
        if number not in segments:
            raise AttnvizError("the tokenizer makes no tokens of {name}", "give at least one word", name=name)
    behind = max(place for place, number in enumerate(segments) if number == 0)
    between = set(cut.ids[behind + 1 : segments.index(1)]) - {model.tokenizer.bos_token_id}
    if not between or not between <= {cut.ids[place] for place in cut.special}:
        raise AttnvizError(
            "{kind} knows no pairs: its tokenizer puts no separator between two texts",
            "give both as one text",
            kind=type(model.model).__name__,
        )
    return cut


def segment_inputs(network: Any, cut: Tokens) -> dict[str, torch.Tensor]:
    """What a model is told of the segments of a pair, where it has vectors for them."""
    known = getattr(network.config, "type_vocab_size", None)
    takes = TYPES in inspect.signature(network.forward).parameters
    if not cut.facts.segments or not takes or not cut.types or (known is not None and max(cut.types) >= known):
        return {}
    return {TYPES: torch.tensor([cut.types])}
