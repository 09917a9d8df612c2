"""By which angles a model turns its queries and keys: seen in its own function of rotary embedding, and held against what
its attention then gets.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from typing import Any, NamedTuple

import numpy
import torch

from attnviz.sources.huggingface.attention_call import AttentionCall
from attnviz.sources.huggingface.seams import ROTARY, rotary_files
from attnviz.trace.rotation import Rotation

SAMPLE = 8  # tokens whose queries and keys are turned again, and compared
ARGUMENTS = ("q", "k", "cos", "sin")


class Turn(NamedTuple):
    """What a model's function was given: query and key, (batch, heads, tokens, d), cosines and sines, (batch, tokens, …)."""

    query: torch.Tensor
    key: torch.Tensor
    cosine: torch.Tensor
    sine: torch.Tensor
    alone: bool  # whether nothing else was turned since the last attention


class Turns:
    """What the model's function of rotary embedding was given since the last attention, while it is followed."""

    def __init__(self) -> None:
        self._turned = False
        self._last: Turn | None = None
        self._known: tuple[torch.Tensor, list[Rotation]] | None = None  # of these cosines, which all layers share

    def note(self, given: Mapping[str, Any]) -> None:
        """The function is given these arguments, by their names."""
        alone, self._turned = not self._turned, True
        self._last = _turn(given, alone) if given.keys() >= {*ARGUMENTS} else None

    def happened(self) -> tuple[bool, Turn | None]:
        """Whether anything was turned since the last attention, and what."""
        turned, last, self._turned, self._last = self._turned, self._last, False, None
        return turned, last

    def taken(self, call: AttentionCall) -> tuple[bool, Rotation | None]:
        """Whether query and key of ``call`` were turned, and by which rotation, where it gives the very numbers of the call."""
        turned, last = self.happened()
        return turned, None if last is None else self.rotation(last, call.query[0], call.key[0])

    def rotation(self, turn: Turn, query: torch.Tensor, key: torch.Tensor) -> Rotation | None:
        """The rotation that makes ``query`` and ``key``, (heads, tokens, d), of what was given; None where none is proved."""
        if turn.cosine.shape[-2] < 2:  # one token alone is not turned, and tells no frequency
            return None
        return next((one for one in self._possible(turn) if explains(one, turn, query, key)), None)

    def _possible(self, turn: Turn) -> list[Rotation]:
        """The rotations of which its cosines and sines may be."""
        if self._known is None or self._known[0] is not turn.cosine:
            self._known = turn.cosine, list(_rotations(turn))
        return self._known[1]


@contextmanager
def following_turns(model: torch.nn.Module, turns: Callable[[], Turns]) -> Iterator[None]:
    """Inside the block what ``model`` turns is told to those ``turns`` that are asked for then."""
    with ExitStack() as stack:
        for file in rotary_files(model):
            original = getattr(file, ROTARY)
            stack.callback(setattr, file, ROTARY, original)
            setattr(file, ROTARY, _told(original, turns))
        yield


def _told(original: Callable[..., Any], turns: Callable[[], Turns]) -> Callable[..., Any]:
    signature = inspect.signature(original)

    def turn(*arguments: Any, **options: Any) -> Any:
        turns().note(signature.bind(*arguments, **options).arguments)
        return original(*arguments, **options)

    return turn


def _turn(given: Mapping[str, torch.Tensor], alone: bool) -> Turn:
    query, key, cosine, sine = (given[name] for name in ARGUMENTS)
    return Turn(query, key, cosine, sine, alone)


def _rotations(turn: Turn) -> Iterator[Rotation]:
    cosine, sine = (_numbers(array).reshape(-1, *array.shape[-2:])[0] for array in (turn.cosine, turn.sine))
    width, dimension = cosine.shape[-1], turn.query.shape[-1]
    angles, gains = numpy.unwrap(numpy.arctan2(sine, cosine), axis=0), numpy.hypot(cosine, sine)
    frequencies = (angles[-1] - angles[0]) / (len(angles) - 1)
    error = numpy.sqrt(torch.finfo(turn.cosine.dtype).eps)
    if numpy.abs(angles - numpy.arange(len(angles))[:, None] * frequencies).max() > error or numpy.ptp(gains) > error:
        return  # not position × frequency, counted from 0
    gain = float(gains.mean())
    gain = 1.0 if abs(gain - 1) < error else gain
    if 2 * width <= dimension:  # one angle for each pair
        yield from (Rotation(frequencies, halves, gain) for halves in (True, False))
    if width <= dimension and not width % 2:  # one for each number
        for halves in (True, False):
            yield Rotation(frequencies[: width // 2], halves, gain)
        yield Rotation(frequencies[::2], False, gain)


def explains(rotation: Rotation, turn: Turn, query: torch.Tensor, key: torch.Tensor, start: int = 0) -> bool:
    """Whether ``rotation`` makes ``query`` and ``key`` of those that the function was given, which stand from ``start`` on."""
    before, after = (turn.query[0], turn.key[0]), (_part(query, turn), _part(key, turn))
    shapes = [[one.shape for one in both] for both in (before, after)]
    if shapes[0] != shapes[1] or before[0].shape[1:] != before[1].shape[1:]:  # the same angles turn both
        return False
    chosen, heads = _sample(query.shape[-2]), len(query)
    given, expected = (_numbers(torch.cat([one[:, chosen] for one in both])) for both in (before, after))
    largest = numpy.abs(expected)  # (heads of both, some tokens, d)
    errors = numpy.abs(rotation.turned(given, (start + chosen).tolist()) - expected)
    allowed = math.sqrt(torch.finfo(query.dtype).eps)
    both = (slice(heads), slice(heads, None))
    return all(bool(errors[one].max() <= allowed * max(largest[one].max(), 1e-30)) for one in both)


@lru_cache
def _sample(tokens: int) -> torch.Tensor:
    """The places of some of so many tokens, the first and the last among them."""
    return torch.tensor(sorted({round(place) for place in numpy.linspace(0, tokens - 1, SAMPLE).tolist()}))


def _part(after: torch.Tensor, turn: Turn) -> torch.Tensor:
    """What the function made of the first numbers of each token, where it was given these alone (Phi's, StableLM's)."""
    return after[..., : turn.query.shape[-1]] if turn.alone else after


def _numbers(array: torch.Tensor) -> numpy.ndarray:
    numbers: numpy.ndarray = array.detach().to("cpu", torch.float64).numpy()
    return numbers
