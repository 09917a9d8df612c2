"""A model of transformers that predicts tokens, and can do so without some of its heads."""

from __future__ import annotations

import os
from typing import Any

from attnviz.sources.huggingface.answer_token import answer_token
from attnviz.sources.huggingface.cutting import fitted
from attnviz.sources.huggingface.inputs import Text, read, require_reader
from attnviz.sources.huggingface.loading.loader import load_model
from attnviz.sources.huggingface.loading.writers import fills_gaps, head_kind, require_head
from attnviz.sources.huggingface.model import Model
from attnviz.sources.huggingface.places import gaps, next_tokens
from attnviz.sources.huggingface.predicted import TOGETHER, ModelPredicted
from attnviz.sources.texts.length import Length
from attnviz.text.message import Message
from attnviz.trace.ablation import Answer


def load_predictor(
    model: Any,
    tokenizer: Any = None,
    *,
    device: str | None = None,
    dtype: str | None = None,
    device_map: str | None = None,
    adapter: str | None = None,
) -> ModelPredictor:
    """``model`` with its language head; AttnvizError where it cannot be loaded, or has none.

    model      a folder, an id of the Hugging Face hub, or a model that is loaded
    tokenizer  of a model that is loaded
    """
    if isinstance(model, str | os.PathLike):
        network = load_model(str(model), device, dtype, device_map, head_kind, adapter)
        loaded = Model(network, str(model), tokenizer, found=True)
        loaded.adapter = adapter
        return ModelPredictor(loaded)
    return ModelPredictor(Model.of(model, tokenizer, adapter=adapter))


class ModelPredictor:
    """A loaded model (trace/ablation.py's ``Predictor``).

    together  tokens that it reads in one pass
    """

    def __init__(self, model: Model, together: int = TOGETHER) -> None:
        require_reader(model.model)
        require_head(model.model)
        self.model, self.together = model, together
        self._unseen: tuple[str, ...] = ()

    def answer(self, token: str) -> Answer:
        """The one token of the vocabulary that a person means by ``token``; ChoiceError where there is none."""
        return answer_token(self.model.tokenizer, token)

    def read(
        self,
        text: Text,
        *,
        target: Text | None = None,
        chat: bool = False,
        pair: str | None = None,
        max_length: int | None = None,
        cut: bool = False,
    ) -> ModelPredicted:
        """The text as the model reads it whole: its next tokens, or of a model that fills gaps, each token in its gap."""
        length = Length(max_length, cut)
        if cut and isinstance(text, str):
            text = fitted(self.model, text, length, chat, pair)
        reading = read(self.model, text, target, chat, pair=pair)
        if reading.tokens is not None:
            length.require(len(reading.tokens.ids))
        variants = gaps(self.model, reading) if fills_gaps(self.model.model.config) else next_tokens(reading)
        made = ModelPredicted(self.model, reading, variants, self.together)
        made.source = made.source.of_text(text, pair)
        self._unseen = tuple(made.source.unseen)
        return made

    def told(self) -> list[str]:
        """Which layers cannot be watched, so that their heads are not among those that are taken away."""
        if not self._unseen:
            return []
        sentence = "not shown, because they compute attention in their own way: {unseen}"
        return [Message(sentence, unseen=", ".join(self._unseen))]
