"""What a model is given to read, and how its tokens are labelled: a text, token ids, an image, or inputs by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from attnviz.errors import AttnvizError
from attnviz.sources.huggingface.chat import in_chat
from attnviz.sources.huggingface.labels import of_ids, tokens_of_ids, tokens_of_text
from attnviz.sources.huggingface.pairs import pair_of, segment_inputs
from attnviz.sources.huggingface.pictured import Pictured
from attnviz.sources.huggingface.seeing import PIXELS, is_picture, of_picture, of_picture_and_text, of_picture_in_inputs
from attnviz.sources.huggingface.tokens import Tokens
from attnviz.text.message import Message
from attnviz.trace.trace import numbered

if TYPE_CHECKING:
    from attnviz.sources.huggingface.model import Model

OF_TEXT = {"input_ids", "decoder_input_ids", "attention_mask", "decoder_attention_mask"}  # a batch of one each

# A text, token ids, the path of an image, or the model's inputs by name.
Text = str | Path | Sequence[int] | torch.Tensor | Mapping[str, Any]


class Reading(NamedTuple):
    """One forward pass to be made.

    inputs  the model's, by name, each with a batch of one
    tokens  of the text, where there is one; target, of what the decoder reads
    pictured  the picture among the inputs, where it is known
    """

    inputs: dict[str, torch.Tensor]
    tokens: Tokens | None = None
    target: Tokens | None = None
    pictured: Pictured | None = None

    @property
    def shows_one_picture(self) -> bool:
        """Whether a picture is read, and no more than one."""
        return PIXELS in self.inputs and (self.pictured is not None or self.inputs[PIXELS].shape[0] == 1)

    def labels(self, tokens: Tokens | None, count: int) -> tuple[str, ...]:
        """One label for each of ``count`` tokens."""
        if tokens is not None and len(tokens.labels) == count:
            return tokens.labels
        return numbered(count)


def read(
    model: Model, text: Text, target: Text | None, chat: bool, image: Any = None, pair: str | None = None
) -> Reading:
    """What ``model`` will be given, an ``image`` beside the text or among the inputs, a ``pair`` behind it; AttnvizError where
    it does not fit the model."""
    network, config = model.model, model.model.config
    if pair is not None:
        require_reader(network)
        cut = pair_of(model, text, pair, chat, image)
        reading = Reading({"input_ids": torch.tensor([cut.ids])} | segment_inputs(network, cut), cut)
    elif (
        isinstance(text, Path)
        or is_picture(text)
        or (image is not None and model.reads_images and not isinstance(text, Mapping))
    ):
        inputs, pictured = of_picture(model, text if image is None else image)
        return Reading(inputs, pictured=pictured)
    elif isinstance(text, Mapping):
        reading = _of_inputs(model, text)
        if image is not None:
            reading = reading._replace(pictured=of_picture_in_inputs(model, reading.inputs, image))
    elif image is not None:
        require_reader(network)
        reading = Reading(*_beside(model, text, image, chat))
    else:
        require_reader(network)
        cut = tokens_in(model, text, chat)
        reading = Reading({"input_ids": torch.tensor([cut.ids])}, cut)
    if getattr(config, "is_encoder_decoder", False) and "decoder_input_ids" not in reading.inputs:
        shifted = _shifted(model, reading.tokens if target is None else tokens_in(model, target, False))
        reading = reading._replace(
            inputs=reading.inputs | {"decoder_input_ids": torch.tensor([shifted.ids])}, target=shifted
        )
    elif target is not None:
        raise AttnvizError("{kind} has no decoder to read a target", "leave out --target", kind=type(network).__name__)
    for tokens in (reading.tokens, reading.target):
        if tokens is not None:
            require_positions(network, len(tokens.ids))
            require_known(network, tokens.ids)
    return reading


def _beside(
    model: Model, text: Text, image: Any, chat: bool
) -> tuple[dict[str, torch.Tensor], Tokens, Tokens | None, Pictured]:
    """The parts of a reading of a text with a picture."""
    if not isinstance(text, str):
        raise AttnvizError("an image goes with a text or with inputs by name, not with ids", "give the text itself")
    inputs, tokens, pictured = of_picture_and_text(model, text, image, chat)
    return inputs, tokens, None, pictured


def tokens_in(model: Model, text: Text, chat: bool) -> Tokens:
    """The tokens of a text, in the chat template if that is asked for; or the ids that are given, as tokens."""
    if isinstance(text, str):
        written = in_chat(model.tokenizer, text, model.name) if chat else text
        tokens = tokens_of_text(model.tokenizer, written, special=not chat)
        tokens = tokens._replace(facts=tokens.facts.within(written, text))
    else:
        ids = _ids(text, Message("the ids"))
        require_known(model.model, ids)  # before the tokenizer is asked for words for them
        tokens = of_ids(ids, model.tokenizer if model.has_tokenizer else None)
    if not tokens.ids:
        raise AttnvizError("the tokenizer makes no tokens of this text", "give at least one word")
    return tokens


def _ids(values: Any, name: str) -> list[int]:
    """The ids of one text, (tokens,) or (1, tokens)."""
    try:
        ids = torch.as_tensor(values)
    except (TypeError, ValueError, RuntimeError):
        raise AttnvizError("{name} are {values!r:.85}: expected whole numbers", name=name, values=values) from None
    if ids.ndim == 2 and len(ids) == 1:
        ids = ids[0]
    if ids.ndim != 1:
        raise AttnvizError(
            "{name} have the shape {shape}: expected those of one text, (tokens,)", name=name, shape=tuple(ids.shape)
        )
    if ids.is_floating_point() and ids.numel():
        raise AttnvizError(
            "{name} are of {kind}: expected whole numbers",
            name=name,
            kind=str(ids.dtype).removeprefix("torch."),
        )
    return [int(number) for number in ids.tolist()]


def _of_inputs(model: Model, values: Mapping[str, Any]) -> Reading:
    if not values:
        raise AttnvizError("the inputs are empty", "give at least input_ids or pixel_values")
    inputs = {name: torch.as_tensor(value) for name, value in values.items()}
    inputs = {name: value[None] if value.ndim == 1 else value for name, value in inputs.items()}
    for name in OF_TEXT & inputs.keys():
        if len(inputs[name]) != 1:
            raise AttnvizError(
                "{name} holds {inputs} texts: a trace holds only one", name=name, inputs=len(inputs[name])
            )
    tokenizer = model.tokenizer if model.has_tokenizer else None
    sides: dict[str, Any] = {
        side: of_ids(_ids(inputs[name], name), tokenizer) if name in inputs else None
        for side, name in (("tokens", "input_ids"), ("target", "decoder_input_ids"))
    }
    return Reading(inputs, **sides)


def _shifted(model: Model, tokens: Tokens | None) -> Tokens:
    """What a decoder reads while it writes ``tokens``: its start token, then all of them but the last."""
    config = model.model.config
    starts = [getattr(config, name, None) for name in ("decoder_start_token_id", "bos_token_id", "pad_token_id")]
    start = next((number for number in starts if number is not None), 0)
    first = tokens_of_ids([start], model.tokenizer if model.has_tokenizer else None)
    if tokens is None:
        return first._replace(special=(0,))
    special = (0, *(position + 1 for position in tokens.special if position + 1 < len(tokens.ids)))
    facts = tokens.facts.behind(first.labels[0])
    return Tokens((start, *tokens.ids[:-1]), (*first.labels, *tokens.labels[:-1]), special, facts)


def require_reader(network: Any) -> None:
    """Refuse a text for a model of images or sound."""
    if network.main_input_name == "pixel_values":
        raise AttnvizError("{kind} looks at an image, not at a text", "add --file IMAGE", kind=type(network).__name__)
    if network.main_input_name != "input_ids":
        raise AttnvizError(
            "{kind} reads {main_input_name}, not a text",
            "from Python, give trace_model() its inputs by name",
            kind=type(network).__name__,
            main_input_name=network.main_input_name,
        )


def require_positions(network: torch.nn.Module, count: int) -> None:
    """Refuse a text that is longer than the model has positions."""
    most = position_count(network)
    if most is not None and count > most:
        raise AttnvizError(
            "the text has {count:,} tokens, more than the {most:,} positions of this model",
            "give a shorter text",
            count=count,
            most=most,
        )


def require_known(network: Any, ids: Sequence[int]) -> None:
    """Refuse ids that the model has no vector for: its tokenizer belongs to another model."""
    try:
        known = getattr(network.get_input_embeddings(), "num_embeddings", None)
    except NotImplementedError:  # a model that keeps its table elsewhere
        return
    if known is not None and ids and not 0 <= min(ids) <= max(ids) < known:
        wrong = next(number for number in ids if not 0 <= number < known)
        raise AttnvizError(
            "the text has the token {wrong}, but the model knows 0 to {known:,}",
            "its tokenizer belongs to another model",
            wrong=wrong,
            known=known - 1,
        )


def position_count(network: Any) -> int | None:
    """How many tokens a model can read; None where nothing bounds it."""
    config = network.config.get_text_config()
    if hasattr(config, "relative_attention_num_buckets"):
        return None
    for path, module in _outside_lists(network):
        if path.endswith("position_embeddings") and isinstance(module, torch.nn.Embedding) and module.padding_idx:
            return module.num_embeddings - module.padding_idx - 1  # RoBERTa counts from behind its padding
    most: int | None = getattr(config, "max_position_embeddings", getattr(config, "max_target_positions", None))
    return most if most and most > 0 else None  # XLNet says -1


def _outside_lists(module: torch.nn.Module, path: str = "") -> Iterator[tuple[str, torch.nn.Module]]:
    """``module`` and what is inside it by path, but for lists: of hundreds of modules these hold the layers, which have no tables."""
    yield path, module
    for name, child in module.named_children():
        if not isinstance(child, torch.nn.ModuleList):
            yield from _outside_lists(child, f"{path}.{name}" if path else name)
