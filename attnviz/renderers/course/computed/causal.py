"""Chapter 6: what the causal rule hides, what stays when a word is added, and a text token by token."""

from __future__ import annotations

from collections.abc import Sequence

import numpy
from rich.cells import cell_len

from attnviz.choices import Step
from attnviz.renderers.course.material import Material
from attnviz.renderers.course.pieces import Piece, Tell, beginning, explained, step_array, table
from attnviz.renderers.explain.sentences import EQUAL
from attnviz.renderers.shared.labels import name
from attnviz.renderers.shared.numbers import brief_percent
from attnviz.trace.written import written_steps

TOKENS = 4
CELLS = 32  # of what was read so far


def masked(material: Material, _: Tell) -> list[Piece]:
    """The scores with −∞ for what lies ahead."""
    return [*explained(material, material.toy(causal=True), Step.MASKED).matrices]


def weights(material: Material, _: Tell) -> list[Piece]:
    return [*explained(material, material.toy(causal=True), Step.WEIGHTS).matrices]


def question(material: Material, tell: Tell) -> list[Piece]:
    return [tell("ask", count=len(material.toy().tokens))]


def changed(material: Material, tell: Tell) -> list[Piece]:
    """How many rows another word changes, with the causal rule and without it."""
    count = len(material.toy().tokens)
    return [
        tell("causal", changed=_changed(material, causal=True), count=count),
        tell("open", changed=_changed(material, causal=False), count=count),
    ]


def written(material: Material, tell: Tell) -> list[Piece]:
    """What the tiny model reads and chooses at each step."""
    trace = material.written(beginning(material.toy()), TOKENS)
    steps = list(written_steps(trace))
    first = len(trace.tokens) + 1 - len(steps)  # tokens that were read before the first was chosen
    cells = [
        (
            _end(trace.tokens[: first + place]),
            name(step.token),
            brief_percent(step.probability),
            next(name(token) for token, _ in step.predictions if token != step.token),
        )
        for place, step in enumerate(steps)
    ]
    columns = (tell("read"), tell("chosen"), tell("share"), tell("next"))
    return [table(tell("step"), [str(step.step) for step in steps], columns, cells)]


def _changed(material: Material, causal: bool) -> int:
    """The rows of weights, over the keys that were there before, that are others once the first word is said again."""
    before = material.toy(causal=causal)
    after = material.toy(f"{material.text} {before.tokens[0]}", causal=causal)
    count = len(before.tokens)
    old, new = step_array(before, "weights"), step_array(after, "weights")[:count, :count]
    return int((numpy.abs(new - old) > EQUAL).any(axis=-1).sum())


def _end(tokens: Sequence[str]) -> str:
    """The end of what was read."""
    words = list(map(name, tokens))
    while len(words) > 1 and cell_len(" ".join(words)) > CELLS:
        words = ["…", *words[1 + (words[0] == "…") :]]
    return " ".join(words)
