"""What is told of the difference of two traces, decided as data: what was compared, the table, and how to read it."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from rich.cells import cell_len

from attnviz.analysis.difference.alignment import Alignment
from attnviz.analysis.difference.pairing import HeadPlace
from attnviz.analysis.difference.result import Difference, HeadDifference, Source
from attnviz.choices import TOP, Pool
from attnviz.renderers.diagnosis.told import listed
from attnviz.renderers.shared import facts
from attnviz.renderers.shared.labels import name, named, text_of
from attnviz.renderers.shared.matrix import Matrix
from attnviz.renderers.shared.numbers import brief_percent
from attnviz.text.display import shorten, shown_line
from attnviz.text.lessons import Lessons
from attnviz.trace.layer import Layer

DECIMALS = 3
UNKNOWN = "–"
TEXT_CELLS, NAME_CELLS = 60, 24  # of a text in the line that says what was compared, and above a map
TITLE_TOKENS = 12  # of a text that is known by its tokens alone
TOKEN_CELLS = 12  # of a token in the table
LISTED = 8  # tokens without a partner that are named


class Told(NamedTuple):
    """All that is told.

    headline  how many heads, or that there is no difference
    sources   what stands on the left and on the right: which side, and what it is
    tokens    which tokens are the same, a line each
    matrix    the heads
    notes     how to read it, a line each
    """

    headline: str
    sources: list[tuple[str, str]]
    tokens: list[str]
    matrix: Matrix
    notes: list[str]


def told(found: Difference, words: Lessons) -> Told:
    """What is told of ``found``."""
    shown = found.heads[: found.top or TOP]
    sides = words.say("diff.left"), words.say("diff.right")
    sources = [(sides[0], _source(found, 0, words)), (sides[1], _source(found, 1, words))]
    tokens = [line for one in _alignments(found) for line in _tokens(*one, words)]
    return Told(
        _headline(found, shown, words), sources, tokens, _matrix(found, shown, words), _notes(found, shown, words)
    )


def side_name(found: Difference, number: int, words: Lessons) -> str:
    """What one side is called in a title: its file, its model, its text or its head, whichever differs first; else "left" or
    "right"."""
    sides = found.left, found.right
    for names in (
        [os.path.basename(one.file) for one in sides],
        [one.file for one in sides],
        [one.trace.source.model_name for one in sides],
        [text if cell_len(text := _quoted(one)) <= NAME_CELLS else "" for one in sides],
        [long_name(one, words) for one in (found.heads[0].left, found.heads[0].right)]
        if len(found.heads) == 1
        else [""] * 2,
    ):
        if names[0] != names[1] and all(names):
            return shorten(shown_line(names[number]), NAME_CELLS)
    return words.say(("diff.left", "diff.right")[number])


def head_name(place: HeadPlace, words: Lessons) -> str:
    """A head in a table: layer 0 · 2."""
    return f"{facts.layer_name(place.title, words)} · {place.head}"


def long_name(place: HeadPlace, words: Lessons) -> str:
    """A head in a title: layer 0, head 2."""
    return words.say("picture.stack_head", layer=facts.layer_name(place.title, words), head=place.head)


def between(one: HeadDifference, words: Lessons, name: Callable[[HeadPlace, Lessons], str] = head_name) -> str:
    """Both heads, or the one that they are on both sides."""
    left, right = name(one.left, words), name(one.right, words)
    return left if left == right else f"{left} | {right}"


def source_texts(found: Difference, words: Lessons) -> list[str]:
    """What was compared, in a line: the texts, or the one that both are, and how exactly the numbers are a model's."""
    sides = found.left, found.right
    said = list(dict.fromkeys(filter(None, map(_quoted, sides))))
    if len(said) > 1:
        said = [f"{words.say(side)}: {text}" for side, text in zip(("diff.left", "diff.right"), said, strict=True)]
    errors: dict[str, float | None] = {}  # of each model
    for one in sides:
        model, error = one.trace.source.model_name, one.trace.source.agreement.largest_error
        errors[model] = max(errors.get(model) or 0.0, error) if error is not None else errors.get(model)
    return [*said, *filter(None, (facts.exactness(model, error, words) for model, error in errors.items()))]


def _headline(found: Difference, shown: Sequence[HeadDifference], words: Lessons) -> str:
    if found.equal:
        return words.say("diff.equal")
    if len(found.heads) == 1:
        return words.say("diff.one")
    count = f"{len(found.heads):,}"
    if len(shown) == len(found.heads):
        return words.say("diff.all", count=count)
    return words.say("diff.some", shown=f"{len(shown):,}", count=count)


def _source(found: Difference, number: int, words: Lessons) -> str:
    """One side: its file, its model, its text, and what of its rule is not so on the other side."""
    source = (found.left, found.right)[number]
    trace = source.trace
    origin = trace.source
    parts = [
        shorten(shown_line(source.file), TEXT_CELLS) if source.file else "",
        facts.exactness(origin.model_name, origin.agreement.largest_error, words) or origin.model_name,
        _quoted(source),
        long_name((found.heads[0].left, found.heads[0].right)[number], words) if len(found.heads) == 1 else "",
        *_rule(found.heads[0].layers[number], found.heads[0].layers[1 - number], words),
        facts.row_sums(origin, words),
    ]
    return " · ".join(filter(None, parts))


def _quoted(source: Source) -> str:
    """The text of a side."""
    text = text_of(source.trace)
    if text is None:
        tokens = [name(token) for token in source.trace.tokens[:TITLE_TOKENS]]
        text = " ".join([*tokens, "…"] if len(source.trace.tokens) > TITLE_TOKENS else tokens)
    return f"“{shorten(text, TEXT_CELLS)}”" if text else ""


