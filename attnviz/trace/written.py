"""A model that writes, token by token: how it is asked, and each step as it is told while it happens, or later of a trace."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from attnviz.errors import AttnvizError
from attnviz.progress import Notice, no_notice
from attnviz.text.message import Message
from attnviz.trace.generation import Predictions
from attnviz.trace.layer import WRITING, Layer
from attnviz.trace.slices import some_keys, some_queries
from attnviz.trace.trace import Trace

if TYPE_CHECKING:
    from attnviz.trace.roles import HeadRole


class Sampling(NamedTuple):
    """How the next token is chosen: the likeliest one, unless one of the first three asks for a draw.

    temperature  above 0: the scores are divided by it
    top_k        only the so many likeliest tokens can be drawn
    top_p        only the likeliest tokens that have this much probability together
    seed         of the draw
    """

    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    seed: int = 0

    @property
    def draws(self) -> bool:
        """Whether a token is drawn, rather than the likeliest one taken."""
        return any(value is not None for value in self[:3])


class Written(NamedTuple):
    """One step of a generation, told as it happens.

    step         counted from 1
    token        that was chosen, and its probability
    predictions  the likeliest tokens that it was chosen from
    rows         the layers so far with only their last so many queries, over all of their keys; the last query is the one
                 whose output chose ``token``. Called before the next step.
    roles        what is known of roles of the model's heads
    """

    step: int
    token: str
    probability: float
    predictions: Predictions
    rows: Callable[[int], tuple[Layer, ...]]
    roles: tuple[HeadRole, ...] = ()


def no_step(written: Written) -> None:
    """Tell nobody of a step."""


class Writer(Protocol):
    """A model that writes: the tokens that it may write, how each is chosen, how many predictions are kept of each position,
    and who is told of each step and of what a person should know. The text of a model of transformers may be ids, or inputs
    by name."""

    def __call__(
        self,
        text: Any,
        tokens: int,
        *,
        sampling: Sampling,
        alternatives: int,
        chat: bool = False,
        told: Callable[[Written], None] = no_step,
        notice: Notice = no_notice,
    ) -> Trace: ...


def require_positions(most: int, before: int, tokens: int) -> None:
    """Refuse more ``tokens`` after those ``before`` than a model has positions for: the last one is chosen, but never read."""
    if before + tokens - 1 > most:
        raise AttnvizError(
            "{before:,} tokens before and {tokens:,} to be written are more than the {most:,} positions of this model",
            Message("ask for at most {most:,}", most=most - before + 1) if before <= most else "give a shorter text",
            before=before,
            tokens=tokens,
            most=most,
        )


def written_steps(trace: Trace) -> Iterator[Written]:
    """The steps by which the model wrote what ``trace`` holds, as they were told when it happened."""
    generation = trace.generation
    if generation is None:
        raise AttnvizError("nothing was generated in this trace", "attnviz generate makes one")
    layers = [layer for layer in trace.layers if layer.stack in WRITING]
    if not layers:
        raise AttnvizError("the layers that wrote are not in this trace", "keep them in it")
    count = max(len(trace.query_tokens(layer)) for layer in layers)
    first = count - len(generation.chosen)  # the position that chose the first token: the prompt's last
    for step, token in enumerate(generation.chosen, start=1):
        position = first + step - 1
        yield Written(
            step,
            token,
            generation.probabilities[step - 1] if generation.probabilities else math.nan,
            trace.predictions[position] if trace.predictions else (),
            partial(rows_before, trace, layers, position + 1),
            trace.roles,
        )


def rows_before(trace: Trace, layers: Sequence[Layer], stop: int, last: int) -> tuple[Layer, ...]:
    """The ``layers`` as they were when their queries before ``stop`` had run, with only the ``last`` of these."""
    rows = []
    for layer in layers:
        tokens, keys = trace.query_tokens(layer), trace.key_tokens(layer)
        begin, end = max(0, stop - last), len(keys) if layer.kind == "cross" else stop
        part = some_keys(some_queries(layer, begin, stop), 0, end)
        rows.append(replace(part, tokens=tokens[begin:stop], key_tokens=keys[:end]))
    return tuple(rows)
