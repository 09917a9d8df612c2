"""The model in the package as one that predicts words with all of its heads, and without some of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy

from attnviz.choices import Ablation
from attnviz.errors import ChoiceError
from attnviz.sources.texts.length import Length, in_words
from attnviz.sources.tiny.model import Replaced, TinyModel, Words
from attnviz.sources.tiny.notices import Spelled
from attnviz.sources.tiny.trace import layers, origin, require_text
from attnviz.text.display import shorten, shown
from attnviz.trace.ablation import UNKNOWN, Answer, LayerHeads
from attnviz.trace.asking import Head


class TinyPredictor:
    """A model of the tiny kind (trace/ablation.py's ``Predictor``)."""

    def __init__(self, model: TinyModel) -> None:
        self.model = model
        self._spelled = Spelled()

    def answer(self, token: str) -> Answer:
        """The word of the vocabulary that ``token`` is, upper and lower case alike; ChoiceError where it is none."""
        number = self.model.ids.get(token.strip().casefold())
        if number is None:
            word = shorten(shown(token), 40)
            raise ChoiceError(
                "the token {word} is not in the vocabulary of this model",
                "give a token that the model knows",
                word=word,
            )
        return Answer(number, self.model.weights.words[number])

    def read(
        self,
        text: Any,
        *,
        target: Any = None,
        chat: bool = False,
        pair: str | None = None,
        max_length: int | None = None,
        cut: bool = False,
    ) -> TinyPredicted:
        """The text as the model reads it whole."""
        require_text(text, chat, target, pair)
        length = Length(max_length, cut)
        words = self.model.encode(length.within(self.model.positions).fitted(text, in_words()) if cut else text)
        length.require(len(words.tokens))
        self._spelled.add(words)
        made = TinyPredicted(self.model, words)
        made.source = made.source.of_text(text)
        return made

    def told(self) -> list[str]:
        """How many words were read by their letters, if any were."""
        said = self._spelled.notice()
        return [] if said is None else [said]


class TinyPredicted:
    """A text that the tiny model has read (trace/ablation.py's ``PredictedText``): it predicts the word after each."""

    def __init__(self, model: TinyModel, words: Words) -> None:
        self.model, self.words = model, words
        self._embeddings = model.embed(words)
        self._run = model.run(self._embeddings)
        self.layers: Sequence[LayerHeads] = [
            LayerHeads(f"layer {number}", "", number, model.heads) for number in range(len(model.weights.layers))
        ]
        self.tokens = len(words.tokens)
        self.targets = numpy.array([*words.ids[1:], UNKNOWN])  # a word that is known by its letters is never predicted
        self.asked: int | None = self.tokens - 1
        self.source = origin(model, layers(model, words, self._run), self._run)

    def whole(self) -> numpy.ndarray:
        """The logits with all heads, (words, vocabulary)."""
        return self.model.logits(self._run.stream)

    def without(self, groups: Sequence[Collection[Head]], ablation: Ablation) -> Iterator[numpy.ndarray]:
        """The logits without the heads of a group, for one group after the other."""
        for group in groups:
            gone = {head: Replaced(self._instead(head, ablation)) for head in group}
            yield self.model.logits(self.model.run(self._embeddings, replaced=gone).stream)

    def label(self, number: int) -> str:
        """The word of this number."""
        return self.model.weights.words[number]

    def _instead(self, head: Head, ablation: Ablation) -> numpy.ndarray:
        """What stands in the place of a head's outputs, (d_v,)."""
        layer, number = head
        mean: numpy.ndarray = self._run.layers[layer].output[number].mean(0)
        return mean if ablation is Ablation.MEAN else numpy.zeros_like(mean)
