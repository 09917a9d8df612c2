"""The script of needles: sentences that a model is asked to copy, and the text in which they are hidden (needles.toml)."""

from __future__ import annotations

import re
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

from attnviz.errors import AttnvizError

SENTENCE_END = re.compile(r"(?<=[.!?。！？…])\s+")
BEFORE_THE_CUE = "\n\n"


class Needle(NamedTuple):
    """A sentence: its beginning, by which the model is asked, and what it must copy."""

    cue: str
    answer: str


class Planted(NamedTuple):
    """A text that ends with the cue of a needle that it holds.

    text    what the model reads
    answer  where the needle's answer stands in it, (begin, end) in characters
    needle  which
    words   of the haystack
    depth   how far into the haystack the needle stands, from 0 to 1
    """

    text: str
    answer: tuple[int, int]
    needle: Needle
    words: int
    depth: float


@cache
def needles() -> tuple[Needle, ...]:
    """The needles of the package, in the order in which they are asked."""
    return tuple(Needle(one["cue"], one["answer"]) for one in _script()["needle"])


def haystack() -> str:
    """The text of the package in which they are hidden."""
    return str(_script()["haystack"]).strip()


def planted(needle: Needle, text: str, words: int, depth: float) -> Planted:
    """``needle`` in the first sentences of ``text``, about so many words of them, ``depth`` of the way through.

    AttnvizError where the text has fewer words.
    """
    sentences = [one for one in SENTENCE_END.split(text.strip()) if one]
    counts = list(accumulate(len(one.split()) for one in sentences))
    if not counts or counts[-1] < words:
        raise AttnvizError(
            "the text in which needles are hidden has {have:,} words, and {words:,} are asked for",
            "give a longer one with --file, or fewer with --needle-words",
            have=counts[-1] if counts else 0,
            words=words,
        )
    enough = next(place for place, count in enumerate(counts, start=1) if count >= words)
    place = round(depth * enough)
    before = "".join(f"{one} " for one in sentences[:place])
    after = "".join(f" {one}" for one in sentences[place:enough])
    begin = len(before) + len(needle.cue) + 1
    whole = f"{before}{needle.cue} {needle.answer}.{after}{BEFORE_THE_CUE}{needle.cue}"
    return Planted(whole, (begin, begin + len(needle.answer)), needle, counts[enough - 1], depth)


@cache
def _script() -> dict[str, Any]:
    import tomllib

    return tomllib.loads((Path(__file__).parent / "needles.toml").read_text(encoding="utf-8"))
