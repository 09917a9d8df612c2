"""Where a reader goes next: what to look at after what was shown, as the options of a command."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

import numpy

from attnviz.attention.arrays import to_numpy
from attnviz.errors import AttnvizError
from attnviz.trace.selection import Selection, is_long
from attnviz.trace.selectors import positions_meant
from attnviz.trace.trace import Trace


class Next(StrEnum):
    """What there is to look at next; each has its words, "next.pair"."""

    PAIR = "pair"
    PAGE = "page"
    MAP = "map"


class NextLook(NamedTuple):
    """The command that shows it, and its options beside those of the input."""

    what: Next
    command: str
    options: Sequence[str]


def next_look(trace: Trace, selection: Selection, top: bool) -> NextLook:
    """After the steps, the arithmetic of one pair; after that the page; after the ``top`` keys of some queries the map."""
    selected = selection.layers[0]
    head = selected.heads[0]
    of_head = ["--head", str(head)] if selected.layer.heads > 1 else []
    if selected.pair is not None or selected.layer.weights_alone:  # whose arithmetic nobody knows
        return NextLook(Next.PAGE, "html", [])
    if top or is_long(selected.layer):
        return NextLook(Next.MAP, "heatmap", of_head)
    query = selected.shown_queries[-1]
    weights = to_numpy(selected.layer.steps(head, query).weights)[0]
    keys = numpy.array(selected.shown_keys)
    key = int(keys[weights[keys].argmax()])
    named = [
        "--query", _named("query", trace.query_tokens(selected.layer), query),
        "--key", _named("key", trace.key_tokens(selected.layer), key),
    ]  # fmt: skip
    return NextLook(Next.PAIR, "explain", [*of_head, *named])


def _named(side: str, tokens: Sequence[str], position: int) -> str:
    """A position as --query and --key take it: a plain word that stands there alone, or @3."""
    word = tokens[position]
    if word.isalpha():
        try:
            if positions_meant(side, word, tokens) == position:
                return word
        except AttnvizError:  # it stands at several positions
            pass
    return f"@{position}"
