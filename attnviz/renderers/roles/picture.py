"""The heads of a model's roles on one sentence each, decided as data; figure.py only draws it."""

from __future__ import annotations

from typing import NamedTuple

from attnviz.analysis.verdict import FIXED
from attnviz.errors import AttnvizError
from attnviz.renderers.roles.told import percent, verdict_word
from attnviz.renderers.shared.labels import name
from attnviz.text.display import shorten, shown_line
from attnviz.text.lessons import Lessons
from attnviz.trace.roles import Example, HeadRole, Roles

WORD_CELLS = 18  # of a word on its tile
MODEL_CELLS = 40  # of the model's name in the title


class Tile(NamedTuple):
    """A word, and the weight that the last word's query gives it."""

    word: str
    weight: float
    number: str


class Strip(NamedTuple):
    """A role's head on one sentence.

    title   the role, its head and the verdict
    lines   the evidence
    tiles   the words of the sentence
    true    which of them decides what comes next; most, which is looked at most
    answer  what comes next
    """

    title: str
    lines: tuple[str, ...]
    tiles: tuple[Tile, ...]
    true: int
    most: int
    answer: str


class RolesPicture(NamedTuple):
    """Everything that the picture says."""

    title: str
    subtitle: str
    strips: tuple[Strip, ...]

    @property
    def texts(self) -> list[str]:
        """All that is written in it."""
        words = [text for strip in self.strips for text in (*(tile.word for tile in strip.tiles), strip.answer)]
        lines = [text for strip in self.strips for text in (strip.title, *strip.lines)]
        return [self.title, self.subtitle, *lines, *words]


def decide(found: Roles, words: Lessons) -> RolesPicture:
    """The picture of ``found``: a strip for each role; AttnvizError where no sentence is there to show."""
    strips = tuple(_strip(one, one.example, words) for one in found.roles if one.example is not None)
    if not strips:
        raise AttnvizError("no role has a sentence to draw", "choose a table: leave out the picture's suffix")
    model = shorten(shown_line(found.model), MODEL_CELLS)
    return RolesPicture(words.say("roles.picture_title", model=model), words.say("roles.picture_subtitle"), strips)


def _strip(found: HeadRole, example: Example, words: Lessons) -> Strip:
    weights = example.weights
    facts = (
        words.say(f"roles.{found.role}_name"),
        words.say("roles.head", layer=found.layer, head=found.head),
        verdict_word(found, words),
    )
    return Strip(
        title=" · ".join(facts),
        lines=_lines(found, words),
        tiles=tuple(
            Tile(name(token, WORD_CELLS), weight, _number(weight))
            for token, weight in zip(example.tokens, weights, strict=True)
        ),
        true=example.true,
        most=max(range(len(weights)), key=weights.__getitem__),
        answer=name(example.answer, WORD_CELLS),
    )


def _number(weight: float) -> str:
    """A weight below its tile: two decimals, and no 0.00 for what is more than nothing."""
    return f"{weight:.2f}" if weight >= 0.005 or weight == 0 else "< 0.01"


def _lines(found: HeadRole, words: Lessons) -> tuple[str, ...]:
    if found.role in FIXED:
        lines = [words.say("roles.picture_looks_before", hits=percent(found.hits))]
    else:
        lines = [words.say("roles.picture_looks", hits=percent(found.hits), offset=percent(found.offset[1]))]
    own = found.ablated.get(found.role)
    if found.accuracy is not None and own is not None:
        without, whole = percent(own), percent(found.accuracy)
        lines.append(words.say("roles.picture_needs", without=without, whole=whole))
    return tuple(lines)
