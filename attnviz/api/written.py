"""The public call that shows what a model wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attnviz.arguments import Chosen, chosen, member, whole_number
from attnviz.choices import TOKENS_LIMITS, Language

if TYPE_CHECKING:
    from attnviz.renderers.generation.writing import Writing
    from attnviz.trace.trace import Trace


def written(
    trace: Trace,
    *,
    layer: Chosen = (),
    head: Chosen = (),
    tokens: int | None = None,
    language: str = "en",
) -> Writing:
    """The steps by which a model wrote what ``trace`` holds, as ``attnviz generate`` shows them.

    What comes back prints as plain text, in colour on a Rich console; ``.save(path)`` writes it as .csv, or moving as .gif.

    layer, head  numbers and ranges ("0,4-7"): of which heads it is told what they read. Of both, all these heads; of none, those
                 that have a role, or the three that move most
    tokens       how many were asked for: it is said where the model ended the text before; None: so many as were written
    language     "en" or "vi"

    AttnvizError where nothing was generated in the trace, or there is no such layer, head or language.
    """
    from attnviz.renderers.generation.writing import Writing
    from attnviz.text.lessons import lessons

    words = lessons(member(Language, language, "language"))
    asked = 0 if tokens is None else whole_number("tokens", tokens, TOKENS_LIMITS)
    return Writing(trace, words, chosen("layer", layer), chosen("head", head), asked)
