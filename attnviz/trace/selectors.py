"""Reading what a person writes for layers, heads and positions: "0,4-7", "cross 2", "100:200", "@3", a token."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from attnviz.errors import AttnvizError, ChoiceError, UsageError
from attnviz.text.display import shorten, shown
from attnviz.text.search import NUMBER, find, whole_number
from attnviz.trace.layer import STACKS

RANGE = re.compile(f"({NUMBER})?:({NUMBER})?")
INCLUSIVE = re.compile(f"@?({NUMBER})[-–]({NUMBER})")  # as a title writes a range, and --head


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
        for number in numbers_meant("layer", [part], numbers, f"{owner}'s {stack} stack" if stack else owner):
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


def numbers_meant(what: str, words: Sequence[str], known: Sequence[int], owner: str) -> tuple[int, ...]:
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


def position_meant(side: str, wanted: str, tokens: Sequence[str]) -> int:
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
