"""Reading what a person writes for layers, heads and positions: "0,4-7", "cross 2", "100:200", "@3", a token."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from attnviz.errors import AttnvizError, ChoiceError, UsageError
from attnviz.text.display import shorten, shown
from attnviz.text.message import Message
from attnviz.text.search import NUMBER, find, whole_number
from attnviz.text.words import SEGMENTS
from attnviz.trace.boxes import PIXEL, tokens_at
from attnviz.trace.layer import STACKS

RANGE = re.compile(f"({NUMBER})?:({NUMBER})?")
INCLUSIVE = re.compile(f"@?({NUMBER})[-–]({NUMBER})")  # as a title writes a range, and --head


def layers_meant(selectors: Sequence[str], known: Sequence[tuple[str, int]], owner: str) -> tuple[int, ...]:
    """Which of the ``known`` layers, (stack, number) each, ``selectors`` mean: their positions, in the order of the selectors."""
    if not known:  # as a damaged config.json has it
        raise ChoiceError("{owner} has no layers", owner=owner)
    chosen: dict[int, None] = {}
    for stack, part in _layer_parts(selectors) or [("", "all")]:
        pool = [position for position, (name, _) in enumerate(known) if stack in ("", name)]
        if not pool:
            there = ", ".join(dict.fromkeys(name for name, _ in known if name)) or Message("only one stack")
            raise ChoiceError(
                "there are no {stack} layers: {owner} has {there}",
                "leave out the word, or use another",
                stack=stack,
                owner=owner,
                there=there,
            )
        numbers = tuple(dict.fromkeys(known[position][1] for position in pool))
        for number in numbers_meant(
            "layer", [part], numbers, Message("{owner}'s {stack} stack", owner=owner, stack=stack) if stack else owner
        ):
            chosen |= dict.fromkeys(position for position in pool if known[position][1] == number)
    return tuple(chosen)


def layer_filter(selectors: Sequence[str]) -> Callable[[str, int], bool]:
    """Whether ``selectors`` mean the layer (stack, number), asked before it is known which layers there are."""
    parts = [(stack, None if part == "all" else _range("layer", part)) for stack, part in _layer_parts(selectors)]

    def wanted(stack: str, number: int) -> bool:
        return not parts or any(
            name in ("", stack) and (numbers is None or number in numbers) for name, numbers in parts
        )

    return wanted


def names_a_stack(selectors: Sequence[str]) -> bool:
    """Whether ``selectors`` of layers say of which stack they are."""
    return any(stack for stack, _ in _layer_parts(selectors))


def _layer_parts(selectors: Sequence[str]) -> list[tuple[str, str]]:
    """("cross 0,4-7",) → ("cross", "0"), ("cross", "4-7"): a stack holds for the numbers that follow it."""
    parts, stack = [], ""
    for part in _split(selectors):
        name, _, rest = part.partition(" ")
        stack, numbers = (name, rest or "all") if name in STACKS else (stack, part)
        parts.append((stack, numbers.strip()))
    return parts


def _split(selectors: Sequence[str]) -> list[str]:
    """("0,4-7", "9") → "0", "4-7", "9": the one place where lists are taken apart."""
    return [part.strip() for part in ",".join(selectors).split(",")] if selectors else []


def numbers_meant(what: str, selectors: Sequence[str], known: Sequence[int], owner: str) -> tuple[int, ...]:
    """The numbers meant by ``selectors``, in their order, each once."""
    if not selectors:
        return tuple(known)
    chosen: dict[int, None] = {}
    for part in _split(selectors):
        for number in known if part == "all" else _range(what, part):
            if number not in known:
                raise ChoiceError(
                    "layer {number} does not exist: {owner} has {listed}"
                    if what == "layer"
                    else "head {number} does not exist: {owner} has {listed}",
                    number=number,
                    owner=owner,
                    listed=_listed(what, known),
                )
            chosen[number] = None
    return tuple(chosen)


def all_meant(selectors: Sequence[str]) -> bool:
    """Whether ``selectors`` ask for all of them in so many words."""
    return "all" in _split(selectors)


def are_numbers(selectors: Sequence[str]) -> bool:
    """Whether ``selectors`` are numbers and ranges of them, of layers behind the word of a stack; or all."""
    return all(part == "all" or _is_range(part) for _, part in _layer_parts(selectors))


def _is_range(part: str) -> bool:
    first, dash, last = part.partition("-")
    return first.isdecimal() and (not dash or last.isdecimal()) and len(part) <= 20


def _range(what: str, part: str) -> range:
    first, dash, last = part.partition("-")
    if not _is_range(part):
        raise UsageError(
            "--{what} {part}: expected numbers and ranges such as 0,4-7, or all",
            what=what,
            part=shorten(shown(part), 40),
        )
    if dash and int(last) < int(first):
        raise UsageError("--{what} {part}: the range runs backwards", what=what, part=part)
    return range(int(first), int(last if dash else first) + 1)


def positions_meant(side: str, wanted: str | range, tokens: Sequence[str], boxes: Any = None) -> int | range:
    """What ``wanted`` means among the ``tokens`` of the queries, or of the keys.

    A token, in any case, or a position (3, or @3 where 3 is a token too): its position. "A:B" is the range of the
    positions A … B − 1, as Python counts; a range is always one. Where tokens show a picture, in ``boxes``, (tokens, 4), "x,y" is the
    one that shows this pixel. UsageError for a range that is empty in every text, AttnvizError for what these tokens do not have, or
    have several times. Of a pair of texts, "A:" and "B:" are each one of them as a range.
    """
    words = f"{wanted.start}:{wanted.stop}" if isinstance(wanted, range) else wanted
    ends = RANGE.fullmatch(words)
    if ends is not None and (isinstance(wanted, range) or wanted not in tokens):
        return _between(side, words, ends, len(tokens))
    if wanted not in tokens and (segment := _segment(words, tokens)) is not None:
        return segment
    if boxes is not None and (pixel := PIXEL.fullmatch(words)) is not None:
        return _shown_at(side, words, boxes, *map(float, pixel.groups()))
    return _place(side, words, tokens)


def _segment(wanted: str, tokens: Sequence[str]) -> range | None:
    """The positions of one text of a pair, where ``wanted`` is the mark of its tokens: "B:"."""
    own = [place for place, token in enumerate(tokens) if token.startswith(wanted) and token != wanted]
    return range(own[0], own[-1] + 1) if own and wanted in SEGMENTS else None


def _shown_at(side: str, words: str, boxes: Any, x: float, y: float) -> int:
    """The position of the token that shows the pixel at ``x``, ``y``."""
    if not (places := tokens_at(boxes, x, y)):
        raise AttnvizError(
            "no {side} shows the pixel {words} of the image",
            "x counts from the left and y from the top; what is cropped, or dropped by the model, no token shows",
            side=side,
            words=words,
        )
    return places[0]


def _place(side: str, wanted: str, tokens: Sequence[str]) -> int:
    """The one position that a token, or a position, means."""
    positions = find(tokens, wanted)
    if not positions:
        raise _nothing_meant(side, wanted, tokens)
    if len(positions) > 1:
        raise AttnvizError(
            "{side} token {wanted} stands at the positions {positions}",
            Message("name one of them: --{side} @{positions}", side=side, positions=positions[0]),
            side=side,
            wanted=_short(wanted),
            positions=_cut(positions),
        )
    return positions[0]


def _nothing_meant(side: str, wanted: str, tokens: Sequence[str]) -> AttnvizError:
    """What is wrong with a word that is neither a token nor a position of these."""
    if re.fullmatch(f"@?{NUMBER}", wanted):  # a position, and one beyond the last
        return AttnvizError(
            "no {side} {wanted}: {there}", side=side, wanted=_short(wanted), there=_there_are(side, len(tokens))
        )
    hint = ""
    if RANGE.fullmatch(wanted.removeprefix("@")):
        hint = Message("a range has no @: --{side} {wanted}", side=side, wanted=wanted[1:])
    elif closed := INCLUSIVE.fullmatch(wanted):
        hint = Message(
            "a range is A:B, without B: --{side} {start}:{stop}",
            side=side,
            start=closed[1],
            stop=whole_number(closed[2]) + 1,
        )
    listed = _cut([f"{shorten(shown(token), 20)} ({position})" for position, token in enumerate(tokens)])
    return AttnvizError(
        "no {side} token {wanted}: there are {listed}", hint, side=side, wanted=_short(wanted), listed=listed
    )


def _between(side: str, wanted: str, ends: re.Match[str], count: int) -> range:
    start = whole_number(ends[1] or "0")
    stop = whole_number(ends[2]) if ends[2] else max(count, start + 1)  # "5:" of 3 is none that there is
    if not start < stop:
        raise UsageError(
            "--{side} {wanted}: the range is empty",
            "A:B means from A up to, but not including, B",
            side=side,
            wanted=_short(wanted),
        )
    if stop > count:
        raise AttnvizError(
            "--{side} {wanted}: {there}", side=side, wanted=_short(wanted), there=_there_are(side, count)
        )
    return range(start, stop)


def _short(wanted: str) -> str:
    return shorten(shown(wanted), 40)


def _there_are(side: str, count: int) -> str:
    if count == 1:
        return Message("there is one {side}, at position 0", side=side)
    return Message(
        (
            "there are {count:,} queries, at the positions 0 to {last:,}"
            if side == "query"
            else "there are {count:,} keys, at the positions 0 to {last:,}"
        ),
        count=count,
        last=count - 1,
    )


def _listed(what: str, known: Sequence[int]) -> str:
    layers = what == "layer"
    if len(known) == 1:
        return Message("only layer {number}" if layers else "only head {number}", number=known[0])
    if list(known) == list(range(known[0], known[-1] + 1)):
        ends = {"first": known[0], "last": known[-1]}
        return Message("layers {first} to {last}" if layers else "heads {first} to {last}", **ends)
    return Message("layers {numbers}" if layers else "heads {numbers}", numbers=_cut(known))


def _cut(values: Iterable[Any]) -> str:
    """Values as a person lists them; a long list is cut in the middle, visibly."""
    words = [str(value) for value in values]
    return ", ".join(words if len(words) <= 12 else [*words[:8], "…", *words[-2:]])
