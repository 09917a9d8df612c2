"""Tokens and texts as titles, sentences, tables and axes name them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy

from attnviz.text.display import NamedToken, shorten, shown, shown_line
from attnviz.trace.layer import Layer
from attnviz.trace.trace import Trace, numbered

if TYPE_CHECKING:
    from attnviz.text.lessons import Lessons

LABEL_CELLS = 16  # of a token in a sentence or a table


def unnamed(tokens: Sequence[str]) -> bool:
    """Whether ``tokens`` are only their positions, as of arrays that came without tokens."""
    return any(tuple(tokens) == numbered(len(tokens), prefix) for prefix in ("", "q", "k"))


def file_name(trace: Trace, tokens: Sequence[str]) -> str | None:
    """What to call a text that is none: the file whose arrays came without tokens."""
    return trace.source.file if trace.source.file and unnamed(tokens) else None


def text_of(trace: Trace) -> str | None:
    """The text itself that is looked at, or both of a pair, on one line and with what the model wrote after it; None where only its tokens
    are known."""
    generation = trace.generation
    if generation is not None and generation.prompt is not None and generation.text is not None:
        return shown_line(" ".join((generation.prompt + generation.text).split()))
    both = filter(None, (" ".join(text.split()) for text in (trace.source.original, trace.source.pair)))
    return shown_line(" / ".join(both)) or None


def worn(trace: Trace, layer: Layer, head: int, words: Lessons | None = None) -> str:
    """What stands behind the name of a head that has a role, " · syntax (proved)"; None: in English."""
    own = [one for one in trace.roles if not layer.stack and (one.layer, one.head) == (layer.index, head)]
    if not own:
        return ""
    from attnviz.renderers.roles.told import worn_name
    from attnviz.text.lessons import lessons

    return "".join(f" · {title}" for one in own if (title := worn_name(one, words or lessons())))


def name(token: str, cells: int = LABEL_CELLS) -> str:
    """A token as sentences, tables and axes name it, in so many cells of a terminal at the most."""
    return shorten(shown(token), cells)


def named(tokens: Sequence[str]) -> list[NamedToken]:
    """Each of ``tokens`` as a sentence names it: with its position where another has the same name."""
    names = [name(token) for token in tokens]
    often = Counter(names)
    return [NamedToken(text, place if often[text] > 1 else None) for place, text in enumerate(names)]


TICKS = 8  # positions named along an axis of a pooled map
ROUND = (1, 2, 2.5, 5)  # times a power of ten


def round_positions(positions: Sequence[int], size: int = 1, most: int = TICKS) -> tuple[str, ...]:
    """A label for each cell of ``size`` of ``positions``: a round position that it holds, or "".

    There are at most ``most`` labels; where none of the positions is round, the first has one.
    """
    labels = [""] * math.ceil(len(positions) / size)
    apart = _apart(positions[-1] + 1 - positions[0], most)
    for place in numpy.flatnonzero(numpy.asarray(positions) % apart == 0).tolist():
        labels[place // size] = f"{positions[place]:,}"
    if not any(labels):
        labels[0] = f"{positions[0]:,}"
    return tuple(labels)


def _apart(length: int, most: int) -> int:
    """A round number of tokens, at most ``most`` of which follow each other in ``length``."""
    power = 10 ** max(math.floor(math.log10(length / most)), 0)
    return next(int(factor * power) for factor in (*ROUND, 10) if int(factor * power) * most >= length)