def _rule(own: Layer, other: Layer, words: Lessons) -> Iterator[str]:
    """What hides keys on this side and not on the other."""
    if own.rule.causal and not other.rule.causal:
        yield words.say("picture.causal")
    if own.rule.window is not None and own.rule.window != other.rule.window:
        yield words.say("picture.window", window=own.rule.window)


def _alignments(found: Difference) -> Iterator[tuple[Alignment, tuple[str, ...], tuple[str, ...]]]:
    """Each alignment once, and the tokens of both sides."""
    told = set()
    left, right = found.left.trace, found.right.trace
    for one in found.heads:
        (first, second), texts = one.layers, found.texts[one.text]
        for alignment, tokens in (
            (texts.queries, (left.query_tokens(first), right.query_tokens(second))),
            (texts.keys, (left.key_tokens(first), right.key_tokens(second))),
        ):
            if tokens not in told:
                told.add(tokens)
                yield alignment, *tokens


def _tokens(alignment: Alignment, left: Sequence[str], right: Sequence[str], words: Lessons) -> Iterator[str]:
    if alignment.whole:
        yield words.say("diff.tokens_all", count=f"{len(left):,}")
        return
    counts = {"same": f"{len(alignment.left):,}", "left": f"{len(left):,}", "right": f"{len(right):,}"}
    yield words.say("diff.tokens", **counts)
    for side, missing, tokens in zip(("left", "right"), alignment.unmatched, (left, right), strict=True):
        if missing:
            some = ", ".join(f"{name(tokens[place])} @{place}" for place in missing[:LISTED])
            if len(missing) > LISTED:
                some = words.say("diagnose.more", listed=some, count=f"{len(missing) - LISTED:,}")
            yield words.say(f"diff.only_{side}", tokens=some)


def _matrix(found: Difference, shown: Sequence[HeadDifference], words: Lessons) -> Matrix:
    rest = _has_rest(shown)
    columns = ["divergence", "where", "left", "right", *(["rest_left", "rest_right"] if rest else [])]
    most = max((one.divergence for one in shown if one.divergence > 0), default=1.0)
    return Matrix(
        corner=words.say("stats.head"),
        rows=[between(one, words) for one in shown],
        columns=[words.say(f"diff.{column}") for column in columns],
        cells=[_cells(found, one)[: len(columns)] for one in shown],
        tints=[_tints(one, most)[: len(columns)] for one in shown],
    )


def _has_rest(shown: Sequence[HeadDifference]) -> bool:
    return any(share > 0 for one in shown for share in one.apart.rest)


def _cells(found: Difference, one: HeadDifference) -> list[str]:
    trace, most = found.left.trace, one.apart.largest
    where = UNKNOWN
    if most is not None:
        queries, keys = (named(side(one.layers[0])) for side in (trace.query_tokens, trace.key_tokens))
        where = " → ".join(
            token._replace(text=shorten(token.text, TOKEN_CELLS)).plain
            for token in (queries[most.query], keys[most.key])
        )
    weights = [UNKNOWN] * 2 if most is None else [_number(most.left), _number(most.right)]
    rest = [UNKNOWN if math.isnan(share) else brief_percent(share) for share in one.apart.rest]
    return [UNKNOWN if math.isnan(one.divergence) else _number(one.divergence), where, *weights, *rest]


def _number(value: float) -> str:
    """With a table's decimals, or two digits where these would hold none."""
    if value == 0:
        return "0"
    return f"{value:.1e}" if value < 10.0**-DECIMALS else f"{value:.{DECIMALS}f}"


def _tints(one: HeadDifference, most: float) -> list[float | None]:
    divergence = None if math.isnan(one.divergence) else one.divergence / most
    weights = [None] * 2 if one.apart.largest is None else [one.apart.largest.left, one.apart.largest.right]
    return [divergence, None, *weights, None, None]


def _notes(found: Difference, shown: Sequence[HeadDifference], words: Lessons) -> list[str]:
    queries = sorted({len(one.places.left_queries) for one in found.heads})
    kind = "diff.mean" if found.pool is Pool.MEAN else "diff.largest"
    notes = [words.say(kind, queries=" – ".join(f"{count:,}" for count in dict.fromkeys((queries[0], queries[-1]))))]
    notes.append(words.say("diff.note_where"))
    if any(one.spelled for texts in found.texts for one in texts):
        notes.append(words.say("diff.note_spelled"))
    if _has_rest(shown):
        notes.append(words.say("diff.note_rest"))
    for side, only in zip(("left", "right"), found.only, strict=True):
        if only:
            notes.append(words.say(f"diff.heads_{side}", heads=_heads(only, words)))
    return notes


def _heads(places: Sequence[HeadPlace], words: Lessons) -> str:
    """Heads by their layers: "layer 2: 0 to 3"; layers that follow each other with the same heads together, "layer 2 – layer 5: 0 to 3"."""
    of_layers = [
        (facts.layer_name(title, words), listed([one.head for one in some], words))
        for title, some in groupby(places, key=lambda one: one.title)
    ]
    by_layer = [(heads, [title for title, _ in some]) for heads, some in groupby(of_layers, key=lambda one: one[1])]
    told = [f"{' – '.join(dict.fromkeys((some[0], some[-1])))}: {heads}" for heads, some in by_layer[:LISTED]]
    some = "; ".join(told)
    left = len(by_layer) - len(told)
    return words.say("diagnose.more", listed=some, count=f"{left:,}") if left else some
