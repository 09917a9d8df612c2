"""A model of transformers that can be asked which of its heads has which role."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attnviz.errors import AttnvizError
from attnviz.sources.huggingface.answers import Answers
from attnviz.sources.huggingface.inputs import require_reader
from attnviz.sources.huggingface.loading.loader import bare_kind, load_model
from attnviz.sources.huggingface.loading.writers import fills_gaps
from attnviz.sources.huggingface.model import Model
from attnviz.sources.huggingface.passes import Batch, Seen, Visit, batches, read_all
from attnviz.sources.huggingface.seams import first_known
from attnviz.sources.huggingface.wording import LEAD, cut
from attnviz.text.message import OR, joined
from attnviz.trace.asking import Case

KINDS = ("AutoModelForCausalLM", "AutoModelForImageTextToText")  # with a language head


def load_answering(
    model: Any,
    tokenizer: Any = None,
    *,
    device: str | None = None,
    dtype: str | None = None,
    device_map: str | None = None,
    adapter: str | None = None,
) -> ModelAnswering:
    """``model`` ready to be asked; AttnvizError where it cannot be loaded, or has no one stack of attention that can be watched.

    model      a folder, an id of the Hugging Face hub, or a model that is loaded
    tokenizer  of a model that is loaded

    A causal model is loaded with its language head. Any other (BERT, …) predicts nothing: where its heads look is all that
    is known of it.
    """
    if isinstance(model, str | os.PathLike):
        network = load_model(str(model), device, dtype, device_map, _asked_kind, adapter)
        loaded = Model(network, str(model), tokenizer, found=True)
        loaded.adapter = adapter
        return ModelAnswering(loaded)
    return ModelAnswering(Model.of(model, tokenizer, adapter=adapter))


class ModelAnswering:
    """A loaded model, ready to be asked (trace/asking.py's ``Answering``)."""

    def __init__(self, model: Model) -> None:
        network = model.model
        if model.reads_images:
            raise AttnvizError(
                "{kind} looks at an image, not at a text", "take a model of text", kind=type(network).__name__
            )
        require_reader(network)
        _require_one_stack(network.config)
        self.model = model
        names = [model.name, *([model.adapter] if model.adapter else [])]
        self.name = " + ".join(Path(name).name or name for name in names)
        self.predicts = network.can_generate() and not fills_gaps(network.config)
        self.shape = self._measured()

    def ask(self, cases: Sequence[Case]) -> Answers:
        """The model's answers to ``cases``."""
        return Answers(self.model, self.shape, self.predicts, cases)

    def _measured(self) -> tuple[int, int]:
        """Layers, and heads in each, as they are when the model reads one word."""
        heads: dict[int, int] = {}

        def visit(seen: Seen) -> Any:
            heads[seen.number] = int(seen.call.query.shape[1])
            return seen.output

        def visit_of(_: Batch) -> Visit:
            return visit

        one = cut(self.model.tokenizer, (LEAD,))
        unseen = read_all(self.model, batches([(one.ids, one.question)]), visit_of)
        self._require_all(sorted(heads), unseen)
        if len(set(heads.values())) > 1:
            raise AttnvizError(
                "the layers of {name} have {counts} heads: roles compares models whose layers have as many each",
                name=self.name,
                counts=joined(sorted(set(heads.values())), OR),
            )
        return len(heads), heads[0]

    def _require_all(self, seen: Sequence[int], unseen: Sequence[str]) -> None:
        """Refuse a model some of whose layers cannot be watched: a role could be theirs."""
        hint = (
            "take a model whose every layer uses transformers' AttentionInterface: Llama, Qwen, Gemma, GPT-2, BERT, …"
        )
        if unseen:
            raise AttnvizError(
                "{unseen} of {name} computes attention in its own way, which cannot be watched",
                hint,
                unseen=", ".join(unseen),
                name=self.name,
            )
        if list(seen) != list(range(len(seen))):
            raise AttnvizError(
                "of the layers of {name} only {seen} have attention that can be watched",
                hint,
                name=self.name,
                seen=", ".join(map(str, seen)),
            )


def _asked_kind(config: Any) -> Any:
    """The Auto class of the model that ``config`` describes: with its language head where it predicts the next token."""
    _require_one_stack(config)
    causal = None if fills_gaps(config) else first_known(KINDS, config)
    return bare_kind(config) if causal is None else causal


def _require_one_stack(config: Any) -> None:
    if config.is_encoder_decoder:
        raise AttnvizError(
            "a model of {kind} reads with an encoder and writes with a decoder: roles are measured in models of one stack",
            "take a causal model (Llama, Qwen, Mistral, Gemma, GPT-2, …) or an encoder (BERT, …)",
            kind=type(config).__name__,
        )
