"""By which angles a model turns its queries and keys: seen in its own function of rotary embedding, and held against what
its attention then gets.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import numpy
import torch

from attnviz.sources.huggingface.seams import ROTARY, rotary_files
from attnviz.trace.rotation import Rotation

SAMPLE = 8  # tokens, at the least where there are as many, whose queries and keys are turned again, and compared
ARGUMENTS = ("q", "k", "cos", "sin")
REMEMBERED = 1 << 22  # bytes of cosines, at the most

_last_seen: dict[Any, tuple[torch.Tensor, torch.Tensor, list[Rotation]]] = {}


class Turn(NamedTuple):
    """What a model's function was given: query and key, (batch, heads, tokens, d), cosines and sines, (batch, tokens, …)."""

    query: torch.Tensor
    key: torch.Tensor
    cosine: torch.Tensor
    sine: torch.Tensor
    alone: bool  # whether nothing else was turned since the last attention


class TurnSample(NamedTuple):
    """Some tokens of what was turned, before and after.

    cosine, sine   what the function was given
    given          (heads of query and of key, some tokens, d), before
    after          query and key, (heads, tokens, d), of which some tokens are ``made`` of these
    chosen         where these tokens are among them; start, where the first of all stands
    """

    cosine: torch.Tensor
    sine: torch.Tensor
    given: torch.Tensor
    after: tuple[torch.Tensor, torch.Tensor]
    chosen: slice
    start: int

    @property
    def made(self) -> torch.Tensor:
        """The same as ``given``, after."""
        return torch.cat([one[:, self.chosen] for one in self.after])

    @property
    def heads(self) -> int:
        """How many of the heads are the query's."""
        return len(self.after[0])

    @property
    def positions(self) -> range:
        """Where the tokens stand."""
        return range(self.start + self.chosen.start, self.start + self.chosen.stop, self.chosen.step)


class Turns:
    """What the model's function of rotary embedding was given since the last attention, while it is followed."""

    def __init__(self) -> None:
        self._turned = False
        self._last: Turn | None = None

    def note(self, given: Mapping[str, Any]) -> None:
        """The function is given these arguments, by their names."""
        alone, self._turned = not self._turned, True
        self._last = _turn(given, alone) if given.keys() >= {*ARGUMENTS} else None

    def happened(self) -> tuple[bool, Turn | None]:
        """Whether anything was turned since the last attention, and what."""
        turned, last, self._turned, self._last = self._turned, self._last, False, None
        return turned, last

    def taken(self, query: torch.Tensor, key: torch.Tensor) -> tuple[bool, TurnSample | None]:
        """Whether ``query`` and ``key``, (heads, tokens, d), were turned, and a sample of it, by which ``rotations`` tells how."""
        turned, last = self.happened()
        return turned, None if last is None else sample_of(last, query, key)

    def rotation(self, turn: Turn, query: torch.Tensor, key: torch.Tensor) -> Rotation | None:
        """The rotation that makes ``query`` and ``key``, (heads, tokens, d), of what was given; None where none is proved."""
        return self.rotations([sample_of(turn, query, key)])[0]

    def rotations(self, samples: Sequence[TurnSample | None]) -> list[Rotation | None]:
        """The same of what each of ``samples`` is of. All of a model's layers at once: to begin takes longer than to compute."""
        found: list[Rotation | None] = [None] * len(samples)
        waiting = [place for place, one in enumerate(samples) if one is not None]
        while waiting:
            first: Any = samples[waiting[0]]
            alike = [place for place in waiting if _alike(first, samples[place])]
            waiting = [place for place in waiting if place not in alike]
            for rotation in _possible(first):
                open_ = [place for place in alike if found[place] is None]
                for place, holds in zip(open_, _hold(rotation, [samples[one] for one in open_]), strict=True):
                    found[place] = rotation if holds else None
        return found


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


