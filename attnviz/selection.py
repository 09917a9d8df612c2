"""Which layers, heads, tokens and steps to show."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from attnviz.choices import Step
from attnviz.errors import AttnvizError, ChoiceError, UsageError
from attnviz.provenance import TEXT, ids, side_of, special
from attnviz.text.display import shorten, shown
from attnviz.text.search import NUMBER, find, whole_number
from attnviz.trace import STACKS, Layer, Trace

PAIRS = 1 << 20  # of queries and keys in a head: more of them are nobody's table
RANGE = re.compile(f"({NUMBER})?:({NUMBER})?")
INCLUSIVE = re.compile(f"@?({NUMBER})[-–]({NUMBER})")  # as a title writes a range, and --head


class Part(NamedTuple):
    """What to show of one layer.

    layer, heads   the layer, and which of its heads
    query, key     one position among its queries, among its keys, that is asked for; None for all
    queries, keys  the positions that are not left out, in their order; None for all
    region         the queries, and the keys, that are looked at; None for all

    The layer itself stays whole: what is computed of it is what its model computed, whatever is shown.
    """

    layer: Layer
    heads: tuple[int, ...]
    query: int | None = None
    key: int | None = None
    queries: tuple[int, ...] | None = None
    keys: tuple[int, ...] | None = None
    region: tuple[range, range] | None = None

    @property
    def spans(self) -> tuple[range, range]:
        """All positions that are looked at, of the queries and of the keys: the region, or the whole layer."""
        return self.region or (range(self.layer.query.shape[1]), range(self.layer.key.shape[1]))

    @property
    def kept_queries(self) -> Sequence[int]:
        """The positions of the queries that are looked at and not left out."""
        return _inside(self.spans[0], self.queries)

    @property
    def kept_keys(self) -> Sequence[int]:
        """The positions of the keys that are looked at and not left out."""
        return _inside(self.spans[1], self.keys)

    @property
    def shown_queries(self) -> Sequence[int]:
        """The positions of the queries that are shown: the one asked for, or all that are not left out."""
        return self.kept_queries if self.query is None else (self.query,)

    @property
    def shown_keys(self) -> Sequence[int]:
        """The positions of the keys that are shown."""
        return self.kept_keys if self.key is None else (self.key,)

    @property
    def narrowed(self) -> bool:
        """Whether some positions are left out."""
        return self.queries is not None or self.keys is not None

    @property
    def whole(self) -> bool:
        """Whether all queries and keys of the layer are looked at."""
        return self.region is None

    @property
    def pair(self) -> tuple[int, int] | None:
        """The query and the key whose arithmetic is asked for."""
        return None if self.query is None or self.key is None else (self.query, self.key)


class Selection(NamedTuple):
    """What to show of a trace: parts of some layers, and which steps of each."""

    layers: tuple[Part, ...]
    steps: tuple[Step, ...] = tuple(Step)

    @property
    def heads(self) -> int:
        """How many heads of all layers there are to show."""
        return sum(len(part.heads) for part in self.layers)


def select(
    trace: Trace,
    *,
    layer: Sequence[str] = (),
    head: Sequence[str] = (),
    step: Iterable[Step] = (),
    query: str | None = None,
    key: str | None = None,
    queries: str | None = None,
    keys: str | None = None,
    skip_special: bool = False,
) -> Selection:
    """The selection that the words of a command line mean for ``trace``; AttnvizError names what there is instead.

    ``layer`` and ``head`` are numbers, ranges ("4-7"), lists of them ("0,4-7") or "all"; nothing means all. Where a
    model has several stacks, a number is the layer of that number in each; "cross 0,4-7" or "cross" is of one stack.
    ``query`` and ``key`` are a token or a position, looked up in each of the layers; ``queries`` and ``keys`` are
    positions A:B, or @N. ``skip_special`` leaves out special tokens, but not one that ``query`` or ``key`` names.
    """
    meant = layers_meant(layer, [(one.stack, one.index) for one in trace.layers], "the trace")
    chosen = [trace.layers[position] for position in meant]
    parts = tuple(
        Part(
            one,
            _numbers("head", head, range(one.heads), f"layer {one.index}"),
            None if query is None else _position("query", query, trace.query_tokens(one)),
            None if key is None else _position("key", key, trace.key_tokens(one)),
            region=_region(one, queries, keys),
        )
        for one in chosen
    )
    if skip_special:
        parts = tuple(_without_special(trace, part) for part in parts)
    for part in parts:
        if not (part.kept_queries and part.kept_keys):
            raise AttnvizError("these positions hold special tokens alone: nothing is left", "leave out --skip-special")
    steps = set(step)
    if steps and not any(steps & available(part.layer) for part in parts):
        raise AttnvizError(
            f"there is no {' and no '.join(sorted(steps))} here to show", "choose other steps with --step"
        )
    return Selection(parts, tuple(name for name in Step if not steps or name in steps))


def available(layer: Layer) -> set[Step]:
    """The steps that can be shown of ``layer``."""
    known = set(Step)
    if layer.embeddings is None:
        known -= {Step.EMBEDDINGS}
    if layer.positions is None:
        known -= {Step.POSITIONS, Step.INPUTS}
    if not {"query", "key", "value"} <= layer.projections.keys():
        known -= {Step.PROJECTIONS}
    if layer.heads == 1:
        known -= {Step.CONCAT}
    return known if "output" in layer.projections else known - {Step.PROJECTED}


def is_long(layer: Layer) -> bool:
    """Whether a head of ``layer`` has more pairs than a table of them would serve."""
    return bool(layer.query.shape[1] * layer.key.shape[1] > PAIRS)


def _without_special(trace: Trace, part: Part) -> Part:
    """``part`` without the special tokens among its queries and keys, except for those that are asked for."""
    own = side_of(trace, part.layer)
    other = TEXT if part.layer.kind == "cross" else own
    queries = _ordinary(trace, own, part.layer.query.shape[1], part.query)
    keys = _ordinary(trace, other, part.layer.key.shape[1], part.key)
    return part._replace(queries=queries, keys=keys)


def _ordinary(trace: Trace, side: str, count: int, wanted: int | None) -> tuple[int, ...] | None:
    """The positions among ``count`` tokens that are not special, and the one that is ``wanted``; None where that is all."""
    if count != len(ids(trace, side)):  # the tokens are not of this side: the patches of an image
        return None
    places = special(trace, side)
    left = {position for position in range(count) if position not in places}
    if not left:
        raise AttnvizError("the text holds special tokens alone: nothing is left to show", "leave out --skip-special")
    left |= {wanted} if wanted is not None else set()
    return None if len(left) == count else tuple(sorted(left))


def layers_meant(words: Sequence[str], known: Sequence[tuple[str, int]], owner: str) -> tuple[int, ...]:
    """Which of the ``known`` layers, (stack, number) each, ``words`` mean: their positions, in the order of the words."""
    chosen: dict[int, None] = {}
    for stack, part in _layer_parts(words) or [("", "all")]:
        pool = [position for position, (name, _) in enumerate(known) if stack in ("", name)]
        if not pool:
            there = ", ".join(dict.fromkeys(name for name, _ in known if name)) or "one stack alone"
            raise ChoiceError(
                f"there are no {stack} layers: {owner} has {there}", "leave out the word, or take another"
            )
        numbers = tuple(dict.fromkeys(known[position][1] for position in pool))
        for number in _numbers("layer", [part], numbers, f"{owner}'s {stack} stack" if stack else owner):
            chosen |= dict.fromkeys(position for position in pool if known[position][1] == number)
    return tuple(chosen)


def layer_filter(words: Sequence[str]) -> Callable[[str, int], bool]:
    """Whether ``words`` mean the layer (stack, number), asked before it is known which layers there are."""
    parts = [(stack, None if part == "all" else _range("layer", part)) for stack, part in _layer_parts(words)]

    def wanted(stack: str, number: int) -> bool:
        return not parts or any(
            name in ("", stack) and (numbers is None or number in numbers) for name, numbers in parts
        )

    return wanted


def _inside(span: range, places: tuple[int, ...] | None) -> Sequence[int]:
    """Those of ``places``, in their order, that lie in ``span``; None is all."""
    if places is None:
        return span
    return places[bisect_left(places, span.start) : bisect_left(places, span.stop)]


def _region(layer: Layer, queries: str | None, keys: str | None) -> tuple[range, range] | None:
    """The queries and keys that are meant; None where that is all of them."""
    whole = range(layer.query.shape[1]), range(layer.key.shape[1])
    region = span("query", queries, len(whole[0])), span("key", keys, len(whole[1]))
    return None if region == whole else region


def span(side: str, words: str | None, count: int) -> range:
    """The positions that ``words`` mean among ``count`` queries or keys; None is all of them.

    "A:B" is A … B − 1, as Python counts, "@3" the position 3 alone. UsageError for what means no position of any text.
    """
    if words is None:
        return range(count)
    start, stop = _ends(side, words, count)
    if not start < stop:
        raise UsageError(f"--{side} {shorten(words, 40)}: the range is empty", "A:B is A up to, but without, B")
    if stop > count:
        raise AttnvizError(f"--{side} {shorten(words, 40)}: {_there_are(side, count)}")
    return range(start, stop)


def _ends(side: str, words: str, count: int) -> tuple[int, int]:
    if re.fullmatch(f"@{NUMBER}", words):
        return whole_number(words[1:]), whole_number(words[1:]) + 1
    if (numbers := RANGE.fullmatch(words)) is None:
        hint = f"--{side} @100 is one of them alone"
        if re.fullmatch(NUMBER, words):
            hint = f"--{side} @{shorten(words, 20)} is that one alone"
        elif RANGE.fullmatch(words.removeprefix("@")):
            hint = f"a range has no @: --{side} {words[1:]}"
        elif closed := INCLUSIVE.fullmatch(words):
            hint = f"A:B is without B: --{side} {closed[1]}:{whole_number(closed[2]) + 1}"
        raise UsageError(
            f"--{side} {shorten(shown(words), 40)}: expected positions A:B, such as 100:200, or @100", hint
        )
    start = whole_number(numbers[1] or "0")
    return start, whole_number(numbers[2]) if numbers[2] else max(count, start + 1)  # "5:" of 3 is none that there is


def _layer_parts(words: Sequence[str]) -> list[tuple[str, str]]:
    """("cross 0,4-7",) → ("cross", "0"), ("cross", "4-7"): a stack holds for the numbers that follow it."""
    parts, stack = [], ""
    for part in ",".join(words).split(",") if words else ():
        name, _, rest = part.strip().partition(" ")
        stack, numbers = (name, rest or "all") if name in STACKS else (stack, part)
        parts.append((stack, numbers.strip()))
    return parts


def _numbers(what: str, words: Sequence[str], known: Sequence[int], owner: str) -> tuple[int, ...]:
    """The numbers meant by ``words``, in their order, each once."""
    if not words:
        return tuple(known)
    chosen: dict[int, None] = {}
    for part in ",".join(words).split(","):
        for number in known if part.strip() == "all" else _range(what, part.strip()):
            if number not in known:
                raise ChoiceError(f"{what} {number} does not exist: {owner} has {_listed(what, known)}")
            chosen[number] = None
    return tuple(chosen)


def _range(what: str, part: str) -> range:
    first, dash, last = part.partition("-")
    if not first.isdecimal() or (dash and not last.isdecimal()) or len(part) > 20:
        raise UsageError(f"--{what} {shorten(shown(part), 40)}: expected numbers and ranges such as 0,4-7, or all")
    if dash and int(last) < int(first):
        raise UsageError(f"--{what} {part}: the range runs backwards")
    return range(int(first), int(last if dash else first) + 1)


def _position(side: str, wanted: str, tokens: Sequence[str]) -> int:
    positions = find(tokens, wanted)
    name = shorten(shown(wanted), 40)
    numbers = RANGE.fullmatch(wanted.removeprefix("@"))
    if not positions and numbers and any(numbers.groups()):  # no token, so what other commands take
        raise UsageError(
            f"--{side} {name}: one {side} is shown, not a range of them",
            "one position is @N; A:B belongs to heatmap, stats and html",
        )
    if not positions and re.fullmatch(f"@?{NUMBER}", wanted):  # no token, so a position, and one beyond the last
        raise AttnvizError(f"no {side} {name}: {_there_are(side, len(tokens))}")
    if not positions:
        listed = _cut([f"{shorten(shown(token), 20)} ({position})" for position, token in enumerate(tokens)])
        raise AttnvizError(f"no {side} token {name}: there are {listed}")
    if len(positions) > 1:
        raise AttnvizError(
            f"{side} token {name} stands at the positions {_cut(positions)}",
            f"name one of them: --{side} @{positions[0]}",
        )
    return positions[0]


def _there_are(side: str, count: int) -> str:
    if count == 1:
        return f"there is one {side}, at position 0"
    return f"there are {count:,} {'queries' if side == 'query' else 'keys'}, at the positions 0 to {count - 1:,}"


def _listed(what: str, known: Sequence[int]) -> str:
    if len(known) == 1:
        return f"only {what} {known[0]}"
    if list(known) == list(range(known[0], known[-1] + 1)):
        return f"{what}s {known[0]} to {known[-1]}"
    return f"{what}s {_cut(known)}"


def _cut(values: Iterable[Any]) -> str:
    """Values as a person lists them; a long list is cut in the middle, visibly."""
    words = [str(value) for value in values]
    return ", ".join(words if len(words) <= 12 else [*words[:8], "…", *words[-2:]])
