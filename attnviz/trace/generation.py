"""What a model wrote, and what it thought would come next, as a trace keeps it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from attnviz.errors import AttnvizError
from attnviz.text.characters import valid_text
from attnviz.trace.layer import valid_tokens

Prediction = tuple[str, float]  # a token that may come next, and its probability
Predictions = tuple[Prediction, ...]  # the likeliest first; () where they are not known
ROUNDING = 1e-3  # beyond 1: probabilities are computed in the model's own type


@dataclass(frozen=True)
class Generation:
    """What a model wrote.

    chosen         the tokens; the last of them was never read, so it is none of the trace's
    probabilities  of each chosen token, by the model itself; () where they are not known
    prompt, text   what it was given and what it wrote, as a person reads them; None where that is not known
    """

    chosen: tuple[str, ...]
    probabilities: tuple[float, ...] = ()
    prompt: str | None = None
    text: str | None = None

    def __post_init__(self) -> None:
        vars(self).update(
            chosen=valid_tokens(self.chosen),
            probabilities=tuple(map(_probability, self.probabilities)),
            prompt=None if self.prompt is None else valid_text(self.prompt),
            text=None if self.text is None else valid_text(self.text),
        )
        if not self.chosen:
            raise AttnvizError("a generation needs at least one token that was chosen")
        if self.probabilities and len(self.probabilities) != len(self.chosen):
            raise AttnvizError(
                "{probabilities} probabilities for {chosen} chosen tokens: give one for each",
                probabilities=len(self.probabilities),
                chosen=len(self.chosen),
            )


def read_generation(said: Mapping[str, Any]) -> Generation:
    """The generation that the record of a saved trace tells of (trace.schema says of which kind each field is)."""
    known = ("chosen", "probabilities", "prompt", "text")
    return Generation(**{name: said[name] for name in known if name in said})


def valid_predictions(predictions: Iterable[Iterable[Sequence[Any]]]) -> tuple[Predictions, ...]:
    """``predictions`` as a trace holds them; AttnvizError where one is no token with its probability."""
    return tuple(tuple(_prediction(one) for one in position) for position in predictions)


def _prediction(value: Sequence[Any]) -> Prediction:
    if len(value) != 2 or not isinstance(value[0], str):
        raise AttnvizError("a prediction is {value!r:.64}: expected a token and its probability", value=value)
    return valid_text(value[0]), _probability(value[1])


def _probability(value: Any) -> float:
    number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    if not 0 <= number <= 1 + ROUNDING:
        raise AttnvizError("a probability is {value!r:.43}: expected a number from 0 to 1", value=value)
    return number