def _possible(sample: TurnSample) -> list[Rotation]:
    """The rotations of which its cosines and sines may be: of those of the layer or the pass before, as of a text of the same length,
    without another look."""
    if sample.cosine.shape[-2] < 2:  # one token alone is not turned, and tells no frequency
        return []
    key = sample.cosine.shape, sample.cosine.dtype, sample.given.shape[-1]
    known = _last_seen.get(key)
    if known is None or not (torch.equal(known[0], sample.cosine.cpu()) and torch.equal(known[1], sample.sine.cpu())):
        own = [
            array.detach().to("cpu", copy=True) for array in (sample.cosine, sample.sine)
        ]  # a model may write into its
        known = own[0], own[1], list(_rotations(sample))
        _last_seen.clear()
        if sample.cosine.nbytes <= REMEMBERED:
            _last_seen[key] = known
    return known[2]


def _rotations(sample: TurnSample) -> Iterator[Rotation]:
    cosine, sine = (_numbers(array).reshape(-1, *array.shape[-2:])[0] for array in (sample.cosine, sample.sine))
    width, dimension = cosine.shape[-1], sample.given.shape[-1]
    angles, gains = numpy.unwrap(numpy.arctan2(sine, cosine), axis=0), numpy.hypot(cosine, sine)
    frequencies = (angles[-1] - angles[0]) / (len(angles) - 1)
    error = numpy.sqrt(torch.finfo(sample.cosine.dtype).eps)
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


def sample_of(turn: Turn, query: torch.Tensor, key: torch.Tensor, start: int = 0) -> TurnSample | None:
    """Some tokens of what was turned, which stand from ``start`` on, and of ``query`` and ``key``, (heads, tokens, d), that came of it;
    None where they cannot have."""
    before, after = (turn.query[0], turn.key[0]), (_part(query, turn), _part(key, turn))
    shapes = [[one.shape for one in both] for both in (before, after)]
    if shapes[0] != shapes[1] or before[0].shape[1:] != before[1].shape[1:]:  # the same angles turn both
        return None
    chosen = _sample(query.shape[-2])
    return TurnSample(turn.cosine, turn.sine, torch.cat([one[:, chosen] for one in before]), after, chosen, start)


def explains(rotation: Rotation, turn: Turn, query: torch.Tensor, key: torch.Tensor, start: int = 0) -> bool:
    """Whether ``rotation`` makes ``query`` and ``key`` of those that the function was given, which stand from ``start`` on."""
    sample = sample_of(turn, query, key, start)
    return sample is not None and _hold(rotation, [sample])[0]


def _alike(one: TurnSample, other: TurnSample | None) -> bool:
    """Whether both may be of the same rotation, and fit beside each other."""
    return (
        other is not None
        and one.cosine is other.cosine
        and (one.given.shape, one.given.dtype, one.heads) == (other.given.shape, other.given.dtype, other.heads)
    )


def _hold(rotation: Rotation, samples: Sequence[TurnSample | None]) -> list[bool]:
    """Whether ``rotation`` makes of each of ``samples``, which are alike, what came of it."""
    some = [one for one in samples if one is not None]
    if not some:
        return []
    given, made = (_numbers(torch.stack(both)) for both in ([one.given for one in some], [one.made for one in some]))
    heads, tokens, dimension = given.shape[1:]
    turned = rotation.turned(given.reshape(-1, tokens, dimension), some[0].positions).reshape(given.shape)
    allowed = math.sqrt(torch.finfo(some[0].made.dtype).eps)
    fine = numpy.ones(len(some), dtype=bool)
    for side in (slice(some[0].heads), slice(some[0].heads, heads)):
        worst, largest = (numpy.abs(one[:, side]).max(axis=(1, 2, 3)) for one in (turned - made, made))
        fine &= worst <= allowed * numpy.maximum(largest, 1e-30)
    return fine.tolist()


def _sample(tokens: int) -> slice:
    """Some of so many tokens, evenly spread, the last among them: a slice, since to pick them one by one takes a copy of all."""
    step = max(1, (tokens - 1) // (SAMPLE - 1))
    return slice((tokens - 1) % step, tokens, step)


def _part(after: torch.Tensor, turn: Turn) -> torch.Tensor:
    """What the function made of the first numbers of each token, where it was given these alone (Phi's, StableLM's)."""
    return after[..., : turn.query.shape[-1]] if turn.alone else after


def _numbers(array: torch.Tensor) -> numpy.ndarray:
    numbers: numpy.ndarray = array.detach().to("cpu", torch.float64).numpy()
    return numbers
