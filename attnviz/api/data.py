"""The public calls that hand numbers on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from attnviz.api.selected import in_words, require_contribution, selected
from attnviz.arguments import Chosen, Where, members
from attnviz.choices import Step

if TYPE_CHECKING:
    from attnviz.trace.trace import Trace


def to_json(
    trace: Trace,
    *,
    layer: Chosen = (),
    head: Chosen = (),
    step: str | Iterable[str] = (),
    skip_special: bool = False,
    words: bool = False,
    toward: str | None = None,
) -> str:
    """One line of JSON with all numbers of the selected layers and heads, in full, as ``attnviz explain --format json`` writes it.

    layer, head   numbers and ranges ("0,4-7"); nothing means all
    step          names of steps ("scores,weights", ["scores", "weights"]); nothing means all
    skip_special  leave out special tokens
    words         merge the tokens of a word: weights to it are summed, and from it averaged
    toward        of contributions: a token along whose logit they are measured, or "@output"

    −∞ is null, and what is unknown is left out. AttnvizError where there is no such layer, head or step, or the maps would not
    fit into memory.
    """
    from attnviz.renderers.data.json_format import to_json
    from attnviz.trace.along import along

    steps = members(Step, step, "step")
    require_contribution(toward, steps)
    trace = in_words(along(trace, toward), words, layer, steps)
    selection = selected(trace, layer, head, None, None, skip_special, steps)
    return b"".join(to_json(trace, selection)).decode()


def to_csv(
    trace: Trace,
    *,
    layer: Chosen = (),
    head: Chosen = (),
    step: str | Iterable[str] = (),
    query: Where | None = None,
    key: Where | None = None,
    skip_special: bool = False,
    words: bool = False,
    toward: str | None = None,
) -> str:
    """One row for each number of the selected layers and heads, in full, as ``attnviz explain --format csv`` writes them.

    query, key    a token, a position (3 or "@3") or positions ("A:B" or range(A, B)): only these rows
    layer, head, step, skip_special, words, toward   as of ``to_json``

    AttnvizError as of ``to_json``.
    """
    from attnviz.renderers.data.csv_format import csv_header, to_csv
    from attnviz.trace.along import along

    steps = members(Step, step, "step")
    require_contribution(toward, steps)
    trace = in_words(along(trace, toward), words, layer, steps)
    selection = selected(trace, layer, head, query, key, skip_special, steps)
    return csv_header() + to_csv(trace, selection)
